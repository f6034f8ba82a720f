//! A container between its making and its start.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde_json::Value;

use super::Status;
use super::errors::{CreateError, StartError};
use crate::cgroup::Cgroup;
use crate::process::handshake::{self, FromChild};
use crate::process::hooks::HookList;
use crate::process::limits::Limit;
use crate::process::spawn::Started;
use crate::process::sys;
use crate::security::seccomp::{Agent, Listener};

/// A container whose process sets itself up or waits to be started.
#[derive(Debug)]
pub struct Created {
    inner: Option<Inner>,
}

#[derive(Debug)]
struct Inner {
    started: Started,
    cgroup: Cgroup,
    console: Option<OwnedFd>,
    ready: bool,
    later: Later,
    warnings: Vec<String>,
}

/// What the parent does while the child sets itself up.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// Hooks of the runtime's namespaces.
    pub(super) hooks: Vec<HookList>,
    /// What they read.
    pub(super) state: Vec<u8>,
    /// Resource limits to set from outside.
    pub(super) limits: Vec<Limit>,
    /// Who decides what the filter leaves open.
    pub(super) listener: Option<Listener>,
}

/// A container whose process was executed. It is the caller's to wait for.
#[derive(Debug)]
pub struct Running {
    /// The process id in the caller's pid namespace.
    pub pid: i32,
    /// A descriptor of the process, closed on exec.
    pub pidfd: OwnedFd,
    /// Its cgroup.
    pub cgroup: Cgroup,
}

impl Created {
    pub(super) fn new(
        started: Started,
        cgroup: Cgroup,
        later: Later,
        warnings: Vec<String>,
    ) -> Self {
        let inner = Inner {
            started,
            cgroup,
            console: None,
            ready: false,
            later,
            warnings,
        };
        Self { inner: Some(inner) }
    }

    /// The process id in the caller's pid namespace.
    pub fn pid(&self) -> i32 {
        self.inner
            .as_ref()
            .map_or(-1, |inner| inner.started.child.pid)
    }

    /// A descriptor of the process.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.inner().started.child.pidfd.as_fd()
    }

    /// The container's cgroup.
    pub fn cgroup(&self) -> &Cgroup {
        &self.inner().cgroup
    }

    /// Waits until the child has done everything but exec, and runs the hooks
    /// that belong in between.
    ///
    /// # Errors
    /// The child's failure, with the step and the object, its death, or that of
    /// a hook.
    pub fn wait_ready(&mut self) -> Result<(), CreateError> {
        let inner = self.inner_mut();
        while !inner.ready {
            let message = handshake::receive(&inner.started.socket).map_err(
                CreateError::process("receiving from the container's process"),
            )?;
            match message {
                FromChild::Console(master) => inner.console = Some(master),
                FromChild::Mounted => inner.run_hooks()?,
                FromChild::Ready => {
                    let pid = inner.started.child.pid;
                    for limit in &inner.later.limits {
                        limit.apply_to(pid)?;
                    }
                    inner.ready = true;
                }
                FromChild::Failed(failure) => return Err(failure.into()),
                FromChild::Closed => {
                    return Err(CreateError::Died(inner.started.child.kill_and_reap()));
                }
                FromChild::Born(..) | FromChild::Listener(_) => return Err(unexpected()),
            }
        }
        Ok(())
    }

    /// What the container does not get, though its configuration asks for it:
    /// capabilities that the caller cannot give. Once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.inner_mut().warnings)
    }

    /// The terminal's master side, once, after [`Self::wait_ready`].
    pub fn take_console(&mut self) -> Option<OwnedFd> {
        self.inner_mut().console.take()
    }

    /// Lets the process execute its program; waits for
    /// [`Self::wait_ready`] first if need be. Returns when execve succeeded.
    ///
    /// # Errors
    /// The child's failure; the container is gone then.
    pub fn start(self) -> Result<Running, StartError> {
        self.start_and(|| ()).map(|(running, ())| running)
    }

    /// [`Self::start`]; what is to be done `meanwhile` is done while the process installs its filter
    /// and the kernel executes the program.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_and<T>(
        mut self,
        meanwhile: impl FnOnce() -> T,
    ) -> Result<(Running, T), StartError> {
        self.wait_ready()?;
        let inner = self.inner();
        let pid = inner.started.child.pid;
        let agent = inner.later.listener.as_ref();
        let agent = agent.map(Listener::connect).transpose();
        let agent = agent.map_err(CreateError::from)?.map(|agent| {
            let mut state: Value = serde_json::from_slice(&inner.later.state).unwrap_or_default();
            state["status"] = Status::Created.to_string().into();
            Asked { agent, pid, state }
        });
        inner.send_go()?;
        let done = meanwhile();
        executed(inner.started.socket.as_fd(), agent)?;
        Ok((self.release(), done))
    }

    /// Lets go of a container that waits at its own socket for its start
    /// ([`super::CreateRequest::starter`]); waits for [`Self::wait_ready`]
    /// first if need be.
    ///
    /// # Errors
    /// The child's failure; the container is gone then.
    pub fn leave(mut self) -> Result<Running, CreateError> {
        self.wait_ready()?;
        self.inner().send_go()?;
        Ok(self.release())
    }

    fn release(mut self) -> Running {
        let Some(inner) = self.inner.take() else {
            unreachable!("taken only here")
        };
        let sys::Child { pid, pidfd } = inner.started.child;
        Running {
            pid,
            pidfd,
            cgroup: inner.cgroup,
        }
    }

    fn inner(&self) -> &Inner {
        let Some(inner) = &self.inner else {
            unreachable!("taken only by start")
        };
        inner
    }

    fn inner_mut(&mut self) -> &mut Inner {
        let Some(inner) = &mut self.inner else {
            unreachable!("taken only by start")
        };
        inner
    }
}

impl Inner {
    fn run_hooks(&self) -> Result<(), CreateError> {
        for list in &self.later.hooks {
            list.run(&self.later.state)?;
        }
        self.send_go()
    }

    fn send_go(&self) -> Result<(), CreateError> {
        handshake::send_go(self.started.socket.as_fd())
            .map_err(CreateError::process("talking to the container's process"))
    }
}

/// Who is to get the descriptor of a process's filter, and what he is told.
pub(crate) struct Asked {
    pub(crate) agent: Agent,
    pub(crate) pid: i32,
    /// As [`State`](super::State) is printed.
    pub(crate) state: Value,
}

/// Waits until the process behind the socket has executed its program, and
/// hands its filter over. After an error the process may still run.
pub(crate) fn executed(socket: BorrowedFd<'_>, mut asked: Option<Asked>) -> Result<(), StartError> {
    loop {
        let message = handshake::receive(socket).map_err(CreateError::process(
            "receiving from the container's process",
        ))?;
        match (message, asked.take()) {
            (FromChild::Closed, _) => return Ok(()),
            (FromChild::Failed(failure), _) => return Err(failure.into()),
            (FromChild::Listener(filter), Some(Asked { agent, pid, state })) => agent
                .hand_over(filter.as_fd(), pid, &state)
                .map_err(CreateError::from)?,
            _ => return Err(unexpected().into()),
        }
    }
}

fn unexpected() -> CreateError {
    let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
    let what = "unexpected message from the container's process";
    CreateError::Process { what, source }
}

impl Drop for Created {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            inner.started.child.kill_and_reap();
            // A drop has nobody to tell; an undeleted cgroup is found by its name.
            let _ = inner.cgroup.delete();
        }
    }
}
