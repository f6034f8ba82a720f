//! Whether a name and password are good.

use super::RegistryError;
use super::challenge::Challenge;
use super::client::Client;
use super::credential::Credential;
use super::exchange::Request;
use super::token::{Asked, basic, fetch};

/// What a registry gave for a good password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Login {
    /// To be kept in the password's place, where the registry gives one.
    pub identity_token: Option<String>,
}

impl Client {
    /// Shows a credential to a registry (`docker.io`, `reg.test:5000`).
    ///
    /// # Errors
    /// When it is not good, or the registry cannot be asked.
    pub fn check(&self, registry: &str, credential: &Credential) -> Result<Login, RegistryError> {
        let (base, challenge) = self.ping(registry)?;
        let mut login = Login::default();
        let authorization = match challenge {
            // It lets everybody in, so also this one.
            None => return Ok(login),
            Some(Challenge::Basic) => match credential {
                Credential::Password { username, secret } => basic(username, secret),
                Credential::IdentityToken(_) => {
                    return Err(RegistryError::NoCredentials {
                        verb: "Get",
                        url: base.shown(),
                        registry: registry.to_owned(),
                    });
                }
            },
            Some(Challenge::Bearer(bearer)) => {
                let given = fetch(
                    &self.exchange,
                    &Asked {
                        registry,
                        base: &base,
                        bearer: &bearer,
                        scopes: &[],
                        credential: Some(credential),
                        offline: true,
                    },
                )?;
                login.identity_token = given.refresh_token.clone();
                given.header()
            }
        };
        let answer = self.exchange.send(Request {
            authorization: Some(authorization),
            ..Request::get(base)
        })?;
        if !answer.status.is_success() {
            return Err(RegistryError::Login {
                url: answer.url.shown(),
                status: answer.status_text(),
            });
        }
        Ok(login)
    }
}
