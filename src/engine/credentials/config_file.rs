//! Docker's `config.json`: read whole, changed in one place, written by rename. What is not
//! understood stays as it is.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rbox_images::Credential;
use serde_json::{Map, Value};

use super::entry;
use crate::engine::Failure;
use crate::engine::failure::Context;

/// The most that is read, bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The file as it was read.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    content: Map<String, Value>,
}

impl ConfigFile {
    /// That of the user; an empty one where there is none.
    pub fn read() -> Result<ConfigFile, Failure> {
        ConfigFile::read_at(directory().join("config.json"))
    }

    fn read_at(path: PathBuf) -> Result<ConfigFile, Failure> {
        let shown = path.display().to_string();
        let mut bytes = Vec::new();
        let content = match std::fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(Failure::new(format!("cannot read {shown}: {error}"))),
            Ok(file) => {
                file.take(LARGEST)
                    .read_to_end(&mut bytes)
                    .context(|| format!("cannot read {shown}"))?;
                match bytes.trim_ascii() {
                    [] => Map::new(),
                    text => {
                        serde_json::from_slice(text).context(|| format!("{shown} is damaged"))?
                    }
                }
            }
        };
        Ok(ConfigFile { path, content })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The suffix of the helper program for a registry.
    pub fn helper(&self, registry: &str) -> Option<&str> {
        let own = self
            .content
            .get("credHelpers")
            .and_then(|all| all.get(registry));
        let own = own.and_then(Value::as_str);
        let store = self.content.get("credsStore").and_then(Value::as_str);
        own.or(store).filter(|name| !name.is_empty())
    }

    /// What `auths` has for a registry, under its name or a URL of it.
    pub fn entry(&self, registry: &str) -> Result<Option<Credential>, Failure> {
        let Some(all) = self.content.get("auths").and_then(Value::as_object) else {
            return Ok(None);
        };
        let host = super::hostname(registry);
        let found = all.get(registry).or_else(|| {
            all.iter()
                .find(|(key, _)| super::hostname(key) == host)
                .map(|(_, v)| v)
        });
        let Some(found) = found else {
            return Ok(None);
        };
        entry::decode(found).context(|| {
            format!(
                "{}: the entry of {registry} is damaged",
                self.path.display()
            )
        })
    }

    /// Sets what `auths` has for a registry.
    pub fn set_entry(&mut self, registry: &str, value: Value) {
        let all = self
            .content
            .entry("auths")
            .or_insert_with(|| Value::Object(Map::new()));
        if !all.is_object() {
            *all = Value::Object(Map::new());
        }
        if let Some(all) = all.as_object_mut() {
            all.insert(registry.to_owned(), value);
        }
    }

    /// Removes every entry of a registry, also those under a URL; whether there was one.
    pub fn remove_entry(&mut self, registry: &str) -> bool {
        let Some(all) = self.content.get_mut("auths").and_then(Value::as_object_mut) else {
            return false;
        };
        let (before, host) = (all.len(), super::hostname(registry));
        all.retain(|key, _| super::hostname(key) != host);
        all.len() != before
    }

    /// Replaces the file; readable by its owner alone.
    pub fn write(&self) -> Result<(), Failure> {
        let failed = || format!("cannot write {}", self.path.display());
        // A link to a file that is kept elsewhere stays one.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = path.parent().unwrap_or(Path::new("/"));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(directory).context(failed)?;
        let fresh = directory.join(format!(".config.json.{}", std::process::id()));
        let written = self
            .write_to(&fresh)
            .and_then(|()| std::fs::rename(&fresh, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
        written.context(failed)
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, indent);
        serde::Serialize::serialize(&self.content, &mut serializer)?;
        // One that was left behind by a process of the same number is nobody's any more.
        let _ = std::fs::remove_file(path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&text)
    }
}

/// `$DOCKER_CONFIG`, else `~/.docker`.
fn directory() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (set("DOCKER_CONFIG"), set("HOME")) {
        (Some(directory), _) => directory.into(),
        (None, Some(home)) => Path::new(&home).join(".docker"),
        (None, None) => "/root/.docker".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use serde_json::json;

    fn file(text: &str) -> (tempfile::TempDir, ConfigFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        let file = ConfigFile::read_at(path).unwrap();
        (directory, file)
    }

    #[test]
    fn a_registry_is_found_under_its_name_and_under_urls_of_it() {
        let (_directory, file) = file(
            r#"{"auths": {"https://reg.test/v1/": {"auth": "YTpi"},
                "https://index.docker.io/v1/": {"auth": "Yzpk"}}}"#,
        );
        let user = |registry| match file.entry(registry).unwrap() {
            Some(Credential::Password { username, .. }) => username,
            other => format!("{other:?}"),
        };
        assert_eq!(user("reg.test"), "a");
        assert_eq!(user("https://index.docker.io/v1/"), "c");
        assert_eq!(user("other.test"), "None");
    }

    #[test]
    fn helpers_of_a_registry_go_before_the_store() {
        let (_directory, file) = file(r#"{"credsStore": "s", "credHelpers": {"reg.test": "h"}}"#);
        assert_eq!(file.helper("reg.test"), Some("h"));
        assert_eq!(file.helper("other.test"), Some("s"));
    }

    #[test]
    fn writing_keeps_the_rest_and_is_for_the_owner_alone() {
        let (_directory, mut one) = file(r#"{"z": [1], "auths": {"a": {}}, "detachKeys": "x"}"#);
        one.set_entry("reg.test", json!({"auth": "YTpi"}));
        one.write().unwrap();
        let text = std::fs::read_to_string(one.path()).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({"z": [1], "auths": {"a": {}, "reg.test": {"auth": "YTpi"}}, "detachKeys": "x"})
        );
        assert!(text.starts_with("{\n\t\"z\": ["), "{text}");
        let mode = std::fs::metadata(one.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(one.remove_entry("reg.test"));
        assert!(!one.remove_entry("reg.test"));
    }

    #[test]
    fn a_link_stays_a_link() {
        let (directory, _) = file("{}");
        let link = directory.path().join("link.json");
        std::os::unix::fs::symlink(directory.path().join("config.json"), &link).unwrap();
        let mut file = ConfigFile::read_at(link.clone()).unwrap();
        file.set_entry("a", json!({}));
        file.write().unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(ConfigFile::read_at(link).unwrap().remove_entry("a"));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, "{").unwrap();
        let error = ConfigFile::read_at(path).unwrap_err().message;
        assert!(error.contains("config.json is damaged: EOF"), "{error}");
    }
}
