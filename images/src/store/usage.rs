//! What images and the build cache take on the disk, each part counted once.
//!
//! An image's parts are its manifest, its config, its packed layers as they came, and the trees
//! that they were unpacked to. A part that two images have is shared by both.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::CacheEntry;
use super::index::{Entry, Index};
use super::list::ListError;
use super::manifest::{Manifest, diff_ids};
use super::remove::ImageUser;
use super::{Store, files};
use crate::digest::Digest;
use crate::image::Image;

/// What the store takes.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Every image, the newest first.
    pub images: Vec<ImageUsage>,
    /// Bytes of all parts of all images.
    pub images_size: u64,
    /// Bytes of the parts that no image has which a container uses.
    pub images_reclaimable: u64,
    /// Every record of the build cache, the one used last first.
    pub cache: Vec<CacheUsage>,
    /// Bytes of the cache's layers that no image has.
    pub cache_size: u64,
    /// Those of them that no container uses.
    pub cache_reclaimable: u64,
}

/// What an image takes.
#[derive(Debug, Clone)]
pub struct ImageUsage {
    /// Which.
    pub image: Image,
    /// Bytes of its parts.
    pub size: u64,
    /// Bytes of those that other images have, too.
    pub shared: u64,
    /// Bytes of what came packed, and of its descriptions.
    pub content: u64,
    /// How many containers were made from it.
    pub containers: usize,
}

impl ImageUsage {
    /// Bytes that it has alone.
    pub fn unique(&self) -> u64 {
        self.size - self.shared
    }
}

/// What a record of the build cache takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUsage {
    /// Which.
    pub entry: CacheEntry,
    /// Whether an image has its layer, too.
    pub shared: bool,
    /// Whether a container uses its layer.
    pub in_use: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Blob(Digest),
    Tree(Digest),
}

/// Parts and their bytes.
type Parts = BTreeMap<Part, u64>;

impl Store {
    /// What is on the disk, and what of it `users` need.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn usage(&self, users: &[ImageUser]) -> Result<Usage, ListError> {
        let index = Index::read(&self.index_path())?;
        let listed: Vec<(Image, Parts)> = self
            .list()?
            .into_iter()
            .map(|image| {
                let parts = self.parts(&index, &image);
                (image, parts)
            })
            .collect();
        let mut all = Parts::new();
        let mut owners: BTreeMap<&Part, usize> = BTreeMap::new();
        let mut active: BTreeSet<&Part> = BTreeSet::new();
        for (image, parts) in &listed {
            let used = users.iter().any(|user| user.image_id == image.id);
            for (part, size) in parts {
                all.insert(part.clone(), *size);
                *owners.entry(part).or_default() += 1;
                if used {
                    active.insert(part);
                }
            }
        }
        let sum = |chosen: &dyn Fn(&Part) -> bool| -> u64 {
            all.iter()
                .filter(|(part, _)| chosen(part))
                .map(|(_, size)| size)
                .sum()
        };
        let images = listed
            .iter()
            .map(|(image, parts)| ImageUsage {
                image: image.clone(),
                size: parts.values().sum(),
                shared: parts
                    .iter()
                    .filter(|(part, _)| owners.get(part).is_some_and(|count| *count > 1))
                    .map(|(_, size)| size)
                    .sum(),
                content: parts
                    .iter()
                    .filter(|(part, _)| matches!(part, Part::Blob(_)))
                    .map(|(_, size)| size)
                    .sum(),
                containers: users
                    .iter()
                    .filter(|user| user.image_id == image.id)
                    .count(),
            })
            .collect();
        let mut usage = Usage {
            images,
            images_size: sum(&|_| true),
            images_reclaimable: sum(&|part| !active.contains(part)),
            ..Usage::default()
        };
        self.add_cache(&mut usage, &all, users)?;
        Ok(usage)
    }

    fn add_cache(
        &self,
        usage: &mut Usage,
        images: &Parts,
        users: &[ImageUser],
    ) -> Result<(), ListError> {
        let in_use: BTreeSet<Digest> = users
            .iter()
            .filter_map(|user| user.image_id.parse().ok())
            .flat_map(|id| self.layers_of(&id))
            .collect();
        let mut counted = BTreeSet::new();
        for entry in self.cache_list()? {
            let layer = entry.record.layer();
            let shared = layer
                .clone()
                .is_some_and(|layer| images.contains_key(&Part::Tree(layer)));
            let used = layer.as_ref().is_some_and(|layer| in_use.contains(layer));
            // Several steps may have made the same layer.
            if !shared && layer.is_some_and(|layer| counted.insert(layer)) {
                usage.cache_size += entry.size;
                if !used {
                    usage.cache_reclaimable += entry.size;
                }
            }
            usage.cache.push(CacheUsage {
                entry,
                shared,
                in_use: used,
            });
        }
        Ok(())
    }

    /// What of an image is there; what is missing takes nothing.
    fn parts(&self, index: &Index, image: &Image) -> Parts {
        let mut parts = Parts::new();
        let Ok(id) = image.id.parse::<Digest>() else {
            return parts;
        };
        let mut blob = |digest: Digest| {
            if let Ok(found) = self.blob(&digest).metadata() {
                parts.insert(Part::Blob(digest), found.len());
            }
        };
        if let Some(entry) = index.by_id(&id) {
            self.packed(&entry).into_iter().for_each(&mut blob);
        }
        blob(id);
        for layer in diff_ids(&image.config).unwrap_or_default() {
            let size = self.size_on_disk(&layer);
            parts.insert(Part::Tree(layer), size);
        }
        parts
    }

    /// The manifest and the packed layers.
    fn packed(&self, entry: &Entry) -> Vec<Digest> {
        let Ok(digest) = entry.manifest.digest() else {
            return Vec::new();
        };
        let layers = files::read_small(&self.blob(&digest))
            .ok()
            .and_then(|bytes| Manifest::parse(&bytes).ok())
            .and_then(|manifest| manifest.layer_digests().ok())
            .unwrap_or_default();
        layers.into_iter().chain([digest]).collect()
    }

    /// The layers of an image by its id, also of one that was removed by force.
    pub(super) fn layers_of(&self, id: &Digest) -> Vec<Digest> {
        files::read_small(&self.blob(id))
            .ok()
            .and_then(|bytes| super::manifest::parse_config(&bytes).ok())
            .and_then(|config| diff_ids(&config).ok())
            .unwrap_or_default()
    }
}
