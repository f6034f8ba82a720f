//! Names of the image, and making room at them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::give_owner;
use super::{CopyError, CopyOptions, Owner};
use crate::context::below;
use crate::view::{ResolveError, View, joined, make_path, resolve, shown};

/// Whom belongs what nobody gave an owner.
pub(super) const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// A path of the image without its links, and what is there.
pub(super) fn resolved(
    view: &View,
    names: &[Vec<u8>],
) -> Result<(Vec<Vec<u8>>, Option<Stat>), CopyError> {
    let path = || joined(names);
    match resolve(view.as_fd(), names, &mut |_| true) {
        Ok(found) => Ok((found.components, found.stat)),
        Err(ResolveError::Kernel(error)) => Err(CopyError::write(&path(), error)),
        Err(ResolveError::NotDirectory) => Err(CopyError::NotDirectory(shown(&path()))),
        Err(error) => Err(CopyError::Path {
            path: shown(&path()),
            problem: error.problem(),
        }),
    }
}

pub(super) fn is_directory(view: &View, names: &[Vec<u8>]) -> Result<bool, CopyError> {
    let stat = resolved(view, names)?.1;
    Ok(stat.is_some_and(|stat| kind(&stat) == FileType::Directory))
}

/// Opens a directory at a path without links, made with its parents when missing.
pub(super) fn directory(
    view: &View,
    names: &[Vec<u8>],
    owner: Owner,
    made: &mut bool,
) -> Result<OwnedFd, CopyError> {
    for name in names {
        refuse_whiteout(name, &joined(names))?;
    }
    make_path(view.as_fd(), names, &mut |new| {
        *made = true;
        give_owner(new, owner)
    })
    .map_err(|error| CopyError::write(&joined(names), error))
}

/// Where a file goes that is called `name` if the destination is a directory: the directory to
/// make it in, its path and its name.
pub(super) fn place(
    view: &View,
    options: &CopyOptions,
    name: &[u8],
) -> Result<(OwnedFd, Vec<u8>, Vec<u8>), CopyError> {
    let to = &options.destination;
    let (mut names, stat) = resolved(view, &to.names)?;
    let exists = stat.is_some_and(|stat| kind(&stat) == FileType::Directory);
    let name = match names.last() {
        Some(last) if !to.is_directory && !exists => {
            let last = last.clone();
            names.pop();
            last
        }
        _ => name.to_vec(),
    };
    let owner = options.owner.unwrap_or(ROOT);
    let parent = directory(view, &names, owner, &mut false)?;
    let path = below(&joined(&names), &name);
    refuse_whiteout(&name, &path)?;
    Ok((parent, path, name))
}

pub(super) fn refuse_whiteout(name: &[u8], path: &[u8]) -> Result<(), CopyError> {
    match name.starts_with(b".wh.") {
        true => Err(CopyError::Whiteout(shown(path))),
        false => Ok(()),
    }
}

/// An empty new file, mode 0600; one that is there gives way.
pub(super) fn create(
    directory: BorrowedFd<'_>,
    name: &[u8],
    path: &[u8],
) -> Result<OwnedFd, CopyError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let make = || rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR);
    match make() {
        Err(Errno::EXIST) => {
            clear(directory, name, path)?;
            make()
        }
        other => other,
    }
    .map_err(|error| CopyError::write(path, error))
}

/// Takes away what is in the place of a file.
pub(super) fn clear(directory: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<(), CopyError> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => Err(CopyError::IsDirectory(shown(path))),
        Err(error) => Err(CopyError::write(path, error)),
    }
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
