//! From an answer that is no success to the error that Docker shows for it.

use super::RegistryError;
use super::exchange::Answer;
use super::refusal::Refusal;
use crate::reference::Reference;

const DENIED: &str = "requested access to the resource is denied";

/// For requests that read a repository.
pub(super) fn reading(reference: &Reference, answer: Answer) -> RegistryError {
    let code = answer.status.as_u16();
    if !matches!(code, 401 | 403 | 404) {
        return answer.unexpected();
    }
    let refusal = answer.refusal();
    if code == 404 && refusal.has("NAME_UNKNOWN") {
        return RegistryError::RepositoryUnknown {
            repository: reference.repository_familiar(),
            refusal,
        };
    }
    if code == 404 {
        return RegistryError::ManifestUnknown {
            name: reference.familiar(),
            refusal: refusal.or("MANIFEST_UNKNOWN", "manifest unknown"),
        };
    }
    pull_denied(reference, refusal)
}

/// For requests that write to one.
pub(super) fn writing(reference: &Reference, answer: Answer) -> RegistryError {
    let code = answer.status.as_u16();
    if !matches!(code, 401 | 403) {
        return answer.unexpected();
    }
    RegistryError::PushDenied {
        registry: reference.domain().to_owned(),
        refusal: answer.refusal().or("DENIED", DENIED),
    }
}

/// A service that gives no token to one who is not logged in says that the same way as a registry
/// that has no such repository.
pub(super) fn without_token(reference: &Reference, error: RegistryError) -> RegistryError {
    match error {
        RegistryError::TokenDenied { refusal, .. } => pull_denied(reference, refusal),
        other => other,
    }
}

fn pull_denied(reference: &Reference, refusal: Refusal) -> RegistryError {
    RegistryError::PullDenied {
        repository: reference.repository_familiar(),
        registry: reference.domain().to_owned(),
        refusal: refusal.or("DENIED", DENIED),
    }
}
