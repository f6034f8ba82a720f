//! Starting the child, in an existing pid namespace too.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces,
};

use super::child::{self, Setup};
use super::{handshake, sys};

/// The pid namespace that the child is to be in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PidNamespace<'a> {
    /// As clone3's flags say.
    ByFlags,
    /// The one behind an open namespace file.
    File(BorrowedFd<'a>),
    /// That of a process, by its pidfd.
    Of(BorrowedFd<'a>),
}

/// A started child and this end of the handshake.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: sys::Child,
    pub(crate) socket: OwnedFd,
}

/// Starts the child on `setup`.
pub(crate) fn start(
    setup: &Setup,
    flags: u64,
    cgroup: Option<BorrowedFd<'_>>,
    pid: PidNamespace<'_>,
) -> io::Result<Started> {
    let (socket, childs_end) = handshake::pair()?;
    let back = enter(pid)?;
    let child = sys::spawn(flags, cgroup, || child::main(setup, &childs_end));
    if let Some(own) = back {
        // Later children of this process must not land in the container.
        let kind = Some(LinkNameSpaceType::ProcessID);
        if let Err(error) = move_into_link_name_space(own.as_fd(), kind) {
            if let Ok(child) = child {
                end(&child);
            }
            return Err(error.into());
        }
    }
    Ok(Started {
        child: child?,
        socket,
    })
}

/// Kills a child that nobody will hear of, and takes it out of the process table.
fn end(child: &sys::Child) {
    let _ = pidfd_send_signal(&child.pidfd, Signal::KILL);
    while let Err(Errno::INTR) = waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED) {
    }
}

/// Makes the next child be born in that namespace; the way back.
fn enter(pid: PidNamespace<'_>) -> io::Result<Option<OwnedFd>> {
    if matches!(pid, PidNamespace::ByFlags) {
        return Ok(None);
    }
    let own = rustix::fs::open(
        "/proc/thread-self/ns/pid_for_children",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    match pid {
        PidNamespace::ByFlags => {}
        PidNamespace::File(file) => {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::ProcessID))?;
        }
        PidNamespace::Of(process) => {
            move_into_thread_name_spaces(process, ThreadNameSpaceType::PROCESS_ID)?;
        }
    }
    Ok(Some(own))
}
