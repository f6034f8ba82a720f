//! Taking names away, and images with their last name.

use std::collections::BTreeSet;

use super::index::Index;
use super::lookup::{GetError, find};
use super::manifest::{chain_ids, diff_ids, parse_config};
use super::write::WriteError;
use super::{Store, files};
use crate::digest::{Digest, short};
use crate::reference::Reference;

/// A container that was made from an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUser {
    /// 64 hex digits.
    pub container_id: String,
    /// Whether it runs (or is paused) now.
    pub running: bool,
    /// `sha256:…` of its image.
    pub image_id: String,
}

/// Tells which containers there are at the moment it is called. It is called under the store's
/// locks, so that it must use no function of the store that takes one.
pub type UsersNow<'a> = &'a dyn Fn() -> Result<Vec<ImageUser>, UsersUnknown>;

/// Which containers use images cannot be told, so that nothing may be deleted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsersUnknown(pub String);

/// How to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoveOptions {
    /// Also what stopped containers use, and all names of an image that is named by its id.
    pub force: bool,
}

/// One thing that is gone, printed as `Untagged: …` or `Deleted: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name, in familiar form.
    Untagged(String),
    /// `sha256:…` of an image, or of a stack of layers by its chain id.
    Deleted(String),
}

/// Why an image stays; the texts are Docker's.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such image.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The last name of an image that a container uses.
    #[error(
        "conflict: unable to remove repository reference {name:?} (must force) - container \
         {container} is using its referenced image {image}"
    )]
    NameInUse {
        /// As typed.
        name: String,
        /// First 12 digits of its id.
        container: String,
        /// First 12 digits of the image's id.
        image: String,
    },
    /// Something uses the image itself.
    #[error("conflict: unable to delete {image} ({force}) - {reason}")]
    InUse {
        /// First 12 digits of its id.
        image: String,
        /// Whether force would help.
        force: &'static str,
        /// By what.
        reason: String,
    },
    /// Nobody knows what is in use.
    #[error(transparent)]
    Users(#[from] UsersUnknown),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Store {
    /// Removes a name, and the image when it was its last; by id, the image with its only name.
    /// Blobs and layers that nothing uses any more go too; what `users` need stays for
    /// [`Store::get_kept`] until a later removal or [`Store::collect`] finds them gone.
    ///
    /// # Errors
    /// Docker's conflicts: containers that use it, several names when removed by id.
    pub fn remove(
        &self,
        name: &str,
        options: RemoveOptions,
        users: UsersNow<'_>,
    ) -> Result<Vec<Removed>, RemoveError> {
        let removed = self.remove_from_index(name, options, users)?;
        self.collect(users)?;
        Ok(removed)
    }

    /// As [`Store::remove`], for a caller that removes several and collects then.
    pub(super) fn remove_from_index(
        &self,
        name: &str,
        options: RemoveOptions,
        users: UsersNow<'_>,
    ) -> Result<Vec<Removed>, RemoveError> {
        self.change_index(|index| {
            let users = users()?;
            let chains_before = self.chains(index, &users);
            let (mut removed, gone) = take_out(index, name, options, &users)?;
            if let Some(id) = gone {
                removed.push(Removed::Deleted(id.to_string()));
                let left = self.chains(index, &users);
                let mut own = self.chain_of(&id);
                own.retain(|chain| chains_before.contains(chain) && !left.contains(chain));
                removed.extend(own.iter().rev().map(|id| Removed::Deleted(id.to_string())));
            }
            Ok::<_, RemoveError>(removed)
        })
    }

    /// Stacks of layers that images in the index or containers use.
    pub(super) fn chains(&self, index: &Index, users: &[ImageUser]) -> BTreeSet<Digest> {
        let of_users = users.iter().filter_map(|user| user.image_id.parse().ok());
        let ids: BTreeSet<Digest> = index
            .entries()
            .map(|(entry, _)| entry.id)
            .chain(of_users)
            .collect();
        ids.iter().flat_map(|id| self.chain_of(id)).collect()
    }

    /// Empty for an image whose config cannot be read: it has no layers worth a line.
    pub(super) fn chain_of(&self, id: &Digest) -> Vec<Digest> {
        let Ok(bytes) = files::read_small(&self.blob(id)) else {
            return Vec::new();
        };
        parse_config(&bytes)
            .and_then(|config| diff_ids(&config))
            .map(|ids| chain_ids(&ids))
            .unwrap_or_default()
    }
}

/// Docker's rules. The image's id is returned when it leaves the index.
fn take_out(
    index: &mut Index,
    name: &str,
    options: RemoveOptions,
    users: &[ImageUser],
) -> Result<(Vec<Removed>, Option<Digest>), RemoveError> {
    let force = options.force;
    let found = find(index, name)?;
    let id = found.entry.id;
    let using = |running: bool| {
        users
            .iter()
            .find(|user| user.image_id == id.as_str() && user.running == running)
    };
    let tags = index.references(&id);
    let digests = index.repo_digests(&id);
    let mut removed = Vec::new();
    let by_name = found.reference.is_some();
    if let Some(reference) = found.reference {
        let user = using(true).or_else(|| using(false));
        if let Some(user) = user.filter(|_| !force && is_single(&tags, &digests)) {
            return Err(RemoveError::NameInUse {
                name: name.to_owned(),
                container: short(&user.container_id).to_owned(),
                image: short(id.as_str()).to_owned(),
            });
        }
        let gone = match reference.tag() {
            Some(_) => index.drop_tag(&reference),
            None => {
                index.drop_digest(&id, &reference);
                vec![reference]
            }
        };
        removed.extend(gone.iter().map(untagged));
        if !index.names(&id).is_empty() {
            return Ok((removed, None));
        }
    }
    if let Some(user) = using(true) {
        if by_name {
            // The name went by force; the image stays for its container.
            return Ok((removed, None));
        }
        return Err(in_use(&id, "cannot be forced", "running", user));
    }
    if !force {
        if !by_name && !is_single(&tags, &digests) {
            return Err(RemoveError::InUse {
                image: short(id.as_str()).to_owned(),
                force: "must be forced",
                reason: "image is referenced in multiple repositories".to_owned(),
            });
        }
        if let Some(user) = using(false) {
            return Err(in_use(&id, "must be forced", "stopped", user));
        }
    }
    if !by_name {
        removed.extend(tags.iter().chain(&digests).map(untagged));
    }
    index.remove(&id);
    Ok((removed, Some(id)))
}

fn untagged(name: &Reference) -> Removed {
    Removed::Untagged(name.familiar())
}

/// Whether an image has one name at most; a digest in the tag's own repository is no second one.
fn is_single(tags: &[Reference], digests: &[Reference]) -> bool {
    match (tags, digests) {
        ([], digests) => digests.len() <= 1,
        ([tag], digests) => digests
            .iter()
            .all(|digest| digest.repository() == tag.repository()),
        _ => false,
    }
}

fn in_use(id: &Digest, force: &'static str, state: &str, user: &ImageUser) -> RemoveError {
    RemoveError::InUse {
        image: short(id.as_str()).to_owned(),
        force,
        reason: format!(
            "image is being used by {state} container {}",
            short(&user.container_id)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::Entry;
    use crate::store::manifest::{Descriptor, OCI_MANIFEST};

    fn id() -> Digest {
        Digest::of(b"config")
    }

    fn index(names: &[&str]) -> Index {
        let manifest = Descriptor::new(OCI_MANIFEST, &Digest::of(b"manifest"), 1);
        let entry = Entry {
            id: id(),
            manifest,
            size: 0,
        };
        let mut index = Index::default();
        index.add(&entry);
        for name in names {
            index.set(&name.parse().unwrap(), &entry);
        }
        index
    }

    fn user(running: bool) -> [ImageUser; 1] {
        let container_id = "0d518390f8f14b167bf06fcbbbc02b8d".to_owned();
        [ImageUser {
            container_id,
            running,
            image_id: id().to_string(),
        }]
    }

    fn run(
        names: &[&str],
        name: &str,
        force: bool,
        users: &[ImageUser],
    ) -> Result<(Vec<String>, usize), String> {
        let mut index = index(names);
        let (removed, _) = take_out(&mut index, name, RemoveOptions { force }, users)
            .map_err(|error| error.to_string())?;
        let lines = removed
            .into_iter()
            .map(|line| match line {
                Removed::Untagged(name) => name,
                Removed::Deleted(id) => id,
            })
            .collect();
        Ok((lines, index.entries().count()))
    }

    #[test]
    fn one_of_several_names_goes_and_the_image_stays() {
        assert_eq!(
            run(&["a", "b"], "a", false, &user(true)),
            Ok((vec!["a:latest".into()], 1))
        );
        assert_eq!(
            run(&["a"], "a", false, &[]),
            Ok((vec!["a:latest".into()], 0))
        );
    }

    #[test]
    fn the_last_name_of_an_image_in_use_needs_force() {
        let short = short(id().as_str()).to_owned();
        let text = format!(
            "conflict: unable to remove repository reference \"a:latest\" (must force) - \
             container 0d518390f8f1 is using its referenced image {short}"
        );
        assert_eq!(run(&["a"], "a:latest", false, &user(false)), Err(text));
        // Forced: a running container keeps the image, a stopped one does not.
        assert_eq!(
            run(&["a"], "a", true, &user(true)),
            Ok((vec!["a:latest".into()], 1))
        );
        assert_eq!(
            run(&["a"], "a", true, &user(false)),
            Ok((vec!["a:latest".into()], 0))
        );
    }

    #[test]
    fn by_id_the_conflicts_are_dockers() {
        let hex = id().hex().to_owned();
        let short = short(id().as_str()).to_owned();
        assert_eq!(
            run(&["a"], &hex, false, &user(false)).unwrap_err(),
            format!(
                "conflict: unable to delete {short} (must be forced) - image is being used by \
                 stopped container 0d518390f8f1"
            )
        );
        assert_eq!(
            run(&[], &hex, true, &user(true)).unwrap_err(),
            format!(
                "conflict: unable to delete {short} (cannot be forced) - image is being used by \
                 running container 0d518390f8f1"
            )
        );
        assert_eq!(
            run(&["a", "b"], &hex, false, &[]).unwrap_err(),
            format!(
                "conflict: unable to delete {short} (must be forced) - image is referenced in \
                 multiple repositories"
            )
        );
        let both = vec!["a:latest".to_owned(), "b:latest".to_owned()];
        assert_eq!(run(&["a", "b"], &hex, true, &[]), Ok((both, 0)));
        assert_eq!(run(&[], &hex, false, &[]), Ok((vec![], 0)));
    }
}
