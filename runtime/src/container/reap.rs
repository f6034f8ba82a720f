//! The end of a child that will not run.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use crate::process::sys::Child;

/// Kills the child and takes it out of the process table. How it ended.
pub(super) fn kill_and_reap(child: &Child) -> String {
    // It may have ended by itself.
    let _ = pidfd_send_signal(&child.pidfd, Signal::KILL);
    reap(child)
}

/// Waits for the child's end: `exit status 1`, `signal 9`.
pub(super) fn reap(child: &Child) -> String {
    loop {
        match waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED) {
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
