//! A container between its making and its start.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::errors::{CreateError, StartError};
use super::reap;
use crate::cgroup::Cgroup;
use crate::process::handshake::{self, FromChild};
use crate::process::spawn::Started;
use crate::process::sys;

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
    pub(super) fn new(started: Started, cgroup: Cgroup) -> Self {
        let inner = Inner {
            started,
            cgroup,
            console: None,
            ready: false,
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

    /// Waits until the child has done everything but exec.
    ///
    /// # Errors
    /// The child's failure, with the step and the object, or its death.
    pub fn wait_ready(&mut self) -> Result<(), CreateError> {
        let inner = self.inner_mut();
        while !inner.ready {
            let message = handshake::receive(&inner.started.socket).map_err(
                CreateError::process("receiving from the container's process"),
            )?;
            match message {
                FromChild::Console(master) => inner.console = Some(master),
                FromChild::Ready => inner.ready = true,
                FromChild::Failed(failure) => return Err(failure.into()),
                FromChild::Closed => {
                    return Err(CreateError::Died(reap::kill_and_reap(&inner.started.child)));
                }
            }
        }
        Ok(())
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
    pub fn start(mut self) -> Result<Running, StartError> {
        self.wait_ready()?;
        let inner = self.inner();
        handshake::send_go(inner.started.socket.as_fd())
            .map_err(CreateError::process("starting the container's process"))?;
        let message = handshake::receive(&inner.started.socket).map_err(CreateError::process(
            "receiving from the container's process",
        ))?;
        match message {
            FromChild::Closed => {}
            FromChild::Failed(failure) => return Err(failure.into()),
            FromChild::Console(_) | FromChild::Ready => {
                let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
                let what = "unexpected message from the container's process";
                return Err(CreateError::Process { what, source }.into());
            }
        }
        let Some(inner) = self.inner.take() else {
            unreachable!("taken only here")
        };
        let sys::Child { pid, pidfd } = inner.started.child;
        Ok(Running {
            pid,
            pidfd,
            cgroup: inner.cgroup,
        })
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

impl Drop for Created {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            reap::kill_and_reap(&inner.started.child);
            // A drop has nobody to tell; an undeleted cgroup is found by its name.
            let _ = inner.cgroup.delete();
        }
    }
}
