//! A blob's bytes, whether they are kept or made anew from a layer's tree.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::manifest::Descriptor;
use super::{ReadError, Store};
use crate::digest::Digest;
use crate::layer::{PackedTree, Packer};

/// A blob being read.
pub(crate) struct OpenBlob {
    source: Source,
    /// Bytes of all of it.
    pub(crate) size: u64,
}

enum Source {
    Kept(io::Take<File>),
    Packed(Box<Packer>),
}

/// Why a blob cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenBlobError {
    /// What is noted about the layer cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Neither the blob nor a layer that packs to it is there.
    #[error("blob {0} is missing from the image store; load or pull the image again")]
    Missing(Digest),
    /// The kernel refused something.
    #[error("blob {digest} cannot be read: {source}")]
    Io {
        /// Of the blob.
        digest: Digest,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Store {
    /// The bytes of a blob of the store: the file, or the tar of a layer that was made here. The
    /// reader yields as many bytes as the blob has, or an error; it does not check the digest.
    pub(crate) fn open_blob(&self, descriptor: &Descriptor) -> Result<OpenBlob, OpenBlobError> {
        let digest = descriptor.digest().map_err(|source| OpenBlobError::Io {
            digest: Digest::of(descriptor.digest.as_bytes()),
            source: io::Error::new(io::ErrorKind::InvalidData, source),
        })?;
        self.open_blob_by(&digest)
    }

    /// As [`Store::open_blob`], by the digest alone.
    pub(crate) fn open_blob_by(&self, digest: &Digest) -> Result<OpenBlob, OpenBlobError> {
        let failed = |source: io::Error| OpenBlobError::Io {
            digest: digest.clone(),
            source,
        };
        match File::open(self.blob(digest)) {
            Ok(file) => {
                let size = file.metadata().map_err(failed)?.len();
                let source = Source::Kept(file.take(size));
                return Ok(OpenBlob { source, size });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let missing = || OpenBlobError::Missing(digest.clone());
        let size = match self.layer_meta(digest) {
            Ok(meta) => meta.tar_size.ok_or_else(missing)?,
            Err(error) if error.is_missing() => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        let tree = open_tree(&self.layer_tree(digest)).map_err(failed)?;
        let packer = Packer::new(tree, PackedTree::Stored).map_err(|e| failed(e.into()))?;
        let source = Source::Packed(Box::new(packer));
        Ok(OpenBlob { source, size })
    }
}

impl Read for OpenBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Kept(file) => file.read(buffer),
            Source::Packed(packer) => packer.read(buffer),
        }
    }
}

/// Opens the directory of a tree.
pub(super) fn open_tree(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}
