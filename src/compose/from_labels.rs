//! A project without its file: what its containers, networks and volumes say of it.

use super::containers::containers;
use super::model::{Condition, Dependency, Network, Project, Service, Volume};
use super::{ProjectContainer, labels, lower};
use crate::engine::{Engine, Failure};

/// A project as it is on the machine: enough to start, stop and take it away.
///
/// # Errors
/// There is nothing of it.
pub fn from_labels(engine: &Engine, name: &str) -> Result<Project, Failure> {
    let mut project = Project {
        name: name.to_owned(),
        ..Project::default()
    };
    for known in containers(engine, name)? {
        add(&mut project, &known);
    }
    let is_own = |labels: &std::collections::BTreeMap<String, String>| {
        labels.get(labels::PROJECT).is_some_and(|own| own == name)
    };
    let networks = engine.networks.list();
    for network in networks.map_err(|error| Failure::new(error.to_string()))? {
        if is_own(&network.labels) {
            let key = network.labels.get(labels::NETWORK).unwrap_or(&network.name);
            let known = Network {
                name: network.name.clone(),
                ..Network::default()
            };
            project.networks.insert(key.clone(), known);
        }
    }
    for volume in engine.volumes()? {
        if is_own(&volume.labels) {
            let key = volume.labels.get(labels::VOLUME).unwrap_or(&volume.name);
            let known = Volume {
                name: volume.name.clone(),
                ..Volume::default()
            };
            project.volumes.insert(key.clone(), known);
        }
    }
    Ok(project)
}

fn add(project: &mut Project, known: &ProjectContainer) {
    let service = project
        .services
        .entry(known.service.clone())
        .or_insert_with(|| Service {
            name: known.service.clone(),
            image: Some(known.container.record.config.image.clone()),
            ..Service::default()
        });
    service
        .depends_on
        .extend(dependencies(known.label(labels::DEPENDS_ON)));
}

/// `db:service_healthy:false,cache:service_started:true`.
fn dependencies(label: &str) -> impl Iterator<Item = (String, Dependency)> {
    label.split(',').filter_map(|entry| {
        let mut parts = entry.splitn(3, ':');
        let name = parts.next().filter(|name| !name.is_empty())?;
        let word = parts.next().unwrap_or_default();
        let condition = [Condition::Healthy, Condition::Completed]
            .into_iter()
            .find(|known| lower::condition(*known) == word);
        let dependency = Dependency {
            condition: condition.unwrap_or(Condition::Started),
            restart: parts.next() == Some("true"),
            // Its containers may be gone.
            required: false,
        };
        Some((name.to_owned(), dependency))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_tells_what_was_needed() {
        let found: Vec<(String, Dependency)> =
            dependencies("cache:service_started:true,db:service_healthy:false").collect();
        assert_eq!(found[0].0, "cache");
        assert!(found[0].1.restart);
        assert_eq!(found[1].1.condition, Condition::Healthy);
        assert_eq!(dependencies("").count(), 0);
    }
}
