//! Going through all that is below a directory, each directory before what is in it, names sorted.
//!
//! One directory is open at a time, however deep the tree. A directory that is left out, but has
//! something in it that is not, is told when that is met.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::{Ignore, Tree};
use crate::view::{open_plain, shown};

/// Why a tree cannot be gone through.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A file that was listed is no longer there, or is another kind of file.
    #[error("{0} changed while it was being read")]
    Changed(String),
    /// More files than a build copies.
    #[error("more than {MOST_ENTRIES} files in {0}")]
    TooMany(String),
    /// The kernel refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl WalkError {
    pub(crate) fn at(path: &[u8], error: Errno) -> WalkError {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => WalkError::Changed(shown(path)),
            error => WalkError::Io {
                path: shown(path),
                source: error.into(),
            },
        }
    }
}

/// Names are held in memory one directory at a time; this bounds a directory, and the time.
const MOST_ENTRIES: usize = 4_000_000;

/// A file of any kind, below the directory that the walk started in.
pub(crate) struct Entry<'w> {
    /// The directory that it is in, relative to the start; empty for the start itself.
    pub(crate) parent: &'w [u8],
    pub(crate) name: &'w [u8],
    /// That directory, opened for reading.
    pub(crate) directory: BorrowedFd<'w>,
    /// Links not followed.
    pub(crate) stat: Stat,
}

impl Entry<'_> {
    /// Relative to the start.
    pub(crate) fn path(&self) -> Vec<u8> {
        below(self.parent, self.name)
    }

    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

/// `name` in the directory `parent`, which may be the root.
pub(crate) fn below(parent: &[u8], name: &[u8]) -> Vec<u8> {
    match (parent, name) {
        (parent, []) => parent.to_vec(),
        ([], name) => name.to_vec(),
        (parent, name) => [parent, b"/", name].concat(),
    }
}

/// Calls `visit` for all that is shown below the directory `start`, a path without links.
pub(crate) fn walk<E: From<WalkError>>(
    tree: &Tree,
    start: &[u8],
    excludes: Option<&Ignore>,
    visit: &mut dyn FnMut(&Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut walk = Walk {
        tree,
        start,
        excludes,
        waiting: HashSet::new(),
        todo: vec![Vec::new()],
        count: 0,
    };
    while let Some(directory) = walk.todo.pop() {
        walk.directory(&directory, visit)?;
    }
    Ok(())
}

struct Walk<'a> {
    tree: &'a Tree,
    start: &'a [u8],
    excludes: Option<&'a Ignore>,
    /// Directories left out that were not told yet.
    waiting: HashSet<Vec<u8>>,
    todo: Vec<Vec<u8>>,
    count: usize,
}

/// What is done with a file.
enum Shown {
    Yes,
    /// A directory that is left out, while something in it may not be.
    IfNotEmpty,
    No,
}

impl Walk<'_> {
    fn directory<E: From<WalkError>>(
        &mut self,
        path: &[u8],
        visit: &mut dyn FnMut(&Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let whole = below(self.start, path);
        let failed = |error| WalkError::at(&whole, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = open_plain(self.tree.root(), &whole, flags).map_err(failed)?;
        let mut below_here = Vec::new();
        for name in self.names(directory.as_fd(), &whole)? {
            let stat = rustix::fs::statat(&directory, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| WalkError::at(&below(&whole, &name), error))?;
            let entry = Entry {
                parent: path,
                name: &name,
                directory: directory.as_fd(),
                stat,
            };
            match self.shows(&entry) {
                Shown::No => continue,
                Shown::IfNotEmpty => {
                    let path = entry.path();
                    self.waiting.insert(path.clone());
                    below_here.push(path);
                    continue;
                }
                Shown::Yes => {}
            }
            self.tell_parents(path, visit)?;
            visit(&entry)?;
            if entry.kind() == FileType::Directory {
                below_here.push(entry.path());
            }
        }
        self.todo.extend(below_here.into_iter().rev());
        Ok(())
    }

    fn names(&mut self, directory: BorrowedFd<'_>, path: &[u8]) -> Result<Vec<Vec<u8>>, WalkError> {
        let failed = |error| WalkError::at(path, error);
        let mut names = Vec::new();
        for entry in Dir::read_from(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            self.count += 1;
            if self.count > MOST_ENTRIES {
                return Err(WalkError::TooMany(shown(self.start)));
            }
            names.push(name.to_vec());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn shows(&self, entry: &Entry<'_>) -> Shown {
        if self.tree.has_no_copy(&entry.stat) {
            return Shown::No;
        }
        let path = entry.path();
        let whole = below(self.start, &path);
        let ignored = self.tree.hides(&whole);
        let excluded = self.excludes.is_some_and(|found| found.excludes(&path));
        if !ignored && !excluded {
            return Shown::Yes;
        }
        let is_directory = entry.kind() == FileType::Directory;
        let ends_here = (ignored && self.tree.hides_all_below(&whole))
            || (excluded
                && self
                    .excludes
                    .is_some_and(|found| !found.may_include_below(&path)));
        match is_directory && !ends_here {
            true => Shown::IfNotEmpty,
            false => Shown::No,
        }
    }

    /// Tells the directories on the way to something shown, the outermost first.
    fn tell_parents<E: From<WalkError>>(
        &mut self,
        path: &[u8],
        visit: &mut dyn FnMut(&Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.waiting.is_empty() || path.is_empty() {
            return Ok(());
        }
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends: Vec<usize> = ends.map(|(at, _)| at).chain([path.len()]).collect();
        for end in ends {
            let path = &path[..end];
            if !self.waiting.remove(path) {
                continue;
            }
            let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
                Some(slash) => (&path[..slash], &path[slash + 1..]),
                None => (&path[..0], path),
            };
            let whole = below(self.start, parent);
            let failed = |error| WalkError::at(&whole, error);
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let directory = open_plain(self.tree.root(), &whole, flags).map_err(failed)?;
            let stat =
                rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
            visit(&Entry {
                parent,
                name,
                directory: directory.as_fd(),
                stat,
            })?;
        }
        Ok(())
    }
}
