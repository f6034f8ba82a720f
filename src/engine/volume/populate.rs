//! An empty volume gets what the image has at its place: content, owners, modes, links, extended
//! attributes.
//!
//! ```text
//!  image ──copy──▶ _copy ──rename──▶ _copied ──rename each──▶ _data
//! ```
//!
//! A copy that was not finished is begun anew; one that was finished is only moved. So a volume is
//! never taken for full because somebody died while he filled it.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rbox_runtime::rootfs::{copy_up, in_root};
use rustix::fs::{FileType, Mode, OFlags, RawDir, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::{mounted, store};
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::request::MountRequest;

const COPY: &CStr = c"_copy";
const COPIED: &CStr = c"_copied";
const DATA: &CStr = c"_data";

/// Fills the volume of `mount`, whose lock the caller shares, if it is empty. `image` is the root
/// that the container will have, without its mounts.
///
/// # Errors
/// Docker's text for a file in the place of the volume; what cannot be copied.
pub fn populate(
    dirs: &Dirs,
    mount: &MountRequest,
    image: BorrowedFd<'_>,
    copies: bool,
) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::new(format!(
            "copy what the image has at {} into volume {}: {error}",
            mount.target, mount.source
        ))
    };
    let Some(source) = place(image, &mount.target).map_err(failed)? else {
        return Ok(());
    };
    let stat = fstat(&source).map_err(|error| failed(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(Failure::new(format!(
            "cannot mount volume over existing file, file exists {}",
            mount.target
        )));
    }
    if !copies || !mount.subpath.is_empty() {
        return Ok(());
    }
    let directory = store::directory(dirs, &mount.source);
    let what = || format!("open volume {}", mount.source);
    // One at a time; the others find it filled.
    let _lock = mounted::lock(dirs, &mount.source)?;
    let described = store::read(dirs, &mount.source)?;
    let volume = open(&directory).context(what)?;
    match described {
        Some(described) if !described.options.is_empty() => {
            // What is in memory is gone before anybody sees it.
            if described
                .options
                .get("type")
                .is_some_and(|kind| kind == "tmpfs")
            {
                return Ok(());
            }
            mounted::ensure(&described)?;
            fill_mounted(volume.as_fd(), source.as_fd()).map_err(failed)
        }
        _ => fill(volume.as_fd(), &directory, source.as_fd()).map_err(failed),
    }
}

/// Another filesystem is filled in place: nothing is moved into it.
fn fill_mounted(volume: BorrowedFd<'_>, source: BorrowedFd<'_>) -> io::Result<()> {
    let data = below(volume, DATA)?;
    if !is_empty(below(volume, DATA)?)? {
        return Ok(());
    }
    copy_up::contents(source, data.as_fd())?;
    copy_up::attributes(source, volume, DATA)
}

/// What the container would have at `path`; links are followed inside its root.
fn place(image: BorrowedFd<'_>, path: &str) -> io::Result<Option<OwnedFd>> {
    match in_root::locate(image, path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fill(volume: BorrowedFd<'_>, path: &Path, source: BorrowedFd<'_>) -> io::Result<()> {
    let finished = path.join("_copied").exists();
    if !finished {
        remove(&path.join("_copy"))?;
        if !is_empty(below(volume, DATA)?)? {
            return Ok(());
        }
        mkdirat(volume, COPY, Mode::RWXU)?;
        let copied = copy_up::contents(source, below(volume, COPY)?.as_fd())
            .and_then(|()| copy_up::attributes(source, volume, COPY));
        if let Err(error) = copied {
            let _ = remove(&path.join("_copy"));
            return Err(error);
        }
        rustix::fs::renameat(volume, COPY, volume, COPIED)?;
    }
    publish(volume, path)
}

/// Moves a copy to its place. Who dies on the way leaves the rest of it to be moved.
fn publish(volume: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let (copied, data) = (below(volume, COPIED)?, below(volume, DATA)?);
    for entry in fs::read_dir(path.join("_copied"))? {
        let name = entry?.file_name();
        match rustix::fs::renameat_with(
            &copied,
            &name,
            &data,
            &name,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            // A container that runs on the volume made one meanwhile: it stays.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    copy_up::attributes(copied.as_fd(), volume, DATA)?;
    remove(&path.join("_copied"))
}

fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

fn below(directory: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

fn is_empty(directory: OwnedFd) -> io::Result<bool> {
    let mut buffer = Vec::with_capacity(1024);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
