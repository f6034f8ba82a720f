//! Files of variables and labels that a service names.

use std::path::PathBuf;

use super::item::Item;
use super::path;
use crate::file::error::LoadError;

/// A file of variables that a service names.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvFile {
    /// Absolute.
    pub path: PathBuf,
    /// Whether it must be there.
    pub required: bool,
    /// `format: raw`.
    pub raw: bool,
    /// What errors call it.
    pub place: String,
}

/// `env_file`.
pub fn env_files(item: &Item) -> Result<Vec<EnvFile>, LoadError> {
    let mut found = Vec::new();
    for item in item.list()? {
        let mut fields = item.fields()?;
        found.push(EnvFile {
            path: path(&fields.required("path")?)?,
            required: fields.opt("required", Item::boolean)?.unwrap_or(true),
            raw: fields.opt("format", |it| it.one_of(&["raw"]))?.is_some(),
            place: format!("{}: {}", item.node.at, item.path),
        });
        fields.finish()?;
    }
    Ok(found)
}

/// `label_file`.
pub fn label_files(item: &Item) -> Result<Vec<EnvFile>, LoadError> {
    let mut found = Vec::new();
    for item in item.list()? {
        found.push(EnvFile {
            path: path(&item)?,
            required: true,
            raw: false,
            place: format!("{}: {}", item.node.at, item.path),
        });
    }
    Ok(found)
}
