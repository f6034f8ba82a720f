//! From what a user types to an image.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::index::{Entry, Index};
use super::manifest::{ManifestError, diff_ids};
use super::{ReadError, Store, files};
use crate::digest::{Digest, is_lower_hex};
use crate::image::Image;
use crate::reference::{Reference, ReferenceError};

/// Why there is no such image; the texts are Docker's.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// No image name at all.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Nothing of this name or id.
    #[error("No such image: {0}")]
    NotFound(String),
    /// Several ids start like this.
    #[error("multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store's own record of the image makes no sense.
    #[error("image {id} is damaged: {source}")]
    Damaged {
        /// Of the image.
        id: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// A layer's directory is not there.
    #[error("image {id} is damaged: layer {layer} is missing; load or import it again")]
    LayerMissing {
        /// Of the image.
        id: String,
        /// The diff-id.
        layer: String,
    },
}

/// An image and the name it was found under; no name when it was found by its id.
pub(super) struct Found {
    pub(super) entry: Entry,
    pub(super) reference: Option<Reference>,
}

impl Store {
    /// The image that `name` means: a name (`alpine`, `reg.test:5000/a/b:c`), a name with a
    /// manifest digest, an id, or the start of an id that no other image shares.
    ///
    /// Reads two small files and takes no lock.
    ///
    /// # Errors
    /// `No such image: nosuch:latest`, a malformed name, or a damaged store.
    pub fn get(&self, name: &str) -> Result<Image, GetError> {
        match self.get_once(name) {
            // Removed or replaced between reading the index and the config: look again.
            Err(GetError::Read(error)) if error.is_missing() => self.get_once(name),
            other => other,
        }
    }

    /// The image of an existing container by its id, even when it was removed by force since.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn get_kept(&self, id: &str) -> Result<Image, GetError> {
        match self.get(id) {
            Err(GetError::NotFound(text)) => {
                let digest: Digest = id.parse().map_err(|_| GetError::NotFound(text.clone()))?;
                if !self.blob(&digest).exists() {
                    return Err(GetError::NotFound(text));
                }
                self.image(&Index::default(), &digest, None)
            }
            other => other,
        }
    }

    /// The trees of the layers of an image by its id, lowest first, for a container that has it: also
    /// when it was removed by force since. One small file is read.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn root_trees(&self, id: &str) -> Result<Vec<PathBuf>, GetError> {
        let digest: Digest = id.parse().map_err(|_| GetError::NotFound(id.to_owned()))?;
        if !self.blob(&digest).exists() {
            return Err(GetError::NotFound(id.to_owned()));
        }
        Ok(self.image(&Index::default(), &digest, None)?.layers)
    }

    fn get_once(&self, name: &str) -> Result<Image, GetError> {
        let index = Index::read(&self.index_path())?;
        let found = find(&index, name)?;
        self.image(&index, &found.entry.id, Some(&found.entry))
    }

    /// The trees of layers, as overlayfs stacks them: lowest first, each once.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn layer_trees(&self, diff_ids: &[Digest]) -> Result<Vec<PathBuf>, MissingLayer> {
        stacked(diff_ids)
            .into_iter()
            .map(|diff_id| {
                let tree = self.layer_tree(diff_id);
                match tree.exists() {
                    true => Ok(tree),
                    false => Err(MissingLayer(diff_id.to_string())),
                }
            })
            .collect()
    }

    /// An image whose layers are all there.
    fn image(&self, index: &Index, id: &Digest, entry: Option<&Entry>) -> Result<Image, GetError> {
        let image = self.describe(index, id, entry)?;
        let missing = image.layers.iter().find(|tree| !tree.exists());
        if let Some(hex) = missing
            .and_then(|tree| tree.parent())
            .and_then(|layer| layer.file_name())
        {
            return Err(GetError::LayerMissing {
                id: id.to_string(),
                layer: format!("sha256:{}", hex.to_string_lossy()),
            });
        }
        Ok(image)
    }

    /// An image as its config says, whether or not its layers are there.
    pub(super) fn describe(
        &self,
        index: &Index,
        id: &Digest,
        entry: Option<&Entry>,
    ) -> Result<Image, GetError> {
        let damaged = |source| GetError::Damaged {
            id: id.to_string(),
            source,
        };
        let config =
            super::manifest::parse_config(&files::read_small(&self.blob(id))?).map_err(damaged)?;
        let diff_ids = diff_ids(&config).map_err(damaged)?;
        let layers = stacked(&diff_ids)
            .into_iter()
            .map(|diff_id| self.layer_tree(diff_id))
            .collect();
        Ok(Image {
            id: id.to_string(),
            manifest_digest: entry.map(|e| e.manifest.digest.clone()).unwrap_or_default(),
            created: config.created().clone(),
            config,
            layers,
            references: familiar(&index.references(id)),
            repo_digests: familiar(&index.repo_digests(id)),
            tagged: index.tagged(id).map(|time| time.to_string()),
            size: entry.map_or(0, |e| e.size),
        })
    }
}

fn familiar(names: &[Reference]) -> Vec<String> {
    names.iter().map(Reference::familiar).collect()
}

/// A layer that is not unpacked here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer {0} is missing")]
pub struct MissingLayer(pub String);

/// Each layer once, where it is highest: overlayfs refuses the same directory twice, and whatever
/// the lower of two equal layers holds, the upper one holds above everything between them.
fn stacked(diff_ids: &[Digest]) -> Vec<&Digest> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<&Digest> = diff_ids
        .iter()
        .rev()
        .filter(|id| seen.insert(*id))
        .collect();
    kept.reverse();
    kept
}

/// Docker's order: a full id, a name, the start of an id.
pub(super) fn find(index: &Index, name: &str) -> Result<Found, GetError> {
    let bare_hex = name.len() == 64 && is_lower_hex(name);
    let full = if bare_hex {
        format!("sha256:{name}")
    } else {
        name.to_owned()
    };
    if let Ok(digest) = full.parse::<Digest>() {
        let entry = index
            .by_id(&digest)
            .or_else(|| by_manifest(index, &digest).map(|(entry, _)| entry))
            .ok_or_else(|| GetError::NotFound(name.to_owned()))?;
        return Ok(Found {
            entry,
            reference: None,
        });
    }
    let reference = Reference::parse_bare(name)?.with_default_tag();
    if let Some(entry) = index.by_reference(&reference) {
        return Ok(Found {
            entry,
            reference: Some(reference),
        });
    }
    if let Some(digest) = reference.digest()
        && let Some(found) = by_digest(index, &reference, digest)
    {
        return Ok(found);
    }
    by_prefix(index, name)?.ok_or_else(|| GetError::NotFound(reference.familiar()))
}

/// `repository@digest`: what its registry calls it, or an image of that name and manifest.
fn by_digest(index: &Index, wanted: &Reference, digest: &Digest) -> Option<Found> {
    let wanted = wanted.with_digest(digest);
    let candidates: Vec<Entry> = index
        .entries()
        .filter_map(|(entry, name)| (name?.repository() == wanted.repository()).then_some(entry))
        .collect();
    let called_so = candidates
        .iter()
        .find(|entry| index.repo_digests(&entry.id).contains(&wanted));
    let entry = called_so.or_else(|| {
        candidates
            .iter()
            .find(|entry| entry.manifest.digest == digest.as_str())
    })?;
    Some(Found {
        entry: entry.clone(),
        reference: called_so.is_some().then_some(wanted),
    })
}

fn by_manifest(index: &Index, digest: &Digest) -> Option<(Entry, Option<Reference>)> {
    index
        .entries()
        .find(|(entry, _)| entry.manifest.digest == digest.as_str())
}

fn by_prefix(index: &Index, name: &str) -> Result<Option<Found>, GetError> {
    let prefix = name.strip_prefix("sha256:").unwrap_or(name);
    if prefix.is_empty() || !is_lower_hex(prefix) {
        return Ok(None);
    }
    let mut matching = index
        .entries()
        .map(|(e, _)| e)
        .filter(|e| e.id.hex().starts_with(prefix));
    let Some(entry) = matching.next() else {
        return Ok(None);
    };
    if matching.any(|other| other.id != entry.id) {
        return Err(GetError::Ambiguous(name.to_owned()));
    }
    Ok(Some(Found {
        entry,
        reference: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::{Descriptor, OCI_MANIFEST};

    fn entry(id: &str, manifest: &[u8]) -> Entry {
        let manifest = Descriptor::new(OCI_MANIFEST, &Digest::of(manifest), 1);
        Entry {
            id: format!("sha256:{id:0<64}").parse().unwrap(),
            manifest,
            size: 0,
        }
    }

    fn index() -> Index {
        let mut index = Index::default();
        index.set(&"alpine".parse().unwrap(), &entry("abc1", b"1"));
        index.set(&"abc1".parse().unwrap(), &entry("def2", b"2"));
        index.add(&entry("abc3", b"3"));
        index
    }

    fn id(name: &str) -> String {
        find(&index(), name).map_or_else(
            |error| error.to_string(),
            |found| found.entry.id.hex().trim_end_matches('0').to_owned(),
        )
    }

    #[test]
    fn names_win_over_the_start_of_an_id() {
        assert_eq!(id("alpine"), "abc1");
        assert_eq!(id("docker.io/library/alpine:latest"), "abc1");
        assert_eq!(id("abc1"), "def2");
        assert_eq!(id("abc10"), "abc1");
        assert_eq!(id("abc3"), "abc3");
        assert_eq!(id("sha256:abc3"), "abc3");
        assert_eq!(id(&format!("{:0<64}", "def2")), "def2");
        assert_eq!(id(&format!("sha256:{:0<64}", "abc3")), "abc3");
    }

    #[test]
    fn manifest_digests_name_images_too() {
        assert_eq!(id(Digest::of(b"2").as_str()), "def2");
        assert_eq!(id(&format!("alpine@{}", Digest::of(b"1"))), "abc1");
        assert!(id(&format!("alpine@{}", Digest::of(b"2"))).starts_with("No such image: alpine@"));
    }

    #[test]
    fn what_is_not_there_is_named_as_docker_names_it() {
        assert_eq!(id("nosuch"), "No such image: nosuch:latest");
        assert_eq!(id("nosuch:1"), "No such image: nosuch:1");
        assert_eq!(id("abc"), "multiple IDs found with provided prefix: abc");
        assert_eq!(
            id("Alpine"),
            "invalid reference format: repository name (library/Alpine) must be lowercase"
        );
        assert_eq!(id(""), "invalid reference format");
    }

    #[test]
    fn a_layer_that_occurs_twice_is_stacked_where_it_is_highest() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let stack = [a.clone(), b.clone(), a.clone()];
        assert_eq!(stacked(&stack), [&b, &a]);
    }
}
