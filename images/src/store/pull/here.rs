//! Which layers are here already.

use std::collections::BTreeSet;

use super::PullError;
use super::layers::Layer;
use crate::digest::Digest;
use crate::store::index::Index;
use crate::store::manifest::{Manifest, diff_ids, parse_config};
use crate::store::{Store, files};

/// Which layers need nothing: blob and tree are here, and belong together.
pub(super) fn whole(store: &Store, layers: &[Layer]) -> Result<Vec<bool>, PullError> {
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
fn pairs(store: &Store) -> Result<BTreeSet<(Digest, Digest)>, PullError> {
    let index = Index::read(&store.index_path())?;
    let mut pairs = BTreeSet::new();
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
