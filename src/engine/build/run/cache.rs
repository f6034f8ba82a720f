//! Directories that outlive builds: `RUN --mount=type=cache`.
//!
//! ```text
//! <root>/build-cache-mounts/<hash of the id>[-<n>]/
//!   lock     held by whoever has it mounted: shared, or alone for `locked` and `private`
//!   data/    what the step sees
//! ```
//!
//! `-1`, `-2` … are of steps with `sharing=private` that found those before in use.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rbox_images::Digest;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::engine::Engine;
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::prune::size;

use super::cancel::Cancel;
use super::step::Sharing;

/// Between two looks at a cache that somebody else has: the kernel could wake us, but not when
/// the build is cancelled.
const PAUSE: Duration = Duration::from_millis(20);

/// Prefix of caches that are only waiting to be deleted.
const REMOVED: &str = ".removing-";

/// Most private ones of one id.
const COPIES: usize = 1000;

/// What a new cache is like.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// Permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
}

/// A cache that a step has, until it is dropped.
#[derive(Debug)]
pub struct Cache {
    /// What the step sees.
    pub data: PathBuf,
    _lock: File,
}

/// The cache of an id, made if there is none; waits where `sharing` says so.
pub fn take(
    engine: &Engine,
    id: &str,
    sharing: Sharing,
    fresh: Fresh,
    cancel: &Cancel,
) -> Result<Cache, Failure> {
    let all = directory(&engine.dirs);
    let hex = Digest::of(id.as_bytes()).hex().to_owned();
    let mut copy = 0;
    loop {
        let name = match copy {
            0 => hex.clone(),
            number => format!("{hex}-{number}"),
        };
        let path = all.join(name);
        match lock(&path, sharing).context(|| format!("lock the cache mount {id:?}"))? {
            Some(lock) => {
                let data = path.join("data");
                make(&data, fresh).context(|| format!("make the cache mount {id:?}"))?;
                return Ok(Cache { data, _lock: lock });
            }
            None if sharing == Sharing::Private && copy < COPIES => copy += 1,
            None => {
                cancel.check()?;
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Removes the caches that no step has: their bytes.
pub fn prune(dirs: &Dirs) -> Result<u64, Failure> {
    let all = directory(dirs);
    let entries = match fs::read_dir(&all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.context(|| format!("list {}", all.display()))?,
    };
    let mut bytes = 0;
    for entry in entries {
        let path = entry.context(|| format!("list {}", all.display()))?.path();
        let what = || format!("remove {}", path.display());
        let Some(_lock) = lock(&path, Sharing::Locked).context(what)? else {
            continue;
        };
        bytes += size(&path.join("data"));
        // Out of the way first: whoever takes the id meanwhile begins with a new one.
        let name = entry_name(&path);
        let away = match name.starts_with(REMOVED) {
            true => path.clone(),
            false => all.join(format!("{REMOVED}{}-{name}", std::process::id())),
        };
        if away != path {
            fs::rename(&path, &away).context(what)?;
        }
        fs::remove_dir_all(&away).context(what)?;
    }
    Ok(bytes)
}

fn entry_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn directory(dirs: &Dirs) -> PathBuf {
    dirs.root.join("build-cache-mounts")
}

/// The lock of a cache's directory, which is made if it is missing; `None` where somebody has it.
fn lock(path: &Path, sharing: Sharing) -> io::Result<Option<File>> {
    loop {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let name = path.join("lock");
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name);
        let file = match opened {
            // Pruned between the two.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let taken = match sharing {
            Sharing::Shared => file.try_lock_shared(),
            Sharing::Private | Sharing::Locked => file.try_lock(),
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A lock on a file that was unlinked meanwhile protects nothing.
        match (file.metadata(), fs::metadata(&name)) {
            (Ok(ours), Ok(named)) if ours.ino() == named.ino() => return Ok(Some(file)),
            _ => {}
        }
    }
}

/// Makes the directory with its mode and owner at once: others may be about to mount it.
fn make(data: &Path, fresh: Fresh) -> io::Result<()> {
    if data.is_dir() {
        return Ok(());
    }
    let made = tempdir_beside(data)?;
    std::os::unix::fs::chown(&made, Some(fresh.owner.0), Some(fresh.owner.1))?;
    fs::set_permissions(&made, fs::Permissions::from_mode(fresh.mode & 0o7777))?;
    match renameat_with(CWD, &made, CWD, data, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::EXIST) => fs::remove_dir(&made),
        other => Ok(other?),
    }
}

fn tempdir_beside(data: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let name = format!("new-{}-{number}", std::process::id());
        let path = data.with_file_name(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_alone_keep_others_out_and_sharers_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let first = lock(&path, Sharing::Shared).unwrap();
        assert!(first.is_some());
        assert!(lock(&path, Sharing::Shared).unwrap().is_some());
        assert!(lock(&path, Sharing::Locked).unwrap().is_none());
        assert!(lock(&path, Sharing::Private).unwrap().is_none());
        drop(first);
        let alone = lock(&path, Sharing::Locked).unwrap();
        assert!(alone.is_some());
        assert!(lock(&path, Sharing::Shared).unwrap().is_none());
    }

    #[test]
    fn caches_that_nobody_has_are_pruned() {
        let root = tempfile::tempdir().unwrap();
        let dirs = Dirs {
            root: root.path().to_owned(),
            run_root: root.path().join("run"),
        };
        assert_eq!(prune(&dirs).unwrap(), 0);
        let all = directory(&dirs);
        let used = lock(&all.join("used"), Sharing::Shared).unwrap();
        drop(lock(&all.join("free"), Sharing::Locked).unwrap());
        fs::create_dir_all(all.join("free/data/deep")).unwrap();
        fs::write(all.join("free/data/deep/file"), "four").unwrap();
        assert_eq!(prune(&dirs).unwrap(), 4);
        assert!(all.join("used").exists() && used.is_some());
        assert_eq!(fs::read_dir(&all).unwrap().count(), 1);
    }

    #[test]
    fn a_cache_is_made_once_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let fresh = |mode| Fresh {
            mode,
            owner: (
                rustix::process::getuid().as_raw(),
                rustix::process::getgid().as_raw(),
            ),
        };
        make(&data, fresh(0o1777)).unwrap();
        fs::write(data.join("kept"), "").unwrap();
        make(&data, fresh(0o700)).unwrap();
        assert!(data.join("kept").exists());
        let mode = fs::metadata(&data).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o1777);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
