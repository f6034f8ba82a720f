//! Deleting blobs and layers that nothing leads to any more.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::index::Index;
use super::manifest::{Manifest, diff_ids, parse_config};
use super::remove::{ImageUser, RemoveError};
use super::write::{WriteError, delete_directory, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// File names that stay.
#[derive(Default)]
struct Kept {
    blobs: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl Store {
    /// Deletes what neither the index nor a container in `users` needs. When someone is importing
    /// at this moment it does nothing; a later call finds the same.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn collect(&self, users: &[ImageUser]) -> Result<(), RemoveError> {
        if !self.blobs().exists() {
            return Ok(());
        }
        self.sweep(users).map_err(RemoveError::from)
    }

    fn sweep(&self, users: &[ImageUser]) -> Result<(), WriteError> {
        let lock = self.lock()?;
        let alone = self.lock_file("sweep.lock")?;
        match alone.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => {
                return Err(writing(&self.root.join("sweep.lock"))(error));
            }
        }
        let kept = self.mark(users)?;
        for name in unmarked(&self.blobs(), &kept.blobs)? {
            let path = self.blobs().join(name);
            std::fs::remove_file(&path).map_err(writing(&path))?;
        }
        let layers = unmarked(&self.layers(), &kept.layers)?;
        if layers.is_empty() {
            return Ok(());
        }
        // Renamed first: a layer under its diff-id is always whole.
        let grave = self.root.join(format!("tmp/{}-swept", std::process::id()));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&grave)
            .map_err(writing(&grave))?;
        let own = File::open(&grave).map_err(writing(&grave))?;
        own.lock().map_err(writing(&grave))?;
        for name in layers {
            let from = self.layers().join(&name);
            std::fs::rename(&from, grave.join(&name)).map_err(writing(&from))?;
        }
        // Deleting takes long and is nobody's business any more.
        drop(alone);
        drop(lock);
        delete_directory(&grave)
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
            }
        }
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
