//! What a pull needs of a registry.

use crate::digest::Digest;
use crate::reference::Reference;
use crate::registry::{BlobBody, Client, Fetched, RegistryError};

/// The place that an image comes from.
pub(super) trait Origin: Sync {
    /// The manifest or list of a name; its bytes are those of its digest.
    fn manifest(&self, name: &Reference) -> Result<Fetched, RegistryError>;

    /// The manifest of this digest in the name's repository.
    fn manifest_at(&self, name: &Reference, digest: &Digest) -> Result<Fetched, RegistryError>;

    /// A blob from `offset` on, or from before it where the registry knows no ranges.
    fn blob(
        &self,
        name: &Reference,
        digest: &Digest,
        offset: u64,
    ) -> Result<BlobBody, RegistryError>;
}

impl Origin for Client {
    fn manifest(&self, name: &Reference) -> Result<Fetched, RegistryError> {
        Client::manifest(self, name)
    }

    fn manifest_at(&self, name: &Reference, digest: &Digest) -> Result<Fetched, RegistryError> {
        Client::manifest_at(self, name, digest)
    }

    fn blob(
        &self,
        name: &Reference,
        digest: &Digest,
        offset: u64,
    ) -> Result<BlobBody, RegistryError> {
        Client::blob(self, name, digest, offset)
    }
}
