//! One file of any kind.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::Metadata;
use super::place::{clear, create, kind};
use super::source::Copy;
use super::{CopyError, data};
use crate::context::{Attributes, Entry, Stamp, WalkError, attributes_of, open_regular};
use crate::view::{open_plain, shown};

impl Copy<'_> {
    /// One file of any kind.
    pub(super) fn node(
        &mut self,
        entry: &Entry<'_>,
        source: &[u8],
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
    ) -> Result<(), CopyError> {
        let reading = |error| CopyError::from(WalkError::at(source, error));
        let writing = |error| CopyError::write(path, error);
        let metadata = Metadata::of(&entry.stat, self.tree, self.options);
        match entry.kind() {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let from = open_plain(entry.directory, entry.name, flags).map_err(reading)?;
                let attributes = attributes_of(from.as_fd()).map_err(reading)?;
                self.make_directory(directory, name, path, &entry.stat, attributes)
            }
            FileType::RegularFile => self.regular(entry, source, directory, name, path),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(entry.directory, entry.name, Vec::new())
                    .map_err(reading)?;
                clear(directory, name, path)?;
                rustix::fs::symlinkat(&target, directory, name).map_err(writing)?;
                metadata
                    .give_name(directory, name, FileType::Symlink)
                    .map_err(writing)
            }
            kind => {
                clear(directory, name, path)?;
                let mode = Mode::RUSR | Mode::WUSR;
                rustix::fs::mknodat(directory, name, kind, mode, entry.stat.st_rdev)
                    .map_err(writing)?;
                metadata.give_name(directory, name, kind).map_err(writing)
            }
        }
    }

    fn regular(
        &mut self,
        entry: &Entry<'_>,
        source: &[u8],
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
    ) -> Result<(), CopyError> {
        let reading = |error| CopyError::from(WalkError::at(source, error));
        let writing = |error| CopyError::write(path, error);
        let changed = || CopyError::Changed(shown(source));
        let inode = (entry.stat.st_dev, entry.stat.st_ino);
        if let Some(first) = self.links.get(&inode) {
            clear(directory, name, path)?;
            let root = self.view.as_fd();
            return rustix::fs::linkat(root, first.as_slice(), directory, name, AtFlags::empty())
                .map_err(writing);
        }
        let from = open_regular(entry.directory, entry.name).map_err(reading)?;
        let stat = rustix::fs::fstat(&from).map_err(reading)?;
        if kind(&stat) != FileType::RegularFile
            || self.tree.memo().is_stale(source, Stamp::of(&stat))
        {
            return Err(changed());
        }
        let attributes = attributes_of(from.as_fd()).map_err(reading)?;
        let to = create(directory, name, path)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let whole = data::copy(from.as_fd(), to.as_fd(), size).map_err(writing)?;
        let after = rustix::fs::fstat(&from).map_err(reading)?;
        if !whole || self.tree.memo().is_stale(source, Stamp::of(&after)) {
            return Err(changed());
        }
        Metadata::of(&stat, self.tree, self.options)
            .give(to.as_fd(), &attributes)
            .map_err(writing)?;
        if stat.st_nlink > 1 {
            self.links.insert(inode, path.to_vec());
        }
        Ok(())
    }

    /// A directory that is there is merged with, and becomes like the source's.
    pub(super) fn make_directory(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        stat: &Stat,
        attributes: Attributes,
    ) -> Result<(), CopyError> {
        match rustix::fs::mkdirat(directory, name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|error| CopyError::write(path, error))?;
                if kind(&found) != FileType::Directory {
                    return Err(CopyError::NotDirectory(shown(path)));
                }
            }
            Err(error) => return Err(CopyError::write(path, error)),
        }
        let metadata = Metadata::of(stat, self.tree, self.options);
        self.made.push((path.to_vec(), metadata, attributes));
        Ok(())
    }
}
