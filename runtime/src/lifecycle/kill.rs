//! The `kill` operation.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::Status;
use super::container::Container;
use super::errors::KillError;
use super::identity;
use crate::cgroup::Cgroup;
use crate::process::signal;

/// `SIGKILL`
const KILL: i32 = libc::SIGKILL;

impl Container {
    /// Sends a signal, by number, to the first process, or to all.
    ///
    /// # Errors
    /// [`KillError`]
    pub fn kill(&self, signal: i32, all: bool) -> Result<(), KillError> {
        let cgroup = self.cgroup();
        if all {
            let cgroup = cgroup.ok_or(KillError::NotRunning)?;
            return signal_all(&cgroup, signal);
        }
        let pidfd = self
            .pidfd
            .as_ref()
            .filter(|pidfd| !identity::has_ended(pidfd));
        let pidfd = pidfd.ok_or(KillError::NotRunning)?;
        send(pidfd.as_fd(), signal)?;
        // On v1 a frozen process does not even die.
        if signal == KILL
            && let Some(cgroup) = cgroup.filter(|cgroup| cgroup.is_frozen().unwrap_or(false))
        {
            cgroup.thaw()?;
        }
        Ok(())
    }

    /// Ends everything that is left of the container.
    pub(super) fn end(&self) -> Result<(), KillError> {
        if self.settled_status() != Status::Stopped {
            match self.kill(KILL, false) {
                Ok(()) | Err(KillError::NotRunning) => {}
                Err(error) => return Err(error),
            }
        }
        match self.cgroup() {
            // Nearly always the first process took all others along.
            Some(cgroup) if !cgroup.processes().is_empty() => Ok(cgroup.kill_all()?),
            _ => Ok(()),
        }
    }
}

fn send(pidfd: BorrowedFd<'_>, number: i32) -> Result<(), KillError> {
    match signal::send(pidfd, number) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Err(KillError::NotRunning),
        Err(source) => Err(KillError::Call {
            signal: number,
            source,
        }),
    }
}

/// SIGKILL reaches forks that are made meanwhile; any other signal those that
/// are there now.
fn signal_all(cgroup: &Cgroup, number: i32) -> Result<(), KillError> {
    let processes = cgroup.processes();
    if processes.is_empty() {
        return Err(KillError::NotRunning);
    }
    if number == KILL {
        return Ok(cgroup.kill_all()?);
    }
    let opened: Vec<(i32, OwnedFd)> = processes
        .into_iter()
        .filter_map(|pid| {
            let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
            Some((pid, pidfd))
        })
        .collect();
    // Who is still listed after the descriptors were opened was one of them then.
    let still = cgroup.processes();
    let mut refused: Option<io::Error> = None;
    for (_, pidfd) in opened.iter().filter(|(pid, _)| still.contains(pid)) {
        match send(pidfd.as_fd(), number) {
            Ok(()) | Err(KillError::NotRunning) => {}
            Err(KillError::Call { source, .. }) => refused = Some(source),
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(source) => Err(KillError::Call {
            signal: number,
            source,
        }),
        None => Ok(()),
    }
}
