//! Network namespaces: opened, entered for a moment, bound to a name under /run/netns.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, StatxAttributes, StatxFlags, flock, mkdir, open,
    statx, unlink,
};
use rustix::io::Errno;
use rustix::mount::{
    MountPropagationFlags, UnmountFlags, mount_bind, mount_bind_recursive, mount_change, unmount,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

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
    /// The file or the mount on it could not be made.
    #[error("bind network namespace to {}: {source}", path.display())]
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

/// Binds a namespace to a name, as `ip netns attach` does, so that `ip netns exec` finds it.
/// The directory is made when it is missing, and made a shared mount, so that the name is
/// seen, and can be taken away, in mount namespaces made before it.
///
/// # Errors
/// [`BindError::Exists`] when the name is taken; on errors nothing is left behind.
pub fn bind(ns: BorrowedFd<'_>, path: &Path) -> Result<(), BindError> {
    if let Some(directory) = path.parent() {
        share(directory).map_err(|source| BindError::Directory {
            path: directory.to_owned(),
            source,
        })?;
    }
    let failed = |source| BindError::Bind {
        path: path.to_owned(),
        source,
    };
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(_) => {}
        Err(Errno::EXIST) => return Err(BindError::Exists(path.to_owned())),
        Err(errno) => return Err(failed(errno.into())),
    }
    let source = format!("/proc/thread-self/fd/{}", ns.as_raw_fd());
    mount_bind(source, path).map_err(|errno| {
        let _ = unlink(path);
        failed(errno.into())
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
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // EINVAL: a file without a mount on it.
        Ok(()) | Err(Errno::NOENT | Errno::INVAL) => {}
        Err(errno) => return Err(failed(errno)),
    }
    match unlink(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(failed(errno)),
    }
}

/// Makes a directory a shared mount of its own. When that is done already it costs one statx.
fn share(directory: &Path) -> io::Result<()> {
    match is_mount(directory) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(Errno::NOENT) => match mkdir(directory, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        },
        Err(errno) => return Err(errno.into()),
    }
    // Two at once would stack two mounts, and the upper one hide the other's names; `ip netns`
    // takes the same lock.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lock = open(directory, flags, Mode::empty())?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if is_mount(directory)? {
        return Ok(());
    }
    mount_bind_recursive(directory, directory)?;
    mount_change(
        directory,
        MountPropagationFlags::SHARED | MountPropagationFlags::REC,
    )?;
    Ok(())
}

fn is_mount(path: &Path) -> Result<bool, Errno> {
    let status = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())?;
    Ok(status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netlink::Route;
    use crate::kernel::testing::{Machine, apart, output};
    use crate::model::mac::Mac;

    /// How many mounts the machine has on /run/netns, which are out of sight then,
    /// but listed.
    fn private_run() -> usize {
        output("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
        mounts_on("/run/netns")
    }

    fn mounts_on(path: &str) -> usize {
        let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        mounts
            .lines()
            .filter(|line| line.split(' ').nth(4) == Some(path))
            .count()
    }

    #[test]
    fn a_bound_name_works_for_ip_netns_and_goes_whole() {
        if !apart("a_bound_name_works_for_ip_netns_and_goes_whole") {
            return;
        }
        let hidden = private_run();
        let machine = Machine::new();
        let mut inside = Route::open_in(machine.fd()).unwrap();
        inside
            .create_bridge("marker", Mac([2, 0, 0, 0, 0, 1]), 1500)
            .unwrap();
        let path = Path::new("/run/netns/rbox-web");
        bind(machine.fd(), path).unwrap();
        let links = output("ip", &["netns", "exec", "rbox-web", "ip", "-o", "link"]);
        assert!(links.contains("marker"), "{links}");
        let error = bind(machine.fd(), path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network namespace /run/netns/rbox-web exists"
        );
        // `ip netns` finds the directory prepared and does not mount again.
        output("ip", &["netns", "add", "other"]);
        assert_eq!(mounts_on("/run/netns"), hidden + 1);

        let again = open_path(path).unwrap();
        drop((machine, inside));
        drop(enter(again.as_fd()).unwrap());
        unbind(path).unwrap();
        assert!(!path.exists());
        assert_eq!(mounts_on("/run/netns/rbox-web"), 0);
        unbind(path).unwrap();
        std::fs::write(path, "").unwrap();
        unbind(path).unwrap();
        assert!(!path.exists(), "a file without a mount goes too");
    }

    #[test]
    fn many_bind_their_names_at_once() {
        if !apart("many_bind_their_names_at_once") {
            return;
        }
        let hidden = private_run();
        let machine = Machine::new();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let machine = &machine;
                scope.spawn(move || {
                    let path = format!("/run/netns/rbox-{number}");
                    bind(machine.fd(), Path::new(&path)).unwrap();
                });
            }
        });
        assert_eq!(mounts_on("/run/netns"), hidden + 1);
        for number in 0..16 {
            assert_eq!(mounts_on(&format!("/run/netns/rbox-{number}")), 1);
        }
    }

    #[test]
    fn something_that_is_no_namespace_leaves_no_name() {
        if !apart("something_that_is_no_namespace_leaves_no_name") {
            return;
        }
        private_run();
        let directory = std::fs::File::open("/").unwrap();
        let path = Path::new("/run/netns/rbox-x");
        // A directory cannot be bound to a file.
        let error = bind(directory.as_fd(), path).unwrap_err();
        assert!(matches!(error, BindError::Bind { .. }), "{error}");
        assert!(!path.exists());
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
