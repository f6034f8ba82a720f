//! Deleting blobs and layers that nothing leads to any more.
//!
//! What leads somewhere: the index, containers, and records of the build cache. Whoever is about
//! to lead somewhere (a pull, a build, a `run` between finding its image and writing its record)
//! holds `sweep.lock` shared meanwhile; the sweep waits for nobody and leaves it to the next one.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::index::Index;
use super::manifest::{Manifest, diff_ids, parse_config};
use super::remove::{ImageUser, RemoveError, UsersNow};
use super::workspace::delete_dead;
use super::write::{WriteError, delete_directory, make_private, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Bytes of blobs and of layers' files.
    pub bytes: u64,
    /// Someone adds to the store at this moment, so nothing was deleted; a later sweep will.
    pub put_off: bool,
}

/// File names that stay.
#[derive(Default)]
struct Kept {
    blobs: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl Store {
    /// Deletes what neither the index nor a container nor the build cache needs, and what killed
    /// writers left. When someone is adding at this moment it does nothing; a later call finds
    /// the same.
    ///
    /// # Errors
    /// When the store cannot be read or written, or `users` cannot be told.
    pub fn collect(&self, users: UsersNow<'_>) -> Result<Swept, RemoveError> {
        if !self.blobs().exists() {
            return Ok(Swept::default());
        }
        let lock = self.lock()?;
        let sweep_lock = self.root.join("sweep.lock");
        let alone = self.lock_file("sweep.lock")?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Ok(Swept {
                    bytes: 0,
                    put_off: true,
                });
            }
            Err(TryLockError::Error(error)) => return Err(writing(&sweep_lock)(error).into()),
        }
        make_private(&self.root.join("tmp"))?;
        delete_dead(&self.root.join("tmp"))?;
        // Asked now: nobody can come to use an image while the lock is held.
        let kept = self.mark(&users()?).map_err(WriteError::from)?;
        let mut swept = Swept::default();
        for name in unmarked(&self.blobs(), &kept.blobs)? {
            let path = self.blobs().join(name);
            swept.bytes += path.metadata().map_or(0, |blob| blob.len());
            std::fs::remove_file(&path).map_err(writing(&path))?;
        }
        let layers = unmarked(&self.layers(), &kept.layers)?;
        if layers.is_empty() {
            return Ok(swept);
        }
        // Renamed first: a layer under its diff-id is always whole.
        let grave = self.grave()?;
        let own = File::open(&grave).map_err(writing(&grave))?;
        own.lock().map_err(writing(&grave))?;
        for name in layers {
            let from = self.layers().join(&name);
            if let Ok(diff_id) = format!("sha256:{name}").parse() {
                swept.bytes += self.size_on_disk(&diff_id);
            }
            std::fs::rename(&from, grave.join(&name)).map_err(writing(&from))?;
        }
        // Deleting takes long and is nobody's business any more.
        drop(alone);
        drop(lock);
        delete_directory(&grave)?;
        Ok(swept)
    }

    /// A new directory in `tmp/`, made under the lock.
    fn grave(&self) -> Result<PathBuf, WriteError> {
        let tmp = self.root.join("tmp");
        let mut number = 0;
        loop {
            let grave = tmp.join(format!("{}-swept-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&grave) {
                Ok(()) => return Ok(grave),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(writing(&grave)(error)),
            }
        }
    }

    /// Bytes of a layer's files; 0 for one that is not there.
    pub(super) fn size_on_disk(&self, diff_id: &Digest) -> u64 {
        self.layer_meta(diff_id).map_or(0, |meta| meta.size)
    }

    fn mark(&self, users: &[ImageUser]) -> Result<Kept, ReadError> {
        let index = Index::read(&self.index_path())?;
        let mut kept = Kept::default();
        for descriptor in &index.manifests {
            let Ok(digest) = descriptor.digest() else {
                continue;
            };
            kept.blobs.insert(digest.hex().to_owned());
            self.mark_manifest(&digest, &mut kept)?;
        }
        for user in users {
            if let Ok(id) = user.image_id.parse::<Digest>() {
                self.mark_config(&id, &mut kept)?;
                // A `commit` of the container needs them, when its image was removed by force.
                for layer in self.layers_of(&id) {
                    let came_as = self.layer_meta(&layer).ok().and_then(|meta| meta.blob);
                    kept.blobs.extend(
                        came_as
                            .and_then(|blob| blob.digest().ok())
                            .map(|blob| blob.hex().to_owned()),
                    );
                }
            }
        }
        let cached = self.cached_layers()?;
        kept.layers
            .extend(cached.iter().map(|layer| layer.hex().to_owned()));
        Ok(kept)
    }

    fn mark_manifest(&self, digest: &Digest, kept: &mut Kept) -> Result<(), ReadError> {
        let Some(bytes) = present(files::read_small(&self.blob(digest)))? else {
            return Ok(());
        };
        // A manifest that makes no sense leads nowhere.
        let Ok(manifest) = Manifest::parse(&bytes) else {
            return Ok(());
        };
        let layers = manifest.layer_digests().unwrap_or_default();
        kept.blobs
            .extend(layers.iter().map(|layer| layer.hex().to_owned()));
        match manifest.config_digest() {
            Ok(config) => self.mark_config(&config, kept),
            Err(_) => Ok(()),
        }
    }

    fn mark_config(&self, id: &Digest, kept: &mut Kept) -> Result<(), ReadError> {
        kept.blobs.insert(id.hex().to_owned());
        let Some(bytes) = present(files::read_small(&self.blob(id)))? else {
            return Ok(());
        };
        if let Ok(layers) = parse_config(&bytes).and_then(|config| diff_ids(&config)) {
            for layer in layers {
                self.mark_layer(&layer, kept);
            }
        }
        Ok(())
    }

    /// A layer keeps what it came as: its tree alone does not pack to the same bytes.
    fn mark_layer(&self, diff_id: &Digest, kept: &mut Kept) {
        let blob = self.layer_meta(diff_id).ok().and_then(|meta| meta.blob);
        if let Some(digest) = blob.and_then(|blob| blob.digest().ok()) {
            kept.blobs.insert(digest.hex().to_owned());
        }
        kept.layers.insert(diff_id.hex().to_owned());
    }
}

/// What is missing needs nothing kept.
fn present(read: Result<Vec<u8>, ReadError>) -> Result<Option<Vec<u8>>, ReadError> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_missing() => Ok(None),
        Err(ReadError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unmarked(directory: &Path, kept: &BTreeSet<String>) -> Result<Vec<String>, WriteError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(writing(directory))? {
        let name = entry.map_err(writing(directory))?.file_name();
        // Only names that this store gives are this store's to delete.
        if let Some(name) = name.to_str()
            && format!("sha256:{name}").parse::<Digest>().is_ok()
            && !kept.contains(name)
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
