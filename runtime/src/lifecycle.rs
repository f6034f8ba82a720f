//! Containers whose life is spread over several commands: the operations of the
//! runtime-spec ("Runtime and Lifecycle") with the state on disk.
//!
//! ```text
//!             create                  start                 its process ends
//!  creating ─────────▶ created ─────────────────▶ running ──────────────────▶ stopped ──delete──▶
//!                         │                       │  ▲ resume      ▲
//!                         │                  pause ▼  │             │
//!                         └── kill ──┐           paused ── kill ────┤
//!                                    └─────────────────────────────┘
//! ```
//!
//! A container is a directory `ROOT/ID`: `state.json` (written twice: before
//! anything is made, and when the process is there), `config.json` (a copy: what
//! becomes of the bundle's own no longer counts) and `start.sock`, at which the
//! process waits for its start. Nothing in it says how the container is now:
//! that is asked of the kernel each time. The process is known by its id and
//! its start time, and spoken to by a pidfd, so that a reused id is nobody. The
//! directory's flock is held by whoever changes the container; a state without
//! a process and without a lock is what a killed `create` left.

mod container;
mod create;
mod delete;
mod errors;
mod exec;
mod identity;
mod kill;
mod record;
mod root;
mod start;
mod streams;

pub use container::Container;
pub use create::{CreateOptions, write_pid};
pub use errors::{
    ChangeError, CreateError, DeleteError, ExecError, KillError, ListError, LoadError, StartError,
};
pub use exec::ExecOptions;
pub use root::Root;
pub use streams::Streams;

pub use crate::container::{OCI_VERSION, State, Status};
pub use crate::process::HookError;
