//! Owner, mode, extended attributes and times of a node just made.
//!
//! The order matters: chown clears setuid bits and file capabilities, so the mode comes after it
//! and the attributes after the mode.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::tar::{Kind, Member, Time};

/// For regular files and directories, which can be opened safely.
pub(super) fn on_open_file(file: BorrowedFd<'_>, member: &Member) -> io::Result<()> {
    rustix::fs::fchown(
        file,
        Some(Uid::from_raw(member.uid)),
        Some(Gid::from_raw(member.gid)),
    )
    .map_err(needs_root)?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(member.mode))?;
    for (name, value) in wanted(member) {
        let set = rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty());
        judge(name, set)?;
    }
    Ok(())
}

/// For links, devices and fifos, which are never opened.
pub(super) fn on_name(parent: BorrowedFd<'_>, name: &[u8], member: &Member) -> io::Result<()> {
    let owner = (
        Some(Uid::from_raw(member.uid)),
        Some(Gid::from_raw(member.gid)),
    );
    rustix::fs::chownat(parent, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(needs_root)?;
    if member.kind != Kind::Symlink {
        set_mode(parent, name, member.mode)?;
    }
    for (attribute, value) in wanted(member) {
        // There is no call for a name relative to a directory before Linux 6.13.
        let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        let set = rustix::fs::lsetxattr(path, attribute.as_slice(), value, XattrFlags::empty());
        judge(attribute, set)?;
    }
    let times = timestamps(member.mtime);
    rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// Links have no mode, and who owns the directory may have put one there by now: what is changed
/// is what was looked at.
fn set_mode(parent: BorrowedFd<'_>, name: &[u8], mode: u32) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let node = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&node)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
        return Err(Errno::LOOP.into());
    }
    let place = format!("/proc/self/fd/{}", node.as_raw_fd());
    Ok(rustix::fs::chmod(place, Mode::from_raw_mode(mode))?)
}

pub(super) fn set_time(file: BorrowedFd<'_>, time: Time) -> io::Result<()> {
    Ok(rustix::fs::futimens(file, &timestamps(time))?)
}

fn timestamps(time: Time) -> Timestamps {
    let at = Timespec {
        tv_sec: time.seconds,
        tv_nsec: i64::from(time.nanoseconds),
    };
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}

/// Overlayfs' own attributes would let an archive redirect names or fake opaque directories.
fn wanted(member: &Member) -> impl Iterator<Item = &(Vec<u8>, Vec<u8>)> {
    member.xattrs.iter().filter(|(name, _)| {
        !name.starts_with(b"trusted.overlay.") && !name.starts_with(b"user.overlay.")
    })
}

/// Labels of security modules and filesystems that are not here are dropped, as Docker does; file
/// capabilities are not, since programs fail mysteriously without them.
fn judge(name: &[u8], set: Result<(), Errno>) -> io::Result<()> {
    match set {
        Ok(()) => Ok(()),
        Err(Errno::NOTSUP | Errno::PERM | Errno::INVAL) if name != b"security.capability" => Ok(()),
        Err(error) => {
            let error = io::Error::from(error);
            let name = crate::tar::shown(name);
            Err(io::Error::new(
                error.kind(),
                format!("extended attribute {name}: {error}"),
            ))
        }
    }
}

fn needs_root(error: Errno) -> io::Error {
    if error == Errno::PERM {
        let text = "unpacking images needs root (chown: operation not permitted)";
        return io::Error::new(io::ErrorKind::PermissionDenied, text);
    }
    error.into()
}
