//! One writer's work: staged apart, then made visible at once, or gone without a trace.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::index::Index;
use super::write::{WriteError, delete_directory, make_private, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// What `layers/<diff-id>/meta.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerMeta {
    /// Bytes of the regular files.
    pub(crate) size: u64,
}

/// A writer's own directory under `tmp/`, and what waits there to be committed. Several threads may
/// bring in parts of it at once.
pub(crate) struct Session<'s> {
    store: &'s Store,
    directory: PathBuf,
    /// Locked for as long as the session lives: free means dead.
    own: File,
    /// Shared: what is found present now stays present until the commit.
    _keep: File,
    made: AtomicU64,
    staged: Mutex<Staged>,
}

/// What waits to be committed, by the name that it will get.
#[derive(Default)]
struct Staged {
    blobs: BTreeMap<Digest, PathBuf>,
    layers: BTreeMap<Digest, PathBuf>,
}

impl Store {
    /// Starts a writer's work, first deleting what dead writers left.
    pub(super) fn session(&self) -> Result<Session<'_>, WriteError> {
        let keep = self.lock_file("sweep.lock")?;
        keep.lock_shared()
            .map_err(writing(&self.root.join("sweep.lock")))?;
        let _lock = self.lock()?;
        self.make_layout()?;
        let tmp = self.root.join("tmp");
        delete_dead_sessions(&tmp)?;
        let mut number = 0;
        let directory = loop {
            let candidate = tmp.join(format!("{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&candidate) {
                Ok(()) => break candidate,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(writing(&candidate)(error)),
            }
        };
        let own = File::open(&directory).map_err(writing(&directory))?;
        own.lock().map_err(writing(&directory))?;
        Ok(Session {
            store: self,
            directory,
            own,
            _keep: keep,
            made: AtomicU64::new(0),
            staged: Mutex::default(),
        })
    }

    fn make_layout(&self) -> Result<(), WriteError> {
        for directory in [self.blobs(), self.layers(), self.root.join("tmp")] {
            make_private(&directory)?;
        }
        let marker = self.root.join("oci-layout");
        if !marker.exists() {
            let text = serde_json::json!({ "imageLayoutVersion": "1.0.0" });
            files::replace_json(&marker, &text).map_err(writing(&marker))?;
        }
        Ok(())
    }

    /// Whether a layer is unpacked here.
    pub(super) fn has_layer(&self, diff_id: &Digest) -> bool {
        self.layer(diff_id).join("meta.json").exists()
    }
}

fn read_size(layer: &Path) -> Result<u64, ReadError> {
    let meta: LayerMeta = files::read_json(&layer.join("meta.json"))?;
    Ok(meta.size)
}

fn delete_dead_sessions(tmp: &Path) -> Result<(), WriteError> {
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

impl Session<'_> {
    pub(super) fn store(&self) -> &Store {
        self.store
    }

    fn fresh(&self, what: &str) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!("{what}-{number}"))
    }

    /// Nothing panics while it is held, and each change of it is whole.
    fn staged(&self) -> MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new empty file of the session's own.
    pub(super) fn scratch(&self) -> Result<(File, PathBuf), WriteError> {
        let path = self.fresh("file");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        Ok((file.map_err(writing(&path))?, path))
    }

    /// A new empty layer: its directory, and its tree opened.
    pub(super) fn fresh_layer(&self) -> Result<(PathBuf, OwnedFd), WriteError> {
        let path = self.fresh("layer");
        let tree = path.join("fs");
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(writing(&path))?;
        DirBuilder::new()
            .mode(0o755)
            .create(&tree)
            .map_err(writing(&tree))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || -> io::Result<OwnedFd> {
            let fd = rustix::fs::open(&tree, flags, Mode::empty())?;
            // Whatever the umask: this is the container's "/".
            rustix::fs::fchmod(&fd, Mode::from_raw_mode(0o755))?;
            Ok(fd)
        };
        let fd = open().map_err(writing(&tree))?;
        Ok((path, fd))
    }

    /// Hands over a finished blob.
    pub(super) fn stage_blob(&self, digest: Digest, path: PathBuf) {
        self.staged().blobs.entry(digest).or_insert(path);
    }

    /// Hands over a small blob.
    pub(super) fn stage_bytes(&self, bytes: &[u8]) -> Result<Digest, WriteError> {
        let digest = Digest::of(bytes);
        let path = self.fresh("file");
        std::fs::write(&path, bytes).map_err(writing(&path))?;
        self.stage_blob(digest.clone(), path);
        Ok(digest)
    }

    /// Hands over an unpacked layer; its meta file, written now, says that it is whole.
    pub(super) fn stage_layer(
        &self,
        diff_id: Digest,
        path: PathBuf,
        size: u64,
    ) -> Result<(), WriteError> {
        let meta = path.join("meta.json");
        files::replace_json(&meta, &LayerMeta { size }).map_err(writing(&meta))?;
        self.staged().layers.entry(diff_id).or_insert(path);
        Ok(())
    }

    /// Whether a layer is unpacked already, in the store or in this session.
    pub(super) fn has_layer(&self, diff_id: &Digest) -> bool {
        self.staged().layers.contains_key(diff_id) || self.store.has_layer(diff_id)
    }

    /// Bytes of the regular files of a layer, in the store or in this session.
    pub(super) fn layer_size(&self, diff_id: &Digest) -> Result<u64, ReadError> {
        let staged = self.staged().layers.get(diff_id).cloned();
        match staged {
            Some(path) => read_size(&path),
            None => read_size(&self.store.layer(diff_id)),
        }
    }

    /// Makes everything staged visible and then the index that speaks of it.
    pub(super) fn commit<T, E: From<WriteError>>(
        self,
        change: impl FnOnce(&mut Index) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.store.lock()?;
        let staged = self.staged();
        for (digest, from) in &staged.blobs {
            let to = self.store.blob(digest);
            std::fs::rename(from, &to).map_err(writing(&to))?;
        }
        for (diff_id, from) in &staged.layers {
            let to = self.store.layer(diff_id);
            // Unpacked by someone else meanwhile: theirs may be in use, ours goes.
            if !self.store.has_layer(diff_id) {
                std::fs::rename(from, &to).map_err(writing(&to))?;
            }
        }
        self.store.change_index_locked(change)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted by the next writer, once the lock is free.
        let _ = delete_directory(&self.directory);
        let _ = self.own.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_threads_stage_into_one_session() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let session = store.session().unwrap();
        std::thread::scope(|scope| {
            for number in 0..8u8 {
                let session = &session;
                scope.spawn(move || session.stage_bytes(&[number]).unwrap());
            }
        });
        session.commit(|_| Ok::<_, WriteError>(())).unwrap();
        for number in 0..8u8 {
            let blob = store.blob(&Digest::of(&[number]));
            assert_eq!(std::fs::read(blob).unwrap(), [number]);
        }
    }
}
