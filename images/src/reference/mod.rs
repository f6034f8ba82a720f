//! Image names: what a user types, its canonical form, and the familiar form shown back.

mod grammar;

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError, is_lower_hex};

const DEFAULT_DOMAIN: &str = "docker.io";
const LEGACY_DOMAIN: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
const DEFAULT_TAG: &str = "latest";
const LONGEST_PATH: usize = 255;

/// The name of an image: registry, repository, and a tag or digest or both.
///
/// Parsing fills in what Docker fills in: `alpine` is `docker.io/library/alpine:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image name; the texts are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Outside the grammar.
    #[error("invalid reference format")]
    Format,
    /// Capital letters in the repository.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// 64 hex digits are an image id, never a name.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    Hexadecimal(String),
    /// Over 255 characters.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    /// The part after `@`.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Reference {
    /// Parses without adding `:latest`, so that a bare repository can be told apart.
    ///
    /// # Errors
    /// Docker's texts, see [`ReferenceError`].
    pub fn parse_bare(text: &str) -> Result<Reference, ReferenceError> {
        if text.len() == 64 && is_lower_hex(text) {
            return Err(ReferenceError::Hexadecimal(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let name = remainder.split(':').next().unwrap_or_default();
        if name.chars().any(char::is_uppercase) {
            return Err(ReferenceError::Uppercase(name.to_owned()));
        }
        let parts = grammar::split(&remainder).ok_or(ReferenceError::Format)?;
        if !grammar::is_domain(domain) || !grammar::is_path(parts.path) {
            return Err(ReferenceError::Format);
        }
        if parts.path.len() > LONGEST_PATH {
            return Err(ReferenceError::TooLong);
        }
        Ok(Reference {
            domain: domain.to_owned(),
            path: parts.path.to_owned(),
            tag: parts.tag.map(str::to_owned),
            digest: parts.digest.map(str::parse).transpose()?,
        })
    }

    /// Adds `:latest` when there is neither tag nor digest.
    #[must_use]
    pub fn with_default_tag(mut self) -> Reference {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// The same repository with a digest and no tag, as `inspect` lists where an image came from.
    #[must_use]
    pub fn with_digest(&self, digest: &Digest) -> Reference {
        Reference {
            tag: None,
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// The registry's host and port, `docker.io` when none was typed.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository inside the registry, `library/alpine`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, absent only when a digest stands in its place.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The manifest digest after `@`.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The canonical repository, `docker.io/library/alpine`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The repository as Docker shows it: `alpine`, `user/app`, `reg.test:5000/a/b`.
    pub fn repository_familiar(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.repository();
        }
        let short = match self.path.strip_prefix(OFFICIAL) {
            Some(name) if !name.contains('/') => name,
            _ => &self.path,
        };
        // `docker.io/a.b/c` without its registry would be in the registry `a.b`.
        match split_domain(short) == (DEFAULT_DOMAIN, self.path.clone()) {
            true => short.to_owned(),
            false => self.repository(),
        }
    }

    /// The whole name as Docker shows it, `alpine:latest`.
    pub fn familiar(&self) -> String {
        self.with_suffixes(self.repository_familiar())
    }

    fn with_suffixes(&self, mut text: String) -> String {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest.as_str());
        }
        text
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        Ok(Reference::parse_bare(text)?.with_default_tag())
    }
}

impl fmt::Display for Reference {
    /// The canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_suffixes(self.repository()))
    }
}

/// Docker's rule: the first component is a host only if it looks like one.
fn split_domain(text: &str) -> (&str, String) {
    let (domain, remainder) = match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.chars().any(char::is_uppercase) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    };
    let domain = if domain == LEGACY_DOMAIN {
        DEFAULT_DOMAIN
    } else {
        domain
    };
    if domain == DEFAULT_DOMAIN && !remainder.contains('/') {
        return (domain, format!("{OFFICIAL}{remainder}"));
    }
    (domain, remainder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        text.parse::<Reference>().unwrap().to_string()
    }

    fn familiar(text: &str) -> String {
        text.parse::<Reference>().unwrap().familiar()
    }

    fn error(text: &str) -> String {
        text.parse::<Reference>().unwrap_err().to_string()
    }

    #[test]
    fn short_names_get_docker_io_library_and_latest() {
        assert_eq!(canonical("alpine"), "docker.io/library/alpine:latest");
        assert_eq!(canonical("alpine:3.20"), "docker.io/library/alpine:3.20");
        assert_eq!(
            canonical("training/webapp"),
            "docker.io/training/webapp:latest"
        );
        assert_eq!(
            canonical("index.docker.io/alpine"),
            "docker.io/library/alpine:latest"
        );
        assert_eq!(canonical("localhost/x"), "localhost/x:latest");
        assert_eq!(canonical("reg.test:5000/a/b:c"), "reg.test:5000/a/b:c");
        assert_eq!(canonical("[::1]:5000/a"), "[::1]:5000/a:latest");
        assert_eq!(canonical("host:5000"), "docker.io/library/host:5000");
        assert_eq!(canonical("Foo/bar"), "Foo/bar:latest");
    }

    #[test]
    fn familiar_names_lose_what_was_filled_in() {
        assert_eq!(familiar("docker.io/library/alpine"), "alpine:latest");
        assert_eq!(familiar("docker.io/a/b:c"), "a/b:c");
        assert_eq!(familiar("reg.test:5000/a/b:c"), "reg.test:5000/a/b:c");
        assert_eq!(
            familiar("library/alpine/deep"),
            "library/alpine/deep:latest"
        );
    }

    #[test]
    fn what_would_be_read_as_a_registry_keeps_its_own() {
        for text in ["docker.io/a.b/c:latest", "docker.io/localhost/c:1"] {
            assert_eq!(familiar(text), text);
        }
        assert_eq!(familiar("index.docker.io/a.b/c:1"), "docker.io/a.b/c:1");
    }

    #[test]
    fn a_digest_takes_the_place_of_latest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference: Reference = format!("alpine@{digest}").parse().unwrap();
        assert_eq!(reference.tag(), None);
        assert_eq!(reference.familiar(), format!("alpine@{digest}"));
        let both: Reference = format!("alpine:3@{digest}").parse().unwrap();
        assert_eq!(
            (both.tag(), both.digest().unwrap().as_str()),
            (Some("3"), digest.as_str())
        );
    }

    #[test]
    fn where_an_image_came_from_has_no_tag() {
        let digest = Digest::of(b"manifest");
        let tagged: Reference = "reg.test:5000/a/b:c".parse().unwrap();
        let from = tagged.with_digest(&digest);
        assert_eq!(from.familiar(), format!("reg.test:5000/a/b@{digest}"));
        assert_eq!(from.tag(), None);
    }

    #[test]
    fn errors_are_dockers() {
        assert_eq!(
            error("Alpine"),
            "invalid reference format: repository name (library/Alpine) must be lowercase"
        );
        assert_eq!(
            error("Bad Name"),
            "invalid reference format: repository name (library/Bad Name) must be lowercase"
        );
        for bad in [
            "",
            "alpine:bad tag",
            "a//b",
            "a:",
            "-a",
            "a..b",
            "a/",
            "/a",
            "x@",
            "a b",
            "a:b:c",
        ] {
            assert_eq!(error(bad), "invalid reference format", "{bad:?}");
        }
        assert_eq!(
            error(&"a".repeat(64)),
            format!(
                "invalid repository name ({}), cannot specify 64-byte hexadecimal strings",
                "a".repeat(64)
            )
        );
        assert_eq!(
            error(&format!("x/{}", "b".repeat(256))),
            "repository name must not be more than 255 characters"
        );
        assert_eq!(
            error(&format!("x@sha256:{}", "b".repeat(40))),
            "invalid checksum digest length"
        );
    }

    #[test]
    fn separators_follow_the_distribution_grammar() {
        for good in ["a_b", "a__b", "a-b", "a---b", "a.b", "x:_t", "x:T.-9"] {
            assert!(good.parse::<Reference>().is_ok(), "{good}");
        }
        for bad in ["a___b", "a_.b", "a._b", "x:.t", "x:-t", "a-"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        assert!(
            format!("x:{}", "t".repeat(128))
                .parse::<Reference>()
                .is_ok()
        );
        assert!(
            format!("x:{}", "t".repeat(129))
                .parse::<Reference>()
                .is_err()
        );
    }
}
