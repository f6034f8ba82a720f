//! The system call filter: profiles, and their compilation to classic BPF.
//!
//! ```text
//! default_profile(caps) ─┐
//!                        ├─▶ LinuxSeccomp ──compile──▶ Program ──install (child)──▶ kernel
//! parse_profile(json) ───┘      (OCI)
//! ```
//!
//! Everything but [`Program::install`] is pure. Meaning of a profile:
//! - The **first rule** in the list that names the call and whose argument
//!   conditions hold decides; no rule: the default action.
//! - Conditions of one rule hold together, except when two of them look at the
//!   same argument: then any one of them suffices (as runc has it).
//! - Arguments are compared as 64 bits, on 32-bit architectures zero-extended.
//! - Names that an architecture does not have are passed over.
//! - A call whose number is above all that the profile names did not exist for
//!   its author: when the default action is a refusal it answers `ENOSYS`, so
//!   that libraries fall back to the older call (as runc does).
//! - An architecture that the profile does not list kills the process.

mod agent;
mod arch;
mod assembler;
mod compile;
mod default_names;
mod default_profile;
mod numbers;
mod parse;
mod program;
mod rules;
mod search;
#[cfg(test)]
mod tests;

pub use agent::AgentError;
pub(crate) use agent::{Agent, Listener};
pub use compile::compile;
pub use default_profile::default_profile;
pub use parse::{ProfileError, parse_profile};
pub use program::{InstallError, Program};
pub use rules::CompileError;
