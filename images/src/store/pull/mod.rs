//! An image from a registry.
//!
//! ```text
//!  name ─▶ list ─▶ manifest ─▶ config ─▶ layers, three at a time
//!           │        │           │         GET ─▶ sha256 ─▶ blob file ─▶ gunzip ─▶ sha256 ─▶ unpack
//!     the platform's │           │         └ broken? goes on at that byte (blob.rs)
//!                    │           └ says what each layer must unpack to
//!                    └ by digest: whoever vouches for the manifest vouches for all below
//! ```
//!
//! Everything waits in a session, out of sight, until the digest of every part is right; then it
//! is published at once. A pull that fails or is killed leaves nothing.

mod blob;
mod choose;
mod layers;
mod media;
mod origin;
mod stop;

use std::io;

use super::index::{Entry, Index};
use super::manifest::{
    Descriptor, Manifest, ManifestError, diff_ids, manifest_digest, parse_config,
};
use super::session::Session;
use super::write::WriteError;
use super::{ReadError, Store, files};
use crate::digest::Digest;
use crate::layer::UnpackError;
use crate::platform::Platform;
use crate::reference::Reference;
use crate::registry::{Client, Fetched, RegistryError};
use crate::transfer::Observer;
use blob::{Downloads, WAITS};
use stop::Stop;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The image's id, `sha256:…`.
    pub id: Digest,
    /// What the registry calls it: the digest of its manifest, or of the list that it is in.
    pub digest: Digest,
    /// Whether the name meant another image before, or none.
    pub newer: bool,
}

/// Why nothing was pulled. Nothing stays behind. The texts are Docker's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry, or the way to it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A manifest that no registry has used since 2017, or will some day.
    #[error("unsupported manifest media type {0}")]
    MediaType(String),
    /// The manifest's own version is another one.
    #[error("unsupported manifest: schemaVersion {0} is not 2")]
    Schema(u32),
    /// It is no image: a chart, a signature or something else that registries keep.
    #[error("unsupported media type {0}")]
    NoImage(String),
    /// A layer that cannot be had or is no file system.
    #[error("layer {layer} {problem}: unsupported media type {media_type}")]
    Layer {
        /// First 12 digits of its digest.
        layer: String,
        /// In words.
        problem: &'static str,
        /// As the manifest has it.
        media_type: String,
    },
    /// A list without an image for the platform.
    #[error("no matching manifest for {wanted} in the manifest list entries")]
    NoMatch {
        /// `linux/arm64`.
        wanted: String,
        /// Those that the list has.
        available: Vec<String>,
    },
    /// The only image of that name is for another machine.
    #[error(
        "image with reference {name} was found but its platform ({found}) does not match the \
         specified platform ({wanted})"
    )]
    Platform {
        /// In familiar form.
        name: String,
        /// What it was built for.
        found: String,
        /// What was asked for, or this machine.
        wanted: String,
    },
    /// Bytes that are not those of the digest.
    #[error("{what} verification failed for digest {digest}")]
    Damaged {
        /// `filesystem layer` or `image config`.
        what: &'static str,
        /// What was asked for.
        digest: Digest,
    },
    /// A config larger than any honest one.
    #[error("the image's config has {size} bytes, more than the {limit} that are read")]
    LargeConfig {
        /// As the manifest says.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// A layer is not what the config says.
    #[error("layer {layer} unpacks to {found}, but the image's config says {expected}")]
    DiffId {
        /// Digest of the packed layer.
        layer: Digest,
        /// What its plain bytes make.
        found: Digest,
        /// In the config.
        expected: Digest,
    },
    /// The connection broke too often.
    #[error("cannot download {digest}: the connection broke {tries} times: {source}")]
    Broken {
        /// The blob.
        digest: Digest,
        /// So often since it last worked.
        tries: usize,
        /// The last time.
        source: io::Error,
    },
    /// Another layer of the same image failed.
    #[error("stopped because another layer failed")]
    Stopped,
    /// A manifest, config or list makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A layer was refused.
    #[error("layer {layer}: {source}")]
    Unpack {
        /// Digest of the packed layer.
        layer: Digest,
        /// Why.
        source: UnpackError,
    },
    /// A layer cannot be decoded.
    #[error("cannot read layer {layer}: {source}")]
    Packing {
        /// Digest of the packed layer.
        layer: Digest,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}

/// The most that is read of a config, bytes.
const LARGEST_CONFIG: u64 = files::LARGEST_JSON;

impl Store {
    /// Brings in the image that `name` means in its registry, for `platform` or this machine, and
    /// gives it that name. Layers that are here already are not downloaded.
    ///
    /// Told as lines: `latest: Pulling from library/alpine` and `Digest: sha256:…`.
    ///
    /// # Errors
    /// Whatever is wrong with the registry, the way to it, or the image; nothing of it stays.
    pub fn pull(
        &self,
        registry: &Client,
        name: &Reference,
        platform: Option<&Platform>,
        observer: &dyn Observer,
    ) -> Result<Pulled, PullError> {
        let name = name.clone().with_default_tag();
        let downloads = Downloads {
            origin: registry,
            name: &name,
            observer,
            stop: Stop::default(),
            waits: &WAITS,
        };
        self.pull_from(&downloads, platform)
    }

    fn pull_from(
        &self,
        downloads: &Downloads<'_>,
        platform: Option<&Platform>,
    ) -> Result<Pulled, PullError> {
        let name = downloads.name;
        let named = downloads.origin.manifest(name)?;
        let digest = named.digest.clone();
        let what = match (name.digest(), name.tag()) {
            (Some(digest), _) => format!("{}@{digest}", name.repository()),
            (None, tag) => tag.unwrap_or_default().to_owned(),
        };
        let observer = downloads.observer;
        observer.line(&format!("{what}: Pulling from {}", name.path()));
        let fetched = if described(&named).is_index() {
            let chosen = choose::from_list(&named.bytes, platform)?;
            let digest = manifest_digest(&chosen)?;
            downloads.origin.manifest_at(name, &digest)?
        } else {
            named
        };
        let manifest = image_manifest(&fetched)?;
        let session = self.session()?;
        let entry = bring_in(&session, downloads, &fetched, &manifest, platform)?;
        let newer = session.commit(|index| {
            let before = index.by_reference(name).map(|entry| entry.id);
            index.set(name, &entry);
            Ok::<_, WriteError>(before.as_ref() != Some(&entry.id))
        })?;
        observer.line(&format!("Digest: {digest}"));
        Ok(Pulled {
            id: entry.id,
            digest,
            newer,
        })
    }
}

fn described(fetched: &Fetched) -> Descriptor {
    let length = fetched.bytes.len() as u64;
    Descriptor::new(&fetched.media_type, &fetched.digest, length)
}

fn image_manifest(fetched: &Fetched) -> Result<Manifest, PullError> {
    if !described(fetched).is_manifest() {
        return Err(PullError::MediaType(media::printable(&fetched.media_type)));
    }
    let manifest = Manifest::parse(&fetched.bytes)?;
    media::check(&manifest)?;
    Ok(manifest)
}

/// Stages every part of the image.
fn bring_in(
    session: &Session<'_>,
    downloads: &Downloads<'_>,
    fetched: &Fetched,
    manifest: &Manifest,
    platform: Option<&Platform>,
) -> Result<Entry, PullError> {
    let id = manifest.config_digest()?;
    let bytes = config(session.store(), downloads, &id, manifest.config.size)?;
    let config = parse_config(&bytes)?;
    let built_for = Platform {
        os: config.os().to_string(),
        architecture: config.architecture().to_string(),
        variant: config.variant().clone(),
    };
    let fits = match platform {
        Some(wanted) => choose::same(&built_for, wanted),
        None => built_for.runs_here(),
    };
    if !fits {
        let wanted = platform.cloned().unwrap_or_else(Platform::host);
        return Err(PullError::Platform {
            name: downloads.name.familiar(),
            found: media::printable(&built_for.to_string()),
            wanted: wanted.to_string(),
        });
    }
    let diff_ids = diff_ids(&config)?;
    let layers = layers::pair(manifest, &diff_ids)?;
    let known = Index::read(&session.store().index_path())?.by_id(&id);
    layers::bring_in(session, downloads, &layers, known.is_some())?;
    let mut size = 0u64;
    for diff_id in &diff_ids {
        size = size.saturating_add(session.layer_size(diff_id)?);
    }
    session.stage_bytes(&bytes)?;
    session.stage_bytes(&fetched.bytes)?;
    Ok(Entry {
        id,
        manifest: described(fetched),
        size,
    })
}

/// The config's bytes, from here where they are here.
fn config(
    store: &Store,
    downloads: &Downloads<'_>,
    id: &Digest,
    size: u64,
) -> Result<Vec<u8>, PullError> {
    if size > LARGEST_CONFIG {
        let limit = LARGEST_CONFIG;
        return Err(PullError::LargeConfig { size, limit });
    }
    if let Ok(bytes) = files::read_small(&store.blob(id))
        && Digest::of(&bytes) == *id
    {
        return Ok(bytes);
    }
    let bytes = layers::small(downloads, id, size)?;
    if Digest::of(&bytes) != *id {
        return Err(PullError::Damaged {
            what: "image config",
            digest: id.clone(),
        });
    }
    Ok(bytes)
}
