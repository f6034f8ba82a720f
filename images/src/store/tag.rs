//! Another name for an image.

use super::Store;
use super::lookup::{GetError, find};
use super::write::WriteError;
use crate::reference::Reference;

/// Why a name was not given.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// The image that was to get the name.
    #[error(transparent)]
    Get(#[from] GetError),
    /// A digest is not for giving away.
    #[error("refusing to create a tag with a digest reference")]
    Digest,
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Store {
    /// Lets `target` mean the image that `source` means. An image that had this name keeps
    /// existing, without a name if it was its last.
    ///
    /// # Errors
    /// `No such image: …`, or a target with a digest.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<(), TagError> {
        if target.digest().is_some() {
            return Err(TagError::Digest);
        }
        let target = target.clone().with_default_tag();
        self.change_index(|index| {
            let found = find(index, source)?;
            index.set(&target, &found.entry);
            Ok(())
        })
    }
}
