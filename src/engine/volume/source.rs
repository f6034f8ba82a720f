//! What a starting container mounts of its volumes.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use rbox_runtime::rootfs::in_root;
use rustix::fs::{Mode, OFlags};

use super::{absent, mounted, store};
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::record::Record;
use crate::engine::request::{MountKind, MountRequest};

/// Paths to mount, by where in the container; good for as long as this is kept.
#[derive(Debug, Default)]
pub struct Sources {
    /// By the path in the container.
    pub paths: BTreeMap<String, PathBuf>,
    open: Vec<OwnedFd>,
}

/// Opens what a container mounts; [`mounted::release`] is for its end.
///
/// # Errors
/// The volume or the path below it that is not there.
pub fn open(dirs: &Dirs, record: &Record) -> Result<Sources, Failure> {
    let mut sources = Sources::default();
    for mount in volumes(record) {
        let Some(volume) = store::read(dirs, &mount.source)? else {
            return Err(absent(dirs, &mount.source));
        };
        if !volume.options.is_empty() {
            let _lock = mounted::lock(dirs, &mount.source)?;
            mounted::ensure(&volume)?;
        }
        let data = volume.mountpoint;
        let path = match mount.subpath.as_str() {
            "" => data,
            below => {
                let found = subpath(&data, below)?;
                let path = PathBuf::from(format!("/proc/self/fd/{}", found.as_raw_fd()));
                sources.open.push(found);
                path
            }
        };
        sources.paths.insert(mount.target.clone(), path);
    }
    Ok(sources)
}

/// Where that is, for one who only says what would be mounted.
pub fn places(dirs: &Dirs, record: &Record) -> BTreeMap<String, PathBuf> {
    volumes(record)
        .map(|mount| (mount.target.clone(), place(dirs, mount)))
        .collect()
}

/// Where on the host the files of one volume are.
pub fn place(dirs: &Dirs, mount: &MountRequest) -> PathBuf {
    let data = store::data(dirs, &mount.source);
    match mount.subpath.as_str() {
        "" => data,
        below => data.join(below),
    }
}

fn volumes(record: &Record) -> impl Iterator<Item = &MountRequest> {
    let mounts = record.host.mounts.iter();
    mounts.filter(|mount| mount.kind == MountKind::Volume)
}

/// Links on the way, which containers may have made, lead nowhere but below the volume.
fn subpath(data: &std::path::Path, below: &str) -> Result<OwnedFd, Failure> {
    let what = || format!("cannot access path {}", data.join(below).display());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(data, flags, Mode::empty()).context(what)?;
    in_root::locate(root.as_fd(), below).context(what)
}
