//! Device nodes and the links of /dev.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, fstat, makedev, mknodat,
    openat, openat2, symlinkat,
};
use rustix::io::Errno;

use super::mounts::DIRECTORY_MODE;
use super::{bind, in_root};
use crate::process::{Failure, FailureKind, Naming};

/// A node to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceNode {
    /// Where, absolute inside the root.
    pub(crate) path: PathBuf,
    pub(crate) kind: FileType,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The nodes that every container has: name, major, minor.
const DEFAULTS: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// The links that every container has: name, target.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// The standard nodes, all 666 and root's.
pub(crate) fn defaults() -> Vec<DeviceNode> {
    DEFAULTS
        .iter()
        .map(|&(name, major, minor)| DeviceNode {
            path: Path::new("/dev").join(name),
            kind: FileType::CharacterDevice,
            major,
            minor,
            mode: 0o666,
            uid: 0,
            gid: 0,
        })
        .collect()
}

/// Makes the nodes. The umask must be 0.
pub(crate) fn make_nodes(root: BorrowedFd<'_>, nodes: &[DeviceNode]) -> Result<(), Failure> {
    // Nearly all are in /dev: its descriptor is opened once.
    let mut last: Option<(&Path, OwnedFd)> = None;
    for node in nodes {
        let title = || format!("making device {}", node.path.display());
        let (Some(parent), Some(name)) = (node.path.parent(), node.path.file_name()) else {
            return Err(Errno::INVAL).naming(title);
        };
        let directory = match last.take() {
            Some((path, directory)) if path == parent => directory,
            _ => in_root::mkdir_all(root, parent, DIRECTORY_MODE).naming(title)?,
        };
        let mode = Mode::from_raw_mode(node.mode);
        match mknodat(
            &directory,
            name,
            node.kind,
            mode,
            makedev(node.major, node.minor),
        ) {
            Ok(()) => {
                if (node.uid, node.gid) != (0, 0) {
                    let made = genuine(&directory, name, node).naming(title)?;
                    let (uid, gid) = (Uid::from_raw(node.uid), Gid::from_raw(node.gid));
                    chownat(&made, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH).naming(title)?;
                }
            }
            // Another entry of the list, or the image has its own.
            Err(Errno::EXIST) => match genuine(&directory, name, node) {
                // A bind of the same name came before: the user's choice.
                Ok(_) | Err(Errno::XDEV) => {}
                Err(Errno::NODEV) => return Err(something_else(title())),
                Err(error) => return Err(error).naming(title),
            },
            Err(Errno::PERM) if node.kind != FileType::Fifo => {
                bind_from_host(root, node).naming(title)?;
            }
            Err(error) => return Err(error).naming(title),
        }
        last = Some((parent, directory));
    }
    Ok(())
}

/// The node itself, if it is what it is called, and not a file of that name
/// that the image or a shared directory has there (`NODEV`). `XDEV`: something
/// is mounted on it.
fn genuine(directory: &OwnedFd, name: &OsStr, node: &DeviceNode) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV;
    let file = openat2(directory, name, flags, Mode::empty(), resolve)?;
    let stat = fstat(&file)?;
    let device = matches!(node.kind, FileType::CharacterDevice | FileType::BlockDevice);
    let same = FileType::from_raw_mode(stat.st_mode) == node.kind
        && (!device || stat.st_rdev == makedev(node.major, node.minor));
    if same { Ok(file) } else { Err(Errno::NODEV) }
}

fn something_else(title: String) -> Failure {
    let text = format!("{title}: the root filesystem has something else there");
    Failure::new(FailureKind::Other, text)
}

/// Where nodes may not be made (nested in a container, or in a user
/// namespace), the host's node of the same path and numbers stands in.
fn bind_from_host(root: BorrowedFd<'_>, node: &DeviceNode) -> std::io::Result<()> {
    let tree = bind::clone_tree(&node.path, false)?;
    let stat = fstat(&tree)?;
    let same = FileType::from_raw_mode(stat.st_mode) == node.kind
        && stat.st_rdev == makedev(node.major, node.minor);
    if !same {
        return Err(Errno::PERM.into());
    }
    bind::attach(tree.as_fd(), root, &node.path)
}

/// Makes the links of /dev, and /dev/core where the kernel has kcore.
pub(crate) fn make_links(root: BorrowedFd<'_>) -> Result<(), Failure> {
    let title = || "making the links of /dev";
    let dev = in_root::open(root, "/dev", OFlags::PATH | OFlags::DIRECTORY).naming(title)?;
    for (name, target) in LINKS {
        match symlinkat(target, &dev, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).naming(|| format!("making link /dev/{name}")),
        }
    }
    if rustix::fs::access("/proc/kcore", rustix::fs::Access::EXISTS).is_ok() {
        match symlinkat("/proc/kcore", &dev, "core") {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).naming(|| "making link /dev/core"),
        }
    }
    Ok(())
}

/// The container's /dev/null, only if it really is the null device: what
/// hides files must not be something that the image put there.
pub(crate) fn verified_null(root: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    let title = || "verifying /dev/null";
    let dev = in_root::open(root, "/dev", OFlags::PATH | OFlags::DIRECTORY).naming(title)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let null = openat(dev, "null", flags, Mode::empty()).naming(title)?;
    let stat = fstat(&null).naming(title)?;
    let genuine = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_rdev == makedev(1, 3);
    if genuine {
        Ok(null)
    } else {
        Err(Errno::NODEV).naming(title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_nodes_are_dockers_six() {
        let names: Vec<_> = defaults().into_iter().map(|node| node.path).collect();
        let wanted = ["null", "zero", "full", "random", "urandom", "tty"];
        assert_eq!(names, wanted.map(|name| Path::new("/dev").join(name)));
    }

    #[test]
    fn a_regular_file_called_null_is_not_the_null_device() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("dev")).unwrap();
        std::fs::write(directory.path().join("dev/null"), "").unwrap();
        let root = rustix::fs::open(directory.path(), OFlags::PATH, Mode::empty()).unwrap();
        assert!(verified_null(root.as_fd()).is_err());
        std::fs::remove_file(directory.path().join("dev/null")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", directory.path().join("dev/null")).unwrap();
        assert!(verified_null(root.as_fd()).is_err());
    }
}
