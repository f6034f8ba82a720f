//! A filesystem tar becomes an image of one layer.

use std::io::{self, Read};

use jiff::Timestamp;
use serde::Serialize;

use super::Store;
use super::index::Entry;
use super::ingest::{self, IngestError};
use super::manifest::{Descriptor, Manifest, OCI_CONFIG, OCI_MANIFEST};
use super::session::Session;
use super::write::WriteError;
use crate::change::{Change, Settings};
use crate::layer::UnpackError;
use crate::platform::Platform;
use crate::reference::Reference;

/// What the new image shall be.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Its name; without one it is found by its id only.
    pub reference: Option<Reference>,
    /// Dockerfile instructions applied to its config, in order.
    pub changes: Vec<Change>,
    /// Comment in its history; `Imported from -` when absent.
    pub message: Option<String>,
    /// What it was built for; this machine when absent.
    pub platform: Option<Platform>,
}

/// Why nothing was imported. Nothing stays behind.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive was refused.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// No bytes at all.
    #[error("the archive to import is empty")]
    Empty,
    /// A name with a digest cannot be given.
    #[error("cannot import digest reference")]
    Digest,
    /// The archive cannot be read.
    #[error("cannot read the archive: {0}")]
    Read(#[source] io::Error),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The config cannot be written as JSON.
    #[error("cannot write the image's config: {0}")]
    Config(#[from] serde_json::Error),
}

impl From<IngestError> for ImportError {
    fn from(error: IngestError) -> ImportError {
        match error {
            IngestError::Unpack(error) => ImportError::Unpack(error),
            IngestError::Write(error) => ImportError::Write(error),
            IngestError::Read(error) => ImportError::Read(error),
        }
    }
}

#[derive(Serialize)]
struct NewConfig<'a> {
    architecture: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    os: &'a str,
    created: &'a str,
    config: &'a Settings,
    rootfs: RootFs<'a>,
    history: [History<'a>; 1],
}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    diff_ids: [&'a str; 1],
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    comment: &'a str,
}

impl Store {
    /// Makes an image of a tar (plain, gzip or zstd), read once from start to end: it is hashed,
    /// kept and unpacked on the way. Returns the id, `sha256:…`.
    ///
    /// # Errors
    /// Whatever is wrong with the archive, see [`UnpackError`]; nothing of it stays.
    pub fn import(&self, tar: impl Read, options: &ImportOptions) -> Result<String, ImportError> {
        if options
            .reference
            .as_ref()
            .is_some_and(|reference| reference.digest().is_some())
        {
            return Err(ImportError::Digest);
        }
        let session = self.session()?;
        let layer = ingest::store_and_unpack(&session, tar)?;
        if layer.blob.1 == 0 {
            return Err(ImportError::Empty);
        }
        let entry = new_image(&session, options, &layer)?;
        session.commit(|index| {
            match &options.reference {
                Some(reference) => index.set(&reference.clone().with_default_tag(), &entry),
                None => index.add(&entry),
            }
            Ok::<_, ImportError>(())
        })?;
        Ok(entry.id.to_string())
    }
}

/// Stages the config and manifest.
fn new_image(
    session: &Session<'_>,
    options: &ImportOptions,
    layer: &ingest::Ingested,
) -> Result<Entry, ImportError> {
    let platform = options.platform.clone().unwrap_or_else(Platform::host);
    let created = Timestamp::now().to_string();
    let mut settings = Settings::default();
    for change in &options.changes {
        settings.apply(change);
    }
    let config = serde_json::to_vec(&NewConfig {
        architecture: &platform.architecture,
        variant: platform.variant.as_deref(),
        os: &platform.os,
        created: &created,
        config: &settings,
        rootfs: RootFs {
            kind: "layers",
            diff_ids: [layer.diff_id.as_str()],
        },
        history: [History {
            created: &created,
            comment: options.message.as_deref().unwrap_or("Imported from -"),
        }],
    })?;
    let id = session.stage_bytes(&config)?;
    let (blob, blob_size) = &layer.blob;
    let manifest = serde_json::to_vec(&Manifest::new(
        Descriptor::new(OCI_CONFIG, &id, config.len() as u64),
        vec![Descriptor::new(
            layer.compression.layer_media_type(),
            blob,
            *blob_size,
        )],
    ))?;
    let digest = session.stage_bytes(&manifest)?;
    let manifest = Descriptor::new(OCI_MANIFEST, &digest, manifest.len() as u64);
    Ok(Entry {
        id,
        manifest,
        size: layer.size,
    })
}
