//! The connections: one pool for each kind of trust and proxy.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

use super::RegistryError;
use super::certificates::{self, Own};
use super::dns::SystemResolver;
use super::insecure::Insecure;
use super::proxy::Proxies;
use super::url::Url;

const CONNECT: Duration = Duration::from_secs(30);
/// How long a peer may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a registry may think, for instance about a blob that it has to move.
const ANSWER: Duration = Duration::from_secs(300);
const IDLE_CONNECTIONS: usize = 8;

/// Makes agents when they are needed and keeps them.
#[derive(Debug)]
pub(super) struct Agents {
    insecure: Insecure,
    directories: Vec<PathBuf>,
    user_agent: String,
    proxies: Proxies,
    made: Mutex<HashMap<Kind, Agent>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    trust: Trust,
    proxy: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Trust {
    /// No TLS at all.
    Plain,
    /// The system's authorities.
    System,
    /// Those and a host's own.
    Own(String),
    /// Anybody.
    Anybody,
}

impl Agents {
    pub(super) fn new(insecure: Insecure, directories: Vec<PathBuf>, user_agent: String) -> Agents {
        Agents {
            insecure,
            directories,
            user_agent,
            proxies: Proxies::from_environment(),
            made: Mutex::default(),
        }
    }

    /// Whether a registry may be spoken to without TLS, or with anybody who answers for it. One
    /// whose authorities were put into a directory must show a certificate of theirs.
    pub(super) fn allows_plain(&self, authority: &str) -> Result<bool, RegistryError> {
        Ok(self.insecure.contains(authority)
            && Own::read(&self.directories, authority)?
                .authorities
                .is_empty())
    }

    /// The agent for a URL.
    pub(super) fn get(&self, url: &Url) -> Result<Agent, RegistryError> {
        let proxy = self.proxies.of(url).map(str::to_owned);
        let own = if url.is_tls() {
            Own::read(&self.directories, url.authority())?
        } else {
            Own::default()
        };
        let trust = if !url.is_tls() {
            Trust::Plain
        } else if own.authorities.is_empty() && self.insecure.contains(url.authority()) {
            match own.client {
                None => Trust::Anybody,
                Some(_) => Trust::Own(url.authority().to_owned()),
            }
        } else if own.is_empty() {
            Trust::System
        } else {
            Trust::Own(url.authority().to_owned())
        };
        let kind = Kind { trust, proxy };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = made.get(&kind) {
            return Ok(agent.clone());
        }
        let agent = self.make(&kind, own, url)?;
        made.insert(kind, agent.clone());
        Ok(agent)
    }

    fn make(&self, kind: &Kind, own: Own, url: &Url) -> Result<Agent, RegistryError> {
        let proxy = match &kind.proxy {
            None => None,
            Some(text) => Some(
                ureq::Proxy::new(text).map_err(|error| RegistryError::Setting {
                    name: format!("{}_PROXY", url.scheme().to_uppercase()),
                    value: without_password(text),
                    problem: error.to_string(),
                })?,
            ),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed one by one, so that credentials stay where they belong.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A digest is that of the bytes as they are stored.
            .accept_encoding("identity")
            .user_agent(&self.user_agent)
            .proxy(proxy)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .timeout_recv_response(Some(ANSWER))
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .input_buffer_size(128 * 1024)
            .output_buffer_size(128 * 1024)
            .tls_config(tls(
                &kind.trust,
                own,
                self.insecure.contains(url.authority()),
            ))
            .build();
        Ok(Agent::with_parts(
            config,
            DefaultConnector::default(),
            SystemResolver::default(),
        ))
    }
}

fn tls(trust: &Trust, own: Own, insecure: bool) -> TlsConfig {
    let builder = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    match trust {
        Trust::Plain => builder.root_certs(RootCerts::Specific(Arc::default())),
        Trust::Anybody => builder
            .root_certs(RootCerts::Specific(Arc::default()))
            .disable_verification(true),
        Trust::System => builder.root_certs(RootCerts::Specific(Arc::new(certificates::system()))),
        Trust::Own(_) => {
            let anybody = insecure && own.authorities.is_empty();
            let mut roots = certificates::system();
            roots.extend(own.authorities);
            builder
                .root_certs(RootCerts::Specific(Arc::new(roots)))
                .client_cert(own.client)
                .disable_verification(anybody)
        }
    }
    .build()
}

/// `http://user:secret@proxy:3128` as it may be shown.
fn without_password(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => proxy.to_owned(),
    }
}
