//! What a process asks the kernel for about itself, where no crate has a safe
//! wrapper: scheduler, I/O priority, memory policy, personality. Thin wrappers,
//! no policy.

#![allow(
    unsafe_code,
    reason = "sched_setattr, ioprio_set, set_mempolicy and personality have no safe wrapper"
)]

use std::io;

/// The kernel's `struct sched_attr`, version 1 (Linux 5.3); see sched_setattr(2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SchedulerAttributes {
    pub(crate) size: u32,
    pub(crate) policy: u32,
    pub(crate) flags: u64,
    pub(crate) nice: i32,
    pub(crate) priority: u32,
    /// Nanoseconds, as the next two.
    pub(crate) runtime: u64,
    pub(crate) deadline: u64,
    pub(crate) period: u64,
    pub(crate) utilization_minimum: u32,
    pub(crate) utilization_maximum: u32,
}

/// sched_setattr(2) for the calling thread.
pub(crate) fn set_scheduler(attributes: &SchedulerAttributes) -> io::Result<()> {
    let attributes = SchedulerAttributes {
        size: size_of::<SchedulerAttributes>() as u32,
        ..*attributes
    };
    // SAFETY: the kernel only reads `size` bytes of the structure, which
    // outlives the call.
    check(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) })
}

/// ioprio_set(2) for the calling thread: class and level in one number.
pub(crate) fn set_io_priority(priority: u16) -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    let priority = libc::c_int::from(priority);
    // SAFETY: numbers only.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, priority) })
}

/// set_mempolicy(2): mode with flags, and one bit a node.
pub(crate) fn set_memory_policy(mode: i32, nodes: &[u64]) -> io::Result<()> {
    // The kernel takes one bit less than it is told.
    let bits = if nodes.is_empty() {
        0
    } else {
        nodes.len() * 64 + 1
    };
    let mask = if nodes.is_empty() {
        std::ptr::null()
    } else {
        nodes.as_ptr()
    };
    // SAFETY: the kernel only reads `bits - 1` bits of the mask, which outlives
    // the call, and nothing when there are none.
    check(unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, mask, bits) })
}

/// personality(2).
pub(crate) fn set_personality(persona: u32) -> io::Result<()> {
    // SAFETY: a number only.
    check(unsafe { libc::personality(persona.into()) }.into())
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
