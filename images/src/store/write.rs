//! Writing into the store: its locks, and its index changed under one.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::index::Index;
use super::{ReadError, Store, files};
use crate::layer::delete_tree;

/// Why the store cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or directory of the store.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// What is there already cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

pub(super) fn writing(path: &Path) -> impl FnOnce(io::Error) -> WriteError + '_ {
    move |source| WriteError::Io {
        path: path.to_owned(),
        source,
    }
}

impl Store {
    /// The lock around every change of the index; released when dropped.
    pub(super) fn lock(&self) -> Result<File, WriteError> {
        let file = self.lock_file("lock")?;
        file.lock().map_err(writing(&self.root.join("lock")))?;
        Ok(file)
    }

    pub(super) fn lock_file(&self, name: &str) -> Result<File, WriteError> {
        make_private(&self.root)?;
        let path = self.root.join(name);
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(writing(&path))
    }

    /// Changes the index under the lock; the closure's error leaves it as it was.
    pub(super) fn change_index<T, E: From<WriteError>>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        self.change_index_locked(change)
    }

    /// As [`Store::change_index`], for a caller that holds the lock.
    pub(super) fn change_index_locked<T, E: From<WriteError>>(
        &self,
        change: impl FnOnce(&mut Index) -> Result<T, E>,
    ) -> Result<T, E> {
        let path = self.index_path();
        let old = Index::read(&path).map_err(WriteError::from)?;
        let mut new = old.clone();
        let result = change(&mut new)?;
        if new != old {
            files::replace_json(&path, &new).map_err(writing(&path))?;
        }
        Ok(result)
    }
}

/// Other users of the machine have no business in images: they hold setuid programs.
pub(super) fn make_private(directory: &Path) -> Result<(), WriteError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(writing(directory))
}

/// Deletes a tree that may have come from a hostile archive.
pub(super) fn delete_directory(path: &Path) -> Result<(), WriteError> {
    let failed = writing(path);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    };
    let deleted =
        File::open(parent).and_then(|parent| Ok(delete_tree(parent.as_fd(), name.as_bytes())?));
    deleted.map_err(failed)
}
