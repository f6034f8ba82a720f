//! Dockerfile instructions that change an image's config, as `import --change` takes them.

mod parse;
mod words;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `CMD`; the shell form becomes `/bin/sh -c …`.
    Cmd(Vec<String>),
    /// `ENTRYPOINT`; the shell form becomes `/bin/sh -c …`.
    Entrypoint(Vec<String>),
    /// `ENV a=1 b=2`, or `ENV a the rest`. Values are taken as they are, without expansion.
    Env(Vec<(String, String)>),
    /// `WORKDIR`; a relative one is below the one before.
    Workdir(String),
    /// `USER`.
    User(String),
    /// `EXPOSE`, each `80/tcp`, ranges spelt out.
    Expose(Vec<String>),
    /// `LABEL a=1 b=2`.
    Label(Vec<(String, String)>),
    /// `VOLUME`.
    Volume(Vec<String>),
    /// `STOPSIGNAL`.
    StopSignal(String),
}

/// Why a text is no such instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An instruction that does not belong to the config, or none at all.
    #[error("{0} is not a valid change command")]
    Command(String),
    /// An instruction with nothing after it.
    #[error("{0} requires at least one argument")]
    NoArgument(&'static str),
    /// An instruction with too much after it.
    #[error("{0} requires exactly one argument")]
    OneArgument(&'static str),
    /// `ENV name` alone.
    #[error("{0} must have two arguments")]
    TwoArguments(&'static str),
    /// A word without `=` where all must have one.
    #[error("Syntax error - can't find = in {0:?}. Must be of the form: name=value")]
    NoEquals(String),
    /// `=value`.
    #[error("{0} names can not be blank")]
    BlankName(&'static str),
    /// A quote that is never closed.
    #[error("unterminated quote in {0:?}")]
    Quote(String),
    /// Not a port, a range of ports, or a protocol.
    #[error("invalid containerPort: {0}")]
    Port(String),
}

impl FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Change, ChangeError> {
        parse::change(text)
    }
}

/// The `config` object of an image, in the order and spelling that Docker writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exposed_ports: BTreeMap<String, Empty>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    volumes: BTreeMap<String, Empty>,
    #[serde(skip_serializing_if = "String::is_empty")]
    working_dir: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    stop_signal: String,
}

/// Go's empty struct, `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Empty {}

impl Settings {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Cmd(words) => self.cmd = Some(words.clone()),
            Change::Entrypoint(words) => self.entrypoint = Some(words.clone()),
            Change::Env(pairs) => {
                for (name, value) in pairs {
                    self.set_env(name, value);
                }
            }
            Change::Workdir(directory) => self.working_dir = joined(&self.working_dir, directory),
            Change::User(user) => self.user.clone_from(user),
            Change::Expose(ports) => {
                self.exposed_ports
                    .extend(ports.iter().map(|port| (port.clone(), Empty {})));
            }
            Change::Label(pairs) => self.labels.extend(pairs.iter().cloned()),
            Change::Volume(paths) => {
                self.volumes
                    .extend(paths.iter().map(|path| (path.clone(), Empty {})));
            }
            Change::StopSignal(signal) => self.stop_signal.clone_from(signal),
        }
    }

    /// No command any more.
    pub(crate) fn drop_cmd(&mut self) {
        self.cmd = None;
    }

    /// A name set again keeps its place.
    fn set_env(&mut self, name: &str, value: &str) {
        let new = format!("{name}={value}");
        let same = |known: &&mut String| known.split('=').next() == Some(name);
        match self.env.iter_mut().find(same) {
            Some(known) => *known = new,
            None => self.env.push(new),
        }
    }
}

/// An absolute, tidy path.
fn joined(before: &str, directory: &str) -> String {
    let whole = match directory.starts_with('/') {
        true => directory.to_owned(),
        false => format!("{before}/{directory}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_follow_the_changes_in_order() {
        let mut settings = Settings::default();
        for text in [
            "CMD [\"echo\", \"hi\"]",
            "ENV A=1 B=2",
            "ENV A=3",
            "WORKDIR /srv",
            "WORKDIR app/../lib",
            "EXPOSE 80 53/udp",
            "LABEL x=y",
            "USER 1000:1000",
            "STOPSIGNAL SIGQUIT",
            "VOLUME /data",
        ] {
            settings.apply(&text.parse().unwrap());
        }
        assert_eq!(
            serde_json::to_string(&settings).unwrap(),
            concat!(
                r#"{"User":"1000:1000","ExposedPorts":{"53/udp":{},"80/tcp":{}},"#,
                r#""Env":["A=3","B=2"],"Cmd":["echo","hi"],"Volumes":{"/data":{}},"#,
                r#""WorkingDir":"/srv/lib","Labels":{"x":"y"},"StopSignal":"SIGQUIT"}"#
            )
        );
    }
}
