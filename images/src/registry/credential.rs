//! Who one is to a registry. Where that is kept is the caller's business.

/// What a registry accepts as proof.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// As typed at `login`.
    Password {
        /// The user.
        username: String,
        /// Password or access token.
        secret: String,
    },
    /// An OAuth2 refresh token, which a registry gave in exchange for a password.
    IdentityToken(String),
}

/// Secrets do not get into messages.
impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credential::Password { username, .. } => write!(out, "Password({username}, …)"),
            Credential::IdentityToken(_) => out.write_str("IdentityToken(…)"),
        }
    }
}

/// Why credentials that are there cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot get credentials for {registry}: {reason}")]
pub struct CredentialError {
    /// As in image names, `docker.io`.
    pub registry: String,
    /// What went wrong.
    pub reason: String,
}

/// Looks credentials up.
pub trait Credentials: Send + Sync {
    /// Those for a registry (`docker.io`, `localhost:5000`), if there are any.
    ///
    /// # Errors
    /// When they cannot be read.
    fn get(&self, registry: &str) -> Result<Option<Credential>, CredentialError>;
}

/// Nobody is logged in anywhere.
#[derive(Debug, Clone, Copy)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn get(&self, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}
