//! The end of a child that will not run.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use super::sys::Child;

impl Child {
    /// Kills it; it may have ended by itself.
    pub(crate) fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Kills it and takes it out of the process table. How it ended.
    pub(crate) fn kill_and_reap(&self) -> String {
        self.kill();
        self.reap()
    }

    /// Waits for its end: `exit status 1`, `signal 9`.
    pub(crate) fn reap(&self) -> String {
        loop {
            match waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED) {
                Ok(Some(status)) => {
                    return match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => format!("exit status {code}"),
                        (None, Some(signal)) => format!("signal {signal}"),
                        (None, None) => "unknown status".to_owned(),
                    };
                }
                Err(Errno::INTR) => {}
                // Somebody else took it.
                Ok(None) | Err(_) => return "unknown status".to_owned(),
            }
        }
    }
}
