//! `index.json`: which names lead to which images.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::{Descriptor, OCI_INDEX};
use super::{ReadError, files};
use crate::digest::Digest;
use crate::reference::Reference;

/// The tag alone, as the OCI image layout has it.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The canonical name, as containerd and Docker write it.
pub(crate) const IMAGE_NAME: &str = "io.containerd.image.name";
/// The config's digest, so that finding an image reads no manifest.
const IMAGE_ID: &str = "rbox.image.id";
/// Unpacked bytes of all layers, so that listing images reads no layer.
const IMAGE_SIZE: &str = "rbox.image.size";

/// The index in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
}

/// An image as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: Digest,
    pub(crate) manifest: Descriptor,
    pub(crate) size: u64,
}

impl Default for Index {
    fn default() -> Index {
        Index {
            schema_version: 2,
            media_type: OCI_INDEX.to_owned(),
            manifests: Vec::new(),
        }
    }
}

impl Index {
    /// A store that nothing was ever written to is empty.
    pub(crate) fn read(path: &Path) -> Result<Index, ReadError> {
        match files::read_json(path) {
            Err(error) if error.is_missing() => Ok(Index::default()),
            other => other,
        }
    }

    /// Every descriptor that is an image of ours, with its name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Entry, Option<Reference>)> + '_ {
        self.manifests
            .iter()
            .filter_map(|descriptor| Some((entry(descriptor)?, name(descriptor))))
    }

    pub(crate) fn by_reference(&self, reference: &Reference) -> Option<Entry> {
        let wanted = reference.to_string();
        let found = self
            .manifests
            .iter()
            .find(|descriptor| descriptor.annotation(IMAGE_NAME) == Some(wanted.as_str()))?;
        entry(found)
    }

    pub(crate) fn by_id(&self, id: &Digest) -> Option<Entry> {
        self.entries()
            .map(|(entry, _)| entry)
            .find(|entry| entry.id == *id)
    }

    /// All names of an image.
    pub(crate) fn references(&self, id: &Digest) -> Vec<Reference> {
        self.entries()
            .filter(|(entry, _)| entry.id == *id)
            .filter_map(|(_, name)| name)
            .collect()
    }

    /// Adds an image without a name, unless it is there already.
    pub(crate) fn add(&mut self, new: &Entry) {
        if self.by_id(&new.id).is_none() {
            self.manifests.push(described(new, None));
        }
    }

    /// Points a name at an image; the image that had it stays, without a name if it was the last.
    pub(crate) fn set(&mut self, reference: &Reference, new: &Entry) {
        self.untag(reference);
        // The nameless descriptor has served its purpose.
        self.manifests
            .retain(|d| !(name(d).is_none() && id(d).as_ref() == Some(&new.id)));
        self.manifests.push(described(new, Some(reference)));
    }

    /// Takes a name away.
    pub(crate) fn untag(&mut self, reference: &Reference) {
        let Some(old) = self.by_reference(reference) else {
            return;
        };
        let wanted = reference.to_string();
        self.manifests
            .retain(|d| d.annotation(IMAGE_NAME) != Some(wanted.as_str()));
        self.add(&old);
    }

    /// Forgets an image under all its names.
    pub(crate) fn remove(&mut self, gone: &Digest) {
        self.manifests
            .retain(|descriptor| id(descriptor).as_ref() != Some(gone));
    }
}

fn described(image: &Entry, reference: Option<&Reference>) -> Descriptor {
    let mut annotations = BTreeMap::from([
        (IMAGE_ID.to_owned(), image.id.to_string()),
        (IMAGE_SIZE.to_owned(), image.size.to_string()),
    ]);
    if let Some(reference) = reference {
        annotations.extend(name_annotations(reference));
    }
    Descriptor {
        annotations: Some(annotations),
        ..image.manifest.clone()
    }
}

/// The two annotations that carry a name, here and in archives.
pub(crate) fn name_annotations(reference: &Reference) -> [(String, String); 2] {
    [
        (IMAGE_NAME.to_owned(), reference.to_string()),
        (
            REF_NAME.to_owned(),
            reference.tag().unwrap_or_default().to_owned(),
        ),
    ]
}

fn id(descriptor: &Descriptor) -> Option<Digest> {
    descriptor.annotation(IMAGE_ID)?.parse().ok()
}

fn name(descriptor: &Descriptor) -> Option<Reference> {
    descriptor.annotation(IMAGE_NAME)?.parse().ok()
}

fn entry(descriptor: &Descriptor) -> Option<Entry> {
    let size = descriptor
        .annotation(IMAGE_SIZE)
        .and_then(|text| text.parse().ok());
    Some(Entry {
        id: id(descriptor)?,
        manifest: Descriptor {
            annotations: None,
            ..descriptor.clone()
        },
        size: size.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::OCI_MANIFEST;

    fn image(text: &str) -> Entry {
        let manifest = Digest::of(format!("manifest of {text}").as_bytes());
        Entry {
            id: Digest::of(text.as_bytes()),
            manifest: Descriptor::new(OCI_MANIFEST, &manifest, 7),
            size: 42,
        }
    }

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_that_moves_leaves_its_old_image_nameless() {
        let mut index = Index::default();
        index.set(&reference("a"), &image("one"));
        index.set(&reference("a"), &image("two"));
        assert_eq!(index.by_reference(&reference("a")), Some(image("two")));
        assert_eq!(index.by_id(&image("one").id), Some(image("one")));
        assert!(index.references(&image("one").id).is_empty());
        assert_eq!(index.manifests.len(), 2);
    }

    #[test]
    fn naming_a_nameless_image_does_not_list_it_twice() {
        let mut index = Index::default();
        index.add(&image("one"));
        index.add(&image("one"));
        index.set(&reference("a"), &image("one"));
        index.set(&reference("b"), &image("one"));
        index.set(&reference("b"), &image("one"));
        assert_eq!(index.references(&image("one").id).len(), 2);
        index.untag(&reference("a"));
        index.untag(&reference("b"));
        assert_eq!(index.entries().collect::<Vec<_>>(), [(image("one"), None)]);
        index.remove(&image("one").id);
        assert_eq!(index, Index::default());
    }

    #[test]
    fn foreign_descriptors_survive_a_rewrite() {
        let text =
            r#"{"schemaVersion":2,"manifests":[{"mediaType":"x/y","digest":"sha256:1","size":3}]}"#;
        let mut index: Index = serde_json::from_str(text).unwrap();
        index.set(&reference("a"), &image("one"));
        index.remove(&image("one").id);
        assert_eq!(index.manifests.len(), 1);
        assert_eq!(index.entries().count(), 0);
    }
}
