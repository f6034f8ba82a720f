//! Making the mount.

use std::fmt::Write as _;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use super::ViewError;

/// `fsconfig(2)` takes values of at most 255 bytes.
const VALUE_LIMIT: usize = 255;

/// Stacks `lower`, lowest first, below the upper and work directory of `writable`.
pub(super) fn detached(
    lower: &[PathBuf],
    writable: Option<(&Path, &Path)>,
) -> Result<OwnedFd, ViewError> {
    // Overlayfs takes names, which may be long or have commas; descriptors are short.
    let mut open = Vec::with_capacity(lower.len() + 2);
    let mut name = |path: &Path| -> Result<String, ViewError> {
        let directory = directory(path)?;
        let name = format!("/proc/self/fd/{}", directory.as_raw_fd());
        open.push(directory);
        Ok(name)
    };
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)
        .map_err(|error| kernel("fsopen", error, None))?;
    set(&context, "source", "overlay")?;
    let mut top_first = Vec::with_capacity(lower.len());
    for layer in lower.iter().rev() {
        top_first.push(name(layer)?);
    }
    set_lower(&context, &top_first)?;
    let attributes = match writable {
        Some((upper, work)) => {
            set(&context, "upperdir", &name(upper)?)?;
            set(&context, "workdir", &name(work)?)?;
            set_writable(&context)?;
            MountAttrFlags::empty()
        }
        None => MountAttrFlags::MOUNT_ATTR_RDONLY,
    };
    fsconfig_create(&context).map_err(|error| kernel("create", error, Some(context.as_fd())))?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .map_err(|error| kernel("fsmount", error, Some(context.as_fd())))
}

/// A directory by itself. Its descriptor can be read, as a mount's cannot.
pub(super) fn directory(path: &Path) -> Result<OwnedFd, ViewError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|error| ViewError::Directory {
        path: path.to_owned(),
        source: error.into(),
    })
}

fn set_lower(context: &OwnedFd, top_first: &[String]) -> Result<(), ViewError> {
    for (index, name) in top_first.iter().enumerate() {
        match fsconfig_set_string(context, "lowerdir+", name.as_str()) {
            Ok(()) => {}
            // Before Linux 6.7 all are one value.
            Err(Errno::INVAL) if index == 0 => {
                let value = top_first.join(":");
                if value.len() > VALUE_LIMIT {
                    return Err(ViewError::TooManyLayers(top_first.len()));
                }
                return set(context, "lowerdir", &value);
            }
            Err(error) => return Err(kernel("lowerdir+", error, Some(context.as_fd()))),
        }
    }
    Ok(())
}

/// The upper directory becomes a layer: each file in it must be whole, and found at its own name.
fn set_writable(context: &OwnedFd) -> Result<(), ViewError> {
    for (key, value) in [
        ("metacopy", "off"),
        ("redirect_dir", "off"),
        ("index", "off"),
    ] {
        set(context, key, value)?;
    }
    // Without it the whole filesystem is synced when the view is dropped (Linux 5.10 knows it).
    match fsconfig_set_flag(context, "volatile") {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(kernel("volatile", error, Some(context.as_fd()))),
    }
}

fn set(context: &OwnedFd, key: &'static str, value: &str) -> Result<(), ViewError> {
    fsconfig_set_string(context, key, value)
        .map_err(|error| kernel(key, error, Some(context.as_fd())))
}

/// Adds what the kernel wrote to the context's log.
fn kernel(step: &'static str, error: Errno, context: Option<BorrowedFd<'_>>) -> ViewError {
    let mut log = String::new();
    let mut line = [0u8; 1024];
    while let Some(context) = context
        && let Ok(read) = rustix::io::read(context, &mut line)
        && read > 0
    {
        // Lines look like "e overlay: text".
        let text = String::from_utf8_lossy(&line[..read]);
        let text = text.trim_end();
        let text = text.split_once(' ').map_or(text, |(_, rest)| rest);
        // Writing to a String cannot fail.
        let _ = write!(log, "; {text}");
    }
    ViewError::Kernel {
        step,
        source: error.into(),
        log,
    }
}
