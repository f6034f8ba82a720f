//! Creating and starting a container, and executing in a running one.
//!
//! ```text
//!  create ──▶ Created (child sets up, then waits) ──start──▶ Running
//!                │ dropped: killed, reaped, cgroup deleted
//! ```
//!
//! What a container leaves behind is its process and its cgroup; mounts and
//! namespaces go with the process. The caller must be single-threaded.

mod create;
pub(crate) mod created;
mod early_cgroup;
mod errors;
mod exec;
mod group;
pub(crate) mod hooks;
mod namespaces;
mod state;
mod user_namespace;

pub use create::{CreateRequest, create};
pub use created::{Created, Running};
pub use early_cgroup::EarlyCgroup;
pub use errors::{CreateError, ExecError, StartError};
pub use exec::{ExecProcess, ExecRequest, ExecStarted, exec, exec_begin};
pub(crate) use group::cgroup_path;
pub(crate) use namespaces::NSFS_MAGIC;
pub use state::{OCI_VERSION, State, Status};

pub use crate::process::FailureKind;

use std::os::fd::OwnedFd;

use crate::process::terminal::WindowSize;

/// What a process's standard streams are.
#[derive(Debug)]
pub enum Stdio {
    /// These three.
    Fds {
        /// Standard input.
        stdin: OwnedFd,
        /// Standard output.
        stdout: OwnedFd,
        /// Standard error.
        stderr: OwnedFd,
    },
    /// A new terminal in the container's devpts; sizes of 0 leave the kernel's default.
    Terminal {
        /// Height in characters.
        rows: u16,
        /// Width in characters.
        cols: u16,
    },
}

impl Stdio {
    /// The descriptors, or the size of the terminal.
    fn split(self) -> (Option<[OwnedFd; 3]>, Option<WindowSize>) {
        match self {
            Self::Fds {
                stdin,
                stdout,
                stderr,
            } => (Some([stdin, stdout, stderr]), None),
            Self::Terminal { rows, cols } => (
                None,
                Some(WindowSize {
                    rows,
                    columns: cols,
                }),
            ),
        }
    }
}
