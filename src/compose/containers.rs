//! The containers of a project, known by their labels.

use std::collections::BTreeMap;

use super::labels;
use crate::engine::containers::survey;
use crate::engine::record::Container;
use crate::engine::{Engine, Failure};

/// A container that belongs to a project.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectContainer {
    /// Key of its service.
    pub service: String,
    /// Which of the service's, from 1.
    pub number: u32,
    /// `compose run` made it: no other command of compose touches it but `down` and `rm`.
    pub oneoff: bool,
    /// As it is at this moment.
    pub container: Container,
}

impl ProjectContainer {
    /// What its labels say; `None` where they are not a project's.
    pub fn of(container: Container) -> Option<ProjectContainer> {
        let labels = &container.record.config.labels;
        labels.get(labels::PROJECT)?;
        let number = labels
            .get(labels::NUMBER)
            .and_then(|text| text.parse().ok());
        let oneoff = labels.get(labels::ONEOFF);
        Some(ProjectContainer {
            service: labels.get(labels::SERVICE)?.clone(),
            number: number.unwrap_or(1),
            oneoff: oneoff.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            container,
        })
    }

    /// Full id.
    pub fn id(&self) -> &str {
        &self.container.record.id
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        &self.container.record.name
    }

    /// One of its labels; empty where it has it not.
    pub fn label(&self, name: &str) -> &str {
        let labels = &self.container.record.config.labels;
        labels.get(name).map_or("", String::as_str)
    }
}

/// All containers of a project, by service and number, those of `compose run` last. What is
/// damaged is told and left out.
pub fn containers(engine: &Engine, project: &str) -> Result<Vec<ProjectContainer>, Failure> {
    let mut all = of_all_projects(engine)?;
    Ok(all.remove(project).unwrap_or_default())
}

/// The containers of every project, by project.
pub fn of_all_projects(
    engine: &Engine,
) -> Result<BTreeMap<String, Vec<ProjectContainer>>, Failure> {
    let found = survey(&engine.dirs)?;
    for failure in &found.failures {
        (engine.tell)(failure);
    }
    let mut projects: BTreeMap<String, Vec<ProjectContainer>> = BTreeMap::new();
    for container in found
        .containers
        .into_iter()
        .filter_map(ProjectContainer::of)
    {
        let project = container.label(labels::PROJECT).to_owned();
        projects.entry(project).or_default().push(container);
    }
    for containers in projects.values_mut() {
        containers.sort_by(|a, b| order(a).cmp(&order(b)));
    }
    Ok(projects)
}

fn order(container: &ProjectContainer) -> (bool, &str, u32, &str) {
    let ProjectContainer {
        oneoff,
        service,
        number,
        ..
    } = container;
    (*oneoff, service, *number, container.name())
}
