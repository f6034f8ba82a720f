//! What may be mounted over /proc and inside it.
//!
//! Programs trust what they read there, and write their own restrictions to
//! it: a directory of the host in its place, or a file over
//! /proc/self/attr/exec, would take a container's confinement away without a
//! trace (CVE-2019-16884, CVE-2019-19921). An image can ask for that by a
//! volume.

use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Component, Path};

use rustix::fs::{OFlags, ResolveFlags, fstat, fstatfs};

use super::in_root;

/// `PROC_SUPER_MAGIC`
const PROC_MAGIC: i64 = 0x9fa0;
/// `PROC_ROOT_INO`
const PROC_ROOT_INODE: u64 = 1;

/// What lxcfs shows in place of the machine's own figures; the same list as
/// runc's.
const SHOWN_BY_LXCFS: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "slabinfo",
    "stat",
    "swaps",
    "sys/crypto/fips_enabled",
    "sys/kernel/ns_last_pid",
    "uptime",
];

/// What is to be mounted.
#[derive(Clone, Copy)]
pub(crate) enum Mounted<'a> {
    /// A new instance of a filesystem, by its name.
    Filesystem(&'a str),
    /// A detached copy of a mount.
    Tree(BorrowedFd<'a>),
}

/// Where a mount point lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Location {
    Outside,
    Proc,
    /// Inside; whether at a place that may be mounted on.
    Inside(bool),
}

/// Refuses what must not be mounted at `place`, which is what `destination`
/// led to inside the root.
///
/// # Errors
/// The refusal in runc's words; the errors of fstat.
pub(crate) fn check(
    root: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    destination: &Path,
    mounted: Mounted<'_>,
) -> io::Result<()> {
    let why = match located(root, place, destination)? {
        Location::Outside | Location::Inside(true) => return Ok(()),
        Location::Proc if is_proc(mounted)? => return Ok(()),
        Location::Proc => "it is not of type proc",
        // An empty directory lies about nothing.
        Location::Inside(false) if matches!(mounted, Mounted::Filesystem("proc" | "tmpfs")) => {
            return Ok(());
        }
        Location::Inside(false) => "it is inside /proc",
    };
    let shown = destination.display().to_string();
    let text = format!("{shown:?} cannot be mounted because {why}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

fn located(
    root: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    destination: &Path,
) -> io::Result<Location> {
    let named = named(destination);
    if named != Location::Outside || fstatfs(place)?.f_type as i64 != PROC_MAGIC {
        return Ok(named);
    }
    // By a link of the image, or in another proc that the user mounted
    // elsewhere and may do with as he likes.
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let Ok(proc) = in_root::lookup(root, Path::new("/proc"), flags, resolve) else {
        return Ok(Location::Outside);
    };
    let place = fstat(place)?;
    Ok(if fstat(&proc)?.st_dev != place.st_dev {
        Location::Outside
    } else if place.st_ino == PROC_ROOT_INODE {
        Location::Proc
    } else {
        Location::Inside(false)
    })
}

/// Where the path says that it is.
fn named(destination: &Path) -> Location {
    let mut names = destination.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    if names.next() != Some(OsStr::new("proc")) {
        return Location::Outside;
    }
    let rest: Vec<_> = names.map(OsStr::to_string_lossy).collect();
    match rest.join("/").as_str() {
        "" => Location::Proc,
        rest => Location::Inside(SHOWN_BY_LXCFS.contains(&rest)),
    }
}

fn is_proc(mounted: Mounted<'_>) -> io::Result<bool> {
    match mounted {
        Mounted::Filesystem(kind) => Ok(kind == "proc"),
        Mounted::Tree(tree) => Ok(
            fstatfs(tree)?.f_type as i64 == PROC_MAGIC && fstat(tree)?.st_ino == PROC_ROOT_INODE
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_slashes_and_dots() {
        let named = |path| named(Path::new(path));
        assert_eq!(named("/"), Location::Outside);
        assert_eq!(named("/procs"), Location::Outside);
        assert_eq!(named("/host/proc"), Location::Outside);
        assert_eq!(named("//./proc/."), Location::Proc);
        assert_eq!(named("/proc/version"), Location::Inside(false));
        assert_eq!(named("/proc//./uptime"), Location::Inside(true));
        assert_eq!(named("/proc/sys/kernel"), Location::Inside(false));
        assert_eq!(
            named("/proc/sys/kernel/ns_last_pid"),
            Location::Inside(true)
        );
    }
}
