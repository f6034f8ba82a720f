//! What the store notes about a layer beside its tree.

use serde::{Deserialize, Serialize};

use super::manifest::Descriptor;
use super::write::{WriteError, writing};
use super::{ReadError, Store, files};
use crate::digest::Digest;

/// What `layers/<diff-id>/meta.json` says. The file is written last, so where it is the layer is
/// whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LayerMeta {
    /// Bytes of the regular files.
    pub(crate) size: u64,
    /// Bytes of the tar that the tree packs to; set only where that tar has the diff-id, so that
    /// the layer needs no blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tar_size: Option<u64>,
    /// The blob that the layer came as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<Descriptor>,
    /// Packed forms that a push made, and where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) packed: Vec<Packed>,
}

/// A packed form of a layer that a registry has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packed {
    /// Digest, size and packing.
    #[serde(flatten)]
    pub(crate) blob: Descriptor,
    /// Where it was pushed to, as `docker.io/library/alpine`.
    pub(crate) repository: String,
}

impl Store {
    /// What is noted about a layer of the store.
    pub(crate) fn layer_meta(&self, diff_id: &Digest) -> Result<LayerMeta, ReadError> {
        files::read_json(&self.layer(diff_id).join("meta.json"))
    }

    /// Changes what is noted about a layer; a layer that is not there is left alone.
    pub(crate) fn change_layer_meta(
        &self,
        diff_id: &Digest,
        change: impl FnOnce(&mut LayerMeta),
    ) -> Result<(), WriteError> {
        let _lock = self.lock()?;
        self.change_layer_meta_locked(diff_id, change)
    }

    /// As [`Store::change_layer_meta`], for a caller that holds the lock.
    pub(super) fn change_layer_meta_locked(
        &self,
        diff_id: &Digest,
        change: impl FnOnce(&mut LayerMeta),
    ) -> Result<(), WriteError> {
        let old = match self.layer_meta(diff_id) {
            Err(error) if error.is_missing() => return Ok(()),
            other => other?,
        };
        let mut new = old.clone();
        change(&mut new);
        if new != old {
            let path = self.layer(diff_id).join("meta.json");
            files::replace_json(&path, &new).map_err(writing(&path))?;
        }
        Ok(())
    }

    /// Notes what a layer came as, unless the store has what is noted already. The caller holds the
    /// lock.
    pub(super) fn note_blob_locked(
        &self,
        diff_id: &Digest,
        blob: &Descriptor,
    ) -> Result<(), WriteError> {
        let present = |known: &Descriptor| {
            let digest = known.digest();
            digest.is_ok_and(|digest| self.blob(&digest).exists())
        };
        self.change_layer_meta_locked(diff_id, |meta| {
            if !meta.blob.as_ref().is_some_and(present) {
                meta.blob = Some(blob.clone());
            }
        })
    }

    /// The descriptor of a layer in a manifest made here: the blob that it came as where the store
    /// still has it, else the tar that its tree packs to. `None` when there is neither.
    pub(super) fn layer_descriptor(
        &self,
        diff_id: &Digest,
    ) -> Result<Option<Descriptor>, ReadError> {
        let meta = self.layer_meta(diff_id)?;
        let kept = meta.blob.filter(|blob| {
            blob.digest()
                .is_ok_and(|digest| self.blob(&digest).exists())
        });
        Ok(kept.or_else(|| {
            let tar = crate::Compression::None.layer_media_type();
            Some(Descriptor::new(tar, diff_id, meta.tar_size?))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_an_older_program_are_read() {
        let meta: LayerMeta = serde_json::from_str(r#"{"size": 7}"#).unwrap();
        let expected = LayerMeta {
            size: 7,
            ..LayerMeta::default()
        };
        assert_eq!(meta, expected);
        assert_eq!(serde_json::to_string(&meta).unwrap(), r#"{"size":7}"#);
    }
}
