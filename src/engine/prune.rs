//! `container prune`, `image prune`, `builder prune`.

use std::collections::BTreeSet;
use std::path::Path;

use rbox_images::{CacheEntry, CachePruned, Image, PrunedImages};

use super::build::run::cache;
use super::claim::is_running;
use super::event::{Event, Kind};
use super::failure::Failure;
use super::record::Container;
use super::{Engine, containers};

/// What was removed.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// Full ids.
    pub ids: Vec<String>,
    /// Bytes of writable layers and logs.
    pub reclaimed: u64,
}

impl Engine {
    /// Removes every container that does not run and that `keep` does not want.
    pub fn prune_containers(&self, keep: &dyn Fn(&Container) -> bool) -> Result<Pruned, Failure> {
        let mut pruned = Pruned::default();
        for container in containers::survey(&self.dirs)?.containers {
            if container.run.is_some() || keep(&container) {
                continue;
            }
            let id = &container.record.id;
            let size = size(&self.dirs.container(id).join("upper"));
            match self.remove(id, false) {
                Ok(()) => {
                    pruned.ids.push(id.clone());
                    pruned.reclaimed += size;
                }
                // Started meanwhile: it stays. Or removed by somebody else.
                Err(_) if is_running(&self.dirs, id)? => {}
                Err(_) if !self.dirs.container(id).exists() => {}
                Err(failure) => return Err(failure),
            }
        }
        self.happened(&Event::prune(Kind::Container, pruned.reclaimed));
        Ok(pruned)
    }

    /// Removes the `wanted` images that no container uses: those without a tag, or all.
    pub fn prune_images(
        &self,
        all: bool,
        wanted: &dyn Fn(&Image) -> bool,
    ) -> Result<PrunedImages, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        let known = self.images.list().map_err(|error| failed(&error))?;
        let pruned = self
            .images
            .prune_images(all, wanted, &|| self.image_users())
            .map_err(|error| failed(&error))?;
        self.images_gone(&pruned.removed, &known);
        self.happened(&Event::prune(Kind::Image, pruned.swept.bytes));
        Ok(pruned)
    }

    /// Forgets the `wanted` records of the build cache: those whose layer no image has, or all.
    pub fn prune_cache(
        &self,
        all: bool,
        wanted: &dyn Fn(&CacheEntry) -> bool,
    ) -> Result<CachePruned, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        let users = self.image_users().map_err(|error| failed(&error))?;
        let usage = self.images.usage(&users).map_err(|error| failed(&error))?;
        let shared: BTreeSet<_> = usage
            .cache
            .into_iter()
            .filter(|record| record.shared && !all)
            .map(|record| record.entry.key)
            .collect();
        let unwanted = |entry: &CacheEntry| !shared.contains(&entry.key) && wanted(entry);
        let pruned = self
            .images
            .cache_prune(&unwanted, &|| self.image_users())
            .map_err(|error| failed(&error))?;
        self.happened(&Event::prune(Kind::Builder, pruned.swept.bytes));
        Ok(pruned)
    }

    /// Removes the directories of `RUN --mount=type=cache` that no step has: their bytes.
    pub fn prune_cache_mounts(&self) -> Result<u64, Failure> {
        cache::prune(&self.dirs)
    }
}

/// Bytes of the regular files below `dir`, symlinks not followed.
pub fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) if data.is_file() => data.len(),
            _ => 0,
        })
        .sum()
}
