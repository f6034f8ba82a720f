//! Why a container could not be created, started or entered.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::cgroup::{CgroupError, JoinError};
use crate::process::hooks::HookError;
use crate::process::spawn::Unborn;
use crate::process::{Failure, FailureKind, reason};
use crate::security::capabilities::SetsError;
use crate::security::seccomp::{AgentError, CompileError};
use crate::spec::ValidateError;
use crate::spec::mount_options::OptionError;

/// Why a container could not be created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// The configuration is wrong or asks for what is not done yet.
    #[error(transparent)]
    Validate(#[from] ValidateError),
    /// The options of a mount.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// The cgroup could not be made or limited.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// The cgroup could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The capability sets cannot be given here.
    #[error("unable to apply caps: {0}")]
    Capabilities(#[from] SetsError),
    /// The seccomp profile cannot be compiled.
    #[error(transparent)]
    Seccomp(#[from] CompileError),
    /// Whom the seccomp filter asks does not have it.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A namespace to join.
    #[error("open {kind} namespace {path}: {}", reason(.source))]
    Namespace {
        /// Which kind.
        kind: &'static str,
        /// Its file.
        path: PathBuf,
        /// The error of open.
        source: io::Error,
    },
    /// The bundle's root directory.
    #[error("root filesystem {path}: {}", reason(.source))]
    Rootfs {
        /// The directory.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The process could not be made or talked to.
    #[error("{what}: {}", reason(.source))]
    Process {
        /// The call.
        what: &'static str,
        /// Its error.
        source: io::Error,
    },
    /// A step of the set-up failed; the text names the step and the object.
    #[error("{message}")]
    Setup {
        /// The whole text.
        message: String,
        /// What it means for the exit code.
        kind: FailureKind,
    },
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The process ended before it was ready.
    #[error("container init died during set-up: {0}")]
    Died(String),
}

/// Why a created container's process could not be executed.
#[derive(Debug, Error)]
pub enum StartError {
    /// The process itself says so.
    #[error("{message}")]
    Exec {
        /// The whole text.
        message: String,
        /// What it means for the exit code.
        kind: FailureKind,
    },
    /// The process could not be talked to, or never became ready.
    #[error(transparent)]
    Create(#[from] CreateError),
}

/// Why a process could not be executed in a running container.
#[derive(Debug, Error)]
pub enum ExecError {
    /// The description of the process.
    #[error(transparent)]
    Validate(#[from] ValidateError),
    /// The cgroup could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The capability sets cannot be given here.
    #[error("unable to apply caps: {0}")]
    Capabilities(#[from] SetsError),
    /// The seccomp profile cannot be compiled.
    #[error(transparent)]
    Seccomp(#[from] CompileError),
    /// Whom the seccomp filter asks does not have it.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The container's process is gone.
    #[error("process {0} of the container is not running")]
    NotRunning(i32),
    /// The process could not be made or talked to.
    #[error("{what}: {}", reason(.source))]
    Process {
        /// The call.
        what: &'static str,
        /// Its error.
        source: io::Error,
    },
    /// A step of the set-up, or exec itself, failed.
    #[error("{message}")]
    Setup {
        /// The whole text.
        message: String,
        /// What it means for the exit code.
        kind: FailureKind,
    },
}

impl CreateError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Setup { kind, .. } => *kind,
            _ => FailureKind::Other,
        }
    }

    /// For `map_err`: the call that failed.
    pub(super) fn process(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Process { what, source }
    }
}

impl StartError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Exec { kind, .. } => *kind,
            Self::Create(error) => error.kind(),
        }
    }
}

impl ExecError {
    /// What it means for the exit code.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Setup { kind, .. } => *kind,
            _ => FailureKind::Other,
        }
    }

    /// For `map_err`: the call that failed.
    pub(super) fn process(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Process { what, source }
    }
}

impl From<Failure> for CreateError {
    fn from(failure: Failure) -> Self {
        Self::Setup {
            message: failure.message,
            kind: failure.kind,
        }
    }
}

impl From<Unborn> for CreateError {
    fn from(unborn: Unborn) -> Self {
        match unborn {
            Unborn::Call(source) => Self::Process {
                what: "clone3",
                source,
            },
            Unborn::Step(failure) => failure.into(),
        }
    }
}

impl From<Failure> for StartError {
    fn from(failure: Failure) -> Self {
        Self::Exec {
            message: failure.message,
            kind: failure.kind,
        }
    }
}

impl From<Failure> for ExecError {
    fn from(failure: Failure) -> Self {
        Self::Setup {
            message: failure.message,
            kind: failure.kind,
        }
    }
}
