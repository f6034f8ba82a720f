//! A directory of another container: its mount namespace is not ours, so its
//! mounts can only be copied from inside.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{bind, in_root};
use crate::process::sys;

/// What lies below the root of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    process: i32,
    path: PathBuf,
}

impl Foreign {
    /// Reads `/proc/PID/root/PATH`; `None` for any other path.
    pub(crate) fn parse(path: &Path) -> Option<Foreign> {
        let mut parts = path.strip_prefix("/proc").ok()?.components();
        let process = parts.next()?.as_os_str().to_str()?.parse().ok()?;
        let root = parts.next()?.as_os_str();
        (root == "root").then(|| Foreign {
            process,
            path: parts.as_path().to_owned(),
        })
    }

    /// A detached copy of the mount that the process sees there. The other root
    /// is hostile: no symlink on the way is followed.
    pub(crate) fn clone_tree(&self, recursive: bool) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = openat(
            CWD,
            format!("/proc/{}/ns/mnt", self.process),
            flags,
            Mode::empty(),
        )?;
        // A thread of its own, because entering changes its root and directory.
        let copy = || {
            sys::unshare_namespaces(libc::CLONE_FS)?;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = openat(CWD, "/", flags, Mode::empty())?;
            let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
            let place = in_root::lookup(root.as_fd(), &self.path, OFlags::PATH, resolve)?;
            bind::clone_at(&place, recursive)
        };
        thread::scope(|scope| {
            let copying = thread::Builder::new().spawn_scoped(scope, copy)?;
            copying
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_root_of_a_process_are_foreign() {
        let foreign = Foreign {
            process: 7,
            path: PathBuf::from("dev/shm"),
        };
        assert_eq!(
            Foreign::parse(Path::new("/proc/7/root/dev/shm")),
            Some(foreign)
        );
        for path in [
            "/proc/7/cwd/x",
            "/proc/self/root/x",
            "/dev/shm",
            "/proc/7",
            "proc/7/root/x",
        ] {
            assert_eq!(Foreign::parse(Path::new(path)), None, "{path}");
        }
    }
}
