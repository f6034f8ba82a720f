//! Who one is to registries, kept as Docker's command line keeps it, so that what is logged in
//! there is logged in here: `config.json` below `$DOCKER_CONFIG` or `~/.docker`, and the helper
//! programs that it names.
//!
//! ```text
//!  registry ──┬─ credHelpers has it ─▶ docker-credential-NAME get
//!             ├─ credsStore is set ──▶ docker-credential-NAME get
//!             └─ else ───────────────▶ auths[registry] of config.json: name and password in base64
//! ```

mod config_file;
mod entry;
mod helper;

use rbox_images::{Credential, CredentialError, Credentials};

use config_file::ConfigFile;
use helper::Helper;

use super::Failure;

/// What the registry of Docker Hub is called where credentials are kept.
pub const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The user's credentials; the file is read at each look-up.
#[derive(Debug, Clone, Copy)]
pub struct UserCredentials;

/// Where a credential went.
#[derive(Debug, PartialEq, Eq)]
pub enum Stored {
    /// To a helper program.
    Helper,
    /// Into this file, readable by whoever may read the file.
    Plain(String),
}

impl Credentials for UserCredentials {
    fn get(&self, registry: &str) -> Result<Option<Credential>, CredentialError> {
        find(registry).map_err(|failure| CredentialError {
            registry: registry.to_owned(),
            reason: failure.message,
        })
    }
}

/// What is kept for a registry (`docker.io`, `localhost:5000`).
pub fn find(registry: &str) -> Result<Option<Credential>, Failure> {
    let file = ConfigFile::read()?;
    let key = key(registry);
    match file.helper(key).map(Helper::new).transpose()? {
        Some(helper) => helper.get(key),
        None => file.entry(key),
    }
}

/// Keeps a credential. `username` goes with an identity token, which says nothing of its owner.
pub fn store(registry: &str, username: &str, credential: &Credential) -> Result<Stored, Failure> {
    let mut file = ConfigFile::read()?;
    let key = key(registry);
    if let Some(helper) = file.helper(key).map(Helper::new).transpose()? {
        helper.store(key, credential)?;
        // As Docker marks who is logged in.
        file.set_entry(key, serde_json::json!({}));
        file.write()?;
        return Ok(Stored::Helper);
    }
    file.set_entry(key, entry::encode(username, credential));
    file.write()?;
    Ok(Stored::Plain(file.path().display().to_string()))
}

/// Forgets what is kept for a registry; nothing where nothing is.
pub fn erase(registry: &str) -> Result<(), Failure> {
    let mut file = ConfigFile::read()?;
    let key = key(registry);
    let helped = match file.helper(key).map(Helper::new).transpose()? {
        Some(helper) => helper.erase(key),
        None => Ok(()),
    };
    if file.remove_entry(key) {
        file.write()?;
    }
    helped
}

/// `localhost:5000` of `https://localhost:5000/v2/`; Docker Hub by any of its names.
pub fn hostname(typed: &str) -> &str {
    let rest = typed
        .strip_prefix("https://")
        .or_else(|| typed.strip_prefix("http://"))
        .unwrap_or(typed);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" | "" => "docker.io",
        host => host,
    }
}

fn key(registry: &str) -> &str {
    match registry {
        "docker.io" => DOCKER_HUB,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{hostname, key};

    #[test]
    fn registries_are_known_by_their_hosts() {
        for (typed, host) in [
            ("localhost:5000", "localhost:5000"),
            ("https://reg.test/v2/", "reg.test"),
            ("http://reg.test:5000", "reg.test:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
        ] {
            assert_eq!(hostname(typed), host);
        }
        assert_eq!(key("docker.io"), "https://index.docker.io/v1/");
        assert_eq!(key("reg.test"), "reg.test");
    }
}
