//! The netlink socket options that rustix does not have.
#![allow(unsafe_code, reason = "setsockopt on SOL_NETLINK is only in libc")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A flag of `SOL_NETLINK`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flag {
    /// Error messages do not echo the request.
    ShortAcks,
    /// Error messages carry the kernel's words.
    ExtendedAcks,
    /// Dumps honour, and check, the filters in their request.
    StrictCheck,
}

/// Turns a flag on.
pub(super) fn set(socket: BorrowedFd<'_>, flag: Flag) -> io::Result<()> {
    let name = match flag {
        Flag::ShortAcks => libc::NETLINK_CAP_ACK,
        Flag::ExtendedAcks => libc::NETLINK_EXT_ACK,
        Flag::StrictCheck => libc::NETLINK_GET_STRICT_CHK,
    };
    let on: libc::c_int = 1;
    // SAFETY: the pointer and length describe `on`, which outlives the call; the kernel only
    // reads it; the descriptor is borrowed, hence open.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_NETLINK,
            name,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
