//! Which image of a list is the one for a machine.

use serde::Deserialize;

use super::PullError;
use crate::platform::Platform;
use crate::store::manifest::{Descriptor, ManifestError};

/// A list of manifests, Docker's or OCI's.
#[derive(Deserialize)]
struct List {
    manifests: Vec<Descriptor>,
}

/// The descriptor of the image for `wanted`, or for this machine.
pub(super) fn from_list(bytes: &[u8], wanted: Option<&Platform>) -> Result<Descriptor, PullError> {
    let list: List = serde_json::from_slice(bytes).map_err(|source| ManifestError::Json {
        what: "index",
        source,
    })?;
    let candidates = match wanted {
        Some(platform) => vec![platform.clone()],
        None => fitting_here(),
    };
    for candidate in &candidates {
        let found = list.manifests.iter().find(|descriptor| {
            platform_of(descriptor).is_some_and(|platform| same(&platform, candidate))
        });
        if let Some(found) = found {
            return Ok(found.clone());
        }
    }
    let mut available: Vec<String> = list
        .manifests
        .iter()
        .filter_map(platform_of)
        .map(|platform| super::media::printable(&platform.to_string()))
        .collect();
    available.sort();
    available.dedup();
    available.truncate(MOST_SHOWN);
    Err(PullError::NoMatch {
        wanted: candidates
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        available,
    })
}

/// So many platforms of a list are named when none fits.
const MOST_SHOWN: usize = 16;

/// This machine, and what else its kernel runs.
fn fitting_here() -> Vec<Platform> {
    let host = Platform::host();
    let also = (host.architecture == "amd64").then(|| Platform {
        architecture: "386".to_owned(),
        ..host.clone()
    });
    [host].into_iter().chain(also).collect()
}

/// Attestations and other attachments are for `unknown/unknown`.
fn platform_of(descriptor: &Descriptor) -> Option<Platform> {
    let platform = descriptor.platform.as_ref()?;
    (platform.os != "unknown").then(|| Platform {
        os: platform.os.clone(),
        architecture: platform.architecture.clone(),
        variant: platform.variant.clone(),
    })
}

/// Whether two platforms are the same, some variants being what an architecture means without.
pub(super) fn same(one: &Platform, other: &Platform) -> bool {
    one.os == other.os && one.architecture == other.architecture && variant(one) == variant(other)
}

fn variant(platform: &Platform) -> &str {
    let variant = platform.variant.as_deref().unwrap_or_default();
    match (platform.architecture.as_str(), variant) {
        ("arm64", "v8") | ("amd64", "v1") => "",
        ("arm", "") => "v7",
        (_, variant) => variant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use serde_json::json;

    fn chosen(platforms: &[&str], wanted: Option<&str>) -> Result<usize, String> {
        let digests: Vec<Digest> = platforms
            .iter()
            .map(|text| Digest::of(text.as_bytes()))
            .collect();
        let manifests: Vec<_> = platforms
            .iter()
            .zip(&digests)
            .map(|(text, digest)| {
                let mut parts = text.split('/');
                let mut part = || parts.next().unwrap_or_default();
                let (os, architecture, variant) = (part(), part(), part());
                let mut platform = json!({ "os": os, "architecture": architecture });
                if !variant.is_empty() {
                    platform["variant"] = variant.into();
                }
                json!({ "mediaType": "x", "size": 1, "digest": digest.as_str(),
                        "platform": platform })
            })
            .collect();
        let bytes = serde_json::to_vec(&json!({ "manifests": manifests })).unwrap();
        let wanted = wanted.map(|text| text.parse().unwrap());
        from_list(&bytes, wanted.as_ref())
            .map(|found| {
                let same = |digest: &Digest| digest.as_str() == found.digest;
                digests.iter().position(same).unwrap()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_platform_that_was_asked_for_is_chosen() {
        let list = [
            "unknown/unknown",
            "linux/s390x",
            "linux/arm/v6",
            "linux/arm/v7",
            "linux/arm64/v8",
        ];
        for (wanted, expected) in [
            ("linux/arm64", 4),
            ("linux/arm64/v8", 4),
            ("linux/arm", 3),
            ("linux/arm/v6", 2),
            ("linux/s390x", 1),
        ] {
            assert_eq!(chosen(&list, Some(wanted)), Ok(expected), "{wanted}");
        }
        assert_eq!(
            chosen(&list, Some("linux/amd64")).unwrap_err(),
            "no matching manifest for linux/amd64 in the manifest list entries"
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn this_machine_takes_its_own_before_what_it_also_runs() {
        assert_eq!(chosen(&["linux/386", "linux/amd64"], None), Ok(1));
        assert_eq!(chosen(&["linux/arm64", "linux/386"], None), Ok(1));
        assert!(chosen(&["linux/386"], Some("linux/amd64")).is_err());
        assert!(chosen(&[], None).is_err());
    }
}
