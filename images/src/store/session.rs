//! One writer's work: staged apart, then made visible at once, or gone without a trace.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};

use super::index::Index;
use super::layer_meta::LayerMeta;
use super::manifest::Descriptor;
use super::workspace::OwnDirectory;
use super::write::{WriteError, make_private, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// A writer's own directory under `tmp/`, and what waits there to be committed. Several threads may
/// bring in parts of it at once.
pub(crate) struct Session<'s> {
    store: &'s Store,
    own: OwnDirectory,
    staged: Mutex<Staged>,
}

/// What waits to be committed, by the name that it will get.
#[derive(Default)]
struct Staged {
    blobs: BTreeMap<Digest, PathBuf>,
    layers: BTreeMap<Digest, PathBuf>,
    /// What layers came as.
    came_as: BTreeMap<Digest, Descriptor>,
}

impl Store {
    /// Starts a writer's work, first deleting what dead writers left.
    pub(super) fn session(&self) -> Result<Session<'_>, WriteError> {
        Ok(Session {
            store: self,
            own: self.own_directory()?,
            staged: Mutex::default(),
        })
    }

    pub(super) fn make_layout(&self) -> Result<(), WriteError> {
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

fn read_meta(layer: &Path) -> Result<LayerMeta, ReadError> {
    files::read_json(&layer.join("meta.json"))
}

impl Session<'_> {
    pub(super) fn store(&self) -> &Store {
        self.store
    }

    fn fresh(&self, what: &str) -> PathBuf {
        self.own.fresh(what)
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
        let meta = LayerMeta {
            size,
            ..LayerMeta::default()
        };
        self.stage_noted_layer(diff_id, path, &meta)
    }

    /// As [`Session::stage_layer`], with more to note.
    pub(super) fn stage_noted_layer(
        &self,
        diff_id: Digest,
        path: PathBuf,
        meta: &LayerMeta,
    ) -> Result<(), WriteError> {
        let file = path.join("meta.json");
        files::replace_json(&file, meta).map_err(writing(&file))?;
        self.staged().layers.entry(diff_id).or_insert(path);
        Ok(())
    }

    /// Notes which blob of this session a layer came as: images made of it here point to the same.
    pub(super) fn note_blob(&self, diff_id: Digest, blob: Descriptor) {
        self.staged().came_as.insert(diff_id, blob);
    }

    /// Whether a layer is unpacked already, in the store or in this session.
    pub(super) fn has_layer(&self, diff_id: &Digest) -> bool {
        self.staged().layers.contains_key(diff_id) || self.store.has_layer(diff_id)
    }

    /// Bytes of the regular files of a layer, in the store or in this session.
    pub(super) fn layer_size(&self, diff_id: &Digest) -> Result<u64, ReadError> {
        let staged = self.staged().layers.get(diff_id).cloned();
        match staged {
            Some(path) => Ok(read_meta(&path)?.size),
            None => Ok(self.store.layer_meta(diff_id)?.size),
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
            if self.store.has_layer(diff_id) {
                // Made by someone else meanwhile: theirs may be in use, ours goes.
                let ours = read_meta(from).map_err(WriteError::from)?;
                self.store.change_layer_meta_locked(diff_id, |meta| {
                    meta.tar_size = meta.tar_size.or(ours.tar_size);
                })?;
            } else {
                std::fs::rename(from, &to).map_err(writing(&to))?;
            }
        }
        for (diff_id, blob) in &staged.came_as {
            self.store.note_blob_locked(diff_id, blob)?;
        }
        self.store.change_index_locked(change)
    }
}
