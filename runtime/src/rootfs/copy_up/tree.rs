//! A directory of the image, copied with everything in it.
//!
//! The image is hostile and may change meanwhile: nothing is opened through a
//! symlink or a mount, a file is opened for reading only once it is known to be
//! a regular one, and nothing is kept open but what is worked on, however deep
//! the tree.

use std::collections::HashMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, linkat, mkdirat, mknodat,
    openat, openat2, readlinkat, symlinkat,
};
use rustix::io::Errno;

use super::data;
use super::metadata::Metadata;

/// Modes while the copy is being made, which nobody else sees.
const DIRECTORY: Mode = Mode::RWXU;
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// What could not be copied.
#[derive(Debug)]
pub(super) struct CopyError {
    /// Its path below the mount point.
    pub(super) path: String,
    pub(super) source: std::io::Error,
}

/// Copies what is in the directory `from` into the empty directory `to`.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), CopyError> {
    let mut copy = Copy {
        from,
        to,
        links: HashMap::new(),
        todo: vec![PathBuf::from(".")],
        made: Vec::new(),
    };
    while let Some(directory) = copy.todo.pop() {
        copy.directory(&directory)?;
    }
    // Last, the innermost first: what is made in a directory changes its times,
    // and may inherit from its attributes.
    for (path, metadata) in copy.made.iter().rev() {
        copy.finish(path, metadata).map_err(failed(path))?;
    }
    Ok(())
}

struct Copy<'a> {
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    /// Where a file with several names was copied to, by device and inode.
    links: HashMap<(u64, u64), PathBuf>,
    todo: Vec<PathBuf>,
    made: Vec<(PathBuf, Metadata)>,
}

impl Copy<'_> {
    fn directory(&mut self, path: &Path) -> Result<(), CopyError> {
        let failure = failed(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let from = beneath(self.from, path, flags).map_err(&failure)?;
        let to = beneath(self.to, path, OFlags::PATH | OFlags::DIRECTORY).map_err(&failure)?;
        for entry in Dir::read_from(&from).map_err(&failure)? {
            let entry = entry.map_err(&failure)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let below = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            self.entry(from.as_fd(), to.as_fd(), name, &below)
                .map_err(failed(&below))?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
    ) -> Result<(), Errno> {
        let item = match beneath(from, name, OFlags::PATH | OFlags::NOFOLLOW) {
            // A mount: not the image's.
            Err(Errno::XDEV) => return Ok(()),
            result => result?,
        };
        let stat = fstat(&item)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            mkdirat(to, name, DIRECTORY)?;
            let metadata = Metadata::of(item.as_fd(), stat)?;
            self.made.push((path.to_owned(), metadata));
            self.todo.push(path.to_owned());
            return Ok(());
        }
        let inode = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.links.get(&inode) {
            return linkat(self.to, first, to, name, AtFlags::empty());
        }
        match kind {
            FileType::RegularFile => regular(&item, &stat, to, name)?,
            FileType::Symlink => {
                let target = readlinkat(&item, "", Vec::new())?;
                symlinkat(&target, to, name)?;
            }
            _ => mknodat(to, name, kind, FILE, stat.st_rdev)?,
        }
        if stat.st_nlink > 1 {
            self.links.insert(inode, path.to_owned());
        }
        Metadata::of(item.as_fd(), stat)?.give(to, name)
    }

    fn finish(&self, path: &Path, metadata: &Metadata) -> Result<(), Errno> {
        let parent = path.parent().unwrap_or(Path::new("."));
        let parent = beneath(self.to, parent, OFlags::PATH | OFlags::DIRECTORY)?;
        let name = path.file_name().unwrap_or_default().as_bytes();
        let name = std::ffi::CString::new(name).map_err(|_| Errno::INVAL)?;
        metadata.give(parent.as_fd(), &name)
    }
}

/// The item itself is opened for reading: it cannot have become a pipe.
fn regular(item: &OwnedFd, stat: &Stat, to: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let path = format!("/proc/thread-self/fd/{}", item.as_raw_fd());
    let from = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let to = openat(to, name, flags, FILE)?;
    let size = u64::try_from(stat.st_size).map_err(|_| Errno::INVAL)?;
    data::copy(from.as_fd(), to.as_fd(), size)
}

fn beneath(
    directory: BorrowedFd<'_>,
    path: impl rustix::path::Arg,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    openat2(
        directory,
        path,
        flags | OFlags::CLOEXEC,
        Mode::empty(),
        resolve,
    )
}

fn failed<E: Into<std::io::Error>>(path: &Path) -> impl Fn(E) -> CopyError {
    let path = path.strip_prefix(".").unwrap_or(path).display().to_string();
    move |error| CopyError {
        path: if path.is_empty() {
            ".".to_owned()
        } else {
            path.clone()
        },
        source: error.into(),
    }
}

#[cfg(test)]
mod tests;
