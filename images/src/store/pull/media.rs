//! What a manifest points at, by media type: only what makes an image is pulled.

use super::PullError;
use crate::digest::short;
use crate::store::manifest::{Descriptor, Manifest, OCI_CONFIG};

const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// Plain, gzip and zstd; how a layer is really packed is told by its bytes.
const LAYERS: [&str; 6] = [
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
];

/// Refuses, before anything is downloaded, a manifest of something else than an image (charts,
/// signatures and whatever else registries keep) and layers that cannot be had.
pub(super) fn check(manifest: &Manifest) -> Result<(), PullError> {
    if manifest.schema_version != 2 {
        return Err(PullError::Schema(manifest.schema_version));
    }
    let config = &manifest.config.media_type;
    if config != OCI_CONFIG && config != DOCKER_CONFIG {
        return Err(PullError::NoImage(printable(config)));
    }
    manifest.layers.iter().try_for_each(check_layer)
}

fn check_layer(layer: &Descriptor) -> Result<(), PullError> {
    let media_type = layer.media_type.as_str();
    if LAYERS.contains(&media_type) {
        return Ok(());
    }
    let problem = if media_type.contains("nondistributable") || media_type.contains("foreign") {
        "may not be distributed by registries"
    } else if media_type.ends_with("+encrypted") {
        "is encrypted"
    } else {
        "is of a kind that no image has"
    };
    Err(PullError::Layer {
        layer: short(&printable(&layer.digest)).to_owned(),
        problem,
        media_type: printable(media_type),
    })
}

/// A registry's text without what a terminal would obey, and of sane length.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 200;
    let shown = text.chars().take(LONGEST);
    shown
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn refusal(config: &str, layer: &str) -> Option<String> {
        let digest = Digest::of(b"");
        let manifest = Manifest::new(
            Descriptor::new(config, &digest, 1),
            vec![Descriptor::new(layer, &digest, 1)],
        );
        check(&manifest).err().map(|error| error.to_string())
    }

    #[test]
    fn images_of_both_standards_are_taken() {
        for layer in LAYERS {
            assert_eq!(refusal(OCI_CONFIG, layer), None);
            assert_eq!(refusal(DOCKER_CONFIG, layer), None);
        }
    }

    #[test]
    fn whatever_is_no_image_is_refused_by_name() {
        assert_eq!(
            refusal("application/vnd.cncf.helm.config.v1+json", LAYERS[0]).unwrap(),
            "unsupported media type application/vnd.cncf.helm.config.v1+json"
        );
        for (layer, problem) in [
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                "is encrypted",
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "may not be distributed by registries",
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                "may not be distributed by registries",
            ),
            ("text/\u{1b}[2Jplain", "is of a kind that no image has"),
        ] {
            let text = refusal(OCI_CONFIG, layer).unwrap();
            assert!(text.contains(problem), "{text}");
            assert!(text.contains(&layer.replace('\u{1b}', "?")), "{text}");
        }
    }
}
