//! A client of registries: finds out how each wants to be spoken to, and speaks so.
//!
//! ```text
//!  manifest, blob, upload …  ─▶ Client::call ─▶ endpoint: GET /v2/ once, https first
//!                                    │              └▶ Basic, Bearer or no challenge
//!                                    ├─ token for the scopes, kept while it lives
//!                                    └▶ Exchange::send: redirects, attempts ─▶ agent ─▶ TLS, DNS
//! ```

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::Method;

use super::RegistryError;
use super::agents::Agents;
use super::challenge::{self, Challenge};
use super::credential::{Credential, Credentials};
use super::exchange::{Answer, Exchange, Payload, Request, verb};
use super::insecure::Insecure;
use super::token::{Asked, Tokens, basic};
use super::url::Url;

/// How to speak to registries.
#[derive(Clone)]
pub struct ClientOptions {
    /// Who one is to them.
    pub credentials: Arc<dyn Credentials>,
    /// `HOST[:PORT]` or networks that may be spoken to by plain HTTP, or by TLS with anybody.
    /// Loopback always may.
    pub insecure: Vec<String>,
    /// Where directories with certificates of registries are, `/etc/docker/certs.d`.
    pub certificate_directories: Vec<PathBuf>,
    /// What to say one is, `rbox/0.1.0`.
    pub agent: String,
}

/// Speaks to registries; to be shared by threads.
pub struct Client {
    pub(super) exchange: Exchange,
    pub(super) tokens: Tokens,
    credentials: Arc<dyn Credentials>,
    endpoints: Mutex<HashMap<String, Slot>>,
}

/// Filled by the first who needs it while the others wait.
type Slot = Arc<Mutex<Option<Arc<Endpoint>>>>;

/// A registry that was found to be one.
pub(super) struct Endpoint {
    /// As in image names.
    pub(super) registry: String,
    /// `https://registry-1.docker.io/v2/`.
    pub(super) base: Url,
    pub(super) challenge: Option<Challenge>,
    credential: Option<Credential>,
}

/// One request to a registry's API.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) scopes: Vec<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload<'a>,
}

/// Where a request goes.
pub(super) enum Target {
    /// Below `/v2/`.
    Path(String),
    /// Where the registry said.
    Url(Url),
}

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The scope of one repository.
pub(super) fn scope(repository: &str, actions: &str) -> String {
    format!("repository:{repository}:{actions}")
}

impl Client {
    /// A client without any connection yet.
    ///
    /// # Errors
    /// An insecure registry that is no host and no network.
    pub fn new(options: ClientOptions) -> Result<Client, RegistryError> {
        let agents = Agents::new(
            Insecure::new(&options.insecure)?,
            options.certificate_directories,
            options.agent,
        );
        Ok(Client {
            exchange: Exchange {
                agents,
                backoff: Duration::from_millis(250),
            },
            tokens: Tokens::default(),
            credentials: options.credentials,
            endpoints: Mutex::default(),
        })
    }

    /// With another first wait between attempts, for tests.
    #[cfg(test)]
    pub(super) fn with_backoff(mut self, backoff: Duration) -> Client {
        self.exchange.backoff = backoff;
        self
    }

    /// How a registry is reached; asks it once.
    pub(super) fn endpoint(&self, registry: &str) -> Result<Arc<Endpoint>, RegistryError> {
        let slot = {
            let mut endpoints = self
                .endpoints
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            Slot::clone(endpoints.entry(registry.to_owned()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = slot.as_ref() {
            return Ok(Arc::clone(endpoint));
        }
        let (base, challenge) = self.ping(registry)?;
        let endpoint = Arc::new(Endpoint {
            registry: registry.to_owned(),
            base,
            challenge,
            credential: self.credentials.get(registry)?,
        });
        *slot = Some(Arc::clone(&endpoint));
        Ok(endpoint)
    }

    /// Asks for `/v2/`: by https, and by http where that is allowed.
    pub(super) fn ping(&self, registry: &str) -> Result<(Url, Option<Challenge>), RegistryError> {
        let host = match registry {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let secure = self.ping_at("https", host);
        if secure.is_ok() || !self.exchange.agents.allows_plain(host)? {
            return secure;
        }
        self.ping_at("http", host)
    }

    fn ping_at(&self, scheme: &str, host: &str) -> Result<(Url, Option<Challenge>), RegistryError> {
        let text = format!("{scheme}://{host}/v2/");
        let base = Url::parse(&text).ok_or_else(|| RegistryError::Protocol {
            url: text.clone(),
            problem: "is no address of a registry".to_owned(),
        })?;
        // A second attempt would only keep those waiting who mistyped a name.
        let answer = self.exchange.send_once(&mut Request::get(base.clone()))?;
        match answer.status.as_u16() {
            200..=299 => Ok((base, None)),
            401 => Ok((base, challenge_of(&answer))),
            // Some that want no name have nothing at this place.
            404 if answer.header("Docker-Distribution-Api-Version").is_some() => Ok((base, None)),
            _ => Err(answer.unexpected()),
        }
    }

    /// Asks a registry in the name of who is logged in. The answer may have any status but 401
    /// with a challenge that can be met.
    pub(super) fn call(&self, registry: &str, call: Call<'_>) -> Result<Answer, RegistryError> {
        let endpoint = self.endpoint(registry)?;
        let url = match call.target {
            Target::Url(url) => url,
            Target::Path(path) => endpoint.base.join(&format!("/v2/{path}")).ok_or_else(|| {
                RegistryError::Protocol {
                    url: endpoint.base.shown(),
                    problem: format!("has no address for {path:?}"),
                }
            })?,
        };
        // What a registry is told by another one's challenge stays with the registry.
        let own = url.same_origin(&endpoint.base);
        let authorization = match &endpoint.challenge {
            Some(challenge) if own => {
                self.authorization(&endpoint, challenge, &call.scopes, &call.method, &url)?
            }
            _ => None,
        };
        let mut request = Request {
            method: call.method,
            url,
            headers: call.headers,
            authorization,
            payload: call.payload,
        };
        let answer = match &mut request.payload {
            Payload::Stream(_) => self.exchange.send_once(&mut request)?,
            Payload::None => self.exchange.send(request.again())?,
            Payload::Bytes(bytes) => {
                let bytes = *bytes;
                self.exchange.send(Request {
                    payload: Payload::Bytes(bytes),
                    ..request.again()
                })?
            }
        };
        let asked = answer.status.as_u16() == 401 && own;
        let Some(challenge) = asked.then(|| challenge_of(&answer)).flatten() else {
            return Ok(answer);
        };
        // The token ended, or this place wants more than `/v2/` did.
        self.tokens.forget(registry, &call.scopes);
        if matches!(request.payload, Payload::Stream(_))
            || (challenge == Challenge::Basic && request.authorization.is_some())
        {
            return Ok(answer);
        }
        let authorization = self.authorization(
            &endpoint,
            &challenge,
            &call.scopes,
            &request.method,
            &request.url,
        )?;
        request.authorization = authorization;
        self.exchange.send(request)
    }

    fn authorization(
        &self,
        endpoint: &Endpoint,
        challenge: &Challenge,
        scopes: &[String],
        method: &Method,
        url: &Url,
    ) -> Result<Option<String>, RegistryError> {
        match challenge {
            Challenge::Basic => match &endpoint.credential {
                Some(Credential::Password { username, secret }) => {
                    Ok(Some(basic(username, secret)))
                }
                _ => Err(RegistryError::NoCredentials {
                    verb: verb(method),
                    url: url.shown(),
                    registry: endpoint.registry.clone(),
                }),
            },
            Challenge::Bearer(bearer) => {
                let asked = Asked {
                    registry: &endpoint.registry,
                    base: &endpoint.base,
                    bearer,
                    scopes,
                    credential: endpoint.credential.as_ref(),
                    offline: false,
                };
                self.tokens.authorization(&self.exchange, &asked).map(Some)
            }
        }
    }
}

impl Request<'_> {
    /// The same without its payload.
    fn again(&self) -> Request<'static> {
        Request {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            authorization: self.authorization.clone(),
            payload: Payload::None,
        }
    }
}

pub(super) fn challenge_of(answer: &Answer) -> Option<Challenge> {
    let headers = answer.headers.get_all("WWW-Authenticate");
    challenge::parse(headers.iter().filter_map(|value| value.to_str().ok()))
}
