//! The registry's HTTP API (OCI distribution specification 1.1), as a client speaks it.

mod credential;

pub use credential::{Credential, CredentialError, Credentials, NoCredentials};
