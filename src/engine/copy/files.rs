//! A container's files as it sees them: through its own mounts while it runs, else stacked anew
//! with its volumes, where nobody else sees them.
//!
//! ```text
//!  runs ────▶ /proc/PID/root
//!  does not ▶ its run lock; a mount namespace of this thread's: overlay ◀─ binds, volumes
//! ```

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rbox_images::{IdShift, archive};
use rbox_runtime::process::mount_namespace;
use rbox_runtime::rootfs::in_root;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MoveMountFlags, OpenTreeFlags, mount_remount, move_mount, open_tree,
};

use crate::engine::claim::{Claim, claim};
use crate::engine::failure::{Context, Failure};
use crate::engine::lock::RunLock;
use crate::engine::record::Record;
use crate::engine::request::MountKind;
use crate::engine::volume::source;
use crate::engine::{Engine, containers, writable};
use crate::monitor::start::root_filesystem;

/// The files of one container, for as long as this is kept.
pub struct Files {
    root: OwnedFd,
    /// How ids on disk are told inside.
    pub ids: IdShift,
    /// What was asked for.
    pub record: Record,
    /// Of one that does not run: nobody starts it meanwhile.
    _lock: Option<Claimed>,
}

impl Files {
    /// The top directory.
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Refuses to write where the container itself could not: while it does not run the kernel
    /// would let us.
    ///
    /// # Errors
    /// Docker's text.
    pub fn refuse_read_only(&self, directory: &OwnedFd) -> Result<(), Failure> {
        let device = |file: &OwnedFd| rustix::fs::fstat(file).map(|stat| stat.st_dev);
        let same = device(directory)
            .and_then(|device_of| device(&self.root).map(|root| root == device_of))
            .context(|| "look at the destination".into())?;
        match same && self.record.host.readonly_rootfs {
            true => Err(Failure::new("container rootfs is marked read-only")),
            false => Ok(()),
        }
    }
}

/// Opens the files of a container. Where it does not run the calling thread is in a mount
/// namespace of its own afterwards.
///
/// # Errors
/// There is no such container, its image is gone, or one of its volumes.
pub fn open(engine: &Engine, name: &str) -> Result<Files, Failure> {
    let record = containers::find(&engine.dirs, name)?.record;
    let (root, lock) = match claim(&engine.dirs, &record.id)? {
        Claim::Running => (running(engine, &record)?, None),
        Claim::Ours(lock) => {
            let claimed = Claimed {
                lock: Some(lock),
                run_dir: engine.dirs.run(&record.id),
            };
            (stopped(engine, &record)?, Some(claimed))
        }
    };
    Ok(Files {
        root,
        ids: record
            .user_namespace
            .as_ref()
            .map(writable::shift)
            .unwrap_or_default(),
        record,
        _lock: lock,
    })
}

fn running(engine: &Engine, record: &Record) -> Result<OwnedFd, Failure> {
    let ended = || Failure::new(format!("container {} is not running", record.id));
    let pid = || containers::run_state(&engine.dirs, &record.id).map(|run| run.pid);
    let known = pid().ok_or_else(ended)?;
    if known == 0 {
        return Err(Failure::new(format!(
            "container {} is restarting, wait until the container is running",
            record.id
        )));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(format!("/proc/{known}/root"), flags, Mode::empty())
        .map_err(|_| ended())?;
    // Still the same process: its number was nobody else's meanwhile.
    match pid() {
        Some(still) if still == known && containers::is_alive(&engine.dirs, &record.id) => Ok(root),
        _ => Err(ended()),
    }
}

fn stopped(engine: &Engine, record: &Record) -> Result<OwnedFd, Failure> {
    let dir = engine.dirs.container(&record.id);
    let image = engine
        .images
        .get_kept(&record.image_id)
        .context(|| format!("look up the image of container {}", record.id))?;
    let rootfs = root_filesystem(&image.layers, &dir, record.user_namespace.as_ref(), false)
        .map_err(|error| Failure::new(format!("mount the root filesystem: {error}")))?;
    let failed = || format!("mount what container {} mounts", record.id);
    if !record.host.mounts.is_empty() {
        // Before volumes are: what they mount goes with this process.
        mount_namespace::leave().context(failed)?;
    }
    let volumes = source::open(&engine.dirs, record)?;
    let mut mounts: Vec<(&str, &Path, bool)> = Vec::new();
    for mount in &record.host.mounts {
        let from = match mount.kind {
            MountKind::Bind => Some(Path::new(&mount.source)),
            MountKind::Volume => volumes.paths.get(&mount.target).map(|path| path.as_path()),
            // Memory, which is there only while it runs, and other images.
            _ => None,
        };
        // What `-v` would make at the start is not there yet.
        if let Some(from) = from.filter(|from| from.exists()) {
            mounts.push((&mount.target, from, mount.read_only));
        }
    }
    if mounts.is_empty() {
        return Ok(rootfs);
    }
    mounts.sort_by_key(|(target, ..)| Path::new(target).components().count());
    // Attached, so that something can be mounted on it; over a directory that nobody needs here.
    let onto = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(&rootfs, "", CWD, &dir, onto).context(failed)?;
    for (target, from, read_only) in mounts {
        attach(rootfs.as_fd(), target, from, read_only)
            .context(|| format!("mount {} at {target}", from.display()))?;
    }
    Ok(rootfs)
}

fn attach(root: BorrowedFd<'_>, target: &str, from: &Path, read_only: bool) -> std::io::Result<()> {
    let clone = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let mount = open_tree(CWD, from, clone)?;
    // As its start would make it.
    let target = match from.is_dir() {
        true => in_root::mkdir_all(root, target, 0o755)?,
        false => in_root::create_file(root, target, 0o644)?,
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&mount, "", &target, "", flags)?;
    if read_only {
        let place = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&mount));
        mount_remount(place, MountFlags::BIND | MountFlags::RDONLY, "")?;
    }
    Ok(())
}

/// The run lock of a container that does not run, and the directory that it is in.
struct Claimed {
    lock: Option<RunLock>,
    run_dir: std::path::PathBuf,
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            // Left, it is a dead owner's, and whoever looks takes it away.
            let _ = lock.remove_dir(&self.run_dir);
        }
    }
}

/// Whether a file is on `/proc` or the like, which are the running kernel's and nobody's to copy.
pub fn refuse_kernels(file: &OwnedFd, path: &str) -> Result<(), Failure> {
    match archive::is_kernels(file).context(|| format!("look at {path}"))? {
        true => Err(Failure::new(format!(
            "cannot copy {path}: it is the kernel's, and on no disk"
        ))),
        false => Ok(()),
    }
}
