//! The project as a whole: which services are on, what they get from files of variables, and that
//! everything they speak of is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::environment::{self, Variables};
use super::loader::Loader;
use super::node::{Mark, Node, Value};
use super::read::{self, Item, ReadObject, ReadService};
use super::{LoadError, suggest};
use crate::model::{Condition, Dependency, FileObject, Network, Project, Service};

/// What is known of the project before its files are.
pub struct Context<'a> {
    /// Its name.
    pub name: String,
    /// Where its paths start.
    pub directory: PathBuf,
    /// What it was read from.
    pub files: Vec<PathBuf>,
    /// Its variables.
    pub environment: Variables,
    /// `--profile`.
    pub profiles: &'a [String],
    /// Services on the command line.
    pub named: &'a [String],
}

/// Makes the project of the merged files.
pub fn assemble(merged: &Node, context: Context, loader: &Loader) -> Result<Project, LoadError> {
    let around = read::Around {
        project: &context.name,
        environment: &context.environment,
    };
    let sections = read::sections(&Item::root(merged), &around)?;
    let (enabled, disabled) = by_profile(sections.services, &context)?;
    let mut services = BTreeMap::new();
    for (name, read) in enabled {
        services.insert(name, completed(read, &context.environment, loader)?);
    }
    let disabled = disabled
        .into_iter()
        .map(|(name, read)| (name, read.service))
        .collect();
    let mut networks = sections.networks;
    networks
        .entry("default".to_owned())
        .or_insert_with(|| Network {
            name: format!("{}_default", context.name),
            ..Network::default()
        });
    let mut project = Project {
        name: context.name,
        directory: context.directory,
        files: context.files,
        environment: context.environment,
        services,
        disabled,
        networks,
        volumes: sections.volumes,
        ..Project::default()
    };
    imply(&mut project.services);
    let check = Check {
        merged,
        project: &project,
        configs: &sections.configs,
        secrets: &sections.secrets,
    };
    let used = check.all()?;
    project
        .networks
        .retain(|name, _| used.networks.contains(name));
    project
        .volumes
        .retain(|name, _| used.volumes.contains(name));
    project.configs = granted(sections.configs, &used.configs)?;
    project.secrets = granted(sections.secrets, &used.secrets)?;
    let unset = loader
        .expansions
        .unset()
        .map(|name| format!("The \"{name}\" variable is not set. Defaulting to a blank string."));
    project.warnings = loader.warnings.take().into_iter().chain(unset).collect();
    Ok(project)
}

type Services = BTreeMap<String, ReadService>;

/// Services that are on, and those that are not.
fn by_profile(services: Services, context: &Context) -> Result<(Services, Services), LoadError> {
    let mut active: BTreeSet<String> = context.profiles.iter().cloned().collect();
    if active.is_empty()
        && let Some(list) = context.environment.get("COMPOSE_PROFILES")
    {
        active = list.split(',').map(|name| name.trim().to_owned()).collect();
    }
    let on = |profiles: &[String], active: &BTreeSet<String>| {
        profiles.is_empty()
            || active.contains("*")
            || profiles.iter().any(|name| active.contains(name))
    };
    let mut more = Vec::new();
    for name in context.named {
        let Some(read) = services.get(name) else {
            let known = services.keys().map(String::as_str);
            let near = suggest::nearest(name, known);
            let near = near.map(|near| format!(" (did you mean {near}?)"));
            let near = near.unwrap_or_default();
            return Err(LoadError::new(format!("no such service: {name}{near}")));
        };
        if !on(&read.service.profiles, &active) {
            more.extend(read.service.profiles.iter().cloned());
        }
    }
    active.extend(more);
    Ok(services
        .into_iter()
        .partition(|(_, read)| on(&read.service.profiles, &active)))
}

/// A service with what its files say.
fn completed(
    read: ReadService,
    variables: &Variables,
    loader: &Loader,
) -> Result<Service, LoadError> {
    let mut service = read.service;
    let mut environment = environment::of_files(loader, &read.env_files, variables)?;
    for (name, value) in service.environment {
        let value = value.or_else(|| variables.get(&name).cloned());
        environment.insert(name, value);
    }
    service.environment = environment;
    let labels = environment::of_files(loader, &read.label_files, variables)?;
    for (name, value) in labels {
        let label = service.labels.entry(name);
        label.or_insert_with(|| value.unwrap_or_default());
    }
    let isolated = service.network_mode.is_some();
    if service.networks.is_empty() && !isolated {
        service.networks = [("default".to_owned(), Default::default())].into();
    }
    Ok(service)
}

/// The service that `service:NAME` names.
fn joined(mode: &Option<String>) -> Option<&str> {
    mode.as_deref()?.strip_prefix("service:")
}

/// Services that a service needs by other keys than `depends_on`, with the key and whether it is
/// to be restarted with them.
fn needs(service: &Service) -> Vec<(&'static str, String, bool)> {
    let mut needs = Vec::new();
    for link in &service.links {
        let name = link.split(':').next().unwrap_or_default();
        needs.push(("links", name.to_owned(), true));
    }
    for (key, mode) in [
        ("network_mode", &service.network_mode),
        ("ipc", &service.ipc),
        ("pid", &service.pid),
        ("uts", &service.uts),
    ] {
        needs.extend(joined(mode).map(|name| (key, name.to_owned(), true)));
    }
    for from in &service.volumes_from {
        if !from.starts_with("container:") {
            let name = from.split(':').next().unwrap_or_default();
            needs.push(("volumes_from", name.to_owned(), false));
        }
    }
    needs
}

/// Adds to `depends_on` what follows from other keys.
fn imply(services: &mut BTreeMap<String, Service>) {
    for service in services.values_mut() {
        for (_, name, restart) in needs(service) {
            service.depends_on.entry(name).or_insert(Dependency {
                condition: Condition::Started,
                restart,
                required: true,
            });
        }
    }
}

fn granted(
    objects: BTreeMap<String, ReadObject>,
    used: &BTreeSet<String>,
) -> Result<BTreeMap<String, FileObject>, LoadError> {
    let used = objects.into_iter().filter(|(name, _)| used.contains(name));
    used.map(|(name, read)| match read.missing {
        Some(error) => Err(error),
        None => Ok((name, read.object)),
    })
    .collect()
}

/// What the services that are on use.
#[derive(Default)]
struct Used {
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

struct Check<'a> {
    merged: &'a Node,
    project: &'a Project,
    configs: &'a BTreeMap<String, ReadObject>,
    secrets: &'a BTreeMap<String, ReadObject>,
}

impl Check<'_> {
    fn all(&self) -> Result<Used, LoadError> {
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
