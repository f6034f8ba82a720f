//! What can go wrong with a control group, one type for each operation.

use super::systemd::SystemdError;
use std::io;
use std::path::PathBuf;

/// Why a group could not be made, opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The machine has no control groups.
    #[error("no cgroup hierarchy is mounted")]
    NoHierarchy,
    /// The mount table could not be read.
    #[error("cannot read {file}: {source}")]
    Layout {
        /// The file.
        file: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Not a usable name.
    #[error("invalid cgroup path {0:?}")]
    Path(String),
    /// There is no such group.
    #[error("cgroup {0} not found")]
    NotFound(String),
    /// A group of that name has processes.
    #[error("cgroup {0} exists and has processes")]
    Busy(String),
    /// A limit that this machine does not have.
    #[error("{what} is not supported here: {why}")]
    Unsupported {
        /// The limit.
        what: String,
        /// What is missing.
        why: String,
    },
    /// A value that can never be right.
    #[error("invalid {what}: {why}")]
    Invalid {
        /// The limit.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A directory could not be made.
    #[error("cannot create cgroup {}: {source}", directory.display())]
    Make {
        /// The directory.
        directory: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The kernel refused a value.
    #[error("cannot set {what}: writing {value:?} to {}: {source}", file.display())]
    Set {
        /// The limit.
        what: String,
        /// The control file.
        file: PathBuf,
        /// What was written.
        value: String,
        /// The system's error.
        source: io::Error,
    },
    /// systemd could not do it.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// The device filter could not be loaded or attached.
    #[error("cannot restrict devices in {}: {source}", directory.display())]
    Devices {
        /// The group's directory.
        directory: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Why a group still has processes.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// They do not die; they wait for the kernel in some system call.
    #[error("cgroup {path}: processes {pids:?} did not die within {seconds} s of SIGKILL")]
    Survivors {
        /// The group.
        path: String,
        /// Those that are left.
        pids: Vec<i32>,
        /// How long it was waited.
        seconds: u64,
    },
}

/// Why processes could not be stopped or released.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// No hierarchy can freeze.
    #[error("this machine has no cgroup freezer")]
    NoFreezer,
    /// A control file failed.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The state could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Some process does not stop.
    #[error("cgroup {0} did not freeze: some process does not stop")]
    Stuck(String),
}

/// Why a group is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove cgroup {} (processes {pids:?}): {source}", directory.display())]
pub struct RemoveError {
    /// The directory.
    pub directory: PathBuf,
    /// Processes inside, if that is why.
    pub pids: Vec<i32>,
    /// The system's error.
    pub source: io::Error,
}
