//! Why an operation on a container was refused or failed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Status;
use crate::cgroup;
use crate::container;
use crate::process::{FailureKind, reason};
use crate::spec::ValidateError;

/// Why a container could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// There is none of that id.
    #[error("container does not exist")]
    NotFound,
    /// No container can have that id.
    #[error("invalid container ID format")]
    InvalidId,
    /// Its state cannot be read.
    #[error("read the state of the container in {path}: {}", reason(.source))]
    Unreadable {
        /// Its directory.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

/// Why the containers could not be listed.
#[derive(Debug, Error)]
#[error("list the containers in {path}: {}", reason(.source))]
pub struct ListError {
    /// The directory.
    pub path: PathBuf,
    /// The error.
    pub source: io::Error,
}

/// Why a container could not be created. Nothing is left of it.
#[derive(Debug, Error)]
pub enum CreateError {
    /// No container can have that id.
    #[error("invalid container ID format")]
    InvalidId,
    /// There is one of that id.
    #[error("container with given ID already exists")]
    Exists,
    /// A descriptor to be inherited is not open.
    #[error("descriptor {0} is to be preserved and is not open")]
    NotOpen(u32),
    /// The configuration cannot be copied.
    #[error("encode the configuration: {0}")]
    Encode(serde_json::Error),
    /// Its state cannot be written.
    #[error("write {what} of the container in {path}: {}", reason(.source))]
    State {
        /// Which part.
        what: &'static str,
        /// Its directory, or the file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The container itself.
    #[error(transparent)]
    Container(#[from] container::CreateError),
}

impl CreateError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Container(error) => error.kind(),
            _ => FailureKind::Other,
        }
    }
}

/// Why a container could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// It runs already.
    #[error("cannot start an already running container")]
    Running,
    /// Its process has ended.
    #[error("cannot start a container that has stopped")]
    Stopped,
    /// It is in another state.
    #[error("cannot start a container in the {0} state")]
    Status(Status),
    /// Its state cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its process could not be talked to.
    #[error("start the container: {}", reason(.0))]
    Call(io::Error),
    /// Its process says so; it has ended.
    #[error(transparent)]
    Process(#[from] container::StartError),
}

impl StartError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Process(error) => error.kind(),
            _ => FailureKind::Other,
        }
    }
}

/// Why a signal was not sent.
#[derive(Debug, Error)]
pub enum KillError {
    /// There is no process to send it to.
    #[error("container not running")]
    NotRunning,
    /// The kernel refused.
    #[error("send signal {signal} to the container: {}", reason(.source))]
    Call {
        /// The signal's number.
        signal: i32,
        /// The error.
        source: io::Error,
    },
    /// Its processes do not end.
    #[error(transparent)]
    Cgroup(#[from] cgroup::KillError),
    /// They cannot be let run to end.
    #[error(transparent)]
    Thaw(#[from] cgroup::FreezeError),
}

/// Why a container was not deleted.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// It has not stopped.
    #[error("cannot delete container {id} that is not stopped: {status}")]
    NotStopped {
        /// Which.
        id: String,
        /// What it does instead.
        status: Status,
    },
    /// Somebody else deleted it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It does not end.
    #[error(transparent)]
    Kill(#[from] KillError),
    /// Its process outlives SIGKILL.
    #[error("process {0} of the container does not end after SIGKILL")]
    Survivor(i32),
    /// Its cgroup cannot be removed.
    #[error(transparent)]
    Cgroup(#[from] cgroup::RemoveError),
    /// Its state cannot be removed.
    #[error("remove the state of the container in {path}: {}", reason(.source))]
    State {
        /// Its directory.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

/// Why a process could not be executed in a container.
#[derive(Debug, Error)]
pub enum ExecError {
    /// The container has no process.
    #[error("cannot exec in a stopped container")]
    Stopped,
    /// The container is paused.
    #[error("cannot exec in a paused container (use --ignore-paused to override)")]
    Paused,
    /// The container has no cgroup.
    #[error("the container's cgroup {0} is gone")]
    NoCgroup(String),
    /// A descriptor to be inherited is not open.
    #[error("descriptor {0} is to be preserved and is not open")]
    NotOpen(u32),
    /// The caller's streams.
    #[error("duplicate the standard streams: {}", reason(.0))]
    Streams(io::Error),
    /// A group inside the container's own.
    #[error(transparent)]
    Cgroup(#[from] cgroup::CgroupError),
    /// The configuration cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The process itself.
    #[error(transparent)]
    Process(#[from] container::ExecError),
}

impl ExecError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Process(error) => error.kind(),
            _ => FailureKind::Other,
        }
    }
}

/// Why a running container was not paused, resumed or limited.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// It is not in a state for that.
    #[error("cannot {what} a container that is {status}")]
    Status {
        /// `pause`, `resume`, `update`
        what: &'static str,
        /// What it does.
        status: Status,
    },
    /// It has no cgroup.
    #[error("the container's cgroup {0} is gone")]
    NoCgroup(String),
    /// The freezer.
    #[error(transparent)]
    Freeze(#[from] cgroup::FreezeError),
    /// A limit.
    #[error(transparent)]
    Limit(#[from] cgroup::CgroupError),
    /// What is asked for is wrong.
    #[error(transparent)]
    Validate(#[from] ValidateError),
}
