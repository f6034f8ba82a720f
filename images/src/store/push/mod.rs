//! An image to a registry.
//!
//! ```text
//!  name ─▶ manifest ─▶ layers, five at a time ─▶ config ─▶ manifest, under the tag
//!                        │ is it there?        HEAD
//!                        │ is it next door?    mount from another repository of the registry
//!                        └ else                kept blob as it is, or tree ─▶ tar ─▶ gzip, streamed
//! ```
//!
//! What was pulled or loaded goes out as it came in, so that its digest stays. A layer that was made
//! here has no blob: it is packed while it is sent, and what came out of it is noted, so that it is
//! not packed again for a registry that has it.

mod layer;
mod neighbours;
mod source;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::index::Index;
use super::manifest::{
    Descriptor, Manifest, ManifestError, OCI_MANIFEST, diff_ids, manifest_digest, parse_config,
};
use super::open_blob::OpenBlobError;
use super::{ReadError, Store, WriteError, files};
use crate::digest::{Digest, short};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::registry::{Client, RegistryError};
use crate::transfer::{Observer, Transfer};
use layer::Job;
use neighbours::Neighbours;

/// As many as Docker sends at once.
const AT_ONCE: usize = 5;

/// What went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the registry calls the image.
    pub digest: Digest,
    /// Bytes of its manifest.
    pub size: usize,
}

/// Why an image was not pushed; layers that went out stay there. The texts are Docker's.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Nothing of this repository is here.
    #[error("An image does not exist locally with the tag: {0}")]
    NotFound(String),
    /// Other tags of it are.
    #[error("tag does not exist: {0}")]
    NoTag(String),
    /// Only tags can be pushed.
    #[error("cannot push a digest reference")]
    DigestReference,
    /// It is for another machine than was asked for.
    #[error(
        "image with reference {name} was found but does not match the specified platform: wanted \
         {wanted}, actual: {found}"
    )]
    Platform {
        /// In familiar form.
        name: String,
        /// What was asked for.
        wanted: String,
        /// What it was built for.
        found: String,
    },
    /// The registry, or the way to it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A layer cannot be read.
    #[error(transparent)]
    Blob(#[from] OpenBlobError),
    /// A layer is not what it was.
    #[error("layer {0} of the image store is damaged; load or pull the image again")]
    Damaged(Digest),
    /// Another layer of the same image failed.
    #[error("stopped because another layer failed")]
    Stopped,
    /// The store's manifest or config makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The new manifest cannot be written as JSON.
    #[error("cannot write the manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A layer on its way out.
struct Outgoing {
    /// As the local manifest has it.
    descriptor: Descriptor,
    diff_id: Digest,
    /// What the user sees it as.
    id: String,
}

impl Store {
    /// Pushes the image of a tag; refuses one that is not for `platform`, where that is given.
    ///
    /// # Errors
    /// [`PushError`].
    pub fn push(
        &self,
        client: &Client,
        name: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<Pushed, PushError> {
        let Some(tag) = name.tag().filter(|_| name.digest().is_none()) else {
            return Err(PushError::DigestReference);
        };
        // What is read stays.
        let _hold = self.hold()?;
        let index = Index::read(&self.index_path())?;
        let entry = index
            .by_reference(name)
            .ok_or_else(|| missing(&index, name))?;
        let bytes = files::read_small(&self.blob(&manifest_digest(&entry.manifest)?))?;
        let manifest = Manifest::parse(&bytes)?;
        let config = files::read_small(&self.blob(&manifest.config_digest()?))?;
        let outgoing = outgoing(&manifest, &config)?;
        check_platform(name, &config, platform)?;

        let job = Job {
            store: self,
            client,
            target: name,
            neighbours: Neighbours::of(self, &index, name),
            observer,
            stop: AtomicBool::new(false),
        };
        for layer in &outgoing {
            observer.layer(&layer.id, &Transfer::Preparing);
        }
        let layers = push_layers(&job, &outgoing)?;
        job.config(&manifest.config, &config)?;

        let changed = layers != manifest.layers;
        let bytes = if changed {
            serde_json::to_vec(&Manifest { layers, ..manifest })?
        } else {
            bytes
        };
        let media_type = match entry.manifest.media_type.as_str() {
            "" => OCI_MANIFEST,
            known => known,
        };
        let digest = client.put_manifest(name, media_type, &bytes)?;
        observer.line(&format!("{tag}: digest: {digest} size: {}", bytes.len()));
        self.note_repo_digest(name, &entry.id, &digest)?;
        Ok(Pushed {
            digest,
            size: bytes.len(),
        })
    }

    /// All tags that a repository has here, sorted.
    ///
    /// # Errors
    /// When the store cannot be read, or there is none.
    pub fn tags_of(&self, repository: &Reference) -> Result<Vec<Reference>, PushError> {
        let index = Index::read(&self.index_path())?;
        let mut tags: Vec<Reference> = index
            .entries()
            .filter_map(|(_, name)| name)
            .filter(|name| name.repository() == repository.repository())
            .filter(|name| name.tag().is_some() && name.digest().is_none())
            .collect();
        tags.sort();
        if tags.is_empty() {
            return Err(PushError::NotFound(repository.repository_familiar()));
        }
        Ok(tags)
    }

    /// What the registry calls the image from now on; the name may mean another one meanwhile.
    fn note_repo_digest(
        &self,
        name: &Reference,
        id: &Digest,
        digest: &Digest,
    ) -> Result<(), PushError> {
        self.change_index(|index| {
            if index.by_reference(name).is_some_and(|now| now.id == *id) {
                index.set_digest(name, digest);
            }
            Ok(())
        })
    }
}

/// Docker's two ways of not having an image.
fn missing(index: &Index, name: &Reference) -> PushError {
    let other_tag = index
        .entries()
        .filter_map(|(_, known)| known)
        .any(|known| known.repository() == name.repository());
    if other_tag {
        PushError::NoTag(name.familiar())
    } else {
        PushError::NotFound(name.repository_familiar())
    }
}

fn outgoing(manifest: &Manifest, config: &[u8]) -> Result<Vec<Outgoing>, PushError> {
    let diff_ids = diff_ids(&parse_config(config)?)?;
    if diff_ids.len() != manifest.layers.len() {
        return Err(PushError::Manifest(ManifestError::LayerCount {
            config: diff_ids.len(),
            manifest: manifest.layers.len(),
        }));
    }
    let pairs = manifest.layers.iter().zip(diff_ids);
    Ok(pairs
        .map(|(descriptor, diff_id)| Outgoing {
            descriptor: descriptor.clone(),
            id: short(diff_id.as_str()).to_owned(),
            diff_id,
        })
        .collect())
}

fn check_platform(
    name: &Reference,
    config: &[u8],
    wanted: Option<&Platform>,
) -> Result<(), PushError> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let config = parse_config(config)?;
    let found = Platform {
        os: config.os().to_string(),
        architecture: config.architecture().to_string(),
        variant: config.variant().clone(),
    };
    let same = wanted.os == found.os
        && wanted.architecture == found.architecture
        && (wanted.variant.is_none() || wanted.variant == found.variant);
    if same {
        return Ok(());
    }
    Err(PushError::Platform {
        name: name.familiar(),
        wanted: wanted.to_string(),
        found: found.to_string(),
    })
}

/// Sends layers, each distinct one once; their descriptors in the registry, in the same order.
fn push_layers(job: &Job<'_>, outgoing: &[Outgoing]) -> Result<Vec<Descriptor>, PushError> {
    let mut distinct: Vec<&Outgoing> = Vec::new();
    for layer in outgoing {
        if !distinct.iter().any(|other| other.diff_id == layer.diff_id) {
            distinct.push(layer);
        }
    }
    let next = AtomicUsize::new(0);
    let sent: Vec<Mutex<Option<Descriptor>>> = distinct.iter().map(|_| Mutex::default()).collect();
    let failed: Mutex<Option<PushError>> = Mutex::default();
    let work = || {
        while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed))
            .filter(|index| *index < distinct.len() && !job.is_stopped())
        {
            match job.layer(distinct[index]) {
                Ok(descriptor) => *locked(&sent[index]) = Some(descriptor),
                Err(error) => {
                    job.stop.store(true, Ordering::Relaxed);
                    locked(&failed).get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(distinct.len()) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = locked(&failed).take() {
        return Err(error);
    }
    outgoing
        .iter()
        .map(|layer| {
            let at = distinct
                .iter()
                .position(|other| other.diff_id == layer.diff_id);
            let sent = at.and_then(|at| locked(&sent[at]).clone());
            sent.ok_or(PushError::Stopped)
        })
        .collect()
}

/// Nothing panics while one of these is held.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
