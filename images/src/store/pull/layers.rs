//! The layers of an image, three at a time: each is hashed, kept and unpacked while it comes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::PullError;
use super::blob::{Blob, Downloads};
use super::here;
use crate::digest::{Digest, short};
use crate::store::Store;
use crate::store::ingest::{self, IngestError, Plain};
use crate::store::manifest::{Descriptor, Manifest, ManifestError};
use crate::store::session::Session;
use crate::store::write::writing;
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
    let is_here = here::whole(session.store(), layers)?;
    if known && !is_here.contains(&false) {
        return Ok(());
    }
    let tell = |layer: &Layer, state| {
        downloads
            .observer
            .layer(short(layer.digest.as_str()), &state);
    };
    let mut wanted = Vec::new();
    for (layer, is_here) in layers.iter().zip(is_here) {
        if is_here {
            tell(layer, Transfer::AlreadyExists);
        } else {
            tell(layer, Transfer::Found);
            wanted.push(layer);
        }
    }
    check_space(session.store(), &wanted)?;
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

/// Refuses what cannot fit even packed; what unpacks to more is bounded where it is unpacked.
fn check_space(store: &Store, wanted: &[&Layer]) -> Result<(), PullError> {
    let needed = wanted
        .iter()
        .fold(0u64, |sum, layer| sum.saturating_add(layer.size));
    let room = rustix::fs::statvfs(&store.root)
        .map_err(|error| writing(&store.root)(io::Error::from(error)))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if needed > free {
        return Err(PullError::NoSpace {
            needed,
            free,
            path: store.root.clone(),
        });
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::OCI_CONFIG;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    /// Packed layers and what the config says that they hold.
    fn paired(layers: &[&str], held: &[&str]) -> Result<Vec<Layer>, String> {
        let layers = layers
            .iter()
            .map(|text| Descriptor::new("x", &digest(text), 7));
        let config = Descriptor::new(OCI_CONFIG, &digest("config"), 1);
        let manifest = Manifest::new(config, layers.collect());
        let diff_ids: Vec<Digest> = held.iter().map(|text| digest(text)).collect();
        pair(&manifest, &diff_ids).map_err(|error| error.to_string())
    }

    #[test]
    fn a_layer_that_is_there_twice_is_fetched_once() {
        let layers = paired(&["a", "b", "a"], &["A", "B", "A"]).unwrap();
        let digests: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
        assert_eq!(digests, [&digest("a"), &digest("b")]);
        // Two packings of the same bytes are two layers to fetch.
        assert_eq!(paired(&["a", "b"], &["A", "A"]).unwrap().len(), 2);
    }

    #[test]
    fn manifest_and_config_must_agree() {
        assert_eq!(
            paired(&["a", "b"], &["A"]).unwrap_err(),
            "the image's config lists 1 layers and its manifest 2"
        );
        let text = paired(&["a", "a"], &["A", "B"]).unwrap_err();
        assert!(text.contains("but the image's config says"), "{text}");
    }

    #[test]
    fn what_cannot_fit_is_refused_before_it_is_downloaded() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let layer = |size| Layer {
            digest: digest("a"),
            size,
            diff_id: digest("A"),
        };
        assert!(check_space(&store, &[&layer(10), &layer(20)]).is_ok());
        let refused = check_space(&store, &[&layer(u64::MAX), &layer(1)]);
        assert!(matches!(
            refused,
            Err(PullError::NoSpace {
                needed: u64::MAX,
                ..
            })
        ));
    }
}
