//! Paths that the container must not see or not change.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};

use super::{bind, devices, in_root};
use crate::process::{Failure, Naming, sys};

/// Hides each path that exists: a directory behind an empty read-only tmpfs
/// (one filesystem for all), anything else behind the null device.
pub(crate) fn hide(root: BorrowedFd<'_>, paths: &[String]) -> Result<(), Failure> {
    let mut empty: Option<OwnedFd> = None;
    let mut null: Option<OwnedFd> = None;
    for path in paths {
        let title = || format!("masking {path}");
        let Some(place) = existing(root, path).naming(title)? else {
            continue;
        };
        let stat = fstat(&place).naming(title)?;
        let tree = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            match &empty {
                Some(first) => bind::clone_at(first, false).naming(title)?,
                None => {
                    let first = empty_directory().naming(title)?;
                    bind::attach_on(first.as_fd(), place.as_fd()).naming(title)?;
                    empty = Some(first);
                    continue;
                }
            }
        } else {
            let null = match &null {
                Some(null) => null,
                None => null.insert(devices::verified_null(root)?),
            };
            bind::clone_at(null, false).naming(title)?
        };
        bind::attach_on(tree.as_fd(), place.as_fd()).naming(title)?;
    }
    Ok(())
}

/// Makes each path that exists read-only, with everything mounted below it.
pub(crate) fn protect(root: BorrowedFd<'_>, paths: &[String]) -> Result<(), Failure> {
    let attributes = sys::MountAttributes {
        set: libc::MOUNT_ATTR_RDONLY,
        ..sys::MountAttributes::default()
    };
    for path in paths {
        let title = || format!("making {path} read-only");
        let Some(place) = existing(root, path).naming(title)? else {
            continue;
        };
        let tree = bind::clone_at(&place, true).naming(title)?;
        sys::set_mount_attributes(tree.as_fd(), attributes, true).naming(title)?;
        bind::attach_on(tree.as_fd(), place.as_fd()).naming(title)?;
    }
    Ok(())
}

/// What the path names; `None` when this kernel does not have it.
fn existing(root: BorrowedFd<'_>, path: &str) -> std::io::Result<Option<OwnedFd>> {
    match in_root::locate(root, Path::new(path)) {
        Ok(place) => Ok(Some(place)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            _ => Err(error),
        },
    }
}

/// A detached, empty, read-only directory.
fn empty_directory() -> std::io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "tmpfs")?;
    fsconfig_create(&context)?;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?)
}
