//! An image that is ready to run.

use std::path::PathBuf;

use oci_spec::image::ImageConfiguration;

use crate::platform::Platform;

/// An image in the store, its layers unpacked.
#[derive(Debug, Clone)]
pub struct Image {
    /// `sha256:…`, the digest of the config.
    pub id: String,
    /// `sha256:…` of the manifest; empty for an image removed by force that containers still use.
    pub manifest_digest: String,
    /// What the image says about itself.
    pub config: ImageConfiguration,
    /// The trees of its layers, lowest first, each once.
    pub layers: Vec<PathBuf>,
    /// Its names in familiar form, `alpine:latest`.
    pub references: Vec<String>,
    /// What registries call it, `alpine@sha256:…`: a digest is known after a pull or push.
    pub repo_digests: Vec<String>,
    /// When it last got a name here, RFC 3339; `None` in stores of older versions.
    pub tagged: Option<String>,
    /// Bytes of the regular files of all layers.
    pub size: u64,
    /// RFC 3339, as the config has it.
    pub created: Option<String>,
}

/// An image for another processor or operating system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image {image} was built for {platform} and cannot run on this machine ({host})")]
pub struct PlatformMismatch {
    /// First name of the image, or its id.
    pub image: String,
    /// What it was built for, `linux/arm64`.
    pub platform: String,
    /// What this is.
    pub host: String,
}

impl Image {
    /// What the image was built for.
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.config.os().to_string(),
            architecture: self.config.architecture().to_string(),
            variant: self.config.variant().clone(),
        }
    }

    /// Refuses an image whose programs this machine cannot run.
    ///
    /// # Errors
    /// Both platforms, named.
    pub fn check_platform(&self) -> Result<(), PlatformMismatch> {
        let platform = self.platform();
        if platform.runs_here() {
            return Ok(());
        }
        let image = self.references.first().unwrap_or(&self.id).clone();
        Err(PlatformMismatch {
            image,
            platform: platform.to_string(),
            host: Platform::host().to_string(),
        })
    }
}
