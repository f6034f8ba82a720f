//! What a container's process may do: capabilities and the system call filter.
//!
//! Deciding is pure and happens before the process exists: names become sets
//! ([`capabilities`]), a profile becomes a program ([`seccomp`]). The child only
//! applies them, without allocating: [`capabilities::Sets::drop_bounding`] and
//! [`capabilities::Sets::apply`] around its change of user, and
//! [`seccomp::Program::install`] as the last thing before it executes.

pub mod capabilities;
pub(crate) mod lsm;
pub mod seccomp;
