//! Namespace files, opened before the child exists.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstatfs, open};

use super::CreateError;
use crate::spec::{Namespaces, Source};

/// `NSFS_MAGIC`
const NSFS_MAGIC: i64 = 0x6e73_6673;

/// The namespaces to join, opened, in the order in which to join them.
pub(super) fn open_joined(
    namespaces: &Namespaces<'_>,
) -> Result<Vec<(&'static str, OwnedFd)>, CreateError> {
    namespaces
        .joined()
        .map(|(kind, path)| Ok((kind, open_one(kind, path)?)))
        .collect()
}

/// The pid namespace to enter, opened.
pub(super) fn open_pid(namespaces: &Namespaces<'_>) -> Result<Option<OwnedFd>, CreateError> {
    match namespaces.pid {
        Source::Path(path) => Ok(Some(open_one("pid", path)?)),
        Source::Host | Source::New => Ok(None),
    }
}

fn open_one(kind: &'static str, path: &Path) -> Result<OwnedFd, CreateError> {
    let wrap = |source: io::Error| CreateError::Namespace {
        kind,
        path: path.into(),
        source,
    };
    let file = open(
        path,
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
    )
    .map_err(|error| wrap(error.into()))?;
    let magic = fstatfs(&file).map_err(|error| wrap(error.into()))?.f_type as i64;
    if magic == NSFS_MAGIC {
        Ok(file)
    } else {
        Err(wrap(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a namespace",
        )))
    }
}
