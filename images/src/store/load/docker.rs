//! Images described by docker-archive's `manifest.json`, in both generations: layers as
//! `<id>/layer.tar` before Docker 25, as `blobs/sha256/<hex>` since.

use serde::Deserialize;

use super::archive::{Archive, Spooled};
use super::{Described, LoadError, parse_name};
use crate::reference::Reference;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ArchiveImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// `None` when the archive has no such description.
pub(super) fn describe(archive: &Archive) -> Result<Option<Vec<Described>>, LoadError> {
    let Some(spooled) = archive.find("manifest.json") else {
        return Ok(None);
    };
    let images: Vec<ArchiveImage> = spooled.json("manifest")?;
    let mut described = Vec::with_capacity(images.len());
    for image in images {
        let config = archive.require(&image.config)?.clone();
        let mut layers = Vec::new();
        for layer in image.layers.unwrap_or_default() {
            layers.push(archive.require(&layer)?.clone());
        }
        let names = parse_names(image.repo_tags.unwrap_or_default())?;
        described.push(Described {
            manifest: None,
            config,
            layers,
            names,
        });
    }
    Ok((!described.is_empty()).then_some(described))
}

/// The names that `manifest.json` gives to the image with this config.
pub(super) fn names_of(archive: &Archive, config: &Spooled) -> Result<Vec<Reference>, LoadError> {
    let Some(spooled) = archive.find("manifest.json") else {
        return Ok(Vec::new());
    };
    let images: Vec<ArchiveImage> = spooled.json("manifest")?;
    let mut names = Vec::new();
    for image in images {
        if archive
            .find(&image.config)
            .is_some_and(|found| found.digest == config.digest)
        {
            names.extend(parse_names(image.repo_tags.unwrap_or_default())?);
        }
    }
    Ok(names)
}

fn parse_names(texts: Vec<String>) -> Result<Vec<Reference>, LoadError> {
    texts.iter().map(|text| parse_name(text)).collect()
}
