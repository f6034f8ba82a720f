//! Layers and images made here: by a build's step, or from a container.
//!
//! ```text
//!  overlay upper ──commit_tree (rename)──▶ layers/<diff-id>/fs ◀──commit_copy (pack, unpack)── container
//!                                               │
//!  config ──add_image──▶ manifest: the layer's own blob, or the tar that its tree packs to
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::ahead::apart;
use super::index::Entry;
use super::ingest::digest_of;
use super::layer_meta::LayerMeta;
use super::manifest::{
    Descriptor, Manifest, ManifestError, OCI_CONFIG, OCI_MANIFEST, diff_ids, parse_config,
};
use super::open_blob::open_tree;
use super::session::Session;
use super::write::{WriteError, delete_directory, writing};
use super::{ReadError, Store};
use crate::digest::Digest;
use crate::layer::{IdShift, PackError, PackedTree, Packer, UnpackError, unpack};
use crate::reference::Reference;
use crate::upper::{Upper, UpperError};

/// A layer of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of its tar.
    pub diff_id: Digest,
    /// Bytes of its regular files.
    pub size: u64,
    /// Bytes of its tar.
    pub tar_size: u64,
}

/// A tar of nothing: two blocks of zeros.
const EMPTY_TAR: u64 = 1024;

impl Layer {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.tar_size == EMPTY_TAR
    }
}

/// Why a tree did not become a layer.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The tree's directory cannot be used.
    #[error("cannot take {path}: {source}")]
    Tree {
        /// The directory.
        path: std::path::PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file of it cannot be in a layer, or cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Reading it failed halfway; tells the file.
    #[error(transparent)]
    Read(io::Error),
    /// It cannot be compared with what is below it.
    #[error(transparent)]
    Upper(#[from] UpperError),
    /// The copy cannot be made.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}

/// Why an image was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddImageError {
    /// The config makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The config speaks of other layers than were given.
    #[error("the config lists other layers than the image was given")]
    Layers,
    /// A layer is not in the store, or what it came as is not.
    #[error("layer {0} is missing from the image store; pull or load its image again")]
    Missing(Digest),
    /// A name with a digest cannot be given.
    #[error("refusing to create a tag with a digest reference")]
    Digest,
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}

impl Store {
    /// Makes a layer of an overlay upper directory that nobody writes to any more. The directory is
    /// moved, not copied, and is gone afterwards in any case. Overlayfs' own attributes and sockets
    /// are taken off; times later than `epoch` (seconds since 1970) become `epoch`.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing of the tree stays.
    pub fn commit_tree(&self, tree: &Path, epoch: Option<i64>) -> Result<Layer, SnapshotError> {
        let session = self.session()?;
        let (directory, _) = session.fresh_layer()?;
        match rustix::fs::rename(tree, directory.join("fs")) {
            Ok(()) => {}
            Err(Errno::XDEV) => {
                copy(tree, &directory, &session, PackedTree::Taken { epoch })?;
                delete_directory(tree)?;
            }
            Err(error) => return Err(taking(tree)(error.into())),
        }
        publish(session, &directory, PackedTree::Taken { epoch })
    }

    /// Makes a layer of a tree that stays where it is and that somebody may write to meanwhile: a
    /// container's writable layer. Owners become those that the container sees.
    ///
    /// # Errors
    /// [`SnapshotError`]; the tree is only read.
    pub fn commit_copy(&self, tree: &Path, ids: &IdShift) -> Result<Layer, SnapshotError> {
        let session = self.session()?;
        let (directory, _) = session.fresh_layer()?;
        let kind = PackedTree::Live {
            ids: ids.clone(),
            left_out: BTreeSet::new(),
        };
        copy(tree, &directory, &session, kind)?;
        publish(session, &directory, PackedTree::Taken { epoch: None })
    }

    /// As [`Store::commit_copy`], of a container's changes.
    ///
    /// # Errors
    /// [`SnapshotError`]; the tree is only read.
    pub fn commit_upper(&self, upper: &Upper<'_>) -> Result<Layer, SnapshotError> {
        let session = self.session()?;
        let (directory, _) = session.fresh_layer()?;
        let kind = PackedTree::Live {
            ids: upper.ids.clone(),
            left_out: upper.left_out()?,
        };
        copy(upper.upper, &directory, &session, kind)?;
        publish(session, &directory, PackedTree::Taken { epoch: None })
    }

    /// Adds an image of layers that are all present, lowest first, and gives it names. The config
    /// must list the same layers. Returns its id.
    ///
    /// # Errors
    /// [`AddImageError`]; then nothing was added.
    pub fn add_image(
        &self,
        config: &[u8],
        layers: &[Digest],
        names: &[Reference],
    ) -> Result<Digest, AddImageError> {
        if names.iter().any(|name| name.digest().is_some()) {
            return Err(AddImageError::Digest);
        }
        if diff_ids(&parse_config(config)?)? != layers {
            return Err(AddImageError::Layers);
        }
        let session = self.session()?;
        let mut size = 0u64;
        let mut descriptors = Vec::with_capacity(layers.len());
        for diff_id in layers {
            if !self.has_layer(diff_id) {
                return Err(AddImageError::Missing(diff_id.clone()));
            }
            size = size.saturating_add(session.layer_size(diff_id)?);
            let descriptor = match self.layer_descriptor(diff_id)? {
                Some(descriptor) => descriptor,
                None => self.blob_in_manifests(diff_id)?,
            };
            descriptors.push(descriptor);
        }
        let id = session.stage_bytes(config)?;
        let config = Descriptor::new(OCI_CONFIG, &id, config.len() as u64);
        let manifest =
            serde_json::to_vec(&Manifest::new(config, descriptors)).map_err(|source| {
                ManifestError::Json {
                    what: "manifest",
                    source,
                }
            })?;
        let digest = session.stage_bytes(&manifest)?;
        let entry = Entry {
            id: id.clone(),
            manifest: Descriptor::new(OCI_MANIFEST, &digest, manifest.len() as u64),
            size,
        };
        session.commit(|index| {
            index.add(&entry);
            for name in names {
                index.set(&name.clone().with_default_tag(), &entry);
            }
            Ok::<_, WriteError>(())
        })?;
        Ok(id)
    }

    /// Keeps a config alone, so that a container can be made of a state that is no image yet. It
    /// stays as long as a container uses it or the store is held ([`Store::hold`]).
    ///
    /// # Errors
    /// A config that makes no sense, or a store that cannot be written.
    pub fn add_config(&self, config: &[u8]) -> Result<Digest, AddImageError> {
        for diff_id in diff_ids(&parse_config(config)?)? {
            if !self.has_layer(&diff_id) {
                return Err(AddImageError::Missing(diff_id));
            }
        }
        let session = self.session()?;
        let id = session.stage_bytes(config)?;
        session.commit(|_| Ok::<_, WriteError>(()))?;
        Ok(id)
    }

    /// What an image of this store says about a layer, for layers older than the notes about them.
    fn blob_in_manifests(&self, diff_id: &Digest) -> Result<Descriptor, AddImageError> {
        let missing = || AddImageError::Missing(diff_id.clone());
        let index = super::index::Index::read(&self.index_path())?;
        for (entry, _) in index.entries() {
            let Ok(digest) = entry.manifest.digest() else {
                continue;
            };
            let read = |digest: &Digest| super::files::read_small(&self.blob(digest)).ok();
            let (Some(manifest), Some(config)) = (read(&digest), read(&entry.id)) else {
                continue;
            };
            let (Ok(manifest), Ok(config)) = (Manifest::parse(&manifest), parse_config(&config))
            else {
                continue;
            };
            let position = diff_ids(&config)?.iter().position(|known| known == diff_id);
            let described = position.and_then(|at| manifest.layers.get(at));
            if let Some(descriptor) = described
                && descriptor
                    .digest()
                    .is_ok_and(|blob| self.blob(&blob).exists())
            {
                return Ok(descriptor.clone());
            }
        }
        Err(missing())
    }
}

/// Makes `directory/fs` what `tree` packs to.
fn copy(
    tree: &Path,
    directory: &Path,
    session: &Session<'_>,
    kind: PackedTree,
) -> Result<(), SnapshotError> {
    let from = open_tree(tree).map_err(taking(tree))?;
    let to = directory.join("fs");
    let into = open_tree(&to).map_err(writing(&to))?;
    let (scratch, scratch_path) = session.scratch()?;
    let mut packer = Packer::new(from, kind)?;
    apart(&mut packer, move |tar| unpack(tar, into, scratch)).map_err(SnapshotError::Read)??;
    std::fs::remove_file(&scratch_path).map_err(writing(&scratch_path))?;
    Ok(())
}

/// Hashes the tree in `directory/fs` as its tar, and makes it a layer of the store.
fn publish(
    session: Session<'_>,
    directory: &Path,
    kind: PackedTree,
) -> Result<Layer, SnapshotError> {
    let path = directory.join("fs");
    let tree = open_tree(&path).map_err(taking(&path))?;
    let mut packer = Packer::new(tree, kind)?;
    let hashed = apart(&mut packer, digest_of).and_then(|hashed| hashed);
    let (diff_id, tar_size) = hashed.map_err(SnapshotError::Read)?;
    let size = packer.size();
    let meta = LayerMeta {
        size,
        tar_size: Some(tar_size),
        ..LayerMeta::default()
    };
    session.stage_noted_layer(diff_id.clone(), directory.to_owned(), &meta)?;
    session.commit(|_| Ok::<_, WriteError>(()))?;
    Ok(Layer {
        diff_id,
        size,
        tar_size,
    })
}

fn taking(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError + '_ {
    move |source| SnapshotError::Tree {
        path: path.to_owned(),
        source,
    }
}
