//! Signals that std and rustix have no safe call for.

#![allow(
    unsafe_code,
    reason = "rustix has no safe call for dispositions and real-time signals"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Ignores a signal in this process.
///
/// # Errors
/// There is no such signal, or it cannot be ignored.
pub fn ignore(signal: i32) -> io::Result<()> {
    // SAFETY: SIG_IGN installs no handler, so that no code of ours runs in a signal.
    let previous = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if previous == libc::SIG_ERR {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Sends a signal by number, real-time ones included, to the process of a pidfd.
///
/// # Errors
/// As pidfd_send_signal(2): no such signal, or the process has ended.
pub fn send(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: the descriptor is open for the call; without siginfo the kernel reads no memory.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
