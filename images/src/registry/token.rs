//! Tokens that a service gives for a name and password, for a refresh token, or for nothing
//! (distribution project: "Token Authentication Specification", "OAuth2 Token Authentication").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use ureq::http::{HeaderValue, Method};

use super::RegistryError;
use super::challenge::Bearer;
use super::credential::Credential;
use super::exchange::{Exchange, Payload, Request};
use super::refusal::Refusal;
use super::url::{Url, encode};

/// What the service knows this client as; some give refresh tokens only to known ones.
const CLIENT_ID: &str = "docker";
/// The most of an answer that is read, bytes.
const LARGEST: u64 = 1024 * 1024;
/// What a token without `expires_in` lives for, which the specification says.
const USUAL_LIFE: u64 = 60;
/// A token that ends this soon is not used any more.
const MARGIN: Duration = Duration::from_secs(10);

/// Whom to ask, and in whose name.
pub(super) struct Asked<'a> {
    /// As in image names, for messages.
    pub(super) registry: &'a str,
    /// The registry's own address.
    pub(super) base: &'a Url,
    pub(super) bearer: &'a Bearer,
    /// `repository:library/alpine:pull`.
    pub(super) scopes: &'a [String],
    pub(super) credential: Option<&'a Credential>,
    /// Whether a refresh token is wanted, too.
    pub(super) offline: bool,
}

/// What the service gave.
pub(super) struct Given {
    token: String,
    life: Duration,
    pub(super) refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Tokens of this process, by registry and scopes.
#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<HashMap<String, (String, Instant)>>,
}

impl Tokens {
    /// The `Authorization` header for some scopes, from what is known or from the service.
    pub(super) fn authorization(
        &self,
        exchange: &Exchange,
        asked: &Asked<'_>,
    ) -> Result<String, RegistryError> {
        let key = key(asked.registry, asked.scopes);
        let known = self.lock().get(&key).cloned();
        if let Some((header, _)) = known.filter(|(_, end)| *end > Instant::now() + MARGIN) {
            return Ok(header);
        }
        let given = fetch(exchange, asked)?;
        let header = given.header();
        self.lock()
            .insert(key, (header.clone(), Instant::now() + given.life));
        Ok(header)
    }

    /// Forgets a token that the registry does not take any more.
    pub(super) fn forget(&self, registry: &str, scopes: &[String]) {
        self.lock().remove(&key(registry, scopes));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(registry: &str, scopes: &[String]) -> String {
    format!("{registry} {}", scopes.join(" "))
}

impl Given {
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

/// `Basic …` (RFC 7617).
pub(super) fn basic(username: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{secret}")))
}

/// Asks the service.
pub(super) fn fetch(exchange: &Exchange, asked: &Asked<'_>) -> Result<Given, RegistryError> {
    let realm = realm(asked)?;
    let answer = match asked.credential {
        Some(Credential::IdentityToken(refresh)) => {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", &asked.bearer.service),
                ("client_id", CLIENT_ID),
                ("scope", &asked.scopes.join(" ")),
                ("refresh_token", refresh),
            ]
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .join("&");
            exchange.send(Request {
                method: Method::POST,
                headers: vec![(
                    "Content-Type",
                    "application/x-www-form-urlencoded".to_owned(),
                )],
                payload: Payload::Bytes(form.as_bytes()),
                ..Request::get(realm.clone())
            })?
        }
        other => {
            let mut parameters: Vec<(&str, &str)> = Vec::new();
            let mut authorization = None;
            if let Some(Credential::Password { username, secret }) = other {
                parameters.push(("account", username));
                authorization = Some(basic(username, secret));
                if asked.offline {
                    parameters.push(("offline_token", "true"));
                }
            }
            parameters.push(("client_id", CLIENT_ID));
            if !asked.bearer.service.is_empty() {
                parameters.push(("service", &asked.bearer.service));
            }
            parameters.extend(asked.scopes.iter().map(|scope| ("scope", scope.as_str())));
            let url = parameters
                .into_iter()
                .try_fold(realm.clone(), |url, (name, value)| url.with(name, value))
                .ok_or_else(|| outside(&realm, "its address is too long"))?;
            exchange.send(Request {
                authorization,
                ..Request::get(url)
            })?
        }
    };
    if matches!(answer.status.as_u16(), 400 | 401 | 403) {
        let url = answer.url.shown();
        let refusal = answer.refusal();
        let said = match asked.credential {
            None => "authentication required",
            Some(_) => "incorrect username or password",
        };
        return Err(RegistryError::TokenDenied {
            url,
            registry: asked.registry.to_owned(),
            refusal: if refusal.is_empty() {
                Refusal::of("UNAUTHORIZED", said)
            } else {
                refusal
            },
        });
    }
    if !answer.status.is_success() {
        return Err(answer.unexpected());
    }
    given(&realm, &answer.bytes("a token", LARGEST)?)
}

/// The service's address, if a secret may go there.
fn realm(asked: &Asked<'_>) -> Result<Url, RegistryError> {
    let text = &asked.bearer.realm;
    let realm = Url::parse(text).ok_or_else(|| {
        outside(
            asked.base,
            &format!("sends to {:?} for a token", super::refusal::plain(text)),
        )
    })?;
    if asked.base.is_tls() && !realm.is_tls() {
        return Err(outside(
            asked.base,
            &format!("sends from https to {} for a token", realm.shown()),
        ));
    }
    Ok(realm)
}

fn given(realm: &Url, body: &[u8]) -> Result<Given, RegistryError> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| outside(realm, &format!("gave no token: {error}")))?;
    let token = body.token.or(body.access_token).unwrap_or_default();
    let usable = HeaderValue::from_str(&token).is_ok_and(|value| value.to_str().is_ok());
    if token.is_empty() || !usable {
        return Err(outside(
            realm,
            "authorization server did not include a token in the response",
        ));
    }
    let life = body.expires_in.unwrap_or(USUAL_LIFE).max(USUAL_LIFE);
    Ok(Given {
        token,
        // A day is as good as for ever, and cannot overflow a clock.
        life: Duration::from_secs(life.min(24 * 3600)),
        refresh_token: body.refresh_token.filter(|token| !token.is_empty()),
    })
}

fn outside(url: &Url, problem: &str) -> RegistryError {
    RegistryError::Protocol {
        url: url.shown(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<Given, RegistryError> {
        super::given(&Url::parse("https://t/").unwrap(), text.as_bytes())
    }

    #[test]
    fn either_name_of_a_token_will_do_and_lives_are_bounded() {
        let one = given(r#"{"access_token":"a","expires_in":1}"#).unwrap();
        assert_eq!(
            (one.header().as_str(), one.life.as_secs()),
            ("Bearer a", 60)
        );
        let one = given(r#"{"token":"t","expires_in":18446744073709551615,"refresh_token":"r"}"#);
        let one = one.unwrap();
        assert_eq!(one.life.as_secs(), 24 * 3600);
        assert_eq!(one.refresh_token.as_deref(), Some("r"));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for bad in [
            "",
            "{}",
            r#"{"token":""}"#,
            r#"{"token":"a\nb"}"#,
            "[]",
            r#"{"token":"é"}"#,
        ] {
            assert!(given(bad).is_err(), "{bad:?}");
        }
    }
}
