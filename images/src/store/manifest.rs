//! Descriptors, manifests and configs as they are on disk and in archives.

use std::collections::BTreeMap;

use oci_spec::image::ImageConfiguration;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestError};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Overlayfs stacks at most 500 directories.
const MOST_LAYERS: usize = 500;

/// A pointer to a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<DescriptorPlatform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

/// What a descriptor in an index says about the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DescriptorPlatform {
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

impl Descriptor {
    pub(crate) fn new(media_type: &str, digest: &Digest, size: u64) -> Descriptor {
        Descriptor {
            media_type: media_type.to_owned(),
            digest: digest.to_string(),
            size,
            platform: None,
            annotations: None,
        }
    }

    pub(crate) fn digest(&self) -> Result<Digest, DigestError> {
        self.digest.parse()
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_INDEX | DOCKER_LIST)
    }

    pub(crate) fn is_manifest(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            OCI_MANIFEST | DOCKER_MANIFEST | ""
        )
    }
}

/// An image manifest; what it says beyond this stays in its blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// Why a manifest and config do not make an image.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of the right shape.
    #[error("invalid image {what}: {source}")]
    Json {
        /// `manifest`, `config` or `index`.
        what: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A digest that is not a sha256 digest.
    #[error("invalid digest {digest:?} in image {what}: {source}")]
    Digest {
        /// `manifest`, `config` or `index`.
        what: &'static str,
        /// As written.
        digest: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// The config speaks of another number of layers than the manifest.
    #[error("the image's config lists {config} layers and its manifest {manifest}")]
    LayerCount {
        /// In the config.
        config: usize,
        /// In the manifest.
        manifest: usize,
    },
    /// More layers than the kernel stacks.
    #[error("the image has {0} layers, more than the {MOST_LAYERS} that can be stacked")]
    TooManyLayers(usize),
}

impl Manifest {
    pub(crate) fn new(config: Descriptor, layers: Vec<Descriptor>) -> Manifest {
        Manifest {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            config,
            layers,
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        serde_json::from_slice(bytes).map_err(|source| ManifestError::Json {
            what: "manifest",
            source,
        })
    }

    pub(crate) fn config_digest(&self) -> Result<Digest, ManifestError> {
        manifest_digest(&self.config)
    }

    pub(crate) fn layer_digests(&self) -> Result<Vec<Digest>, ManifestError> {
        self.layers.iter().map(manifest_digest).collect()
    }
}

pub(crate) fn manifest_digest(descriptor: &Descriptor) -> Result<Digest, ManifestError> {
    descriptor.digest().map_err(|source| ManifestError::Digest {
        what: "manifest",
        digest: descriptor.digest.clone(),
        source,
    })
}

pub(crate) fn parse_config(bytes: &[u8]) -> Result<ImageConfiguration, ManifestError> {
    serde_json::from_slice(bytes).map_err(|source| ManifestError::Json {
        what: "config",
        source,
    })
}

/// The digests of the uncompressed layers, lowest first.
pub(crate) fn diff_ids(config: &ImageConfiguration) -> Result<Vec<Digest>, ManifestError> {
    let texts = config.rootfs().diff_ids();
    if texts.len() > MOST_LAYERS {
        return Err(ManifestError::TooManyLayers(texts.len()));
    }
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|source| ManifestError::Digest {
                what: "config",
                digest: text.clone(),
                source,
            })
        })
        .collect()
}

/// Checks a manifest and a config that came from elsewhere: whether they make an image, as far as
/// that can be seen without the layers. The digests of the uncompressed layers, lowest first.
///
/// # Errors
/// [`ManifestError`] for the first thing that is wrong.
pub fn check_image(manifest: &[u8], config: &[u8]) -> Result<Vec<Digest>, ManifestError> {
    let manifest = Manifest::parse(manifest)?;
    manifest.config_digest()?;
    let layers = manifest.layer_digests()?.len();
    let diff_ids = diff_ids(&parse_config(config)?)?;
    match diff_ids.len() == layers {
        true => Ok(diff_ids),
        false => Err(ManifestError::LayerCount {
            config: diff_ids.len(),
            manifest: layers,
        }),
    }
}

/// Docker's name for a stack of layers, printed when it is deleted.
pub(crate) fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let next = match chain.last() {
            Some(below) => Digest::of(format!("{below} {diff_id}").as_bytes()),
            None => diff_id.clone(),
        };
        chain.push(next);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_start_with_the_lowest_diff_id_and_hash_upwards() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let chain = chain_ids(&[a.clone(), b.clone()]);
        assert_eq!(chain[0], a);
        assert_eq!(chain[1], Digest::of(format!("{a} {b}").as_bytes()));
    }

    #[test]
    fn a_config_with_a_foreign_digest_is_refused() {
        let text = r#"{"architecture":"amd64","os":"linux",
            "rootfs":{"type":"layers","diff_ids":["sha256:../../x"]}}"#;
        let config = parse_config(text.as_bytes()).unwrap();
        assert!(matches!(
            diff_ids(&config),
            Err(ManifestError::Digest { .. })
        ));
    }
}
