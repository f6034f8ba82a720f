//! How this machine and its user speak to registries.
//!
//! Registries without TLS are named by `--insecure-registry`, `RBOX_INSECURE_REGISTRIES`, and
//! `insecure-registries` in `/etc/rbox/config.json` and in Docker's `/etc/docker/daemon.json`.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rbox_images::{Client, ClientOptions, RegistryError};
use serde_json::Value;

use super::credentials::UserCredentials;
use super::failure::Context;
use super::{Engine, Failure};

/// The most that is read of a configuration file, bytes.
const LARGEST: u64 = 1024 * 1024;
const OWN_CONFIG: &str = "/etc/rbox/config.json";
const DOCKERS_CONFIG: &str = "/etc/docker/daemon.json";

impl Engine {
    /// A client in the user's name.
    pub fn registry_client(&self) -> Result<Client, Failure> {
        client(&self.insecure_registries, self.tell)
    }
}

/// A client in the user's name, for commands that need no state. `insecure` are registries named on
/// the command line; `tell` hears what is wrong with Docker's configuration.
pub fn client(insecure: &[String], tell: fn(&Failure)) -> Result<Client, Failure> {
    let mut insecure = insecure.to_vec();
    let given = std::env::var("RBOX_INSECURE_REGISTRIES").unwrap_or_default();
    insecure.extend(listed(&given));
    insecure.extend(configured(Path::new(OWN_CONFIG))?);
    match configured(Path::new(DOCKERS_CONFIG)) {
        Ok(named) => insecure.extend(named),
        Err(failure) => tell(&failure),
    }
    let options = ClientOptions {
        credentials: Arc::new(UserCredentials),
        insecure,
        certificate_directories: ["/etc/docker/certs.d", "/etc/rbox/certs.d"]
            .map(PathBuf::from)
            .to_vec(),
        agent: concat!("rbox/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    Client::new(options).map_err(|error| failure(&error))
}

/// What a user is told when a registry did not do what it was asked.
pub fn failure(error: &RegistryError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn listed(text: &str) -> Vec<String> {
    text.split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// `insecure-registries` of a configuration file; none where there is no file.
fn configured(path: &Path) -> Result<Vec<String>, Failure> {
    let what = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(LARGEST).read_to_end(&mut bytes).context(what)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context(what),
    };
    let config: Value =
        serde_json::from_slice(&bytes).context(|| format!("{} is damaged", path.display()))?;
    match config.get("insecure-registries") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => serde_json::from_value(list.clone())
            .context(|| format!("{}: insecure-registries", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insecure_registries_come_from_lists_and_files() {
        assert_eq!(listed(" a:1, b ,,"), ["a:1", "b"]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        assert_eq!(configured(&path).unwrap(), Vec::<String>::new());
        std::fs::write(
            &path,
            r#"{"insecure-registries": ["reg.test"], "debug": true}"#,
        )
        .unwrap();
        assert_eq!(configured(&path).unwrap(), ["reg.test"]);
        std::fs::write(&path, r#"{"insecure-registries": "reg.test"}"#).unwrap();
        assert!(
            configured(&path)
                .unwrap_err()
                .message
                .contains("insecure-registries")
        );
        std::fs::write(&path, "x").unwrap();
        assert!(
            configured(&path)
                .unwrap_err()
                .message
                .contains("is damaged")
        );
    }
}
