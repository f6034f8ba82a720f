//! A process that changes a directory all the time, as another container that
//! shares a volume can.

#![allow(unsafe_code, reason = "fork and _exit have no safe wrapper")]

use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// Swaps two names for as long as it lives.
pub struct Racer(Pid);

impl Racer {
    /// Exchanges `one` and `other`, again and again.
    pub fn swapping(one: &Path, other: &Path) -> Self {
        Self::repeating(|| {
            renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
        })
    }

    /// Does `step` again and again in a process of its own.
    pub fn repeating(mut step: impl FnMut()) -> Self {
        // SAFETY: a test's process has one thread; its copy only runs `step`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: no preconditions; the kernel ends it with its parent.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            loop {
                step();
            }
        }
        Self(Pid::from_raw(pid).expect("fork"))
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        kill_process(self.0, Signal::KILL).unwrap();
        waitpid(Some(self.0), WaitOptions::empty()).unwrap();
    }
}
