//! Writing the copies.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::{Metadata, give_owner};
use super::{CopyOptions, Owner, data};
use crate::context::{
    Attributes, Entry, Found, Selection, Stamp, Tree, WalkError, attributes_of, below,
    open_regular, walk,
};
use crate::view::{ResolveError, View, clean, joined, make_path, open_plain, resolve, shown};

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Several files cannot have one name.
    #[error(
        "When using {0} with more than one source file, the destination must be a directory and end with a /"
    )]
    NeedsDirectory(&'static str),
    /// A directory shall be where the image has something else.
    #[error("cannot copy to non-directory: {0}")]
    NotDirectory(String),
    /// A file shall be where the image has a directory.
    #[error("cannot replace to directory {0} with file")]
    IsDirectory(String),
    /// A name that means a deleted file in a layer.
    #[error("cannot copy {0}: names that begin with \".wh.\" mean deleted files in a layer")]
    Whiteout(String),
    /// A path of the image that leads nowhere.
    #[error("{path}: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file changed after its digest was taken, or while it was copied.
    #[error("{0} changed while it was being copied")]
    Changed(String),
    /// The source cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The copy cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// In the image.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Copies all that was selected into a writable view.
///
/// # Errors
/// [`CopyError`], naming the file. What was copied before stays in the view.
pub fn apply(
    selection: &Selection<'_>,
    view: &View,
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let to = &options.destination;
    if selection.found.len() > 1 && !to.is_directory && !is_directory(view, &to.names)? {
        return Err(CopyError::NeedsDirectory(options.instruction));
    }
    for found in &selection.found {
        let mut copy = Copy {
            tree: selection.tree,
            view,
            options,
            links: HashMap::new(),
            made: Vec::new(),
        };
        copy.source(found, selection)?;
        copy.finish()?;
    }
    Ok(())
}

/// Writes one file, as heredocs of `COPY` make them: mode 0644 unless `--chmod` says otherwise,
/// belonging to root unless `--chown` does.
///
/// # Errors
/// [`CopyError`], naming the file.
pub fn write(
    name: &str,
    content: &[u8],
    view: &View,
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let (directory, path, name) = place(view, options, name.as_bytes())?;
    let failed = |error| CopyError::write(&path, error);
    let file = create(directory.as_fd(), &name, &path)?;
    File::from(file.try_clone().map_err(|source| CopyError::Write {
        path: shown(&path),
        source,
    })?)
    .write_all(content)
    .map_err(|source| CopyError::Write {
        path: shown(&path),
        source,
    })?;
    give_owner(file.as_fd(), options.owner.unwrap_or(ROOT)).map_err(failed)?;
    let mode = options
        .mode
        .as_ref()
        .map_or(0o644, |m| m.apply(0o644, false));
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(failed)
}

/// Makes a directory of the image and those that it is in, mode 0755, as `WORKDIR` does; true when
/// it was not there.
///
/// # Errors
/// [`CopyError`]: something else is in its place, or it cannot be made.
pub fn make_directory(view: &View, path: &str, owner: Owner) -> Result<bool, CopyError> {
    let names = resolved(view, &clean(path.as_bytes()))?.0;
    let mut made = false;
    directory(view, &names, owner, &mut made)?;
    Ok(made)
}

const ROOT: Owner = Owner { uid: 0, gid: 0 };

impl CopyError {
    fn write(path: &[u8], error: Errno) -> CopyError {
        match error {
            Errno::NOTDIR => CopyError::NotDirectory(shown(path)),
            error => CopyError::Write {
                path: shown(path),
                source: error.into(),
            },
        }
    }
}

/// A path of the image without its links, and what is there.
fn resolved(view: &View, names: &[Vec<u8>]) -> Result<(Vec<Vec<u8>>, Option<Stat>), CopyError> {
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

fn is_directory(view: &View, names: &[Vec<u8>]) -> Result<bool, CopyError> {
    let stat = resolved(view, names)?.1;
    Ok(stat.is_some_and(|stat| kind(&stat) == FileType::Directory))
}

/// Opens a directory at a path without links, made with its parents when missing.
fn directory(
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
fn place(
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

fn refuse_whiteout(name: &[u8], path: &[u8]) -> Result<(), CopyError> {
    match name.starts_with(b".wh.") {
        true => Err(CopyError::Whiteout(shown(path))),
        false => Ok(()),
    }
}

/// An empty new file, mode 0600; one that is there gives way.
fn create(directory: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<OwnedFd, CopyError> {
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
fn clear(directory: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<(), CopyError> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => Err(CopyError::IsDirectory(shown(path))),
        Err(error) => Err(CopyError::write(path, error)),
    }
}

/// One source on its way.
struct Copy<'a> {
    tree: &'a Tree,
    view: &'a View,
    options: &'a CopyOptions,
    /// Where a file with several names was copied to, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    /// Directories, whose times and modes come last.
    made: Vec<(Vec<u8>, Metadata, Attributes)>,
}

impl Copy<'_> {
    fn source(&mut self, found: &Found, selection: &Selection<'_>) -> Result<(), CopyError> {
        let to = &self.options.destination;
        if let Some(parents) = &found.parents {
            return self.with_parents(found, parents, selection);
        }
        if found.is_directory() {
            let (names, _) = resolved(self.view, &to.names)?;
            directory(self.view, &names, self.parent_owner(), &mut false)?;
            return self.contents(found, &joined(&names), selection);
        }
        let (directory, path, name) = place(self.view, self.options, &found.name)?;
        self.file_of(found, directory.as_fd(), &path, &name)
    }

    /// The directories of the source are made at the destination, as they are.
    fn with_parents(
        &mut self,
        found: &Found,
        parents: &[u8],
        selection: &Selection<'_>,
    ) -> Result<(), CopyError> {
        let (names, _) = resolved(self.view, &self.options.destination.names)?;
        directory(self.view, &names, self.parent_owner(), &mut false)?;
        let mut to = joined(&names);
        // As many directories of the source as of the destination, counted from the end.
        let source = match found.is_directory() {
            true => clean(&found.path),
            false => {
                let mut names = clean(&found.path);
                names.pop();
                names
            }
        };
        let parents = clean(parents);
        for (depth, name) in parents.iter().enumerate() {
            let parent = self.open_directory(&to)?;
            to = below(&to, name);
            refuse_whiteout(name, &to)?;
            let above = parents.len() - depth - 1;
            let original = joined(&source[..source.len().saturating_sub(above)]);
            let stat = self.tree.stat(&original);
            let stat = stat.map_err(|error| WalkError::at(&original, error))?;
            let source = open_plain(
                self.tree.root(),
                &original,
                OFlags::RDONLY | OFlags::DIRECTORY,
            )
            .map_err(|error| WalkError::at(&original, error))?;
            let attributes = attributes_of(source.as_fd());
            let attributes = attributes.map_err(|error| WalkError::at(&original, error))?;
            self.make_directory(parent.as_fd(), name, &to, &stat, attributes)?;
        }
        if found.is_directory() {
            return self.contents(found, &to, selection);
        }
        let parent = self.open_directory(&to)?;
        let path = below(&to, &found.name);
        refuse_whiteout(&found.name, &path)?;
        self.file_of(found, parent.as_fd(), &path, &found.name)
    }

    /// A source that is no directory.
    fn file_of(
        &mut self,
        found: &Found,
        directory: BorrowedFd<'_>,
        path: &[u8],
        name: &[u8],
    ) -> Result<(), CopyError> {
        let (parent, source) = match found.path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&found.path[..slash], &found.path[slash + 1..]),
            None => (&found.path[..0], found.path.as_slice()),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let from = open_plain(self.tree.root(), parent, flags)
            .map_err(|error| WalkError::at(&found.path, error))?;
        let entry = Entry {
            parent: b"",
            name: source,
            directory: from.as_fd(),
            stat: found.stat,
        };
        self.node(&entry, &found.path, directory, name, path)
    }

    /// What is in a directory of the source, into the directory `to`.
    fn contents(
        &mut self,
        found: &Found,
        to: &[u8],
        selection: &Selection<'_>,
    ) -> Result<(), CopyError> {
        let tree = self.tree;
        // The directory that is copied to, as neighbours follow each other.
        let mut last: Option<(Vec<u8>, OwnedFd)> = None;
        walk(tree, &found.path, selection.excludes, &mut |entry| {
            let directory = match &last {
                Some((parent, directory)) if parent == entry.parent => directory,
                _ => {
                    let opened = self.open_directory(&below(to, entry.parent))?;
                    &last.insert((entry.parent.to_vec(), opened)).1
                }
            };
            let path = entry.path();
            let target = below(to, &path);
            refuse_whiteout(entry.name, &target)?;
            let source = below(&found.path, &path);
            self.node(entry, &source, directory.as_fd(), entry.name, &target)
        })
    }

    /// One file of any kind.
    fn node(
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
    fn make_directory(
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

    /// The innermost first: what is made in a directory changes its times.
    fn finish(&mut self) -> Result<(), CopyError> {
        for (path, metadata, attributes) in std::mem::take(&mut self.made).iter().rev() {
            let directory = self.open_directory(path)?;
            metadata
                .give(directory.as_fd(), attributes)
                .map_err(|error| CopyError::write(path, error))?;
        }
        Ok(())
    }

    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd, CopyError> {
        open_plain(self.view.as_fd(), path, OFlags::RDONLY | OFlags::DIRECTORY)
            .map_err(|error| CopyError::write(path, error))
    }

    /// Whom directories belong to that no source has.
    fn parent_owner(&self) -> Owner {
        self.options.owner.unwrap_or(ROOT)
    }
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
