//! A writer's own directory under `tmp/`, and holding off the deletion of what is used.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Store;
use super::write::{WriteError, delete_directory, writing};

/// While one is held nothing is swept from the store: what was found present stays present.
#[derive(Debug)]
pub struct Hold {
    _sweep_lock: File,
}

/// A directory on the store's filesystem, so that what is made in it can become a layer by rename.
/// It goes when dropped; when its process is killed, the next writer deletes it.
#[derive(Debug)]
pub struct Workspace {
    own: OwnDirectory,
}

/// The directory of one writer, who holds a lock on it. Holds off sweeping too.
#[derive(Debug)]
pub(super) struct OwnDirectory {
    path: PathBuf,
    /// Locked for as long as the writer lives: free means dead.
    lock: File,
    _hold: Hold,
    made: AtomicU64,
}

impl Store {
    /// Keeps everything that is in the store in it until the result is dropped, also what nothing
    /// leads to yet.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold(&self) -> Result<Hold, WriteError> {
        let file = self.lock_file("sweep.lock")?;
        file.lock_shared()
            .map_err(writing(&self.root.join("sweep.lock")))?;
        Ok(Hold { _sweep_lock: file })
    }

    /// A directory to make layers in; it holds the store as [`Store::hold`] does.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn workspace(&self) -> Result<Workspace, WriteError> {
        let own = self.own_directory()?;
        Ok(Workspace { own })
    }

    /// Makes and locks a directory, first deleting what dead writers left.
    pub(super) fn own_directory(&self) -> Result<OwnDirectory, WriteError> {
        let hold = self.hold()?;
        let _lock = self.lock()?;
        self.make_layout()?;
        let tmp = self.root.join("tmp");
        delete_dead(&tmp)?;
        let mut number = 0;
        let path = loop {
            let candidate = tmp.join(format!("{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&candidate) {
                Ok(()) => break candidate,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(writing(&candidate)(error)),
            }
        };
        let lock = File::open(&path).map_err(writing(&path))?;
        lock.lock().map_err(writing(&path))?;
        Ok(OwnDirectory {
            path,
            lock,
            _hold: hold,
            made: AtomicU64::new(0),
        })
    }
}

impl Workspace {
    /// A new empty directory with mode 0755, as a layer's is; `name` is only for the eye.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn directory(&self, name: &str) -> Result<PathBuf, WriteError> {
        let path = self.own.fresh(name);
        let make = || {
            std::fs::create_dir(&path)?;
            // Whatever the umask.
            std::fs::set_permissions(&path, Permissions::from_mode(0o755))
        };
        make().map_err(writing(&path))?;
        Ok(path)
    }
}

impl OwnDirectory {
    /// A path in it that nothing has yet.
    pub(super) fn fresh(&self, what: &str) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{what}-{number}"))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted by the next writer, once the lock is free.
        let _ = delete_directory(&self.path);
        let _ = self.lock.unlock();
    }
}

pub(super) fn delete_dead(tmp: &Path) -> Result<(), WriteError> {
    for entry in std::fs::read_dir(tmp).map_err(writing(tmp))? {
        let path = entry.map_err(writing(tmp))?.path();
        let Ok(directory) = File::open(&path) else {
            // Gone meanwhile.
            continue;
        };
        match directory.try_lock() {
            Ok(()) => delete_directory(&path)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(writing(&path)(error)),
        }
    }
    Ok(())
}
