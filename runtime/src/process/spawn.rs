//! Starting the child, in existing namespaces too.
//!
//! ```text
//!  ByFlags      parent ──clone3──▶ child
//!  a pid ns     parent: setns(pid), clone3, setns(back)
//!  through      parent ──clone3──▶ process in between: setns(all), clone3(CLONE_PARENT)
//!                                     └──▶ child of the parent, in what was joined
//! ```
//!
//! The process in between is for what must be joined before the child exists: a
//! user namespace (what the child has of its own then belongs to it), and
//! whatever else is joined beside a user namespace (joining it takes the host's
//! privileges, which the child has lost).

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces,
};

use super::child::{self, Setup};
use super::handshake::FromChild;
use super::{Failure, Naming, handshake, sys};

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

/// Where the child is born.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    /// `CLONE_NEW*`: what it has of its own.
    pub(crate) flags: u64,
    /// Its cgroup v2 directory.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// Its pid namespace.
    pub(crate) pid: PidNamespace<'a>,
    /// What a process in between joins first, in order: kinds and files.
    pub(crate) through: &'a [(&'static str, OwnedFd)],
}

/// A started child and this end of the handshake.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: sys::Child,
    pub(crate) socket: OwnedFd,
}

/// Why there is no child.
#[derive(Debug)]
pub(crate) enum Unborn {
    /// A call of the parent failed.
    Call(io::Error),
    /// The process in between says so.
    Step(Failure),
}

impl From<io::Error> for Unborn {
    fn from(error: io::Error) -> Self {
        Self::Call(error)
    }
}

impl From<rustix::io::Errno> for Unborn {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Call(error.into())
    }
}

/// Starts the child on `setup`.
pub(crate) fn start(setup: &Setup, birth: &Birth<'_>) -> Result<Started, Unborn> {
    let (socket, childs_end) = handshake::pair()?;
    let child = if birth.through.is_empty() {
        directly(setup, birth, &childs_end)?
    } else {
        through(setup, birth, &childs_end)?
    };
    Ok(Started { child, socket })
}

fn directly(setup: &Setup, birth: &Birth<'_>, end: &OwnedFd) -> io::Result<sys::Child> {
    let back = enter(birth.pid)?;
    let child = sys::spawn(birth.flags, birth.cgroup, || child::main(setup, end));
    if let Some(own) = back {
        // Later children of this process must not land in the container.
        let kind = Some(LinkNameSpaceType::ProcessID);
        if let Err(error) = move_into_link_name_space(own.as_fd(), kind) {
            if let Ok(child) = child {
                child.kill_and_reap();
            }
            return Err(error.into());
        }
    }
    child
}

fn through(setup: &Setup, birth: &Birth<'_>, end: &OwnedFd) -> Result<sys::Child, Unborn> {
    let (report, reporter) = handshake::pair()?;
    let between = sys::spawn(0, None, || {
        let Err(failure) = bear(setup, birth, end, reporter.as_fd());
        // If even this fails the parent reads the end of the socket.
        let _ = handshake::send_failure(reporter.as_fd(), &failure);
        sys::exit(1)
    })?;
    drop(reporter);
    let message = handshake::receive(&report);
    between.reap();
    match message? {
        FromChild::Born(pid, pidfd) => Ok(sys::Child { pid, pidfd }),
        FromChild::Failed(failure) => Err(Unborn::Step(failure)),
        _ => Err(Unborn::Call(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// Runs in the process in between.
fn bear(
    setup: &Setup,
    birth: &Birth<'_>,
    end: &OwnedFd,
    reporter: BorrowedFd<'_>,
) -> Result<Infallible, Failure> {
    // It has the host in its hands while it is in another's user namespace.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).naming(|| "prctl PR_SET_DUMPABLE")?;
    for (kind, file) in birth.through {
        move_into_link_name_space(file.as_fd(), None)
            .naming(|| format!("joining the {kind} namespace"))?;
    }
    enter(birth.pid).naming(|| "joining the pid namespace")?;
    let flags = birth.flags | libc::CLONE_PARENT as u64;
    let child = sys::spawn(flags, birth.cgroup, || child::main(setup, end)).naming(|| "clone3")?;
    if let Err(error) = handshake::send_born(reporter, child.pid, child.pidfd.as_fd()) {
        // Nobody will hear of it; it is not ours to wait for.
        child.kill();
        return Err(error).naming(|| "reporting to the parent");
    }
    sys::exit(0)
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
