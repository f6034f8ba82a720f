//! Why an image could not be pulled.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::layer::UnpackError;
use crate::registry::RegistryError;
use crate::store::ReadError;
use crate::store::manifest::ManifestError;
use crate::store::write::WriteError;

/// Why nothing was pulled. Nothing stays behind. The texts are Docker's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry, or the way to it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A manifest that no registry has used since 2017, or will some day.
    #[error("unsupported manifest media type {0}")]
    MediaType(String),
    /// The manifest's own version is another one.
    #[error("unsupported manifest: schemaVersion {0} is not 2")]
    Schema(u32),
    /// It is no image: a chart, a signature or something else that registries keep.
    #[error("unsupported media type {0}")]
    NoImage(String),
    /// A layer that cannot be had or is no file system.
    #[error("layer {layer} {problem}: unsupported media type {media_type}")]
    Layer {
        /// First 12 digits of its digest.
        layer: String,
        /// In words.
        problem: &'static str,
        /// As the manifest has it.
        media_type: String,
    },
    /// A list without an image for the platform.
    #[error("no matching manifest for {wanted} in the manifest list entries")]
    NoMatch {
        /// `linux/arm64`.
        wanted: String,
        /// Those that the list has.
        available: Vec<String>,
    },
    /// The only image of that name is for another machine.
    #[error(
        "image with reference {name} was found but its platform ({found}) does not match the \
         specified platform ({wanted})"
    )]
    Platform {
        /// In familiar form.
        name: String,
        /// What it was built for.
        found: String,
        /// What was asked for, or this machine.
        wanted: String,
    },
    /// Bytes that are not those of the digest.
    #[error("{what} verification failed for digest {digest}")]
    Damaged {
        /// `filesystem layer` or `image config`.
        what: &'static str,
        /// What was asked for.
        digest: Digest,
    },
    /// A config larger than any honest one.
    #[error("the image's config has {size} bytes, more than the {limit} that are read")]
    LargeConfig {
        /// As the manifest says.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// The layers do not fit, even packed.
    #[error(
        "no space left on device: the layers to download have {needed} bytes, and {} has {free} \
         left", path.display()
    )]
    NoSpace {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
        /// The store.
        path: PathBuf,
    },
    /// A layer is not what the config says.
    #[error("layer {layer} unpacks to {found}, but the image's config says {expected}")]
    DiffId {
        /// Digest of the packed layer.
        layer: Digest,
        /// What its plain bytes make.
        found: Digest,
        /// In the config.
        expected: Digest,
    },
    /// The connection broke too often.
    #[error("cannot download {digest}: the connection broke {tries} times: {source}")]
    Broken {
        /// The blob.
        digest: Digest,
        /// So often since it last worked.
        tries: usize,
        /// The last time.
        source: io::Error,
    },
    /// Another layer of the same image failed.
    #[error("stopped because another layer failed")]
    Stopped,
    /// A manifest, config or list makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A layer was refused.
    #[error("layer {layer}: {source}")]
    Unpack {
        /// Digest of the packed layer.
        layer: Digest,
        /// Why.
        source: UnpackError,
    },
    /// A layer cannot be decoded.
    #[error("cannot read layer {layer}: {source}")]
    Packing {
        /// Digest of the packed layer.
        layer: Digest,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}
