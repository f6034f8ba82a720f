//! Programs that keep secrets, `docker-credential-NAME` (docker-credential-helpers' protocol):
//! the registry or JSON on stdin, JSON on stdout, what went wrong on stdout with exit code 1.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rbox_images::Credential;
use serde_json::{Value, json};

use crate::engine::Failure;
use crate::engine::failure::Context;

/// The most that is read of an answer, bytes.
const LARGEST: u64 = 1024 * 1024;
/// A helper's user name for an identity token.
const TOKEN: &str = "<token>";
/// What every helper says of a registry that it does not know.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// One helper.
#[derive(Debug)]
pub struct Helper {
    program: String,
}

impl Helper {
    /// By the name in `config.json`, which is found on `$PATH` alone.
    pub fn new(name: &str) -> Result<Helper, Failure> {
        if name.contains('/') {
            return Err(Failure::new(format!(
                "invalid name of a credential helper: {name}"
            )));
        }
        Ok(Helper {
            program: format!("docker-credential-{name}"),
        })
    }

    /// What it keeps for a registry, if anything.
    pub fn get(&self, registry: &str) -> Result<Option<Credential>, Failure> {
        let (good, answer) = self.call("get", registry)?;
        if !good && answer.trim() == NOT_FOUND {
            return Ok(None);
        }
        self.check(good, "get", &answer)?;
        let value: Value = serde_json::from_str(&answer)
            .context(|| format!("{} get: unreadable answer", self.program))?;
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let (username, secret) = (text("Username"), text("Secret"));
        Ok(match username.as_str() {
            _ if secret.is_empty() => None,
            TOKEN => Some(Credential::IdentityToken(secret)),
            _ => Some(Credential::Password { username, secret }),
        })
    }

    /// Has it keep a credential.
    pub fn store(&self, registry: &str, credential: &Credential) -> Result<(), Failure> {
        let (username, secret) = match credential {
            Credential::Password { username, secret } => (username.as_str(), secret),
            Credential::IdentityToken(token) => (TOKEN, token),
        };
        let input = json!({"ServerURL": registry, "Username": username, "Secret": secret});
        let (good, answer) = self.call("store", &input.to_string())?;
        self.check(good, "store", &answer)
    }

    /// Has it forget one; nothing where it has none.
    pub fn erase(&self, registry: &str) -> Result<(), Failure> {
        let (good, answer) = self.call("erase", registry)?;
        if answer.trim() == NOT_FOUND {
            return Ok(());
        }
        self.check(good, "erase", &answer)
    }

    fn call(&self, action: &str, input: &str) -> Result<(bool, String), Failure> {
        let what = || format!("{} {action}", self.program);
        let mut child = Command::new(&self.program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Failure::new(format!("cannot run {}: {error}", self.program)).hint(
                    "config.json names this credential helper: install it, or remove the name",
                )
            })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that reads nothing says itself what is wrong.
            let _ = stdin.write_all(input.as_bytes());
        }
        let mut answer = String::new();
        let read = match child.stdout.take() {
            Some(stdout) => stdout.take(LARGEST).read_to_string(&mut answer),
            None => Ok(0),
        };
        let status = child.wait().context(what)?;
        read.context(what)?;
        Ok((status.success(), answer))
    }

    fn check(&self, good: bool, action: &str, answer: &str) -> Result<(), Failure> {
        if good {
            return Ok(());
        }
        let said = match answer.trim() {
            "" => "failed",
            text => text,
        };
        Err(Failure::new(format!("{} {action}: {said}", self.program)))
    }
}
