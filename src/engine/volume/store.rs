//! Volumes on disk. One appears and vanishes whole, by a rename.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rbox_netsetup::store::directory_lock::DirectoryLock;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Volume, VolumeRequest};
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::{clock, json_file, names as ids};

/// The directory that containers see.
const DATA: &str = "_data";

/// Prefixes of what is not a volume yet, and of what is none any more.
const MAKING: &str = ".making-";
const REMOVING: &str = ".removing-";

/// `volume.json`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    created: String,
    options: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

/// The directory of a volume; the name was checked.
pub fn directory(dirs: &Dirs, name: &str) -> PathBuf {
    dirs.volumes().join(name)
}

/// What containers see of it.
pub fn data(dirs: &Dirs, name: &str) -> PathBuf {
    directory(dirs, name).join(DATA)
}

/// Names of all volumes, in no order.
pub fn names(dirs: &Dirs) -> Result<Vec<String>, Failure> {
    Ok(entries(dirs)?
        .into_iter()
        .filter(|name| super::name::check(name).is_ok())
        .collect())
}

/// `None` where there is none.
pub fn read(dirs: &Dirs, name: &str) -> Result<Option<Volume>, Failure> {
    let path = directory(dirs, name).join("volume.json");
    let stored: Option<Stored> =
        json_file::read(&path).context(|| format!("read {}", path.display()))?;
    Ok(stored.map(|stored| Volume {
        name: name.to_owned(),
        created: stored.created,
        options: stored.options,
        labels: stored.labels,
        mountpoint: data(dirs, name),
    }))
}

/// Makes a volume; false where there is one of that name.
pub fn make(dirs: &Dirs, request: &VolumeRequest) -> Result<bool, Failure> {
    let path = directory(dirs, &request.name);
    let what = || format!("make volume {}", request.name);
    if path.exists() {
        return Ok(false);
    }
    let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    private(&dirs.volumes()).context(what)?;
    let making = dirs.volumes().join(format!("{MAKING}{}", ids::new_id()?));
    private(&making).context(what)?;
    let made = fill(&making, request).and_then(|()| {
        match renameat_with(CWD, &making, CWD, &path, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    });
    if !matches!(made, Ok(true)) {
        let _ = fs::remove_dir_all(&making);
    }
    made.context(what)
}

fn fill(making: &Path, request: &VolumeRequest) -> io::Result<()> {
    // For the sweep to see that somebody is at it; gone when this is dropped, or its maker dies.
    let held = fs::File::open(making)?;
    flock(&held, FlockOperation::LockExclusive)?;
    let data = making.join(DATA);
    fs::create_dir(&data)?;
    fs::set_permissions(&data, PermissionsExt::from_mode(0o755))?;
    let stored = Stored {
        created: clock::now(),
        options: request.options.clone(),
        labels: request.labels.clone(),
    };
    json_file::write(&making.join("volume.json"), &stored)
}

/// Waits for the lock of one who removes; `None` where there is no such volume.
pub fn lock_alone(dirs: &Dirs, name: &str) -> Result<Option<DirectoryLock>, Failure> {
    DirectoryLock::existing(&directory(dirs, name)).map_err(|error| Failure::new(error.to_string()))
}

/// The same without waiting; `None` also where somebody holds it.
pub fn try_lock_alone(dirs: &Dirs, name: &str) -> Result<Option<fs::File>, Failure> {
    let what = || format!("lock volume {name}");
    let file = match fs::File::open(directory(dirs, name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.context(what)?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // Or removed before it was locked.
        Ok(()) if directory(dirs, name).exists() => Ok(Some(file)),
        Ok(()) | Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).context(what),
    }
}

/// Waits for the lock of one who only keeps it from being removed.
pub fn lock_shared(dirs: &Dirs, name: &str) -> Result<Option<DirectoryLock>, Failure> {
    DirectoryLock::shared(&directory(dirs, name)).map_err(|error| Failure::new(error.to_string()))
}

/// Takes a volume out of sight; what is left to delete has time. The caller holds its lock.
pub fn retire(dirs: &Dirs, name: &str) -> Result<(), Failure> {
    let retired = dirs.volumes().join(format!("{REMOVING}{}", ids::new_id()?));
    fs::rename(directory(dirs, name), retired).context(|| format!("remove volume {name}"))
}

/// Deletes what was retired, and what somebody did not live to make.
pub fn sweep(dirs: &Dirs) -> Result<(), Failure> {
    for name in entries(dirs)? {
        let path = dirs.volumes().join(&name);
        if name.starts_with(REMOVING) || (name.starts_with(MAKING) && is_nobodys(&path)) {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::new(format!("remove {}: {error}", path.display())));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_nobodys(making: &Path) -> bool {
    fs::File::open(making)
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}

fn entries(dirs: &Dirs) -> Result<Vec<String>, Failure> {
    let path = dirs.volumes();
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context(|| format!("list {}", path.display()))?,
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}
