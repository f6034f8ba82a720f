//! The layered root of a container as a detached mount: it appears in no mount
//! table until the container attaches it in its own namespace.

mod mapped;

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};
use thiserror::Error;

use super::idmap::IdMapError;
use crate::process::reason;

pub use mapped::{Handover, detached_mapped, detached_mapped_by, is_refused};

/// fsconfig takes values of at most 255 bytes.
const VALUE_LIMIT: usize = 255;

/// Why layers could not be stacked.
#[derive(Debug, Error)]
pub enum OverlayError {
    /// A directory of the stack cannot be opened.
    #[error("overlay directory {path}: {}", reason(.source))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The error of open.
        source: io::Error,
    },
    /// There is nothing to stack.
    #[error("an overlay needs at least one lower directory")]
    NoLayers,
    /// More layers than this kernel's interface can name (before Linux 6.7).
    #[error("{0} layers are too many for this kernel's overlayfs (Linux 6.7 takes more)")]
    TooManyLayers(usize),
    /// The mapping of owners cannot be had.
    #[error(transparent)]
    Namespace(IdMapError),
    /// A lower directory cannot be seen with mapped owners.
    #[error("overlay directory {path}: {source}")]
    Mapping {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: IdMapError,
    },
    /// The kernel has no overlayfs or refuses the stack.
    #[error("overlay: {step}: {}{log}", reason(.source))]
    Kernel {
        /// Which call failed.
        step: &'static str,
        /// Its error.
        source: io::Error,
        /// What the kernel adds, each line after `; `.
        log: String,
    },
}

/// Where changes go: two directories on one filesystem.
#[derive(Clone, Copy, Debug)]
pub struct Writable<'a> {
    /// What is changed.
    pub upper: &'a Path,
    /// For the kernel's use.
    pub work: &'a Path,
    /// Nothing of it need outlast a crash of the machine: neither fsync(2) in the container nor the
    /// end of the mount waits for the disk (`volatile`, Documentation/filesystems/overlayfs.rst).
    /// Without it the end of the mount writes out all that the whole filesystem has pending.
    pub volatile: bool,
}

impl<'a> Writable<'a> {
    /// Of which nothing is lost.
    pub fn new(upper: &'a Path, work: &'a Path) -> Self {
        Self {
            upper,
            work,
            volatile: false,
        }
    }
}

/// Stacks `lower` (lowest first) below what is writable, and returns the mount.
///
/// # Errors
/// [`OverlayError`], naming the directory or the refused step.
pub fn detached(lower: &[PathBuf], writable: &Writable<'_>) -> Result<OwnedFd, OverlayError> {
    if lower.is_empty() {
        return Err(OverlayError::NoLayers);
    }
    let mut names = Names::default();
    let context = open_context()?;
    let top_first = lower.iter().rev();
    let mut appended = 0;
    for layer in top_first.clone() {
        let name = names.short(layer)?;
        match fsconfig_set_string(&context, "lowerdir+", &name[..]) {
            Ok(()) => appended += 1,
            Err(Errno::INVAL) if appended == 0 => break,
            Err(error) => return Err(kernel("lowerdir+", error, Some(context.as_fd()))),
        }
    }
    if appended == 0 {
        set(&context, "lowerdir", &names.joined(top_first)?)?;
    }
    finish(&context, &mut names, writable)
}

/// An overlay that has no directories yet.
fn open_context() -> Result<OwnedFd, OverlayError> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)
        .map_err(|error| kernel("fsopen", error, None))?;
    set(&context, "source", b"overlay")?;
    // Whatever the kernel was built with: the writable directory is to be a layer that stands for
    // itself, without references to what it was copied from.
    for feature in ["redirect_dir", "metacopy", "index"] {
        set(&context, feature, b"off")?;
    }
    Ok(context)
}

/// Adds the writable directories and makes the mount.
fn finish(
    context: &OwnedFd,
    names: &mut Names,
    writable: &Writable<'_>,
) -> Result<OwnedFd, OverlayError> {
    set(context, "upperdir", &names.short(writable.upper)?)?;
    set(context, "workdir", &names.short(writable.work)?)?;
    // Left by a mount that was volatile, to warn of a crash: what follows a crash is not mounted
    // again, and after anything else nothing is lost.
    let marker = writable.work.join("work/incompat/volatile");
    if std::fs::remove_file(marker.join("dirty")).is_ok() {
        let _ = std::fs::remove_dir(marker);
    }
    if writable.volatile {
        fsconfig_set_flag(context, "volatile")
            .map_err(|error| kernel("volatile", error, Some(context.as_fd())))?;
    }
    fsconfig_create(context).map_err(|error| kernel("create", error, Some(context.as_fd())))?;
    fsmount(
        context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
    .map_err(|error| kernel("fsmount", error, Some(context.as_fd())))
}

fn set(context: &OwnedFd, key: &'static str, value: &[u8]) -> Result<(), OverlayError> {
    fsconfig_set_string(context, key, value)
        .map_err(|error| kernel(key, error, Some(context.as_fd())))
}

/// Names of directories that fit fsconfig; keeps open what they go through.
#[derive(Default)]
struct Names {
    open: Vec<OwnedFd>,
}

impl Names {
    /// The path itself, or one through a descriptor when it is too long or has
    /// characters that overlayfs would take for its own.
    fn short(&mut self, path: &Path) -> Result<Vec<u8>, OverlayError> {
        let bytes = path.as_os_str().as_bytes();
        let plain = bytes.len() <= VALUE_LIMIT && !bytes.iter().any(|b| b":,\\".contains(b));
        if plain {
            Ok(bytes.to_vec())
        } else {
            self.through_descriptor(path)
        }
    }

    /// All layers in one value, for kernels that take them only so.
    fn joined<'a>(
        &mut self,
        top_first: impl ExactSizeIterator<Item = &'a PathBuf>,
    ) -> Result<Vec<u8>, OverlayError> {
        let count = top_first.len();
        let mut value = Vec::new();
        for path in top_first {
            if !value.is_empty() {
                value.push(b':');
            }
            value.extend(self.through_descriptor(path)?);
        }
        if value.len() > VALUE_LIMIT {
            return Err(OverlayError::TooManyLayers(count));
        }
        Ok(value)
    }

    fn through_descriptor(&mut self, path: &Path) -> Result<Vec<u8>, OverlayError> {
        let directory = open(
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| OverlayError::Directory {
            path: path.into(),
            source: error.into(),
        })?;
        let name = format!("/proc/self/fd/{}", directory.as_raw_fd());
        self.open.push(directory);
        Ok(name.into_bytes())
    }
}

/// Adds what the kernel wrote to the context's log.
fn kernel(step: &'static str, error: Errno, context: Option<BorrowedFd<'_>>) -> OverlayError {
    let mut log = String::new();
    let mut line = [0u8; 1024];
    while let Some(context) = context
        && let Ok(read) = rustix::io::read(context, &mut line)
        && read > 0
    {
        // Lines look like "e overlay: text".
        let text = String::from_utf8_lossy(&line[..read]);
        let text = text.trim_end();
        let _ = write!(
            log,
            "; {}",
            text.split_once(' ').map_or(text, |(_, rest)| rest)
        );
    }
    OverlayError::Kernel {
        step,
        source: error.into(),
        log,
    }
}
