//! The config of an image as it is written.

use super::{GetError, ReadError, Store, files};
use crate::digest::Digest;

impl Store {
    /// The bytes of the config of the image `id` (`sha256:…`), which any `get` gave.
    ///
    /// # Errors
    /// Not an id, or a config that is not there or is larger than any honest one.
    pub fn config(&self, id: &str) -> Result<Vec<u8>, GetError> {
        let digest: Digest = id.parse().map_err(|_| GetError::NotFound(id.to_owned()))?;
        let read: Result<Vec<u8>, ReadError> = files::read_small(&self.blob(&digest));
        Ok(read?)
    }
}
