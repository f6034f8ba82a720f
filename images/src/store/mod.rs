//! The content store: an OCI image layout with its layers unpacked beside it.
//!
//! ```text
//! /var/lib/rbox/images/
//!   oci-layout  index.json       one descriptor for each name; an image without names has one too
//!   blobs/sha256/<hex>           manifests, configs, layers as they came
//!   layers/<diff-id hex>/fs/     the tree that overlayfs stacks      meta.json: what is known of it
//!   cache/<key hex>.json         which layer a build step with this key made
//!   tmp/<pid>-<n>/               work of one writer, who holds a flock on it; renamed when whole
//!   lock  sweep.lock
//! ```
//!
//! Readers take no lock: `index.json` is replaced by rename, blobs and layers appear by rename.
//! Writers stage everything in `tmp/` and hold `lock` only to rename and to rewrite the index.
//! What came to be unused is swept under `sweep.lock` held alone; whoever adds holds it shared, so
//! that a layer found present stays present. A writer killed at any moment leaves a directory in
//! `tmp/` whose lock is free, and the next writer deletes it. Nothing is synced to disk
//! explicitly, as in Docker: after a power failure import or load again what was just loaded.

mod ahead;
mod cache;
mod commit;
mod config;
mod export;
mod files;
mod history;
mod import;
mod index;
mod ingest;
mod layer_meta;
mod list;
mod load;
mod lookup;
mod manifest;
mod open_blob;
mod prune;
mod pull;
mod push;
mod remove;
mod save;
mod session;
mod snapshot;
mod sweep;
mod tag;
mod usage;
mod workspace;
mod write;

pub use cache::{CacheEntry, CachePruned, CacheRecord};
pub use commit::{CommitError, CommitOptions};
pub use export::ExportError;
pub use history::HistoryStep;
pub use import::{ImportError, ImportOptions};
pub use list::ListError;
pub use load::{LoadError, Loaded};
pub use lookup::{GetError, MissingLayer};
pub use manifest::{ManifestError, check_image};
pub use open_blob::OpenBlobError;
pub use prune::PrunedImages;
pub use pull::{PullError, Pulled};
pub use push::{PushError, Pushed};
pub use remove::{ImageUser, RemoveError, RemoveOptions, Removed, UsersNow, UsersUnknown};
pub use save::{SaveError, SaveFormat};
pub use snapshot::{AddImageError, Layer, SnapshotError};
pub use sweep::Swept;
pub use tag::TagError;
pub use usage::{CacheUsage, ImageUsage, Usage};
pub use workspace::{Hold, Workspace};
pub use write::WriteError;

use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

/// Where images are kept. Opening it reads nothing.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// Why a directory cannot be an image store.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the image store {path}: {source}")]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// Why a file of the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file does not say what it should.
    #[error("{path} is damaged: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file is larger than any honest one.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
}

impl ReadError {
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Store {
    /// Opens the store at `root`, which need not exist before something is written.
    ///
    /// # Errors
    /// When `root` is something else than a directory.
    pub fn open(root: &Path) -> Result<Store, OpenError> {
        let failed = |source| OpenError {
            path: root.to_owned(),
            source,
        };
        // Overlayfs gets these paths from processes with other working directories.
        let absolute = std::path::absolute(root).map_err(failed)?;
        match std::fs::metadata(&absolute) {
            Ok(found) if !found.is_dir() => Err(failed(io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(Store { root: absolute }),
        }
    }

    fn index_path(&self) -> PathBuf {
        self.root.join("index.json")
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    fn layer(&self, diff_id: &Digest) -> PathBuf {
        self.layers().join(diff_id.hex())
    }

    /// The tree of a layer, as overlayfs stacks it.
    fn layer_tree(&self, diff_id: &Digest) -> PathBuf {
        self.layer(diff_id).join("fs")
    }
}
