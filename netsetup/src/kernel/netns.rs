//! Network namespaces: opened, entered for a moment, given a name under /run/netns.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstatfs, open, symlink, unlink};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// `f_type` of namespaces (linux/magic.h).
const NSFS_MAGIC: rustix::fs::FsWord = 0x6e73_6673;

/// Giving a namespace a name failed.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The name is taken.
    #[error("network namespace {} exists", .0.display())]
    Exists(PathBuf),
    /// The directory of names could not be made.
    #[error("prepare {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The link could not be made.
    #[error("name network namespace {}: {source}", path.display())]
    Bind {
        /// The name.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Taking a namespace's name away failed.
#[derive(Debug, thiserror::Error)]
#[error("unbind network namespace {}: {source}", path.display())]
pub struct UnbindError {
    /// The name.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Opens the network namespace of a process.
///
/// # Errors
/// There is no such process, or looking at it is not permitted.
pub fn open_pid(pid: i32) -> io::Result<OwnedFd> {
    open_path(Path::new(&format!("/proc/{pid}/ns/net")))
}

/// Opens a namespace by a path it is bound to.
///
/// # Errors
/// The path cannot be opened. Whether it is a namespace shows when it is entered.
pub fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Opens a network namespace by a path that somebody gave; `None` where the path leads to
/// anything else, which is not opened: pipes wait, and devices may start something.
///
/// # Errors
/// The path cannot be looked at or opened, or entering the namespace is not permitted.
pub fn open_given(path: &Path) -> io::Result<Option<OwnedFd>> {
    let found = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    if fstatfs(&found)?.f_type != NSFS_MAGIC {
        return Ok(None);
    }
    let namespace = open_path(Path::new(&format!(
        "/proc/thread-self/fd/{}",
        found.as_raw_fd()
    )))?;
    match enter(namespace.as_fd()) {
        Ok(_) => Ok(Some(namespace)),
        // A namespace of another kind.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the calling thread's network namespace.
///
/// # Errors
/// /proc is not mounted.
pub fn open_current() -> io::Result<OwnedFd> {
    open_path(Path::new("/proc/thread-self/ns/net"))
}

/// While it lives the thread is in another network namespace. Not for other threads.
#[derive(Debug)]
pub struct Guard {
    previous: OwnedFd,
    thread_bound: PhantomData<*const ()>,
}

/// Moves the calling thread into a network namespace until the guard is dropped. Sockets and
/// /proc/sys/net files opened meanwhile belong to that namespace for good.
///
/// # Errors
/// `ns` is no network namespace, or entering it is not permitted.
pub fn enter(ns: BorrowedFd<'_>) -> io::Result<Guard> {
    let previous = open_current()?;
    move_into_link_name_space(ns, Some(LinkNameSpaceType::Network))?;
    Ok(Guard {
        previous,
        thread_bound: PhantomData,
    })
}

impl Drop for Guard {
    fn drop(&mut self) {
        let back =
            move_into_link_name_space(self.previous.as_fd(), Some(LinkNameSpaceType::Network));
        if back.is_err() {
            // Going on would apply the host's changes to a container, or the reverse.
            std::process::abort();
        }
    }
}

/// Gives a namespace a name that `ip netns exec` finds: a link to the descriptor by which the
/// caller holds it, good for as long as the caller holds it.
///
/// Not a mount, as `ip netns add` makes: every mount of the host is copied for each new mount
/// namespace and listed to everybody who reads the mount table, so that each container would
/// make the start of the next one dearer.
///
/// # Errors
/// [`BindError::Exists`] when the name is taken; on errors nothing is left behind.
pub fn bind(ns: BorrowedFd<'_>, path: &Path) -> Result<(), BindError> {
    let target = format!("/proc/{}/fd/{}", std::process::id(), ns.as_raw_fd());
    let made = match symlink(target.as_str(), path) {
        Err(Errno::NOENT) => {
            let directory = path.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(directory).map_err(|source| BindError::Directory {
                path: directory.to_owned(),
                source,
            })?;
            symlink(target.as_str(), path)
        }
        other => other,
    };
    made.map_err(|errno| match errno {
        Errno::EXIST => BindError::Exists(path.to_owned()),
        errno => BindError::Bind {
            path: path.to_owned(),
            source: errno.into(),
        },
    })
}

/// Takes a namespace's name away. Harmless when it is gone already, in part or whole.
///
/// # Errors
/// The mount or the file cannot be removed.
pub fn unbind(path: &Path) -> Result<(), UnbindError> {
    let failed = |errno: Errno| UnbindError {
        path: path.to_owned(),
        source: errno.into(),
    };
    // A journal of an older rbox may name a mount.
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // EINVAL: no mount.
        Ok(()) | Err(Errno::NOENT | Errno::INVAL) => {}
        Err(errno) => return Err(failed(errno)),
    }
    match unlink(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(failed(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netlink::Route;
    use crate::kernel::testing::{Machine, apart, output};
    use crate::model::mac::Mac;

    fn private_run() {
        output("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
    }

    fn mounts() -> usize {
        let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        mounts.lines().count()
    }

    #[test]
    fn a_name_works_for_ip_netns_costs_no_mount_and_goes_whole() {
        if !apart("a_name_works_for_ip_netns_costs_no_mount_and_goes_whole") {
            return;
        }
        private_run();
        let before = mounts();
        let machine = Machine::new();
        let mut inside = Route::open_in(machine.fd()).unwrap();
        inside
            .create_bridge("marker", Mac([2, 0, 0, 0, 0, 1]), 1500)
            .unwrap();
        let path = Path::new("/run/netns/rbox-web");
        bind(machine.fd(), path).unwrap();
        assert_eq!(mounts(), before);
        let links = output("ip", &["netns", "exec", "rbox-web", "ip", "-o", "link"]);
        assert!(links.contains("marker"), "{links}");
        assert!(output("ip", &["netns", "list"]).contains("rbox-web"));
        let error = bind(machine.fd(), path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network namespace /run/netns/rbox-web exists"
        );
        // Names that `ip netns` makes go together with ours.
        output("ip", &["netns", "add", "other"]);
        let links = output("ip", &["netns", "exec", "rbox-web", "ip", "-o", "link"]);
        assert!(links.contains("marker"), "{links}");
        output("ip", &["netns", "del", "other"]);

        let again = open_path(path).unwrap();
        drop((machine, inside));
        drop(enter(again.as_fd()).unwrap());
        assert!(
            bind(again.as_fd(), path).is_err(),
            "taken, whether it leads somewhere or not"
        );
        unbind(path).unwrap();
        assert!(path.symlink_metadata().is_err());
        unbind(path).unwrap();
    }

    #[test]
    fn a_mount_of_an_older_version_is_taken_away() {
        if !apart("a_mount_of_an_older_version_is_taken_away") {
            return;
        }
        private_run();
        output("ip", &["netns", "add", "rbox-old"]);
        let (path, before) = (Path::new("/run/netns/rbox-old"), mounts());
        unbind(path).unwrap();
        assert!(!path.exists());
        assert_eq!(mounts(), before - 1);
        std::fs::write(path, "").unwrap();
        unbind(path).unwrap();
        assert!(!path.exists(), "a file without a mount goes too");
    }

    #[test]
    fn the_guard_restores_and_nests() {
        if !apart("the_guard_restores_and_nests") {
            return;
        }
        let here = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let home = here();
        let (one, two) = (Machine::new(), Machine::new());
        let outer = enter(one.fd()).unwrap();
        let in_one = here();
        let inner = enter(two.fd()).unwrap();
        assert!(here() != in_one && here() != home);
        drop(inner);
        assert_eq!(here(), in_one);
        drop(outer);
        assert_eq!(here(), home);
        assert!(open_pid(i32::MAX).is_err());
    }
}
