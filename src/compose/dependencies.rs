//! What a service needs of others: what it says itself, and what follows from what it shares.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Condition, Dependency, Project, Service};
use crate::engine::Failure;

/// What a service waits for, by service: `depends_on`, and each one that it links to or shares
/// something with.
pub fn of(service: &Service) -> BTreeMap<&str, Dependency> {
    let mut all: BTreeMap<&str, Dependency> = implied(service)
        .into_iter()
        .map(|name| (name, STARTED))
        .collect();
    for (name, dependency) in &service.depends_on {
        all.insert(name, dependency.clone());
    }
    all
}

const STARTED: Dependency = Dependency {
    condition: Condition::Started,
    restart: false,
    required: true,
};

fn implied(service: &Service) -> BTreeSet<&str> {
    let mut names = bound_to(service);
    names.extend(service.links.iter().map(|link| {
        let (target, _) = link.split_once(':').unwrap_or((link, ""));
        target
    }));
    names
}

/// The services whose very containers a service's containers are made with: when those are
/// others, so must these be.
pub fn bound_to(service: &Service) -> BTreeSet<&str> {
    let modes = [&service.network_mode, &service.pid, &service.ipc];
    let shared = modes
        .into_iter()
        .flatten()
        .filter_map(|mode| mode.strip_prefix("service:"));
    let volumes = service
        .volumes_from
        .iter()
        .filter(|from| !from.starts_with("container:"))
        .map(|from| from.split(':').next().unwrap_or_default());
    shared.chain(volumes).collect()
}

/// The services named (all where none is) and, with `dependencies`, what they need, each after
/// what it needs.
///
/// # Errors
/// One that is not there, or off; a circle.
pub fn select(
    project: &Project,
    named: &[String],
    dependencies: bool,
) -> Result<Vec<String>, Failure> {
    let mut selection = Selection {
        project,
        dependencies,
        path: Vec::new(),
        chosen: Vec::new(),
    };
    if named.is_empty() {
        for name in project.services.keys() {
            selection.add(name)?;
        }
    }
    for name in named {
        if !project.services.contains_key(name) {
            return Err(no_such_service(project, name));
        }
        selection.add(name)?;
    }
    if !dependencies {
        // Whoever is named beside what it needs still comes after it.
        let order = select(project, &[], true)?;
        selection
            .chosen
            .sort_by_key(|name| order.iter().position(|known| known == name));
    }
    Ok(selection.chosen)
}

fn no_such_service(project: &Project, name: &str) -> Failure {
    let failure = Failure::new(format!("no such service: {name}"));
    match project.disabled.get(name) {
        Some(service) => failure.hint(format!(
            "it is in a profile: --profile {}",
            service.profiles.first().map_or("", String::as_str)
        )),
        None => failure,
    }
}

struct Selection<'a> {
    project: &'a Project,
    dependencies: bool,
    /// From the service that was asked for to the one that is looked at.
    path: Vec<String>,
    chosen: Vec<String>,
}

impl Selection<'_> {
    fn add(&mut self, name: &str) -> Result<(), Failure> {
        if self.chosen.iter().any(|known| known == name) {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|known| known == name) {
            let mut circle = self.path[start..].to_vec();
            circle.push(name.to_owned());
            return Err(Failure::new(format!(
                "dependency cycle detected: {}",
                circle.join(" -> ")
            )));
        }
        let project = self.project;
        let Some(service) = project.services.get(name) else {
            return Ok(());
        };
        if self.dependencies {
            self.path.push(name.to_owned());
            for (needed, dependency) in of(service) {
                if !project.services.contains_key(needed) {
                    if dependency.required {
                        return Err(missing(project, name, needed));
                    }
                    continue;
                }
                self.add(needed)?;
            }
            self.path.pop();
        }
        self.chosen.push(name.to_owned());
        Ok(())
    }
}

fn missing(project: &Project, name: &str, needed: &str) -> Failure {
    let why = if project.disabled.contains_key(needed) {
        "which is in a profile that is off"
    } else {
        "which is undefined"
    };
    Failure::new(format!(
        "service {name:?} depends on service {needed:?}, {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(services: &[(&str, &[&str])]) -> Project {
        let mut project = Project::default();
        for (name, needed) in services {
            let mut service = Service {
                name: (*name).to_owned(),
                ..Service::default()
            };
            for needed in *needed {
                service.depends_on.insert((*needed).to_owned(), STARTED);
            }
            project.services.insert((*name).to_owned(), service);
        }
        project
    }

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_comes_after_what_it_needs() {
        let project = project(&[("a", &["z"]), ("m", &[]), ("z", &["m"])]);
        assert_eq!(select(&project, &[], true).unwrap(), ["m", "z", "a"]);
        assert_eq!(select(&project, &named(&["z"]), true).unwrap(), ["m", "z"]);
        assert_eq!(
            select(&project, &named(&["a", "m"]), false).unwrap(),
            ["m", "a"]
        );
    }

    #[test]
    fn circles_and_strangers_are_refused() {
        let circle = project(&[("a", &["b"]), ("b", &["a"])]);
        assert_eq!(
            select(&circle, &[], true).unwrap_err().message,
            "dependency cycle detected: a -> b -> a"
        );
        let mut strange = project(&[("a", &["nobody"])]);
        assert_eq!(
            select(&strange, &[], true).unwrap_err().message,
            "service \"a\" depends on service \"nobody\", which is undefined"
        );
        let service = strange.services.get_mut("a").unwrap();
        service.depends_on.get_mut("nobody").unwrap().required = false;
        assert_eq!(select(&strange, &[], true).unwrap(), ["a"]);
        assert_eq!(
            select(&strange, &named(&["b"]), true).unwrap_err().message,
            "no such service: b"
        );
    }

    #[test]
    fn what_is_shared_is_needed() {
        let service = Service {
            network_mode: Some("service:net".into()),
            ipc: Some("host".into()),
            volumes_from: vec!["data:ro".into(), "container:other".into()],
            links: vec!["db:database".into()],
            ..Service::default()
        };
        let needed: Vec<&str> = of(&service).into_keys().collect();
        assert_eq!(needed, ["data", "db", "net"]);
        assert_eq!(Vec::from_iter(bound_to(&service)), ["data", "net"]);
    }
}
