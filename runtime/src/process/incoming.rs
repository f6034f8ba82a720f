//! Signals read from a descriptor instead of handled.

#![allow(
    unsafe_code,
    reason = "rustix has no safe call for signal masks and signalfd"
)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// All signals of this process, kept back until they are read. Processes that
/// it starts begin with none kept back.
#[derive(Debug)]
pub struct Incoming {
    fd: OwnedFd,
}

/// Signals that the processor raises: kept back, they would kill anyway.
const FAULTS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
];

impl Incoming {
    /// Keeps all signals of the calling thread, the only one, back from now on.
    /// The end of children is told even where SIGCHLD was ignored before.
    ///
    /// # Errors
    /// As sigprocmask and signalfd.
    pub fn all() -> io::Result<Incoming> {
        // SAFETY: a sigset_t is plain bits, which sigfillset writes in full.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set outlives the calls; SIG_DFL installs no code of ours.
        let fd = unsafe {
            libc::sigfillset(&raw mut set);
            for fault in FAULTS {
                libc::sigdelset(&raw mut set, fault);
            }
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            if libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd just made it, and nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Incoming { fd })
    }

    /// The next signal's number, if one came.
    ///
    /// # Errors
    /// As read.
    pub fn next(&self) -> io::Result<Option<i32>> {
        let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
        match rustix::io::read(&self.fd, &mut info) {
            Ok(_) => {
                // The first field, ssi_signo.
                let [a, b, c, d, ..] = info;
                Ok(i32::try_from(u32::from_ne_bytes([a, b, c, d])).ok())
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Incoming {
    /// Readable when a signal came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
