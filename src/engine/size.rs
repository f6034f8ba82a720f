//! How large containers are: for `ps --size` and `inspect --size`, as counting takes time.

use super::{Engine, prune};

/// Bytes of one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// What it has written.
    pub written: u64,
    /// That and its image.
    pub all: u64,
}

impl Engine {
    /// Counts. An image that is gone counts nothing.
    pub fn container_size(&self, id: &str, image_id: &str) -> Size {
        let written = prune::size(&self.dirs.container(id).join("upper"));
        let image = self.images.get_kept(image_id);
        Size {
            written,
            all: written.saturating_add(image.map_or(0, |image| image.size)),
        }
    }
}
