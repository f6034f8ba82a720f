//! The client of registries that commands use.

use std::sync::Arc;

use rbox_images::{Client, ClientOptions, NoCredentials};

use super::Engine;
use super::failure::Failure;

impl Engine {
    /// A client with this machine's settings; it has no connection yet.
    pub fn registry_client(&self) -> Result<Client, Failure> {
        let options = ClientOptions {
            credentials: Arc::new(NoCredentials),
            insecure: Vec::new(),
            certificate_directories: ["/etc/rbox/certs.d", "/etc/docker/certs.d"]
                .map(Into::into)
                .to_vec(),
            agent: concat!("rbox/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        Client::new(options).map_err(|error| Failure::new(error.to_string()))
    }
}
