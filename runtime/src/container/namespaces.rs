//! Namespace files, opened before the child exists.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstatfs};

use super::CreateError;
use crate::spec::{Namespaces, Source};

/// `NSFS_MAGIC`
pub(crate) const NSFS_MAGIC: i64 = 0x6e73_6673;

/// The namespaces to join, opened, by who joins them.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// The child itself, in this order.
    pub(super) by_child: Vec<(&'static str, OwnedFd)>,
    /// A process before it, in this order: where a user namespace is involved.
    pub(super) through: Vec<(&'static str, OwnedFd)>,
    /// The parent, for the child.
    pub(super) pid: Option<OwnedFd>,
}

/// Opens all.
pub(super) fn open(namespaces: &Namespaces<'_>) -> Result<Joined, CreateError> {
    let mut joined = Joined::default();
    let early = namespaces.user != Source::Host;
    for (kind, path) in namespaces.joined() {
        let file = open_one(kind, path)?;
        // A mount namespace is entered last: until then files are the host's.
        if early && kind != Namespaces::MOUNT {
            joined.through.push((kind, file));
        } else {
            joined.by_child.push((kind, file));
        }
    }
    // The user namespace comes last: the others may belong to the host's.
    if let Source::Path(path) = namespaces.user {
        joined.through.push(("user", open_one("user", path)?));
    }
    if let Source::Path(path) = namespaces.pid {
        joined.pid = Some(open_one("pid", path)?);
    }
    Ok(joined)
}

/// What the list really means: a path that leads to the caller's own namespace
/// shares it with the host.
pub(super) fn effective<'a>(listed: &Namespaces<'a>) -> Namespaces<'a> {
    let resolve = |source: Source<'a>, kind: &str| match source {
        Source::Path(path) if same(path, &format!("/proc/thread-self/ns/{kind}")) => Source::Host,
        source => source,
    };
    Namespaces {
        mount: resolve(listed.mount, "mnt"),
        network: resolve(listed.network, "net"),
        ipc: resolve(listed.ipc, "ipc"),
        uts: resolve(listed.uts, "uts"),
        ..*listed
    }
}

fn same(one: &Path, other: &str) -> bool {
    match (rustix::fs::stat(one), rustix::fs::stat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}

fn open_one(kind: &'static str, path: &Path) -> Result<OwnedFd, CreateError> {
    let wrap = |source: io::Error| CreateError::Namespace {
        kind,
        path: path.into(),
        source,
    };
    let file = rustix::fs::open(
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
