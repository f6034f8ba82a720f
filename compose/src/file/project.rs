//! The project as a whole: which services are on, and what they get from files of variables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::check::Check;
use super::environment::{self, Variables};
use super::loader::Loader;
use super::node::Node;
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
pub fn needs(service: &Service) -> Vec<(&'static str, String, bool)> {
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
