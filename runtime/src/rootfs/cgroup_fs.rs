//! The container's own cgroup under /sys/fs/cgroup, as docker shows it: one
//! cgroup2 mount, or a tmpfs with one mount for each version 1 hierarchy.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, mkdirat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount,
};

use super::bind;
use super::mounts::mount_here;
use crate::cgroup::{HierarchyMount, Version};
use crate::process::{Failure, Naming};
use crate::spec::mount_options::{MountOptions, Propagation};

/// Mounts it at `place`. `path` is the container's cgroup in each of the
/// machine's `hierarchies`, whose mounts must still be reachable.
pub(crate) fn mount_own(
    place: &OwnedFd,
    hierarchies: &[HierarchyMount],
    path: &str,
    options: &MountOptions,
    title: impl Fn() -> String + Copy,
) -> Result<(), Failure> {
    let of_version_1 = |one: &&HierarchyMount| one.version == Version::V1;
    if !hierarchies.iter().any(|one| of_version_1(&one)) {
        let flags = options.mount_flags();
        return mount_here(place, Path::new("cgroup"), "cgroup2", flags, "").naming(title);
    }
    let top = directory_mount(options).naming(title)?;
    bind::attach_on(top.as_fd(), place.as_fd()).naming(title)?;
    // On a hybrid machine docker shows version 1 alone.
    for hierarchy in hierarchies.iter().filter(of_version_1) {
        mount_one(&top, hierarchy, path, options).naming(title)?;
    }
    Ok(())
}

/// The tmpfs that holds the mount points: writable, as docker's is.
fn directory_mount(options: &MountOptions) -> std::io::Result<OwnedFd> {
    let kept = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "tmpfs")?;
    fsconfig_set_string(&context, "mode", "755")?;
    fsconfig_create(&context)?;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        options.set & kept,
    )?)
}

/// One hierarchy: `cpu,cpuacct` with links `cpu` and `cpuacct` to it.
fn mount_one(
    top: &OwnedFd,
    hierarchy: &HierarchyMount,
    path: &str,
    options: &MountOptions,
) -> std::io::Result<()> {
    let Some(name) = hierarchy.mount.file_name() else {
        return Ok(());
    };
    let tree = match bind::clone_tree(&hierarchy.mount.join(path.trim_start_matches('/')), false) {
        Ok(tree) => tree,
        // A hierarchy that the container is not in shows nothing.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error),
    };
    let attributes = MountOptions {
        set: options.set,
        propagation: Some(Propagation {
            kind: libc::MS_PRIVATE,
            recursive: false,
        }),
        ..MountOptions::default()
    };
    bind::set_attributes(tree.as_fd(), &attributes)?;
    mkdirat(top, name, Mode::from_raw_mode(0o755))?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(&tree, "", top, name, flags)?;
    for alias in hierarchy.label.split(',').filter(|&alias| alias != name) {
        if alias.starts_with("name=") {
            continue;
        }
        match symlinkat(name, top, alias) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
