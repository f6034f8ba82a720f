//! Images described by `index.json`.

use serde::Deserialize;

use super::archive::Archive;
use super::{Described, LoadError, docker, parse_name};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::store::index::{IMAGE_NAME, REF_NAME};
use crate::store::manifest::{Descriptor, Manifest, manifest_digest};

#[derive(Deserialize)]
struct ArchiveIndex {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// Set by BuildKit on things that are about an image and are none.
const ATTESTATION: &str = "vnd.docker.reference.type";
/// An index in an index in an index has no meaning.
const DEEPEST: usize = 3;

/// `None` when the archive has no such description.
pub(super) fn describe(archive: &Archive) -> Result<Option<Vec<Described>>, LoadError> {
    let Some(spooled) = archive.find("index.json") else {
        return Ok(None);
    };
    let index: ArchiveIndex = spooled.json("index")?;
    let mut images: Vec<Described> = Vec::new();
    for descriptor in &index.manifests {
        if !is_image(descriptor) {
            continue;
        }
        let names = names(descriptor)?;
        let chosen = choose(archive, descriptor, 0)?;
        // One descriptor a name is how several names are written.
        let known = images.iter_mut().find(|image| {
            image
                .manifest
                .as_ref()
                .is_some_and(|(known, _)| known.digest == chosen.digest)
        });
        match known {
            Some(image) => image.names.extend(names),
            None => images.push(image(archive, &chosen, names)?),
        }
    }
    if images.is_empty() {
        return Ok(None);
    }
    for image in &mut images {
        if image.names.is_empty() {
            image.names = docker::names_of(archive, &image.config)?;
        }
        let mut seen = Vec::new();
        image.names.retain(|name| {
            let new = !seen.contains(name);
            seen.push(name.clone());
            new
        });
    }
    Ok(Some(images))
}

fn is_image(descriptor: &Descriptor) -> bool {
    descriptor.annotation(ATTESTATION).is_none()
        && descriptor
            .platform
            .as_ref()
            .is_none_or(|platform| platform.os != "unknown")
        && (descriptor.is_index() || descriptor.is_manifest())
}

/// The full name if there is one; a lone tag names nothing.
fn names(descriptor: &Descriptor) -> Result<Vec<Reference>, LoadError> {
    if let Some(name) = descriptor.annotation(IMAGE_NAME) {
        return Ok(vec![parse_name(name)?]);
    }
    match descriptor.annotation(REF_NAME) {
        Some(name) if name.contains(['/', ':']) => Ok(vec![parse_name(name)?]),
        _ => Ok(Vec::new()),
    }
}

/// The manifest itself, or the one of an index that is for this machine.
fn choose(
    archive: &Archive,
    descriptor: &Descriptor,
    depth: usize,
) -> Result<Descriptor, LoadError> {
    if !descriptor.is_index() || depth >= DEEPEST {
        return Ok(descriptor.clone());
    }
    let digest = manifest_digest(descriptor)?;
    let index: ArchiveIndex = archive.require_blob(&digest)?.json("index")?;
    let mut present = Vec::new();
    for candidate in index
        .manifests
        .iter()
        .filter(|candidate| is_image(candidate))
    {
        if archive.blob(&manifest_digest(candidate)?).is_some() {
            present.push(candidate);
        }
    }
    let native = present
        .iter()
        .find(|candidate| platform(candidate).is_some_and(is_native));
    let runnable = || {
        present
            .iter()
            .find(|candidate| platform(candidate).is_none_or(|p| p.runs_here()))
    };
    if let Some(chosen) = native.or_else(runnable) {
        return choose(archive, chosen, depth + 1);
    }
    match present.as_slice() {
        // It was saved on purpose; running it is refused later.
        [only] => choose(archive, only, depth + 1),
        [] => Err(LoadError::Missing(format!("the manifests of {digest}"))),
        several => {
            let found: Vec<String> = several
                .iter()
                .filter_map(|d| platform(d))
                .map(|p| p.to_string())
                .collect();
            let host = Platform::host().to_string();
            Err(LoadError::Platform {
                host,
                found: found.join(", "),
            })
        }
    }
}

fn is_native(platform: Platform) -> bool {
    let host = Platform::host();
    platform.os == host.os && platform.architecture == host.architecture
}

fn platform(descriptor: &Descriptor) -> Option<Platform> {
    let platform = descriptor.platform.clone()?;
    let (os, architecture) = (platform.os, platform.architecture);
    Some(Platform {
        os,
        architecture,
        variant: platform.variant,
    })
}

fn image(
    archive: &Archive,
    descriptor: &Descriptor,
    names: Vec<Reference>,
) -> Result<Described, LoadError> {
    let spooled = archive.require_blob(&manifest_digest(descriptor)?)?;
    let manifest = Manifest::parse(&spooled.read()?)?;
    let config = archive.require_blob(&manifest.config_digest()?)?.clone();
    let mut layers = Vec::with_capacity(manifest.layers.len());
    for digest in manifest.layer_digests()? {
        layers.push(archive.require_blob(&digest)?.clone());
    }
    Ok(Described {
        manifest: Some((descriptor.clone(), spooled.clone())),
        config,
        layers,
        names,
    })
}
