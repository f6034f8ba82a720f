//! The container's root becomes the root, and the host's tree goes away.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::CWD;
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, UnmountFlags, mount_change, move_mount, unmount,
};

use crate::process::{Failure, Naming, sys};
use crate::spec::mount_options::Propagation;

/// Cuts the copy of the host's mounts off from the host: nothing that is
/// mounted or unmounted on either side reaches the other. Binds that shall
/// follow the host were copied before.
pub(crate) fn separate_from_host() -> Result<(), Failure> {
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .naming(|| "making the copy of the host's mounts private")
}

/// Attaches the detached root on top of `/`, where it can become the root.
pub(crate) fn attach(root: BorrowedFd<'_>) -> Result<(), Failure> {
    move_mount(root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .naming(|| "attaching the root filesystem")
}

/// Swaps the roots and detaches the old one.
pub(crate) fn pivot(root: BorrowedFd<'_>) -> Result<(), Failure> {
    rustix::process::fchdir(root).naming(|| "entering the root filesystem")?;
    // With both names the same the old root ends on top of the new one, and
    // the second call takes it off: no directory of the image is needed.
    rustix::process::pivot_root(".", ".").naming(|| "pivot_root")?;
    rbox_timing::mark("root pivoted");
    unmount(".", UnmountFlags::DETACH).naming(|| "detaching the host's root")?;
    rustix::process::chdir("/").naming(|| "chdir /")
}

/// Makes the container's root, which lies on top of `/`, the root of this
/// process without a pivot.
pub(crate) fn change_root(root: BorrowedFd<'_>) -> Result<(), Failure> {
    rustix::process::fchdir(root).naming(|| "entering the root filesystem")?;
    rustix::process::chroot(".").naming(|| "chroot")?;
    rustix::process::chdir("/").naming(|| "chdir /")
}

/// Whether and how far mounts under the container's root propagate.
pub(crate) fn set_propagation(
    root: BorrowedFd<'_>,
    propagation: Propagation,
) -> Result<(), Failure> {
    let attributes = sys::MountAttributes {
        propagation: propagation.kind,
        ..sys::MountAttributes::default()
    };
    sys::set_mount_attributes(root, attributes, propagation.recursive)
        .naming(|| "setting the root filesystem's propagation")
}

/// Makes the root mount read-only; what is mounted in it keeps its own flags.
pub(crate) fn make_read_only(root: impl AsFd) -> Result<(), Failure> {
    let attributes = sys::MountAttributes {
        set: libc::MOUNT_ATTR_RDONLY,
        ..sys::MountAttributes::default()
    };
    sys::set_mount_attributes(root.as_fd(), attributes, false)
        .naming(|| "making the root filesystem read-only")
}
