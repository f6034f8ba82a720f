//! What a build copies from: a directory of the user's, or the files of another stage or image.
//!
//! Nothing outside the root is ever read: names are resolved one by one, links lead to files of
//! the root, and a file is opened only as what it was when it was looked at. What `.dockerignore`
//! leaves out is as if it were not there.
//!
//! ```text
//!  Context, View ─▶ Tree ── select(patterns) ─▶ Selection ── checksum ─▶ Digest, for the cache
//!                    │ ignore                      │
//!                    └ memo: file → digest         └── copy::apply ─▶ another View
//! ```

mod attributes;
mod checksum;
mod ignore;
mod memo;
mod pattern;
mod select;
mod stdin;
mod tree;
mod walk;

pub(crate) use attributes::{Attributes, attributes_of};
pub(crate) use checksum::open_regular;
pub(crate) use memo::Stamp;
pub(crate) use select::Found;
pub(crate) use stdin::scratch_file;
pub(crate) use walk::{Entry, below, walk};

pub use checksum::ChecksumError;
pub use ignore::{Ignore, IgnoreError};
pub use pattern::{BadPattern, Pattern};
pub use select::{SelectError, SelectOptions, Selection};
pub use stdin::FromStdin;
pub use tree::Tree;
pub use walk::WalkError;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::layer::UnpackError;
use crate::view::{ViewReadError, read_below};

/// Most bytes of a Dockerfile or of a `.dockerignore`.
pub const LARGEST_DOCKERFILE: usize = 4 << 20;

/// The directory that `COPY` and `ADD` take files from.
#[derive(Debug)]
pub struct Context {
    tree: Tree,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// Nothing is there.
    #[error("unable to prepare context: path {0:?} not found")]
    NotFound(PathBuf),
    /// A file is there.
    #[error("unable to prepare context: context must be a directory: {0}")]
    NotDirectory(PathBuf),
    /// What comes through the pipe cannot be read.
    #[error("unable to prepare context: cannot read the context from stdin: {0}")]
    Stdin(io::Error),
    /// An archive that is refused.
    #[error("unable to prepare context: {0}")]
    Unpack(#[from] UnpackError),
    /// No archive, and too long for a Dockerfile.
    #[error(
        "unable to prepare context: the Dockerfile on stdin is larger than {LARGEST_DOCKERFILE} bytes"
    )]
    TooLarge,
    /// It cannot be opened.
    #[error("unable to prepare context: {path}: {source}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Context {
    /// A directory of the host; it may be named through links.
    ///
    /// # Errors
    /// [`ContextError`]: it is no directory that can be opened.
    pub fn directory(path: &Path) -> Result<Context, ContextError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ContextError::NotFound(path.to_owned()),
            _ => ContextError::Io {
                path: path.to_owned(),
                source,
            },
        };
        if !std::fs::metadata(path).map_err(failed)?.is_dir() {
            return Err(ContextError::NotDirectory(path.to_owned()));
        }
        let root: OwnedFd = File::open(path).map_err(failed)?.into();
        Ok(Context {
            tree: Tree::of_context(root),
        })
    }

    /// Leaves out what `ignore` says, from now on.
    #[must_use]
    pub fn ignoring(mut self, ignore: Ignore) -> Context {
        self.tree.ignore(ignore);
        self
    }

    /// The Dockerfile, also when it is ignored itself; `None` when there is none. Links lead to
    /// files of the context only.
    ///
    /// # Errors
    /// [`ViewReadError`]: it is no readable file, or is too large.
    pub fn dockerfile(&self, name: &str) -> Result<Option<Vec<u8>>, ViewReadError> {
        read_below(self.tree.root(), name.as_bytes(), LARGEST_DOCKERFILE)
    }

    /// What says which files are ignored: the file beside the Dockerfile named like it with
    /// `.dockerignore` added, else `.dockerignore`.
    ///
    /// # Errors
    /// [`ViewReadError`]: it is no readable file, or is too large.
    pub fn ignore_file(&self, dockerfile: &str) -> Result<Option<Vec<u8>>, ViewReadError> {
        let own = format!("{dockerfile}.dockerignore");
        match read_below(self.tree.root(), own.as_bytes(), LARGEST_DOCKERFILE)? {
            Some(bytes) => Ok(Some(bytes)),
            None => read_below(self.tree.root(), b".dockerignore", LARGEST_DOCKERFILE),
        }
    }

    /// Its files.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}
