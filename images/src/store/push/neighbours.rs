//! Other repositories of the same registry that have a blob, from which it can be mounted: what was
//! pushed there from here, and what was pulled from there.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::reference::Reference;
use crate::store::index::Index;
use crate::store::layer_meta::Packed;
use crate::store::manifest::{Manifest, manifest_digest};
use crate::store::{Store, files};

/// The most repositories that are asked for one blob.
const MOST: usize = 4;

/// Blobs of images with names at the registry.
pub(super) struct Neighbours {
    /// Repository and blobs of each.
    known: Vec<(String, BTreeSet<Digest>)>,
}

impl Neighbours {
    /// Of a push to `target`. What cannot be read is nobody's neighbour.
    pub(super) fn of(store: &Store, index: &Index, target: &Reference) -> Neighbours {
        let read = |digest: &Digest| -> Option<BTreeSet<Digest>> {
            let bytes = files::read_small(&store.blob(digest)).ok()?;
            let layers = Manifest::parse(&bytes).ok()?.layer_digests().ok()?;
            Some(layers.into_iter().collect())
        };
        let known = index
            .entries()
            .filter_map(|(entry, name)| Some((entry, name?)))
            .filter(|(_, name)| name.domain() == target.domain() && name.path() != target.path())
            .filter_map(|(entry, name)| {
                let blobs = read(&manifest_digest(&entry.manifest).ok()?)?;
                Some((name.path().to_owned(), blobs))
            })
            .collect();
        Neighbours { known }
    }

    /// Repositories at the target's registry that should have a blob: first those where a push
    /// from here has put it.
    pub(super) fn with(&self, blob: &Digest, noted: &[Packed], target: &Reference) -> Vec<String> {
        let prefix = format!("{}/", target.domain());
        let pushed = noted
            .iter()
            .rev()
            .filter(|packed| packed.blob.digest == blob.as_str())
            .filter_map(|packed| packed.repository.strip_prefix(&prefix));
        let named = self
            .known
            .iter()
            .filter(|(_, blobs)| blobs.contains(blob))
            .map(|(path, _)| path.as_str());
        let mut found: Vec<String> = Vec::new();
        for path in pushed.chain(named) {
            if path != target.path() && !found.iter().any(|other| other == path) {
                found.push(path.to_owned());
            }
        }
        found.truncate(MOST);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::Descriptor;

    #[test]
    fn only_other_repositories_of_the_same_registry_are_asked_each_once() {
        let blob = Digest::of(b"blob");
        let packed = |repository: &str| Packed {
            blob: Descriptor::new("x", &blob, 1),
            repository: repository.to_owned(),
        };
        let noted = [
            packed("reg.test:5000/one"),
            packed("reg.test:5000/target"),
            packed("other.test/two"),
            packed("reg.test:5000/deep/three"),
        ];
        let has = |digest: &Digest| BTreeSet::from([digest.clone()]);
        let neighbours = Neighbours {
            known: vec![
                ("one".to_owned(), has(&blob)),
                ("four".to_owned(), has(&blob)),
                ("five".to_owned(), has(&Digest::of(b"another"))),
            ],
        };
        let target = "reg.test:5000/target".parse().unwrap();
        assert_eq!(
            neighbours.with(&blob, &noted, &target),
            ["deep/three", "one", "four"]
        );
    }
}
