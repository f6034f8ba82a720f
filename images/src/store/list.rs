//! All images.

use jiff::Timestamp;

use super::index::Index;
use super::lookup::GetError;
use super::{ReadError, Store};
use crate::image::Image;

/// Why images cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The index cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// One image cannot be read.
    #[error(transparent)]
    Image(#[from] GetError),
}

impl Store {
    /// Every image once, with all its names; the newest first, as Docker lists them. Also one
    /// that lost a layer: it shall be seen, so that it can be removed or loaded again.
    ///
    /// # Errors
    /// When a file of the store cannot be read. An image that is removed meanwhile is left out.
    pub fn list(&self) -> Result<Vec<Image>, ListError> {
        let index = Index::read(&self.index_path())?;
        let mut images: Vec<(Option<Timestamp>, Image)> = Vec::new();
        for (entry, _) in index.entries() {
            if images
                .iter()
                .any(|(_, known)| known.id == entry.id.as_str())
            {
                continue;
            }
            let image = match self.describe(&index, &entry.id, Some(&entry)) {
                Ok(image) => image,
                Err(GetError::Read(error)) if error.is_missing() => continue,
                Err(error) => return Err(error.into()),
            };
            let created = image.created.as_deref().and_then(|text| text.parse().ok());
            images.push((created, image));
        }
        images.sort_by(|(a_time, a), (b_time, b)| {
            b_time
                .cmp(a_time)
                .then_with(|| a.references.cmp(&b.references))
        });
        Ok(images.into_iter().map(|(_, image)| image).collect())
    }
}
