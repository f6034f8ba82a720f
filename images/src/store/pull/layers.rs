//! The layers of an image, three at a time: each is hashed, kept and unpacked while it comes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::PullError;
use super::blob::{Blob, Downloads};
use crate::digest::{Digest, short};
use crate::store::index::Index;
use crate::store::ingest::{self, IngestError, Plain};
use crate::store::manifest::{Descriptor, Manifest, ManifestError, diff_ids, parse_config};
use crate::store::session::Session;
use crate::store::{Store, files};
use crate::transfer::Transfer;

/// As many layers as Docker downloads at once.
const AT_ONCE: usize = 3;

/// One layer of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Of the packed bytes, as the manifest has it.
    pub(super) digest: Digest,
    /// Bytes of them.
    pub(super) size: u64,
    /// Of the plain bytes, as the config has it.
    pub(super) diff_id: Digest,
}

/// Pairs what the manifest and the config say about layers; each once.
pub(super) fn pair(manifest: &Manifest, diff_ids: &[Digest]) -> Result<Vec<Layer>, PullError> {
    let digests = manifest.layer_digests()?;
    if digests.len() != diff_ids.len() {
        let (config, manifest) = (diff_ids.len(), digests.len());
        return Err(ManifestError::LayerCount { config, manifest }.into());
    }
    let mut layers: Vec<Layer> = Vec::with_capacity(digests.len());
    let mut known: BTreeMap<Digest, Digest> = BTreeMap::new();
    for ((digest, descriptor), diff_id) in digests.into_iter().zip(&manifest.layers).zip(diff_ids) {
        match known.get(&digest) {
            Some(other) if other == diff_id => {}
            Some(other) => {
                return Err(PullError::DiffId {
                    layer: digest,
                    found: other.clone(),
                    expected: diff_id.clone(),
                });
            }
            None => {
                known.insert(digest.clone(), diff_id.clone());
                layers.push(Layer {
                    digest,
                    size: descriptor.size,
                    diff_id: diff_id.clone(),
                });
            }
        }
    }
    Ok(layers)
}

/// Makes sure that every layer is here, its blob and its tree, or waits in the session. Nothing is
/// told of an image that is `known` and whole.
pub(super) fn bring_in(
    session: &Session<'_>,
    downloads: &Downloads<'_>,
    layers: &[Layer],
    known: bool,
) -> Result<(), PullError> {
    let here = here(session.store(), layers)?;
    if known && !here.contains(&false) {
        return Ok(());
    }
    let tell = |layer: &Layer, state| {
        downloads
            .observer
            .layer(short(layer.digest.as_str()), &state);
    };
    let mut wanted = Vec::new();
    for (layer, is_here) in layers.iter().zip(here) {
        if is_here {
            tell(layer, Transfer::AlreadyExists);
        } else {
            tell(layer, Transfer::Found);
            wanted.push(layer);
        }
    }
    for layer in wanted.iter().skip(AT_ONCE) {
        tell(layer, Transfer::Waiting);
    }
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        while let Some(layer) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = bring_in_one(session, downloads, layer) {
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                // Those that come later were stopped because of it.
                failure.get_or_insert(error);
                downloads.stop.set();
                return;
            }
            tell(layer, Transfer::Downloaded);
            tell(layer, Transfer::Pulled);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(wanted.len()) {
            scope.spawn(work);
        }
        work();
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Which layers need nothing: blob and tree are here, and belong together.
fn here(store: &Store, layers: &[Layer]) -> Result<Vec<bool>, PullError> {
    let whole =
        |layer: &Layer| store.blob(&layer.digest).exists() && store.has_layer(&layer.diff_id);
    let mut here: Vec<bool> = layers.iter().map(whole).collect();
    if here.contains(&true) {
        let pairs = pairs(store)?;
        for (layer, is_here) in layers.iter().zip(&mut here) {
            *is_here &= pairs.contains(&(layer.digest.clone(), layer.diff_id.clone()));
        }
    }
    Ok(here)
}

/// Blobs and what they unpack to, as the images that are here say; that was checked when they
/// came. What cannot be read proves nothing.
fn pairs(store: &Store) -> Result<std::collections::BTreeSet<(Digest, Digest)>, PullError> {
    let index = Index::read(&store.index_path())?;
    let mut pairs = std::collections::BTreeSet::new();
    for (entry, _) in index.entries() {
        let Ok(manifest) = entry.manifest.digest() else {
            continue;
        };
        let read = |digest| files::read_small(&store.blob(digest)).ok();
        let manifest = read(&manifest).and_then(|bytes| Manifest::parse(&bytes).ok());
        let config = read(&entry.id).and_then(|bytes| parse_config(&bytes).ok());
        let (Some(manifest), Some(config)) = (manifest, config) else {
            continue;
        };
        if let (Ok(blobs), Ok(diff_ids)) = (manifest.layer_digests(), diff_ids(&config)) {
            pairs.extend(blobs.into_iter().zip(diff_ids));
        }
    }
    Ok(pairs)
}

fn bring_in_one(
    session: &Session<'_>,
    downloads: &Downloads<'_>,
    layer: &Layer,
) -> Result<(), PullError> {
    if let Ok(kept) = File::open(session.store().blob(&layer.digest)) {
        match receive(session, layer, kept) {
            // A blob that was damaged on this disk is downloaded anew.
            Err(PullError::Damaged { .. }) => {}
            other => return other,
        }
    }
    let mut blob = Blob::new(downloads, &layer.digest, layer.size);
    let mut received = receive(session, layer, &mut blob);
    if matches!(received, Err(PullError::Damaged { .. })) && blob.pieced && blob.failure.is_none() {
        // Pieces that do not fit together: once more in one.
        blob = Blob::new(downloads, &layer.digest, layer.size);
        received = receive(session, layer, &mut blob);
    }
    match blob.failure.take() {
        Some(failure) => Err(failure),
        None => received,
    }
}

/// Reads a packed layer to its end; it waits in the session when it is the right one.
fn receive(session: &Session<'_>, layer: &Layer, source: impl Read) -> Result<(), PullError> {
    let unpack = !session.has_layer(&layer.diff_id);
    let failed = |error| refused(&layer.digest, error);
    let received = ingest::receive(session, source, unpack).map_err(failed)?;
    if received.digest != layer.digest {
        return Err(PullError::Damaged {
            what: "filesystem layer",
            digest: layer.digest.clone(),
        });
    }
    let Plain {
        diff_id,
        compression,
        tree,
    } = received.plain.map_err(failed)?;
    if diff_id != layer.diff_id {
        return Err(PullError::DiffId {
            layer: layer.digest.clone(),
            found: diff_id,
            expected: layer.diff_id.clone(),
        });
    }
    session.stage_blob(received.digest, received.path);
    let media_type = compression.layer_media_type();
    let blob = Descriptor::new(media_type, &layer.digest, layer.size);
    session.note_blob(diff_id.clone(), blob);
    if let Some(tree) = tree {
        session.stage_layer(diff_id, tree.directory, tree.size)?;
    }
    Ok(())
}

fn refused(layer: &Digest, error: IngestError) -> PullError {
    match error {
        IngestError::Unpack(source) => PullError::Unpack {
            layer: layer.clone(),
            source,
        },
        IngestError::Write(error) => PullError::Write(error),
        IngestError::Read(source) => PullError::Packing {
            layer: layer.clone(),
            source,
        },
    }
}

/// The whole of a small blob.
pub(super) fn small(
    downloads: &Downloads<'_>,
    digest: &Digest,
    size: u64,
) -> Result<Vec<u8>, PullError> {
    let mut bytes = Vec::new();
    let mut blob = Blob::new(downloads, digest, size);
    let read: io::Result<usize> = blob.read_to_end(&mut bytes);
    match (blob.failure.take(), read) {
        (Some(failure), _) => Err(failure),
        (None, Err(source)) => Err(PullError::Broken {
            digest: digest.clone(),
            tries: 1,
            source,
        }),
        (None, Ok(_)) => Ok(bytes),
    }
}
