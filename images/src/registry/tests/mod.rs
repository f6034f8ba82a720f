//! The client against a small server in this process.

mod authentication;
mod reading;
mod server;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use super::{Client, ClientOptions, Credential, CredentialError, Credentials, NoCredentials};
use crate::reference::Reference;
use server::Server;

/// One credential for everybody.
struct One(Credential);

impl Credentials for One {
    fn get(&self, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(Some(self.0.clone()))
    }
}

fn options(credentials: Arc<dyn Credentials>) -> ClientOptions {
    ClientOptions {
        credentials,
        insecure: Vec::new(),
        certificate_directories: Vec::new(),
        agent: "rbox/test".to_owned(),
    }
}

fn client_of(credentials: impl Credentials + 'static) -> Client {
    let client = Client::new(options(Arc::new(credentials))).unwrap();
    client.with_backoff(Duration::from_millis(1))
}

fn client() -> Client {
    client_of(NoCredentials)
}

fn password() -> Credential {
    Credential::Password {
        username: "ann".to_owned(),
        secret: "s3cret".to_owned(),
    }
}

fn name(server: &Server, rest: &str) -> Reference {
    format!("{}/{rest}", server.host()).parse().unwrap()
}
