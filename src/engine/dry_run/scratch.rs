//! A place for what a dry run would write: memory that no path leads to but through a descriptor
//! of this process, and that the kernel gives back however the process ends.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rbox_netsetup::ipam::lease;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};

/// A tmpfs that is mounted nowhere, with a copy of the networks' records and leases.
pub struct Scratch {
    /// Keeps the mount.
    _mount: OwnedFd,
    path: PathBuf,
}

impl Scratch {
    /// Makes it.
    pub fn new(dirs: &Dirs) -> Result<Scratch, Failure> {
        let make = || -> rustix::io::Result<OwnedFd> {
            let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
            fsconfig_create(&context)?;
            fsmount(
                &context,
                FsMountFlags::FSMOUNT_CLOEXEC,
                MountAttrFlags::empty(),
            )
        };
        let mount = make().context(|| "make a place for the dry run".into())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
        let scratch = Scratch {
            _mount: mount,
            path,
        };
        for name in ["networks", "run", "upper", "work"] {
            let path = scratch.dir(name);
            fs::create_dir(&path).context(|| format!("make {}", path.display()))?;
        }
        copy_files(&dirs.networks(), &scratch.dir("networks"))?;
        for network in entries(&dirs.run_networks())? {
            let to = scratch
                .dir("run")
                .join(network.file_name().unwrap_or_default());
            let leases = to.join(lease::DIRECTORY);
            fs::create_dir_all(&leases).context(|| format!("make {}", leases.display()))?;
            copy_files(&network.join(lease::DIRECTORY), &leases)?;
            for hint in lease::HINTS {
                copy(&network.join(hint), &to.join(hint))?;
            }
        }
        Ok(scratch)
    }

    /// A directory of it.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where that would really be.
    pub fn real(&self, path: &Path, dirs: &Dirs) -> PathBuf {
        for (name, real) in [("networks", dirs.networks()), ("run", dirs.run_networks())] {
            if let Ok(rest) = path.strip_prefix(self.dir(name)) {
                return real.join(rest);
            }
        }
        path.to_owned()
    }
}

/// None where there is no such directory.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context(|| format!("list {}", directory.display())),
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Failure> {
    for path in entries(from)? {
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// Harmless when the file is gone.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    match fs::copy(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context(|| format!("read {}", from.display()))
        }
        _ => Ok(()),
    }
}
