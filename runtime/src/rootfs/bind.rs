//! Files and directories of the host inside the container.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxIdMapping;
use rustix::fs::{CWD, FileType, fstat};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::in_root;
use super::mounts::{DIRECTORY_MODE, title};
use super::proc_mounts::{self, Mounted};
use crate::process::{Failure, FailureKind, Naming, reason, sys};
use crate::spec::mount_options::{MountOptions, Propagation};

/// The mode of files that are made to be mounted on.
const FILE_MODE: u32 = 0o755;

/// What docker appends when only one of the two is a directory.
const MISMATCH: &str = "Are you trying to mount a directory onto a file (or vice-versa)? \
                        Check if the specified host path exists and is the expected type";

/// A bind mount's source.
#[derive(Debug)]
pub(crate) struct BindMount {
    pub(crate) source: PathBuf,
    /// How its owners are shown, when not as they are.
    pub(crate) mapping: Option<Mapping>,
    /// The detached copy of the source's mount, once opened.
    pub(crate) tree: Option<OwnedFd>,
}

/// Other owners for the files of a bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) ids: Ids,
    /// Also of the mounts below.
    pub(crate) recursive: bool,
}

/// Where a mapping comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// These ranges.
    Given {
        uids: Vec<LinuxIdMapping>,
        gids: Vec<LinuxIdMapping>,
    },
    /// The user namespace behind this file.
    Namespace(PathBuf),
}

impl BindMount {
    /// Attaches the copy inside the root with the attributes asked for; there
    /// is no moment at which the container's tree has it without them.
    pub(crate) fn make(
        &self,
        root: BorrowedFd<'_>,
        destination: &Path,
        options: &MountOptions,
    ) -> Result<(), Failure> {
        let title = || title(self.source.display(), destination);
        let Some(tree) = &self.tree else {
            return Err(Failure::new(
                FailureKind::Other,
                format!("{}: not opened", title()),
            ));
        };
        set_attributes(tree.as_fd(), options).naming(title)?;
        attach(tree.as_fd(), root, destination).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOTDIR) => {
                let what = format!("{}: {}: {MISMATCH}", title(), reason(&error));
                Failure::new(FailureKind::Other, what)
            }
            _ => Failure::step(title(), &error),
        })
    }
}

/// A detached copy of the mount that shows `path`.
pub(crate) fn clone_tree(path: &Path, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(open_tree(CWD, path, flags)?)
}

/// A detached copy of what `file` is open at.
pub(crate) fn clone_at(file: impl AsFd, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(open_tree(file, "", flags)?)
}

/// Moves a detached mount onto `destination` inside the root, which is made if
/// it is missing, as a file or a directory like what is mounted.
pub(crate) fn attach(
    tree: BorrowedFd<'_>,
    root: BorrowedFd<'_>,
    destination: &Path,
) -> io::Result<()> {
    let place = if is_directory(tree)? {
        in_root::mkdir_all(root, destination, DIRECTORY_MODE)?
    } else {
        in_root::create_file(root, destination, FILE_MODE)?
    };
    proc_mounts::check(root, place.as_fd(), destination, Mounted::Tree(tree))?;
    // The kernel's word for a file over a directory is a mere EINVAL.
    if is_directory(tree)? != is_directory(place.as_fd())? {
        return Err(rustix::io::Errno::NOTDIR.into());
    }
    attach_on(tree, place.as_fd())
}

fn is_directory(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(fstat(file)?.st_mode) == FileType::Directory)
}

/// Moves a detached mount onto what `place` is open at.
pub(crate) fn attach_on(tree: BorrowedFd<'_>, place: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(tree, "", place, "", flags)?)
}

/// Attributes and propagation of a detached bind, in as few calls as they allow.
pub(crate) fn set_attributes(tree: BorrowedFd<'_>, options: &MountOptions) -> io::Result<()> {
    // Unasked, nothing that the container mounts shall reach the host.
    let private = Propagation {
        kind: libc::MS_PRIVATE,
        recursive: true,
    };
    let propagation = options.propagation.unwrap_or(private);
    let mut deep = sys::MountAttributes {
        set: options.recursive_set.bits().into(),
        clear: options.recursive_clear.bits().into(),
        ..sys::MountAttributes::default()
    };
    let mut shallow = sys::MountAttributes {
        set: options.set.bits().into(),
        clear: options.clear.bits().into(),
        ..sys::MountAttributes::default()
    };
    if propagation.recursive {
        deep.propagation = propagation.kind;
    } else {
        shallow.propagation = propagation.kind;
    }
    for (attributes, recursive) in [(deep, true), (shallow, false)] {
        if !attributes.is_empty() {
            sys::set_mount_attributes(tree, attributes, recursive)?;
        }
    }
    Ok(())
}
