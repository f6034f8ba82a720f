//! That everything the services speak of is there, and that there is an order to start them in.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Mark, Node, Value};
use super::project::needs;
use super::read::ReadObject;
use super::{LoadError, suggest};
use crate::model::{Project, Service};

/// What the services that are on use.
#[derive(Default)]
pub struct Used {
    /// Networks, by key.
    pub networks: BTreeSet<String>,
    /// Named volumes.
    pub volumes: BTreeSet<String>,
    /// Configs.
    pub configs: BTreeSet<String>,
    /// Secrets.
    pub secrets: BTreeSet<String>,
}

/// What is looked at.
pub struct Check<'a> {
    /// The files, for places.
    pub merged: &'a Node,
    /// Without configs and secrets.
    pub project: &'a Project,
    /// All configs.
    pub configs: &'a BTreeMap<String, ReadObject>,
    /// All secrets.
    pub secrets: &'a BTreeMap<String, ReadObject>,
}

impl Check<'_> {
    /// Checks all; what is used.
    ///
    /// # Errors
    /// The first thing that is not there, off, or in a circle.
    pub fn all(&self) -> Result<Used, LoadError> {
        let mut used = Used::default();
        for service in self.project.services.values() {
            self.dependencies(service)?;
            self.resources(service, &mut used)?;
        }
        self.cycles()?;
        Ok(used)
    }

    /// An error at the place of a service's key.
    fn error(&self, service: &str, steps: &[&str], text: &str) -> LoadError {
        let mut path = format!("services.{service}");
        let services = self.merged.get("services").and_then(Node::as_mapping);
        let Some(entry) = services.and_then(|services| services.get(service)) else {
            return LoadError::new(format!("{path}: {text}"));
        };
        let (mut at, mut node) = (&entry.at, &entry.node);
        for step in steps {
            match below(node, step) {
                Some(next) => (at, node) = next,
                None => break,
            }
            path.push_str(&match &node.value {
                _ if step.parse::<usize>().is_ok() => format!("[{step}]"),
                _ => format!(".{step}"),
            });
        }
        LoadError::at(at, &path, text)
    }

    fn dependencies(&self, service: &Service) -> Result<(), LoadError> {
        let known = &self.project.services;
        let implied = needs(service);
        let named = (service.depends_on.iter())
            .filter(|(_, dependency)| dependency.required)
            .map(|(name, _)| ("depends_on", name));
        let implied = implied.iter().map(|(key, name, _)| (*key, name));
        for (key, name) in implied.chain(named) {
            if known.contains_key(name) {
                continue;
            }
            let (own, step) = (&service.name, [key, name.as_str()]);
            let Some(off) = self.project.disabled.get(name) else {
                let names = known.keys().map(String::as_str);
                let near = suggest::nearest(name, names);
                let near = near.map(|near| format!(" (did you mean {near}?)"));
                let near = near.unwrap_or_default();
                let text = format!("undefined service \"{name}\"{near}");
                return Err(self.error(own, &step, &text));
            };
            let text = format!("service \"{name}\" is required by \"{own}\" but is disabled");
            let profiles = off.profiles.join(", ");
            let hint = format!("it is enabled by --profile with one of {profiles}");
            return Err(self.error(own, &step, &text).hint(hint));
        }
        Ok(())
    }

    fn resources(&self, service: &Service, used: &mut Used) -> Result<(), LoadError> {
        let own = &service.name;
        for name in service.networks.keys() {
            if !self.project.networks.contains_key(name) {
                let text = format!("refers to undefined network {name}");
                return Err(self.error(own, &["networks", name], &text));
            }
            used.networks.insert(name.clone());
        }
        for (index, mount) in service.volumes.iter().enumerate() {
            let Some(name) = mount.source.as_ref().filter(|_| mount.kind == "volume") else {
                continue;
            };
            if !self.project.volumes.contains_key(name) {
                let text = format!("refers to undefined volume {name}");
                let step = ["volumes", &index.to_string()];
                return Err(self.error(own, &step, &text));
            }
            used.volumes.insert(name.clone());
        }
        let kinds = [
            ("config", &service.configs, self.configs, &mut used.configs),
            ("secret", &service.secrets, self.secrets, &mut used.secrets),
        ];
        for (kind, grants, known, used) in kinds {
            for (index, grant) in grants.iter().enumerate() {
                if !known.contains_key(&grant.source) {
                    let text = format!("refers to undefined {kind} {}", grant.source);
                    let step = [&format!("{kind}s"), &*index.to_string()];
                    return Err(self.error(own, &step, &text));
                }
                used.insert(grant.source.clone());
            }
        }
        let build = service.build.iter().flat_map(|build| &build.secrets);
        for (_, source) in build {
            if !self.secrets.contains_key(source) {
                let text = format!("refers to undefined secret {source}");
                return Err(self.error(own, &["build", "secrets"], &text));
            }
            used.secrets.insert(source.clone());
        }
        Ok(())
    }

    /// That there is an order in which all can start.
    fn cycles(&self) -> Result<(), LoadError> {
        let services = &self.project.services;
        let known = |name: &&String| services.contains_key(*name);
        let mut missing = BTreeMap::new();
        let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut ready = Vec::new();
        for (name, service) in services {
            let needed = service.depends_on.keys().filter(known);
            let count = needed.clone().count();
            needed.for_each(|it| dependents.entry(it).or_default().push(name));
            missing.insert(name.as_str(), count);
            if count == 0 {
                ready.push(name.as_str());
            }
        }
        while let Some(name) = ready.pop() {
            missing.remove(name);
            for dependent in dependents.remove(name).unwrap_or_default() {
                if let Some(count) = missing.get_mut(dependent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(dependent);
                    }
                }
            }
        }
        // Each that is left needs another one that is left: going on, one comes again.
        let Some(mut name) = missing.keys().next().copied() else {
            return Ok(());
        };
        let mut path: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        while seen.insert(name) {
            path.push(name);
            let mut needed = services
                .get(name)
                .into_iter()
                .flat_map(|it| it.depends_on.keys());
            match needed.find(|name| missing.contains_key(name.as_str())) {
                Some(next) => name = next,
                None => return Ok(()),
            }
        }
        let from = path.iter().position(|it| *it == name).unwrap_or_default();
        let mut words = path.split_off(from);
        words.push(name);
        let text = format!("dependency cycle detected: {}", words.join(" -> "));
        Err(self.error(name, &["depends_on"], &text))
    }
}

/// A key's or an item's place and value.
fn below<'a>(node: &'a Node, step: &str) -> Option<(&'a Mark, &'a Node)> {
    match &node.value {
        Value::Mapping(fields) => {
            let entry = fields.get(step)?;
            Some((&entry.at, &entry.node))
        }
        Value::Sequence(items) => {
            let item = items.get(step.parse::<usize>().ok()?)?;
            Some((&item.at, item))
        }
        Value::Scalar(_) => None,
    }
}
