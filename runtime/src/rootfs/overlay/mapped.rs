//! Layers that all containers share, seen with the owners that one container's
//! user namespace gives them: nothing is copied and nothing on disk changes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;

use oci_spec::runtime::LinuxIdMapping;
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, fsconfig_set_fd, mount_change, move_mount,
};

use super::{Names, OverlayError, Writable, detached, finish, kernel, open_context};
use crate::process::sys;
use crate::rootfs::{bind, idmap};

/// How the mapped layers are handed to overlayfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// As descriptors of detached mounts: Linux 6.15.
    Descriptors,
    /// By path, attached over the layers in a mount namespace that exists for
    /// that moment only: Linux 5.19.
    Attached,
}

/// As [`detached`], and files of the lower directories are seen with mapped
/// owners: id `container_id` on disk as `host_id`. `upper` and `work` are taken
/// as they are; `upper` should belong to whom id 0 is mapped to, for it is the
/// top directory of the container.
///
/// The caller must be single-threaded.
///
/// # Errors
/// [`OverlayError`], naming the directory or the refused step;
/// [`OverlayError::Mapping`] where kernel or filesystem cannot map owners.
pub fn detached_mapped(
    lower: &[PathBuf],
    writable: &Writable<'_>,
    uids: &[LinuxIdMapping],
    gids: &[LinuxIdMapping],
) -> Result<OwnedFd, OverlayError> {
    let userns = idmap::user_namespace(uids, gids).map_err(OverlayError::Namespace)?;
    let by = |handover| detached_mapped_by(handover, lower, writable, userns.as_fd());
    match by(Handover::Descriptors) {
        // Kernels that take no descriptors say so at once (Linux 6.12 calls those of
        // mounts bad), those that take no detached mounts when the overlay is
        // made. Anything else that they call invalid is so in the other way, too.
        Err(OverlayError::Kernel { source, .. }) if is_refused(&source) => by(Handover::Attached),
        result => result,
    }
}

/// Whether an error may mean that the kernel has no [`Handover::Descriptors`].
pub fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EBADF))
}

/// [`detached_mapped`] in one of the two ways, with the mapping of a user
/// namespace.
///
/// # Errors
/// As [`detached_mapped`]; also where the kernel has not got this way.
pub fn detached_mapped_by(
    handover: Handover,
    lower: &[PathBuf],
    writable: &Writable<'_>,
    userns: BorrowedFd<'_>,
) -> Result<OwnedFd, OverlayError> {
    if lower.is_empty() {
        return Err(OverlayError::NoLayers);
    }
    let mut layers = Vec::with_capacity(lower.len());
    for layer in lower {
        layers.push(map(layer, userns)?);
    }
    match handover {
        Handover::Descriptors => by_descriptors(&layers, writable),
        Handover::Attached => attached(&layers, lower, writable),
    }
}

/// The parameter that takes one more layer.
const LAYER: &str = "lowerdir+";

/// A detached copy of a layer's mount with mapped owners.
fn map(layer: &Path, userns: BorrowedFd<'_>) -> Result<OwnedFd, OverlayError> {
    let tree = bind::clone_tree(layer, false).map_err(|source| OverlayError::Directory {
        path: layer.into(),
        source,
    })?;
    idmap::apply(tree.as_fd(), userns, false).map_err(|source| OverlayError::Mapping {
        path: layer.into(),
        source,
    })?;
    Ok(tree)
}

fn by_descriptors(layers: &[OwnedFd], writable: &Writable<'_>) -> Result<OwnedFd, OverlayError> {
    let context = open_context()?;
    for layer in layers.iter().rev() {
        fsconfig_set_fd(&context, LAYER, layer)
            .map_err(|error| kernel(LAYER, error, Some(context.as_fd())))?;
    }
    finish(&context, &mut Names::default(), writable)
}

/// Nobody else sees the attached layers, and whatever happens to this process
/// they go with the namespace.
fn attached(
    layers: &[OwnedFd],
    lower: &[PathBuf],
    writable: &Writable<'_>,
) -> Result<OwnedFd, OverlayError> {
    let stack = || {
        sys::unshare_namespaces(libc::CLONE_NEWNS).map_err(|source| OverlayError::Kernel {
            step: "unshare a mount namespace",
            source,
            log: String::new(),
        })?;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).map_err(|error| kernel("make mounts private", error, None))?;
        for (layer, path) in layers.iter().zip(lower) {
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            move_mount(layer, "", CWD, path, flags).map_err(|error: Errno| {
                OverlayError::Directory {
                    path: path.clone(),
                    source: error.into(),
                }
            })?;
        }
        detached(lower, writable)
    };
    // A thread of its own, because the namespace is not to be this one's.
    thread::scope(|scope| {
        thread::Builder::new()
            .spawn_scoped(scope, stack)
            .map_err(thread_failed)?
            .join()
            .unwrap_or_else(|_| Err(thread_failed(io::ErrorKind::Other.into())))
    })
}

fn thread_failed(source: io::Error) -> OverlayError {
    OverlayError::Kernel {
        step: "start a thread",
        source,
        log: String::new(),
    }
}
