//! Images as one tar that Docker, Podman, containerd and skopeo read.
//!
//! As Docker since version 25 writes it: an OCI image layout, and beside it the `manifest.json` of
//! the older docker-archive, both pointing at the same blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Read, Write};

use serde::Serialize;

use super::index::{Entry, Index, name_annotations};
use super::lookup::{GetError, find};
use super::manifest::{Descriptor, Manifest, ManifestError};
use super::{ReadError, Store, files};
use crate::digest::{Digest, Hashing};
use crate::reference::Reference;

/// Which descriptions of the blobs the tar contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaveFormat {
    /// Both, as `docker save` does.
    #[default]
    Combined,
    /// `index.json` and `oci-layout` only.
    Oci,
    /// `manifest.json` and `repositories` only.
    DockerArchive,
}

/// Why images were not saved; what was written of the tar is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is no such image.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The manifest makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A blob cannot be had.
    #[error(transparent)]
    Blob(#[from] super::open_blob::OpenBlobError),
    /// A blob is not what its name says.
    #[error("blob {0} of the image store is damaged")]
    Damaged(Digest),
    /// A blob cannot be read, or the tar cannot be written.
    #[error("cannot write the archive: {0}")]
    Write(#[from] io::Error),
    /// The archive's own files cannot be written as JSON.
    #[error("cannot write the archive: {0}")]
    Json(#[from] serde_json::Error),
}

struct Saved {
    entry: Entry,
    manifest: Manifest,
    names: Vec<Reference>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArchiveImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArchiveIndex {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

impl Store {
    /// Writes the named images as one tar. A name without a tag stands for all tags of its
    /// repository, an id for the image without names, as in Docker.
    ///
    /// # Errors
    /// `No such image: …`; every name is looked up before the first byte is written.
    pub fn save(
        &self,
        names: &[String],
        out: impl Write,
        format: SaveFormat,
    ) -> Result<(), SaveError> {
        let images = self.choose(names)?;
        let mut tar = Archive(tar::Builder::new(BufWriter::with_capacity(256 * 1024, out)));
        let mut blobs: BTreeSet<Digest> = BTreeSet::new();
        for image in &images {
            blobs.insert(super::manifest::manifest_digest(&image.entry.manifest)?);
            blobs.insert(image.manifest.config_digest()?);
            blobs.extend(image.manifest.layer_digests()?);
        }
        tar.directory("blobs/")?;
        tar.directory("blobs/sha256/")?;
        for digest in &blobs {
            self.save_blob(&mut tar, digest)?;
        }
        if format != SaveFormat::DockerArchive {
            tar.json("index.json", &oci_index(&images))?;
        }
        if format != SaveFormat::Oci {
            tar.json("manifest.json", &docker_manifest(&images)?)?;
        }
        if format != SaveFormat::DockerArchive {
            tar.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        if format != SaveFormat::Oci {
            tar.json("repositories", &repositories(&images)?)?;
        }
        tar.0.into_inner()?.flush()?;
        Ok(())
    }

    fn choose(&self, names: &[String]) -> Result<Vec<Saved>, SaveError> {
        let index = Index::read(&self.index_path())?;
        let mut images: Vec<Saved> = Vec::new();
        for name in names {
            for (entry, reference) in chosen(&index, name)? {
                let known = images.iter().position(|image| image.entry.id == entry.id);
                let image = match known {
                    Some(at) => &mut images[at],
                    None => {
                        let digest = super::manifest::manifest_digest(&entry.manifest)?;
                        let bytes = files::read_small(&self.blob(&digest))?;
                        let manifest = Manifest::parse(&bytes)?;
                        images.push(Saved {
                            entry,
                            manifest,
                            names: Vec::new(),
                        });
                        let last = images.len() - 1;
                        &mut images[last]
                    }
                };
                if let Some(reference) = reference
                    && !image.names.contains(&reference)
                {
                    image.names.push(reference);
                }
            }
        }
        Ok(images)
    }

    fn save_blob<W: Write>(&self, tar: &mut Archive<W>, digest: &Digest) -> Result<(), SaveError> {
        let blob = self.open_blob_by(digest)?;
        let size = blob.size;
        let mut hashing = Hashing::new(blob);
        tar.file(
            &format!("blobs/sha256/{}", digest.hex()),
            size,
            &mut hashing,
        )?;
        if hashing.finish() != (digest.clone(), size) {
            return Err(SaveError::Damaged(digest.clone()));
        }
        Ok(())
    }
}

/// What one argument stands for.
fn chosen(index: &Index, name: &str) -> Result<Vec<(Entry, Option<Reference>)>, SaveError> {
    let bare = Reference::parse_bare(name)
        .ok()
        .filter(|r| r.tag().is_none() && r.digest().is_none());
    if let Some(bare) = bare {
        let mut all: Vec<_> = index
            .entries()
            .filter_map(|(entry, known)| Some((entry, known?)))
            .filter(|(_, known)| known.tag().is_some())
            .filter(|(_, known)| known.repository() == bare.repository())
            .map(|(entry, known)| (entry, Some(known)))
            .collect();
        if !all.is_empty() {
            all.sort_by(|(_, a), (_, b)| a.cmp(b));
            return Ok(all);
        }
        let found = find(index, name).map_err(|error| match error {
            // All tags were meant, so none is named.
            GetError::NotFound(_) => GetError::NotFound(name.to_owned()),
            other => other,
        })?;
        return Ok(vec![(found.entry, found.reference)]);
    }
    let found = find(index, name)?;
    let tag = found.reference.filter(|name| name.tag().is_some());
    Ok(vec![(found.entry, tag)])
}

fn oci_index(images: &[Saved]) -> ArchiveIndex {
    let mut manifests = Vec::new();
    for image in images {
        if image.names.is_empty() {
            manifests.push(image.entry.manifest.clone());
        }
        for name in &image.names {
            let annotations = name_annotations(name);
            let manifest = image.entry.manifest.clone();
            manifests.push(Descriptor {
                annotations: Some(annotations),
                ..manifest
            });
        }
    }
    ArchiveIndex {
        schema_version: 2,
        media_type: super::manifest::OCI_INDEX,
        manifests,
    }
}

fn docker_manifest(images: &[Saved]) -> Result<Vec<ArchiveImage>, ManifestError> {
    let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    images
        .iter()
        .map(|image| {
            let tags: Vec<String> = image.names.iter().map(Reference::familiar).collect();
            Ok(ArchiveImage {
                config: path(&image.manifest.config_digest()?),
                repo_tags: (!tags.is_empty()).then_some(tags),
                layers: image.manifest.layer_digests()?.iter().map(path).collect(),
            })
        })
        .collect()
}

/// The oldest form's list of names, each with its topmost layer.
fn repositories(
    images: &[Saved],
) -> Result<BTreeMap<String, BTreeMap<String, String>>, ManifestError> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for image in images {
        let top = image.manifest.layer_digests()?.pop();
        let top = top
            .map(|digest| digest.hex().to_owned())
            .unwrap_or_default();
        for name in &image.names {
            if let Some(tag) = name.tag() {
                let tags = all.entry(name.repository_familiar()).or_default();
                tags.insert(tag.to_owned(), top.clone());
            }
        }
    }
    Ok(all)
}

struct Archive<W: Write>(tar::Builder<W>);

impl<W: Write> Archive<W> {
    fn directory(&mut self, name: &str) -> io::Result<()> {
        self.append(name, tar::EntryType::Directory, 0o755, 0, io::empty())
    }

    fn file(&mut self, name: &str, size: u64, data: impl Read) -> io::Result<()> {
        self.append(name, tar::EntryType::Regular, 0o644, size, data)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name, bytes.len() as u64, bytes)
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), SaveError> {
        Ok(self.bytes(name, &serde_json::to_vec(value)?)?)
    }

    /// Times are all zero: the same images make the same tar.
    fn append(
        &mut self,
        name: &str,
        kind: tar::EntryType,
        mode: u32,
        size: u64,
        data: impl Read,
    ) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        self.0.append_data(&mut header, name, data)
    }
}
