//! Manifests: fetched whole and checked.

use ureq::http::Method;

use super::client::{Call, Client, Target, scope};
use super::exchange::{Answer, Payload};
use super::{RegistryError, denial};
use crate::digest::Digest;
use crate::reference::Reference;

/// The most that is read of a manifest, bytes; what registries take, too.
pub(super) const LARGEST: u64 = 4 * 1024 * 1024;

/// Every form of manifest that an image can have here.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// `application/vnd.oci.image.index.v1+json`.
    pub media_type: String,
    /// Of its bytes.
    pub digest: Digest,
    /// JSON, unchecked.
    pub bytes: Vec<u8>,
}

impl Client {
    /// The manifest or index that a name means; by its digest where the name has one.
    ///
    /// # Errors
    /// Where there is none, or bytes that are not those of the digest.
    pub fn manifest(&self, reference: &Reference) -> Result<Fetched, RegistryError> {
        let at = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.as_str(),
            (None, tag) => tag.unwrap_or("latest"),
        };
        self.manifest_called(reference, at, reference.digest())
    }

    /// The manifest of a digest in the name's repository, such as one that an index lists.
    ///
    /// # Errors
    /// As [`Client::manifest`].
    pub fn manifest_at(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Fetched, RegistryError> {
        self.manifest_called(reference, digest.as_str(), Some(digest))
    }

    /// The digest that a tag has in the registry now, without the manifest itself; `None` where
    /// there is no such tag, or the registry does not tell.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub fn manifest_digest(&self, reference: &Reference) -> Result<Option<Digest>, RegistryError> {
        let at = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.as_str(),
            (None, tag) => tag.unwrap_or("latest"),
        };
        let answer = self.ask_manifest(reference, Method::HEAD, at)?;
        match answer.status.as_u16() {
            200 => Ok(told_digest(&answer)),
            404 => Ok(None),
            _ => Err(denial::reading(reference, answer)),
        }
    }

    fn manifest_called(
        &self,
        reference: &Reference,
        at: &str,
        expected: Option<&Digest>,
    ) -> Result<Fetched, RegistryError> {
        let answer = self.ask_manifest(reference, Method::GET, at)?;
        if !answer.status.is_success() {
            return Err(denial::reading(reference, answer));
        }
        let what = format!("manifest for {}", reference.familiar());
        let expected = expected.cloned().or_else(|| told_digest(&answer));
        let told = answer.header("Content-Type").map(essence);
        let bytes = answer.bytes(&what, LARGEST)?;
        let digest = Digest::of(&bytes);
        match expected {
            Some(expected) if expected != digest => Err(RegistryError::Digest {
                what,
                expected: expected.to_string(),
                found: digest.to_string(),
            }),
            _ => Ok(Fetched {
                media_type: media_type(told, &bytes),
                digest,
                bytes,
            }),
        }
    }

    fn ask_manifest(
        &self,
        reference: &Reference,
        method: Method,
        at: &str,
    ) -> Result<Answer, RegistryError> {
        let call = Call {
            method,
            target: Target::Path(format!("{}/manifests/{at}", reference.path())),
            scopes: vec![scope(reference.path(), "pull")],
            headers: vec![("Accept", ACCEPT.to_owned())],
            payload: Payload::None,
        };
        self.call(reference.domain(), call)
            .map_err(|error| denial::without_token(reference, error))
    }
}

fn told_digest(answer: &Answer) -> Option<Digest> {
    answer.header("Docker-Content-Digest")?.parse().ok()
}

/// Without `; charset=utf-8`.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// What the answer says it is; where that says nothing, what the manifest says itself.
fn media_type(told: Option<String>, bytes: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        #[serde(default)]
        media_type: String,
    }
    match told {
        Some(told) if told.starts_with("application/vnd.") => told,
        _ => {
            serde_json::from_slice::<Typed>(bytes).map_or_else(|_| String::new(), |t| t.media_type)
        }
    }
}
