//! Device programs on a group.
//!
//! Programs on one group add up: a device has to pass all of them. So a new one
//! takes the place of ours instead of standing beside it.

use crate::process::sys_security::{
    attach_device_program, attached_device_programs, detach_device_program, load_device_program,
};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Attaches a program to a fresh group, a directory of v2.
pub(super) fn first(cgroup: &OwnedFd, instructions: &[u64]) -> io::Result<()> {
    let program = load_device_program(instructions)?;
    attach_device_program(cgroup.as_fd(), program.as_fd(), None)
}

/// Attaches a program in place of those that are there. At no time is there
/// none.
pub(super) fn instead(cgroup: &OwnedFd, instructions: &[u64]) -> io::Result<()> {
    let old = attached_device_programs(cgroup.as_fd())?;
    let program = load_device_program(instructions)?;
    if let [old] = old.as_slice() {
        // The kernel exchanges them at once (Linux 5.6).
        let old = Some(old.as_fd());
        if attach_device_program(cgroup.as_fd(), program.as_fd(), old).is_ok() {
            return Ok(());
        }
    }
    attach_device_program(cgroup.as_fd(), program.as_fd(), None)?;
    for old in old {
        detach_device_program(cgroup.as_fd(), old.as_fd())?;
    }
    Ok(())
}
