//! `volumes`, `configs` and `secrets` of a project.

use super::fields::Fields;
use super::item::Item;
use super::{Around, ReadObject, networks, path};
use crate::file::error::LoadError;
use crate::model::{FileObject, Volume};

/// Reads a volume.
pub fn volume(key: &str, item: &Item, around: &Around) -> Result<Volume, LoadError> {
    if item.node.is_null() {
        return Ok(Volume {
            name: format!("{}_{key}", around.project),
            ..Volume::default()
        });
    }
    let mut fields = item.fields()?;
    let (name, external) = networks::identity(&mut fields, key, around)?;
    let volume = Volume {
        name,
        external,
        driver: fields.word("driver")?,
        driver_opts: fields.or_default("driver_opts", Item::full_pairs)?,
        labels: fields.or_default("labels", Item::full_pairs)?,
    };
    fields.finish()?;
    Ok(volume)
}

/// Reads a config.
pub fn config(item: &Item, around: &Around) -> Result<ReadObject, LoadError> {
    let mut fields = item.fields()?;
    let content = fields.opt("content", Item::text)?;
    object(fields, content.map(FileObject::Content), around)
}

/// Reads a secret.
pub fn secret(item: &Item, around: &Around) -> Result<ReadObject, LoadError> {
    let mut fields = item.fields()?;
    fields.refuse(&["driver", "driver_opts"])?;
    object(fields, None, around)
}

fn object(
    mut fields: Fields,
    content: Option<FileObject>,
    around: &Around,
) -> Result<ReadObject, LoadError> {
    fields.refuse(&["external", "labels", "name", "template_driver"])?;
    let file = fields.opt("file", path)?.map(FileObject::File);
    let mut missing = None;
    let environment = fields.opt("environment", |item| {
        let name = item.word()?;
        let value = around.environment.get(&name).cloned();
        if value.is_none() {
            missing = Some(item.error(format!("environment variable \"{name}\" is not set")));
        }
        let value = value.unwrap_or_default();
        Ok(FileObject::Environment { name, value })
    })?;
    let mut given = [file, environment, content].into_iter().flatten();
    let problem = match (given.next(), given.next()) {
        (Some(object), None) => {
            return fields.finish().map(|()| ReadObject { object, missing });
        }
        (Some(_), Some(_)) => "only one of file, environment and content may be given",
        (None, _) => "one of file and environment must be given",
    };
    let problem = fields.error(problem);
    fields.finish()?;
    Err(problem)
}
