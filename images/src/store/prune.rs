//! Removing all images that nobody uses.

use std::collections::BTreeSet;

use super::Store;
use super::remove::{RemoveError, Removed, UsersNow};
use super::sweep::Swept;
use crate::digest::Digest;
use crate::image::Image;

/// What a prune removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrunedImages {
    /// Names, images and stacks of layers, in this order for each image.
    pub removed: Vec<Removed>,
    /// What was deleted with them.
    pub swept: Swept,
}

impl Store {
    /// Removes the images without a tag that no container uses and that are `wanted`; with `all`
    /// those with tags, too. One whose config cannot be read is left to a removal by its id.
    ///
    /// # Errors
    /// When the store cannot be read or written, or `users` cannot be told.
    pub fn prune_images(
        &self,
        all: bool,
        wanted: &dyn Fn(&Image) -> bool,
        users: UsersNow<'_>,
    ) -> Result<PrunedImages, RemoveError> {
        if !self.blobs().exists() {
            return Ok(PrunedImages::default());
        }
        let removed = self.change_index(|index| {
            let users = users()?;
            let before = self.chains(index, &users);
            let ids: BTreeSet<Digest> = index.entries().map(|(entry, _)| entry.id).collect();
            let mut gone = Vec::new();
            for id in ids {
                let tags = index.references(&id);
                let in_use = users.iter().any(|user| user.image_id == id.as_str());
                if in_use || (!all && !tags.is_empty()) {
                    continue;
                }
                let entry = index.by_id(&id);
                let image = self.describe(index, &id, entry.as_ref());
                if !image.is_ok_and(|image| wanted(&image)) {
                    continue;
                }
                let names = tags.into_iter().chain(index.repo_digests(&id));
                let names: Vec<Removed> = names
                    .map(|name| Removed::Untagged(name.familiar()))
                    .collect();
                index.remove(&id);
                gone.push((id, names));
            }
            let mut left = self.chains(index, &users);
            let mut removed = Vec::new();
            for (id, names) in gone {
                removed.extend(names);
                removed.push(Removed::Deleted(id.to_string()));
                for chain in self.chain_of(&id).into_iter().rev() {
                    if before.contains(&chain) && left.insert(chain.clone()) {
                        removed.push(Removed::Deleted(chain.to_string()));
                    }
                }
            }
            Ok::<_, RemoveError>(removed)
        })?;
        let swept = self.collect(users)?;
        Ok(PrunedImages { removed, swept })
    }
}
