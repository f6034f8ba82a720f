//! One source on its way into the image: what goes where.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;

use super::attributes::Metadata;
use super::place::{ROOT, directory, place, refuse_whiteout, resolved};
use super::{CopyError, CopyOptions, Owner};
use crate::context::{
    Attributes, Entry, Found, Selection, Tree, WalkError, attributes_of, below, walk,
};
use crate::view::{View, clean, joined, open_plain};

/// One source on its way.
pub(super) struct Copy<'a> {
    pub(super) tree: &'a Tree,
    pub(super) view: &'a View,
    pub(super) options: &'a CopyOptions,
    /// Where a file with several names was copied to, by device and inode.
    pub(super) links: HashMap<(u64, u64), Vec<u8>>,
    /// Directories, whose times and modes come last.
    pub(super) made: Vec<(Vec<u8>, Metadata, Attributes)>,
}

impl<'a> Copy<'a> {
    pub(super) fn new(tree: &'a Tree, view: &'a View, options: &'a CopyOptions) -> Copy<'a> {
        Copy {
            tree,
            view,
            options,
            links: HashMap::new(),
            made: Vec::new(),
        }
    }

    /// Copies it, with all that is in it.
    pub(super) fn source(
        mut self,
        found: &Found,
        selection: &Selection<'_>,
    ) -> Result<(), CopyError> {
        self.content(found, selection)?;
        self.finish()
    }

    fn content(&mut self, found: &Found, selection: &Selection<'_>) -> Result<(), CopyError> {
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
