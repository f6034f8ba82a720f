//! The registry's HTTP API (OCI distribution specification 1.1), as a client speaks it.
//!
//! All that comes from a registry is hostile: answers are read up to a bound, digests are those of
//! the bytes that came, redirects and token services take nobody from https to http, and a
//! password goes to nobody but the registry and the service that it names.

mod agents;
mod blob;
mod certificates;
mod challenge;
mod client;
mod credential;
mod denial;
mod dns;
mod download;
mod error;
mod exchange;
mod insecure;
mod login;
mod manifest;
mod proxy;
mod refusal;
mod tags;
mod token;
mod upload;
mod url;

#[cfg(test)]
mod tests;

pub use blob::BlobBody;
pub use client::{Client, ClientOptions};
pub use credential::{Credential, CredentialError, Credentials, NoCredentials};
pub use download::Download;
pub use error::RegistryError;
pub use login::Login;
pub use manifest::Fetched;
pub use refusal::Refusal;
