//! Images from a tar: an OCI image layout or a docker-archive, of any age.
//!
//! The members come in any order, often from a pipe, so all of them are first put into files of
//! the session, hashed on the way; blobs whose name is their digest are checked at once. Then the
//! descriptions are read, and each layer is unpacked and checked against the config.

mod archive;
mod docker;
mod oci;

use std::collections::HashMap;
use std::io::{self, Read};

use super::index::{Entry, Index};
use super::ingest::{self, IngestError};
use super::manifest::{
    Descriptor, Manifest, ManifestError, OCI_CONFIG, OCI_MANIFEST, diff_ids, parse_config,
};
use super::session::Session;
use super::write::WriteError;
use super::{ReadError, Store};
use crate::compression::{Compression, decode};
use crate::digest::Digest;
use crate::layer::UnpackError;
use crate::reference::{Reference, ReferenceError};
use crate::tar::TarError;
use archive::{Archive, Spooled};

/// One image that came in, printed as `Loaded image: …` or `Loaded image ID: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// A name it got, in familiar form.
    Reference(String),
    /// It has no name: its id, `sha256:…`.
    Id(String),
}

/// Why nothing was loaded. Nothing stays behind.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The stream is no tar, is damaged, or ends early.
    #[error("error processing tar file: {0}")]
    Tar(#[from] TarError),
    /// A member whose name no archive of images has.
    #[error("refused archive member {0:?}: its name is absolute, too long or contains \"..\"")]
    Name(String),
    /// More names than any honest archive has.
    #[error("the archive has too many members")]
    TooManyMembers,
    /// Neither form of description is there.
    #[error("the archive contains no image: neither index.json nor manifest.json")]
    NoImage,
    /// A description names a member that is not there.
    #[error("the archive lacks {0}")]
    Missing(String),
    /// A blob is not what its name says.
    #[error("{name} does not match its digest: its content has {found}")]
    Digest {
        /// The member.
        name: String,
        /// What its bytes make.
        found: Digest,
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
    /// None of the images in it was built for this machine.
    #[error("the archive has no image for {host}: it was built for {found}")]
    Platform {
        /// This machine.
        host: String,
        /// What there is.
        found: String,
    },
    /// A manifest, config or index makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A name in the archive is no image name.
    #[error("invalid image name {name:?} in the archive: {source}")]
    Reference {
        /// As written.
        name: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// A layer was refused.
    #[error("layer {layer}: {source}")]
    Unpack {
        /// Digest of the packed layer.
        layer: Digest,
        /// Why.
        source: UnpackError,
    },
    /// The archive or a file made of it cannot be read.
    #[error("cannot read the archive: {0}")]
    Read(#[source] io::Error),
    /// The store cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] ReadError),
}

/// An image that an archive describes, its parts found.
struct Described {
    /// The manifest's own bytes; a docker-archive has none.
    manifest: Option<(Descriptor, Spooled)>,
    config: Spooled,
    layers: Vec<Spooled>,
    names: Vec<Reference>,
}

impl Store {
    /// Takes in every image of a tar (plain, gzip or zstd) that is an OCI image layout or a
    /// docker-archive, or both. A layer that is unpacked already is checked, not unpacked again.
    ///
    /// # Errors
    /// Whatever is wrong with the archive; then none of its images stays.
    pub fn load(&self, tar: impl Read) -> Result<Vec<Loaded>, LoadError> {
        let session = self.session()?;
        let (_, plain) = decode(tar).map_err(LoadError::Read)?;
        let archive = Archive::spool(&session, plain)?;
        let described = match oci::describe(&archive)? {
            Some(images) => images,
            None => docker::describe(&archive)?.ok_or(LoadError::NoImage)?,
        };
        let mut checked = HashMap::new();
        let mut images = Vec::new();
        for image in described {
            let entry = bring_in(&session, &image, &mut checked)?;
            images.push((entry, image.names));
        }
        session.commit(|index| {
            for (entry, names) in &images {
                index.add(entry);
                for name in names {
                    index.set(name, entry);
                }
            }
            Ok::<_, LoadError>(())
        })?;
        Ok(images
            .iter()
            .flat_map(|(entry, names)| loaded(entry, names))
            .collect())
    }
}

fn loaded(entry: &Entry, names: &[Reference]) -> Vec<Loaded> {
    if names.is_empty() {
        return vec![Loaded::Id(entry.id.to_string())];
    }
    names
        .iter()
        .map(|name| Loaded::Reference(name.familiar()))
        .collect()
}

/// Plain digest and packing of layers that were read already, by their packed digest.
type Checked = HashMap<Digest, (Digest, Compression)>;

/// Checks an image and stages all its parts.
fn bring_in(
    session: &Session<'_>,
    image: &Described,
    checked: &mut Checked,
) -> Result<Entry, LoadError> {
    let config = parse_config(&image.config.read()?)?;
    let diff_ids = diff_ids(&config)?;
    if diff_ids.len() != image.layers.len() {
        let (config, manifest) = (diff_ids.len(), image.layers.len());
        return Err(ManifestError::LayerCount { config, manifest }.into());
    }
    let id = image.config.digest.clone();
    if image.manifest.is_none()
        && let Some(known) = Index::read(&session.store().index_path())?.by_id(&id)
        && diff_ids.iter().all(|layer| session.has_layer(layer))
    {
        // The same image, and this archive has no manifest of its own to keep.
        return Ok(known);
    }
    let mut size = 0u64;
    let mut descriptors = Vec::with_capacity(diff_ids.len());
    for (layer, expected) in image.layers.iter().zip(&diff_ids) {
        let compression = check_layer(session, layer, expected, checked)?;
        session.stage_blob(layer.digest.clone(), layer.path.clone());
        size = size.saturating_add(session.layer_size(expected)?);
        let media_type = compression.layer_media_type();
        let descriptor = Descriptor::new(media_type, &layer.digest, layer.size);
        session.note_blob(expected.clone(), descriptor.clone());
        descriptors.push(descriptor);
    }
    session.stage_blob(id.clone(), image.config.path.clone());
    let manifest = match &image.manifest {
        Some((descriptor, spooled)) => {
            session.stage_blob(spooled.digest.clone(), spooled.path.clone());
            let size = spooled.size;
            Descriptor {
                annotations: None,
                platform: None,
                size,
                ..descriptor.clone()
            }
        }
        None => {
            let config = Descriptor::new(OCI_CONFIG, &id, image.config.size);
            let bytes =
                serde_json::to_vec(&Manifest::new(config, descriptors)).map_err(|source| {
                    ManifestError::Json {
                        what: "manifest",
                        source,
                    }
                })?;
            let digest = session.stage_bytes(&bytes)?;
            Descriptor::new(OCI_MANIFEST, &digest, bytes.len() as u64)
        }
    };
    Ok(Entry { id, manifest, size })
}

/// Makes sure that the layer is unpacked, and is the one that the config means.
fn check_layer(
    session: &Session<'_>,
    layer: &Spooled,
    expected: &Digest,
    checked: &mut Checked,
) -> Result<Compression, LoadError> {
    let known = match checked.get(&layer.digest) {
        Some(known) => known.clone(),
        None => {
            let file = layer.open()?;
            let known = if session.has_layer(expected) {
                // Someone else's archive may not pass off other bytes as a layer that is here.
                ingest::plain_digest(file).map_err(LoadError::Read)?
            } else {
                let unpacked = ingest::unpack_packed(session, file);
                let (diff_id, compression, _) = unpacked.map_err(|e| refused(layer, e))?;
                (diff_id, compression)
            };
            checked.insert(layer.digest.clone(), known.clone());
            known
        }
    };
    let (found, compression) = known;
    if found != *expected {
        let (layer, expected) = (layer.digest.clone(), expected.clone());
        return Err(LoadError::DiffId {
            layer,
            found,
            expected,
        });
    }
    Ok(compression)
}

fn refused(layer: &Spooled, error: IngestError) -> LoadError {
    match error {
        IngestError::Unpack(source) => LoadError::Unpack {
            layer: layer.digest.clone(),
            source,
        },
        IngestError::Write(error) => LoadError::Write(error),
        IngestError::Read(error) => LoadError::Read(error),
    }
}

fn parse_name(name: &str) -> Result<Reference, LoadError> {
    name.parse().map_err(|source| LoadError::Reference {
        name: name.to_owned(),
        source,
    })
}
