//! A project as a file again (`config`): one file, long forms, nothing left to fill in. Read again
//! it is the same project.

mod fields;
mod raw;
mod resources;
mod service;
mod yaml;

use serde_json::{Map, Value};

pub use raw::value as raw;

use crate::model::Project;
use fields::Fields;

/// How a project is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON, indented.
    Json,
}

/// Writes a project; ends with a line break.
pub fn render(project: &Project, format: Format) -> String {
    let services = project.services.iter();
    let networks = project.networks.iter();
    let volumes = project.volumes.iter();
    let configs = project.configs.iter();
    let secrets = project.secrets.iter();
    let mut whole = Fields::default();
    whole.set("name", project.name.as_str());
    whole.map(
        "services",
        services.map(|(key, it)| (key, service::value(it))),
    );
    whole.map(
        "networks",
        networks.map(|(key, it)| (key, resources::network(it))),
    );
    whole.map(
        "volumes",
        volumes.map(|(key, it)| (key, resources::volume(it))),
    );
    whole.map(
        "configs",
        configs.map(|(key, it)| (key, resources::object(it))),
    );
    whole.map(
        "secrets",
        secrets.map(|(key, it)| (key, resources::object(it))),
    );
    let mut value = whole.value();
    if let Value::Object(fields) = &mut value {
        fields
            .entry("services")
            .or_insert(Value::Object(Map::new()));
    }
    escape(&mut value);
    write(&value, format)
}

/// Writes any value.
pub fn write(value: &Value, format: Format) -> String {
    match format {
        Format::Yaml => yaml::write(value),
        Format::Json => format!("{value:#}\n"),
    }
}

/// Dollars that begin no variable any more.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        _ => {}
    }
}
