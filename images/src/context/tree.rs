//! Files below a root, with some of them left out.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::memo::Memo;
use super::{Ignore, SelectError, SelectOptions, Selection, select};
use crate::view::{View, joined};

/// What files are selected from and copied.
pub struct Tree {
    root: OwnedFd,
    ignore: Option<Ignore>,
    /// Whether copies keep the owners that files have here.
    keeps_owners: bool,
    memo: Memo,
}

impl Tree {
    /// Copies belong to root: who owns a file on the host says nothing about the image.
    pub(super) fn of_context(root: OwnedFd) -> Tree {
        Tree {
            root,
            ignore: None,
            keeps_owners: false,
            memo: Memo::default(),
        }
    }

    /// The files of a stage or image, for `COPY --from`; copies keep their owners.
    ///
    /// # Errors
    /// The view's descriptor cannot be duplicated.
    pub fn of_view(view: &View) -> std::io::Result<Tree> {
        Ok(Tree {
            root: view.as_fd().try_clone_to_owned()?,
            ignore: None,
            keeps_owners: true,
            memo: Memo::default(),
        })
    }

    /// Finds the sources of a `COPY`, in the order given; a pattern that matches nothing selects
    /// nothing, while a plain name must be there.
    ///
    /// # Errors
    /// [`SelectError`], naming the source.
    pub fn select<'a>(&'a self, options: &SelectOptions<'a>) -> Result<Selection<'a>, SelectError> {
        select::select(self, options)
    }

    /// One file directly below the root by its exact name, as a download has one.
    ///
    /// # Errors
    /// [`SelectError`]: it is not there.
    pub fn select_file(&self, name: &str) -> Result<Selection<'_>, SelectError> {
        select::select_file(self, name)
    }

    pub(super) fn ignore(&mut self, ignore: Ignore) {
        self.ignore = (!ignore.is_empty()).then_some(ignore);
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    pub(crate) fn keeps_owners(&self) -> bool {
        self.keeps_owners
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    /// What is at a path without links.
    pub(crate) fn stat(&self, path: &[u8]) -> Result<Stat, Errno> {
        let flags = rustix::fs::OFlags::PATH;
        rustix::fs::fstat(crate::view::open_plain(self.root(), path, flags)?)
    }

    /// Whether a file is left out.
    pub(super) fn hides(&self, path: &[u8]) -> bool {
        match &self.ignore {
            Some(ignore) => !path.is_empty() && ignore.excludes(path),
            None => false,
        }
    }

    /// Whether nothing below a left out directory can be there.
    pub(super) fn hides_all_below(&self, directory: &[u8]) -> bool {
        match &self.ignore {
            Some(ignore) => !ignore.may_include_below(directory),
            None => false,
        }
    }

    /// For the resolver, which has names and no path.
    pub(super) fn hides_names(&self, names: &[Vec<u8>]) -> bool {
        self.ignore.is_some() && self.hides(&joined(names))
    }

    /// What no copy can be made of: sockets, which mean nothing without the process that listens,
    /// and overlayfs' marks of deleted files, which the lowest layer may have.
    pub(super) fn has_no_copy(&self, stat: &Stat) -> bool {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Socket => true,
            FileType::CharacterDevice => self.keeps_owners && stat.st_rdev == 0,
            _ => false,
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("root", &self.root)
            .field("keeps_owners", &self.keeps_owners)
            .finish_non_exhaustive()
    }
}
