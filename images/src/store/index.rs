//! `index.json`: which names lead to which images.
//!
//! A descriptor for each name; one without a name for an image that has none. A name is a tag, or
//! a digest alone: `alpine@sha256:…` after a pull by digest, or where the tag has moved on.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
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
/// What the name's registry calls the image: the digest of its manifest, or of the list it is in.
const REPO_DIGEST: &str = "rbox.repo.digest";
/// When the name was given, RFC 3339.
const TAGGED: &str = "rbox.tagged";

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

    /// The tags of an image, in the order in which they were given.
    pub(crate) fn references(&self, id: &Digest) -> Vec<Reference> {
        self.names(id)
            .into_iter()
            .filter(|name| name.tag().is_some())
            .collect()
    }

    /// All names of an image, those that are a digest alone, too.
    pub(crate) fn names(&self, wanted: &Digest) -> Vec<Reference> {
        self.of(wanted).filter_map(name).collect()
    }

    /// What registries call an image, `docker.io/library/alpine@sha256:…`, each once, sorted.
    pub(crate) fn repo_digests(&self, wanted: &Digest) -> Vec<Reference> {
        let mut digests: Vec<Reference> = self
            .of(wanted)
            .filter_map(|descriptor| Some(name(descriptor)?.with_digest(&repo_digest(descriptor)?)))
            .collect();
        digests.sort();
        digests.dedup();
        digests
    }

    /// When an image last got a name.
    pub(crate) fn tagged(&self, wanted: &Digest) -> Option<Timestamp> {
        self.of(wanted)
            .filter_map(|descriptor| descriptor.annotation(TAGGED)?.parse().ok())
            .max()
    }

    fn of<'i>(&'i self, wanted: &'i Digest) -> impl Iterator<Item = &'i Descriptor> {
        self.manifests
            .iter()
            .filter(move |descriptor| id(descriptor).as_ref() == Some(wanted))
    }

    /// Adds an image without a name, unless it is there already.
    pub(crate) fn add(&mut self, new: &Entry) {
        if self.by_id(&new.id).is_none() {
            self.manifests.push(described(new, None));
        }
    }

    /// Points a name at an image. The image that had it stays: without a name if it was the last,
    /// or under the digest by which the registry knew it. A name with a digest is kept without
    /// its tag.
    pub(crate) fn set(&mut self, reference: &Reference, new: &Entry) {
        let name = match reference.digest() {
            Some(digest) => reference.with_digest(digest),
            None => reference.clone(),
        };
        let digest = name.tag().and_then(|_| self.known_digest(&name, &new.id));
        self.untag(&name);
        let taken_over = digest.as_ref().map(|digest| name.with_digest(digest));
        // The nameless descriptor has served its purpose, as has a digest that the tag has now.
        self.manifests.retain(|d| {
            let known = self::name(d);
            id(d).as_ref() != Some(&new.id) || known.is_some() && known != taken_over
        });
        self.manifests.push(described(new, Some(&name)));
        if let Some(digest) = digest {
            self.set_digest(&name, &digest);
        }
    }

    /// Notes what the registry of a name calls the image: the digest of its manifest, or of the
    /// list when the name means one. A name that is not there stays so.
    pub(crate) fn set_digest(&mut self, reference: &Reference, digest: &Digest) {
        let Some(image) = self.by_reference(reference) else {
            return;
        };
        for descriptor in &mut self.manifests {
            let same_place = name(descriptor)
                .is_some_and(|known| known.repository() == reference.repository())
                && id(descriptor).as_ref() == Some(&image.id);
            if same_place && let Some(annotations) = &mut descriptor.annotations {
                annotations.insert(REPO_DIGEST.to_owned(), digest.to_string());
            }
        }
    }

    /// The digest that an image has in a repository already.
    fn known_digest(&self, reference: &Reference, id: &Digest) -> Option<Digest> {
        self.of(id)
            .filter(|d| name(d).is_some_and(|known| known.repository() == reference.repository()))
            .find_map(repo_digest)
    }

    /// Takes a name away from an image that keeps existing.
    pub(crate) fn untag(&mut self, reference: &Reference) {
        let Some(old) = self.by_reference(reference) else {
            return;
        };
        let digest = reference
            .tag()
            .and_then(|_| self.known_digest(reference, &old.id));
        let wanted = reference.to_string();
        self.manifests
            .retain(|d| d.annotation(IMAGE_NAME) != Some(wanted.as_str()));
        if let Some(digest) = digest
            && self.known_digest(reference, &old.id).is_none()
        {
            let lone = reference.with_digest(&digest);
            self.manifests.push(described(&old, Some(&lone)));
        }
        self.add(&old);
    }

    /// Takes away a tag, and with a repository's last tag of the image the digest that the image
    /// has there. The image keeps existing. Returns what is gone.
    pub(crate) fn drop_tag(&mut self, reference: &Reference) -> Vec<Reference> {
        let Some(image) = self.by_reference(reference) else {
            return Vec::new();
        };
        let wanted = reference.to_string();
        let digests = self.repo_digests(&image.id);
        let mut gone = vec![reference.clone()];
        self.manifests
            .retain(|d| d.annotation(IMAGE_NAME) != Some(wanted.as_str()));
        let in_place = |known: &Reference| known.repository() == reference.repository();
        if !self.references(&image.id).iter().any(in_place) {
            for digest in digests.into_iter().filter(in_place) {
                self.drop_digest(&image.id, &digest);
                gone.push(digest);
            }
        }
        self.add(&image);
        gone
    }

    /// Forgets what a registry calls an image. The image keeps existing.
    pub(crate) fn drop_digest(&mut self, wanted: &Digest, repo_digest: &Reference) {
        let image = self.by_id(wanted);
        self.manifests
            .retain(|d| id(d).as_ref() != Some(wanted) || name(d).as_ref() != Some(repo_digest));
        for descriptor in &mut self.manifests {
            let is_it = id(descriptor).as_ref() == Some(wanted)
                && name(descriptor)
                    .is_some_and(|known| known.repository() == repo_digest.repository())
                && self::repo_digest(descriptor).as_ref() == repo_digest.digest();
            if is_it && let Some(annotations) = &mut descriptor.annotations {
                annotations.remove(REPO_DIGEST);
            }
        }
        if let Some(image) = image {
            self.add(&image);
        }
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
        annotations.insert(TAGGED.to_owned(), Timestamp::now().to_string());
    }
    Descriptor {
        annotations: Some(annotations),
        ..image.manifest.clone()
    }
}

/// The annotations that carry a name, here and in archives.
pub(crate) fn name_annotations(reference: &Reference) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([(IMAGE_NAME.to_owned(), reference.to_string())]);
    if let Some(tag) = reference.tag() {
        annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    annotations
}

fn id(descriptor: &Descriptor) -> Option<Digest> {
    descriptor.annotation(IMAGE_ID)?.parse().ok()
}

fn name(descriptor: &Descriptor) -> Option<Reference> {
    descriptor.annotation(IMAGE_NAME)?.parse().ok()
}

fn repo_digest(descriptor: &Descriptor) -> Option<Digest> {
    if let Some(digest) = name(descriptor)?.digest() {
        return Some(digest.clone());
    }
    descriptor.annotation(REPO_DIGEST)?.parse().ok()
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

    fn familiar(names: &[Reference]) -> Vec<String> {
        names.iter().map(Reference::familiar).collect()
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
        assert!(index.tagged(&image("one").id).is_some());
        index.untag(&reference("a"));
        index.untag(&reference("b"));
        assert_eq!(index.entries().collect::<Vec<_>>(), [(image("one"), None)]);
        assert_eq!(index.tagged(&image("one").id), None);
        index.remove(&image("one").id);
        assert_eq!(index, Index::default());
    }

    #[test]
    fn a_digest_is_known_in_its_repository_and_not_elsewhere() {
        let (id, digest) = (image("one").id, Digest::of(b"list"));
        let mut index = Index::default();
        index.set(&reference("a:1"), &image("one"));
        index.set_digest(&reference("a:1"), &digest);
        index.set(&reference("a:2"), &image("one"));
        index.set(&reference("reg.test/a:1"), &image("one"));
        let from = vec![format!("a@{digest}")];
        assert_eq!(familiar(&index.repo_digests(&id)), from);
        // Loaded or pulled again: the digest stays.
        index.set(&reference("a:1"), &image("one"));
        index.untag(&reference("a:2"));
        assert_eq!(familiar(&index.repo_digests(&id)), from);
        index.set_digest(&reference("nosuch"), &digest);
        assert_eq!(familiar(&index.references(&id)), ["reg.test/a:1", "a:1"]);
    }

    #[test]
    fn an_image_whose_tag_moves_on_is_still_known_by_its_digest() {
        let (old, digest) = (image("old"), Digest::of(b"old list"));
        let mut index = Index::default();
        index.set(&reference("a"), &old);
        index.set_digest(&reference("a"), &digest);
        index.set(&reference("a"), &image("new"));
        assert!(index.references(&old.id).is_empty());
        let lone = vec![format!("a@{digest}")];
        assert_eq!(familiar(&index.names(&old.id)), lone);
        assert_eq!(familiar(&index.repo_digests(&old.id)), lone);
        // It comes back under a tag: the lone digest is that tag's.
        index.set(&reference("a:old"), &old);
        assert_eq!(familiar(&index.names(&old.id)), ["a:old"]);
        assert_eq!(familiar(&index.repo_digests(&old.id)), lone);
    }

    #[test]
    fn a_name_by_digest_needs_no_tag() {
        let digest = Digest::of(b"list");
        let mut index = Index::default();
        index.set(&reference(&format!("a:3@{digest}")), &image("one"));
        let id = image("one").id;
        assert_eq!(familiar(&index.names(&id)), [format!("a@{digest}")]);
        assert!(index.references(&id).is_empty());
        index.untag(&reference(&format!("a@{digest}")));
        assert!(index.names(&id).is_empty());
        assert!(index.by_id(&id).is_some());
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
