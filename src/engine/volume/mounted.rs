//! A volume with options is another filesystem, which is mounted on its `_data` for as long as a
//! container that uses it runs, as Docker's is: what one writes in memory, all see.
//!
//! The volume's description is locked meanwhile. Whoever mounts is alive already for whoever looks
//! whether the last user has gone.

use std::fs::File;
use std::path::Path;

use rbox_runtime::spec::mount_options::MountOptions;
use rustix::fs::{AtFlags, CWD, FlockOperation, StatxAttributes, StatxFlags, flock, statx};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};

use super::{Volume, options, remove, store};
use crate::engine::containers;
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::record::Record;
use crate::engine::request::MountKind;

/// Waits until nobody else fills, mounts or unmounts the volume.
pub fn lock(dirs: &Dirs, name: &str) -> Result<File, Failure> {
    let what = || format!("lock volume {name}");
    let file = File::open(store::directory(dirs, name).join("volume.json")).context(what)?;
    flock(&file, FlockOperation::LockExclusive).context(what)?;
    Ok(file)
}

/// Mounts what a volume is, unless it is there. The caller holds its [`lock`].
///
/// # Errors
/// Docker's text, which names the volume, the device and the kernel's reason.
pub fn ensure(volume: &Volume) -> Result<(), Failure> {
    let data = &volume.mountpoint;
    if volume.options.is_empty() || is_mounted(data) {
        return Ok(());
    }
    let given = |key: &str| volume.options.get(key).map_or("", String::as_str);
    let (kind, device) = (given("type"), given("device"));
    let failed = |error: &dyn std::fmt::Display| {
        let data = data.display();
        Failure::new(format!(
            "error while mounting volume '{data}': failed to mount local volume: mount \
             {device}:{data}, type {kind}: {error}"
        ))
    };
    let parsed = options::mount(given("o")).map_err(|error| failed(&error))?;
    attach(device, data, kind, &parsed).map_err(|error| match error {
        Errno::NODEV => failed(&error).hint(format!(
            "this kernel has no filesystem {kind}: /proc/filesystems lists those that it has"
        )),
        error => failed(&error),
    })
}

fn attach(device: &str, data: &Path, kind: &str, options: &MountOptions) -> rustix::io::Result<()> {
    let flags = options.mount_flags();
    match options.bind {
        Some(bind) => {
            match bind {
                rbox_runtime::spec::mount_options::Bind::Single => mount_bind(device, data)?,
                rbox_runtime::spec::mount_options::Bind::Recursive => {
                    mount_bind_recursive(device, data)?;
                }
            }
            if !flags.is_empty() {
                mount_remount(data, flags | MountFlags::BIND, c"")
                    .inspect_err(|_| take_off(data))?;
            }
        }
        None => {
            let text = std::ffi::CString::new(options.data.as_str()).map_err(|_| Errno::INVAL)?;
            mount(device, data, kind, flags, text.as_c_str())?;
        }
    }
    mount_change(
        data,
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .inspect_err(|_| take_off(data))
}

fn take_off(data: &Path) {
    let _ = unmount(data, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
}

/// Takes the filesystems of a container's volumes off that no container uses any more. `id` is its
/// own, which does not count; of those that cannot be taken off the next one's end will see.
pub fn release(dirs: &Dirs, record: &Record, id: &str) {
    for mount in &record.host.mounts {
        if mount.kind == MountKind::Volume {
            let _ = release_one(dirs, &mount.source, id);
        }
    }
}

fn release_one(dirs: &Dirs, name: &str, except: &str) -> Result<(), Failure> {
    let data = store::data(dirs, name);
    if !is_mounted(&data) {
        return Ok(());
    }
    let _lock = lock(dirs, name)?;
    let users = remove::users(dirs, name)?;
    let others = users
        .iter()
        .any(|user| user != except && containers::is_alive(dirs, user));
    match others {
        true => Ok(()),
        false => detach(&data),
    }
}

/// Takes the filesystem off, whoever uses it.
pub fn detach(data: &Path) -> Result<(), Failure> {
    while is_mounted(data) {
        unmount(data, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
            .context(|| format!("unmount {}", data.display()))?;
    }
    Ok(())
}

/// Whether something is mounted on the directory (statx(2), Linux 5.8).
fn is_mounted(data: &Path) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    statx(CWD, data, flags, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
