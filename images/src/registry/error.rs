//! Why a registry did not do what it was asked; Docker's texts where Docker has one.

use super::credential::CredentialError;
use super::refusal::Refusal;

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer: no connection, no trust, or a connection that broke.
    #[error("{verb} \"{url}\": {reason}")]
    Transport {
        /// `Get`.
        verb: &'static str,
        /// Without its query, which may hold signatures.
        url: String,
        /// `dial tcp: lookup nosuch.test: no such host`.
        reason: String,
        /// What the user can do about it.
        hint: Option<String>,
        /// The same request may succeed later.
        transient: bool,
    },
    /// An answer that means nothing in this place.
    #[error("{verb} \"{url}\": received unexpected HTTP status: {status}{}", detail(.refusal))]
    Status {
        /// `Get`.
        verb: &'static str,
        /// Without its query.
        url: String,
        /// `500 Internal Server Error`.
        status: String,
        /// What the registry said about it.
        refusal: Refusal,
        /// The same request may succeed later.
        transient: bool,
    },
    /// The registry wants a password and there is none.
    #[error("{verb} \"{url}\": no basic auth credentials")]
    NoCredentials {
        /// `Get`.
        verb: &'static str,
        /// Without its query.
        url: String,
        /// As in image names.
        registry: String,
    },
    /// The registry knows who asks and does not let them, or says so of what does not exist.
    #[error(
        "pull access denied for {repository}, repository does not exist or may require \
         'rbox login': {refusal}"
    )]
    PullDenied {
        /// In familiar form.
        repository: String,
        /// As in image names.
        registry: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// The registry does not let them write.
    #[error("{refusal}")]
    PushDenied {
        /// As in image names.
        registry: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// A service that gives tokens said no.
    #[error("Get \"{url}\": {refusal}")]
    TokenDenied {
        /// The service.
        url: String,
        /// As in image names.
        registry: String,
        /// What it said.
        refusal: Refusal,
    },
    /// No such tag or digest.
    #[error("manifest for {name} not found: {refusal}")]
    ManifestUnknown {
        /// In familiar form.
        name: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// No such repository.
    #[error("repository {repository} not found: {refusal}")]
    RepositoryUnknown {
        /// In familiar form.
        repository: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// A manifest speaks of a blob that the registry has not.
    #[error("{repository} has no blob {digest}: {refusal}")]
    BlobUnknown {
        /// In familiar form.
        repository: String,
        /// Of the blob.
        digest: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// The bytes are not those that were asked for.
    #[error("{what} is damaged on its way: its digest is {found}, not {expected}")]
    Digest {
        /// `manifest for alpine:latest`.
        what: String,
        /// Asked for.
        expected: String,
        /// Received.
        found: String,
    },
    /// More bytes than an honest answer has.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// `manifest for alpine:latest`.
        what: String,
        /// The most that is read.
        limit: u64,
    },
    /// An answer outside the protocol.
    #[error("{url}: {problem}")]
    Protocol {
        /// Without its query.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What was to be sent cannot be read.
    #[error("cannot read what is to be uploaded: {0}")]
    Source(#[source] std::io::Error),
    /// The credentials cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// A directory of certificates makes no sense.
    #[error("{path}: {problem}")]
    Certificates {
        /// The file or directory.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An environment variable or setting cannot be used.
    #[error("invalid {name} {value:?}: {problem}")]
    Setting {
        /// `HTTPS_PROXY`.
        name: String,
        /// As given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The password is wrong.
    #[error("login attempt to {url} failed with status: {status}")]
    Login {
        /// `https://reg.test/v2/`.
        url: String,
        /// `401 Unauthorized`.
        status: String,
    },
}

impl RegistryError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            RegistryError::Transport { transient, .. }
            | RegistryError::Status { transient, .. } => *transient,
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RegistryError::Transport { hint, .. } => hint.clone(),
            RegistryError::NoCredentials { registry, .. }
            | RegistryError::PushDenied { registry, .. }
            | RegistryError::PullDenied { registry, .. }
            | RegistryError::TokenDenied { registry, .. } => Some(match registry.as_str() {
                "docker.io" => "log in with 'rbox login'".to_owned(),
                _ => format!("log in with 'rbox login {registry}'"),
            }),
            _ => None,
        }
    }
}

fn detail(refusal: &Refusal) -> String {
    if refusal.is_empty() {
        String::new()
    } else {
        format!(": {refusal}")
    }
}
