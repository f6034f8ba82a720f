//! From the merged whole to the project: strict types, no unknown key, nothing that cannot be done.

mod build;
mod deploy;
mod fields;
mod files;
mod health;
mod item;
mod mounts;
mod networks;
mod objects;
mod ports;
mod service;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use files::EnvFile;
pub use item::Item;
#[cfg(test)]
pub use service::UNSUPPORTED;

use super::error::LoadError;
use crate::model::{FileObject, Network, Service, Volume};

/// A service and the files that are still to be read for it.
#[derive(Clone, Debug, Default)]
pub struct ReadService {
    /// All else.
    pub service: Service,
    /// `env_file`, in order.
    pub env_files: Vec<EnvFile>,
    /// `label_file`, in order.
    pub label_files: Vec<EnvFile>,
}

/// A config or a secret, and why it cannot be granted.
#[derive(Clone, Debug)]
pub struct ReadObject {
    /// Where its content is.
    pub object: FileObject,
    /// Its variable is not set.
    pub missing: Option<LoadError>,
}

/// What the sections of a file say.
#[derive(Debug, Default)]
pub struct Sections {
    /// `services`.
    pub services: BTreeMap<String, ReadService>,
    /// `networks`.
    pub networks: BTreeMap<String, Network>,
    /// `volumes`.
    pub volumes: BTreeMap<String, Volume>,
    /// `configs`.
    pub configs: BTreeMap<String, ReadObject>,
    /// `secrets`.
    pub secrets: BTreeMap<String, ReadObject>,
}

/// What reading needs to know beside the file.
pub struct Around<'a> {
    /// The project's name, which is in the names of networks and volumes.
    pub project: &'a str,
    /// Variables, for `environment` of configs and secrets.
    pub environment: &'a BTreeMap<String, String>,
}

/// Reads a merged file.
///
/// # Errors
/// The first thing that is wrong in it, with its place.
pub fn sections(root: &Item, around: &Around) -> Result<Sections, LoadError> {
    let mut fields = root.fields()?;
    fields.get("version");
    fields.get("name");
    fields.refuse(&["models"])?;
    let sections = Sections {
        services: fields.or_default("services", |it| named(it, service::read))?,
        networks: fields.or_default("networks", |it| {
            named(it, |key, item| networks::network(key, item, around))
        })?,
        volumes: fields.or_default("volumes", |it| {
            named(it, |key, item| objects::volume(key, item, around))
        })?,
        configs: fields.or_default("configs", |it| {
            named(it, |_, item| objects::config(item, around))
        })?,
        secrets: fields.or_default("secrets", |it| {
            named(it, |_, item| objects::secret(item, around))
        })?,
    };
    fields.finish()?;
    Ok(sections)
}

/// A mapping of things by their names.
fn named<T>(
    item: &Item,
    read: impl Fn(&str, &Item) -> Result<T, LoadError>,
) -> Result<BTreeMap<String, T>, LoadError> {
    let mut found = BTreeMap::new();
    for (key, item) in item.entries()? {
        if key.starts_with("x-") && !item.path.starts_with("services.") {
            continue;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if key.is_empty() || !key.chars().all(plain) {
            let text = "a name has letters, digits, '.', '_' and '-' only";
            return Err(item.error(text));
        }
        found.insert(key.clone(), read(&key, &item)?);
    }
    Ok(found)
}

/// An absolute path that the file named.
fn path(item: &Item) -> Result<PathBuf, LoadError> {
    let text = item.word()?;
    if !Path::new(&text).is_absolute() {
        return Err(item.error(format!("\"{text}\" is not a path")));
    }
    Ok(PathBuf::from(text))
}
