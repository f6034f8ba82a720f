//! The hash by which a change of a service's configuration is seen.

use rbox_images::Digest;
use serde::Serialize;
use serde_json::Value;

use super::super::model::{FileObject, Project, Service};
use super::grants;
use crate::engine::Failure;
use crate::engine::failure::Context;

/// SHA-256, hexadecimal, of everything that a container of the service is made from but its
/// image, whose id says more than its name. What only says how services are started together,
/// how many there are, or how the image comes about, is left out.
pub fn hash(project: &Project, service: &Service) -> Result<String, Failure> {
    let service = Service {
        profiles: Vec::new(),
        build: None,
        pull_policy: None,
        depends_on: Default::default(),
        ..service.clone()
    };
    let mut names: Vec<(&str, &str)> = Vec::new();
    for key in service.networks.keys() {
        if let Some(network) = project.networks.get(key) {
            names.push((key, &network.name));
        }
    }
    for key in service
        .volumes
        .iter()
        .filter_map(|mount| mount.source.as_ref())
    {
        if let Some(volume) = project.volumes.get(key) {
            names.push((key, &volume.name));
        }
    }
    let grants = [
        (&service.configs, &project.configs),
        (&service.secrets, &project.secrets),
    ];
    let mut contents = Vec::new();
    for (granted, objects) in grants {
        for grant in granted {
            contents.push(match objects.get(&grant.source) {
                // What is in it is seen at once where it is bound, and copied where it is not.
                Some(FileObject::File(path)) if grants::plain(grant) => path.display().to_string(),
                Some(FileObject::File(path)) => {
                    grants::read(path).map_or_else(|why| why, |content| sum(&content))
                }
                Some(FileObject::Environment { value, .. }) => sum(value.as_bytes()),
                Some(FileObject::Content(text)) => sum(text.as_bytes()),
                None => String::new(),
            });
        }
    }
    hash_of(&(&service, names, contents))
}

/// The same of anything else that has a configuration.
pub fn hash_of(value: &impl Serialize) -> Result<String, Failure> {
    let mut value = serde_json::to_value(value).context(|| "write a configuration".to_owned())?;
    strip(&mut value);
    Ok(sum(value.to_string().as_bytes()))
}

fn sum(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().to_owned()
}

/// Keys whose empty list is not the same as none.
const CLEARED: [&str; 2] = ["command", "entrypoint"];

/// Takes out of objects what is not set, so that a key that a later version knows changes nothing.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(strip);
            fields.retain(|name, value| match value {
                Value::Null | Value::Bool(false) => false,
                // These may be cleared on purpose.
                Value::Array(items) => !items.is_empty() || CLEARED.contains(&name.as_str()),
                Value::Object(fields) => !fields.is_empty(),
                _ => true,
            });
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model::{Build, Grant};

    fn of(change: impl FnOnce(&mut Project, &mut Service)) -> String {
        let mut project = Project::default();
        let mut service = Service {
            image: Some("alpine".into()),
            secrets: vec![Grant {
                source: "key".into(),
                ..Grant::default()
            }],
            ..Service::default()
        };
        let secret = FileObject::Environment {
            name: "KEY".into(),
            value: "1".into(),
        };
        project.secrets.insert("key".into(), secret);
        change(&mut project, &mut service);
        hash(&project, &service).unwrap()
    }

    #[test]
    fn a_hash_is_of_what_a_container_is_made_from() {
        let plain = of(|_, _| {});
        assert_eq!(plain.len(), 64);
        for same in [
            of(|_, service| service.replicas = Some(3)),
            of(|_, service| service.build = Some(Build::default())),
            of(|_, service| service.profiles.push("debug".into())),
        ] {
            assert_eq!(plain, same);
        }
        for other in [
            of(|_, service| service.command = Some(vec!["ls".into()])),
            // Cleared is not the same as not said.
            of(|_, service| service.entrypoint = Some(Vec::new())),
            of(|_, service| service.tty = true),
            of(|project, _| {
                let other = FileObject::Content("2".into());
                project.secrets.insert("key".into(), other);
            }),
        ] {
            assert_ne!(plain, other);
        }
    }
}
