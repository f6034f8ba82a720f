//! Making one file of any kind, replacing what was at its name as Docker does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::delete::delete_tree;
use super::entry_name::{EntryName, NameProblem};
use super::tree::{Missing, Tree, make_directory, marks_whiteout, open_below, set_opaque, stat};
use super::{UnpackError, attributes};
use crate::tar::{Kind, Member, Reader};

/// Makes the member's file; true when it is a directory (its mtime is set at the end).
pub(super) fn make<R: Read>(
    tree: &mut Tree,
    name: &EntryName,
    member: &Member,
    reader: &mut Reader<R>,
    buffer: &mut [u8],
) -> Result<bool, UnpackError> {
    let (parent, last) = tree.parent(name, Missing::Make)?;
    let parent = parent.as_fd();
    let failed = |error: io::Error| UnpackError::io(&member.name, error);
    match member.kind {
        Kind::Directory => {
            let made = directory(tree, parent, last).map_err(|e| failed(e.into()))?;
            attributes::on_open_file(made.as_fd(), member).map_err(failed)?;
            return Ok(true);
        }
        Kind::HardLink => return hard_link(tree, parent, last, member).map(|()| false),
        _ => {}
    }
    if member.kind != Kind::Regular {
        clear(tree, parent, last).map_err(|e| failed(e.into()))?;
    }
    match member.kind {
        Kind::Regular => {
            let file = create(tree, parent, last).map_err(|e| failed(e.into()))?;
            copy(&file, member, reader, buffer)?;
            attributes::on_open_file(file.as_fd(), member).map_err(failed)?;
            attributes::set_time(file.as_fd(), member.mtime).map_err(failed)?;
        }
        Kind::Symlink => {
            let possible =
                !member.link.is_empty() && member.link.len() < 4096 && !member.link.contains(&0);
            if !possible {
                return Err(UnpackError::name(&member.name, NameProblem::LinkTarget));
            }
            rustix::fs::symlinkat(member.link.as_slice(), parent, last)
                .map_err(|e| failed(e.into()))?;
            attributes::on_name(parent, last, member).map_err(failed)?;
        }
        Kind::Character | Kind::Block | Kind::Fifo => {
            special(parent, last, member).map_err(|e| failed(e.into()))?;
            attributes::on_name(parent, last, member).map_err(failed)?;
        }
        Kind::Directory | Kind::HardLink => {}
    }
    Ok(false)
}

/// Marks `name` as deleted from lower layers, unless this layer has a file there itself.
pub(super) fn whiteout(tree: &mut Tree, name: &EntryName) -> Result<(), UnpackError> {
    let (parent, last) = tree.parent(name, Missing::Make)?;
    let parent = parent.as_fd();
    let shown = || crate::tar::shown(&name.to_bytes());
    let failed = |e: Errno| UnpackError::Whiteout {
        name: shown(),
        source: e.into(),
    };
    match stat(parent, last).map_err(failed)? {
        Some(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
            // A whiteout speaks of lower layers only: this layer's own directory stays.
            let directory = open_below(parent, last).map_err(failed)?;
            set_opaque(directory.as_fd()).map_err(failed)
        }
        Some(_) => Ok(()),
        None => {
            let mode = Mode::empty();
            rustix::fs::mknodat(parent, last, FileType::CharacterDevice, mode, 0).map_err(failed)
        }
    }
}

/// Hides everything of lower layers in a directory.
pub(super) fn opaque(tree: &mut Tree, name: &EntryName) -> Result<(), UnpackError> {
    let directory = tree.open_directory(name)?;
    set_opaque(directory.as_fd()).map_err(|error| UnpackError::Whiteout {
        name: crate::tar::shown(&name.to_bytes()),
        source: error.into(),
    })
}

/// An existing directory is kept and merged with; anything else gives way.
fn directory(tree: &mut Tree, parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let found = stat(parent, name)?;
    let hidden = match &found {
        Some(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
            return tree.open(parent, name);
        }
        Some(_) if tree.keeps_kinds() => return Err(Errno::NOTDIR),
        Some(found) => marks_whiteout(found),
        None => false,
    };
    if found.is_some() {
        clear(tree, parent, name)?;
    }
    let made = make_directory(parent, name)?;
    if hidden {
        set_opaque(made.as_fd())?;
    }
    Ok(made)
}

/// Removes whatever is at `name`.
fn clear(tree: &mut Tree, parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match stat(parent, name)? {
        None => Ok(()),
        Some(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
            if tree.keeps_kinds() {
                return Err(Errno::ISDIR);
            }
            tree.forget();
            delete_tree(parent, name)
        }
        Some(_) => {
            // A link may have been part of a remembered path.
            tree.forget();
            rustix::fs::unlinkat(parent, name, AtFlags::empty())
        }
    }
}

/// Nearly always nothing is at `name`, so it is only cleared when it turns out to be taken.
fn create(tree: &mut Tree, parent: BorrowedFd<'_>, name: &[u8]) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    let made = match rustix::fs::openat(parent, name, flags, mode) {
        Err(Errno::EXIST) => {
            clear(tree, parent, name)?;
            rustix::fs::openat(parent, name, flags, mode)
        }
        other => other,
    };
    made.map(File::from)
}

fn copy<R: Read>(
    mut file: &File,
    member: &Member,
    reader: &mut Reader<R>,
    buffer: &mut [u8],
) -> Result<(), UnpackError> {
    let failed = |error: io::Error| UnpackError::io(&member.name, error);
    let whole = [(0, member.size)];
    let pieces = member
        .sparse
        .as_ref()
        .map_or(&whole[..], |sparse| &sparse.pieces);
    for (offset, length) in pieces {
        if member.sparse.is_some() {
            file.seek(SeekFrom::Start(*offset)).map_err(failed)?;
        }
        let mut left = *length;
        while left > 0 {
            let wanted = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let read =
                reader
                    .data()
                    .read(&mut buffer[..wanted])
                    .map_err(|error| match error.kind() {
                        io::ErrorKind::UnexpectedEof => crate::tar::TarError::Truncated,
                        _ => crate::tar::TarError::Read(error),
                    })?;
            file.write_all(&buffer[..read]).map_err(failed)?;
            left -= read as u64;
        }
    }
    match &member.sparse {
        Some(sparse) => file.set_len(sparse.real_size).map_err(failed),
        None => Ok(()),
    }
}

fn special(parent: BorrowedFd<'_>, name: &[u8], member: &Member) -> Result<(), Errno> {
    let (kind, device) = match member.kind {
        Kind::Character => (FileType::CharacterDevice, member.device),
        Kind::Block => (FileType::BlockDevice, member.device),
        _ => (FileType::Fifo, (0, 0)),
    };
    let device = rustix::fs::makedev(device.0, device.1);
    rustix::fs::mknodat(parent, name, kind, Mode::from_raw_mode(0o600), device)
}

fn hard_link(
    tree: &mut Tree,
    parent: BorrowedFd<'_>,
    last: &[u8],
    member: &Member,
) -> Result<(), UnpackError> {
    let refused = |problem| UnpackError::name(&member.name, problem);
    let failed = |e: Errno| UnpackError::io(&member.name, e);
    let target = EntryName::parse(&member.link).map_err(|_| refused(NameProblem::LinkOutside))?;
    if target.components().is_empty() {
        return Err(refused(NameProblem::LinkDirectory));
    }
    let (directory, target) =
        tree.parent(&target, Missing::Refuse)
            .map_err(|error| match error {
                UnpackError::Name { problem, .. } => refused(problem),
                other => other,
            })?;
    let found = stat(directory.as_fd(), target)
        .map_err(failed)?
        .ok_or_else(|| refused(NameProblem::LinkMissing))?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        return Err(refused(NameProblem::LinkDirectory));
    }
    if let Some(present) = stat(parent, last).map_err(failed)? {
        if (present.st_dev, present.st_ino) == (found.st_dev, found.st_ino) {
            return Ok(());
        }
        if FileType::from_raw_mode(present.st_mode) == FileType::Directory {
            // The target might be in the very directory that gives way.
            return Err(refused(NameProblem::LinkMissing));
        }
        clear(tree, parent, last).map_err(failed)?;
    }
    // Without AT_SYMLINK_FOLLOW a link to a symbolic link is a link to the link itself.
    rustix::fs::linkat(&directory, target, parent, last, AtFlags::empty()).map_err(failed)
}
