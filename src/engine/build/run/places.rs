//! Where the mounts of a step come from: made in the mount namespace of the step's thread, as
//! places that the monitor, which shares it, can open by a path that nobody else writes to.

use std::fs::{self, DirBuilder, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rbox_images::Digest;
use rbox_runtime::process::mount_namespace;
use rbox_runtime::rootfs::in_root;
use rbox_runtime::rootfs::overlay::{self, Writable};
use rustix::fs::{FileType, fstat};
use rustix::mount::{MountFlags, MoveMountFlags, mount, mount_bind, move_mount};

use crate::engine::Engine;
use crate::engine::failure::{Context, Failure};
use crate::engine::request::{MountKind, MountRequest};

use super::cache::{self, Cache, Fresh};
use super::cancel::Cancel;
use super::step::{MountSource, RunStep, StepMount, Tree};
use super::stubs::Kind;

/// The places of one step, below a directory of its own.
pub struct Places<'a> {
    engine: &'a Engine,
    directory: &'a Path,
    cancel: &'a Cancel,
    /// The tmpfs with the files that are in memory alone, once there is one.
    memory: Option<PathBuf>,
    made: usize,
}

/// What the container gets.
#[derive(Debug, Default)]
pub struct Mounts {
    /// Binds.
    pub binds: Vec<MountRequest>,
    /// tmpfs: path and options.
    pub memory: Vec<(String, String)>,
    /// Kept until the step is over.
    pub caches: Vec<(String, Cache)>,
}

/// What the runtime mounts in every container: the first ones hide what is below them.
const ALWAYS: [(&str, Kind); 6] = [
    ("/proc", Kind::Directory),
    ("/dev", Kind::Directory),
    ("/sys", Kind::Directory),
    ("/etc/hosts", Kind::File),
    ("/etc/hostname", Kind::File),
    ("/etc/resolv.conf", Kind::File),
];

impl Mounts {
    /// Where something is mounted, and on what.
    pub fn targets(&self) -> Vec<(String, Kind)> {
        let binds = self.binds.iter().map(|bind| {
            let kind = match Path::new(&bind.source).is_dir() {
                true => Kind::Directory,
                false => Kind::File,
            };
            (bind.target.clone(), kind)
        });
        let memory = self.memory.iter();
        let memory = memory.map(|(target, _)| (target.clone(), Kind::Directory));
        let always = ALWAYS.map(|(target, kind)| (target.to_owned(), kind));
        // The runtime mounts those with the shortest paths first.
        let mut all: Vec<_> = always.into_iter().chain(binds).chain(memory).collect();
        all.sort_by_key(|(target, _)| Path::new(target).components().count());
        all
    }
}

impl<'a> Places<'a> {
    /// Below `directory`, in whose filesystem what is written through binds goes.
    pub fn new(engine: &'a Engine, directory: &'a Path, cancel: &'a Cancel) -> Places<'a> {
        Places {
            engine,
            directory,
            cancel,
            memory: None,
            made: 0,
        }
    }

    /// Makes all places of a step. Where something must be mounted the calling thread leaves for
    /// a mount namespace of its own.
    pub fn make(&mut self, step: &RunStep) -> Result<Mounts, Failure> {
        let mounts = |mount: &StepMount| {
            matches!(
                mount.source,
                MountSource::Bind { .. } | MountSource::File { .. }
            )
        };
        if step.mounts.iter().any(mounts) {
            mount_namespace::leave().context(|| "make a mount namespace for the step".into())?;
        }
        let mut all = Mounts::default();
        let mut mounts: Vec<&StepMount> = step.mounts.iter().collect();
        // Caches in one order, so that no two steps wait for each other.
        mounts.sort_by_key(|mount| match &mount.source {
            MountSource::Cache { id, .. } => Some(id),
            _ => None,
        });
        for mount in mounts {
            self.add(mount, &mut all)?;
        }
        Ok(all)
    }

    fn add(&mut self, mount: &StepMount, all: &mut Mounts) -> Result<(), Failure> {
        let target = &mount.target;
        match &mount.source {
            MountSource::Bind {
                from,
                path,
                writable,
            } => {
                let place = self.bind(from, path)?;
                all.binds.push(bind(place, target, !writable));
            }
            MountSource::Tmpfs { size } => {
                let mut options = "exec,mode=1777".to_owned();
                if *size > 0 {
                    options.push_str(&format!(",size={size}"));
                }
                all.memory.push((target.clone(), options));
            }
            MountSource::File {
                content,
                mode,
                uid,
                gid,
            } => {
                let place = self.file(content, *mode, (*uid, *gid))?;
                all.binds.push(bind(place, target, true));
            }
            MountSource::Cache {
                id,
                sharing,
                mode,
                uid,
                gid,
                initial,
                read_only,
            } => {
                if initial.is_some() {
                    return Err(Failure::new(format!(
                        "cache mount {id:?}: from= is not supported for cache mounts"
                    ))
                    .hint("copy what it should begin with in the command of the RUN"));
                }
                let fresh = Fresh {
                    mode: *mode,
                    owner: (*uid, *gid),
                };
                let place = match all.caches.iter().find(|(known, _)| known == id) {
                    Some((_, cache)) => cache.data.clone(),
                    None => {
                        let cache = cache::take(self.engine, id, *sharing, fresh, self.cancel)?;
                        let place = cache.data.clone();
                        all.caches.push((id.clone(), cache));
                        place
                    }
                };
                all.binds.push(bind(place, target, *read_only));
            }
        }
        Ok(())
    }

    /// A directory of its own with a new name.
    fn fresh(&mut self) -> Result<PathBuf, Failure> {
        self.made += 1;
        let path = self.directory.join(format!("place-{}", self.made));
        directory(&path)?;
        Ok(path)
    }

    /// A file or directory of a tree, mounted at a place.
    fn bind(&mut self, from: &Tree, path: &str) -> Result<PathBuf, Failure> {
        let root = self.root(from)?;
        let found = in_root::locate(root.as_fd(), path)
            .context(|| format!("failed to compute cache key: {path:?}"))?;
        let place = self.fresh()?.join("bound");
        let status = fstat(&found).context(|| format!("look at {path:?}"))?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => directory(&place)?,
            FileType::RegularFile => {
                File::create_new(&place).context(|| format!("make {}", place.display()))?;
            }
            _ => {
                return Err(Failure::new(format!(
                    "cannot mount {path:?}: neither a file nor a directory"
                )));
            }
        }
        mount_bind(through(&found), &place).context(|| format!("mount {path:?}"))?;
        Ok(place)
    }

    /// The top of a tree, in this namespace.
    fn root(&mut self, from: &Tree) -> Result<OwnedFd, Failure> {
        let Tree::Layers(layers) = from;
        let lower = trees(self.engine, layers)?;
        let parts = self.fresh()?;
        let view = overlay(&lower, &parts)?;
        // Nothing can be cloned from a mount that is nowhere.
        let place = parts.join("view");
        directory(&place)?;
        let top = open(&place)?;
        move_mount(
            &view,
            "",
            &top,
            "",
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
        )
        .context(|| format!("mount at {}", place.display()))?;
        open(&place)
    }

    /// A file in memory.
    fn file(&mut self, content: &[u8], mode: u32, owner: (u32, u32)) -> Result<PathBuf, Failure> {
        let memory = match &self.memory {
            Some(path) => path.clone(),
            None => {
                let path = self.fresh()?;
                let flags = MountFlags::NOSUID | MountFlags::NODEV;
                mount("tmpfs", &path, "tmpfs", flags, c"mode=0700")
                    .context(|| "make a place for secrets".into())?;
                self.memory.insert(path).clone()
            }
        };
        self.made += 1;
        let path = memory.join(self.made.to_string());
        let what = || "write a secret".to_owned();
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .context(what)?;
        std::io::Write::write_all(&mut file, content).context(what)?;
        std::os::unix::fs::fchown(&file, Some(owner.0), Some(owner.1)).context(what)?;
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))
            .context(what)?;
        Ok(path)
    }
}

/// An overlay of its own on `lower`, whose writable directory is in `parts`.
pub fn overlay(lower: &[PathBuf], parts: &Path) -> Result<OwnedFd, Failure> {
    let (upper, work) = (parts.join("upper"), parts.join("work"));
    directory(&upper)?;
    directory(&work)?;
    overlay::detached(lower, &Writable::new(&upper, &work))
        .context(|| "mount the files of a stage".into())
}

/// Trees of layers; an empty one where there is none.
pub fn trees(engine: &Engine, layers: &[Digest]) -> Result<Vec<PathBuf>, Failure> {
    engine
        .images
        .layer_trees(layers)
        .map_err(|error| Failure::new(error.to_string()))
}

/// Makes a directory that is the build's alone.
pub fn directory(path: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .context(|| format!("make {}", path.display()))
}

fn open(path: &Path) -> Result<OwnedFd, Failure> {
    File::open(path)
        .map(OwnedFd::from)
        .context(|| format!("open {}", path.display()))
}

fn through(fd: &OwnedFd) -> String {
    format!("/proc/thread-self/fd/{}", fd.as_raw_fd())
}

fn bind(source: PathBuf, target: &str, read_only: bool) -> MountRequest {
    MountRequest {
        kind: MountKind::Bind,
        source: source.to_string_lossy().into_owned(),
        target: target.to_owned(),
        read_only,
        mode: String::new(),
        propagation: String::new(),
        non_recursive: true,
        submounts_writable: false,
        id_mapped: false,
        create_source: false,
        tmpfs_size: 0,
        tmpfs_mode: None,
        volume: None,
        subpath: String::new(),
    }
}
