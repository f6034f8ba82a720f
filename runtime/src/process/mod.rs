//! From a plan to a running process.
//!
//! The parent is single-threaded: clone3 without CLONE_VM is a fork, and after
//! the fork of a program with threads even allocating memory could wait for
//! ever.

pub(crate) mod attribute;
pub(crate) mod child;
pub(crate) mod command;
pub(crate) mod credentials;
mod failure;
pub(crate) mod handshake;
pub(crate) mod hooks;
pub mod incoming;
pub mod inherited;
pub(crate) mod limits;
mod memory_policy;
pub mod mount_namespace;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod procfs;
mod reap;
mod scheduler;
pub mod self_exe;
pub mod signal;
pub(crate) mod spawn;
mod stage;
pub(crate) mod sys;
mod sys_process;
pub(crate) mod sys_security;
pub(crate) mod terminal;
pub(crate) mod time_namespace;
pub mod user;

pub(crate) use failure::{Failure, Naming};
pub use failure::{FailureKind, reason};
pub use hooks::{HookError, HookProblem};
