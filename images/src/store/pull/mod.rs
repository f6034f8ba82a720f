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
mod error;
mod here;
mod layers;
mod media;
mod origin;
mod stop;

use super::index::{Entry, Index};
use super::manifest::{Descriptor, Manifest, diff_ids, manifest_digest, parse_config};
use super::session::Session;
use super::write::WriteError;
use super::{Store, files};
use crate::digest::Digest;
use crate::platform::Platform;
use crate::reference::Reference;
use crate::registry::{Client, Fetched};
use crate::transfer::Observer;
use blob::{Downloads, WAITS};
pub use error::PullError;
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
        // A digest says all: a tag beside it is no name of the image.
        let (place, what) = match (name.digest(), name.tag()) {
            (Some(digest), _) => {
                let place = name.with_digest(digest);
                (place.clone(), place.to_string())
            }
            (None, tag) => (name.clone(), tag.unwrap_or_default().to_owned()),
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
            let before = index.by_reference(&place).map(|entry| entry.id);
            index.set(&place, &entry);
            index.set_digest(&place, &digest);
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
