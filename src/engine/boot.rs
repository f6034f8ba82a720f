//! `system boot`: what should run is started once the machine is up. Without a daemon somebody has
//! to say when that is; `packaging/rbox.service` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::failure::Failure;
use super::record::{Container, LastState, Record};
use super::request::{NetworkMode, RestartPolicy};
use super::walk::{Graph, walk};
use super::{Engine, clock, containers, links, names};

/// Labels of Docker Compose that say who needs whom.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const DEPENDS_ON: &str = "com.docker.compose.depends_on";

/// What came of it.
#[derive(Debug, Default)]
pub struct Booted {
    /// Names, in the order in which they were up.
    pub started: Vec<String>,
    /// What could not be started, and containers that are damaged.
    pub failures: Vec<Failure>,
}

impl Engine {
    /// Starts the containers whose restart policy asks for it; those that others need first,
    /// independent ones at the same time. One that cannot be started does not keep the others.
    ///
    /// # Errors
    /// Containers cannot be listed.
    pub fn boot(&self) -> Result<Booted, Failure> {
        let survey = containers::survey(&self.dirs)?;
        let due: Vec<&Container> = survey
            .containers
            .iter()
            .filter(|container| container.run.is_none())
            .filter(|container| is_due(container.record.host.restart, &container.last))
            .collect();
        let resolve = |name: &str| names::resolve(&self.dirs, name).ok();
        let mut graph = order(&due, &resolve);
        let booted = Mutex::new(Booted {
            started: Vec::new(),
            failures: survey.failures,
        });
        let start = |id: &str| {
            let begun = self.start(id, None);
            let name = due.iter().find(|container| container.record.id == id);
            let name = name.map_or(id, |container| &container.record.name);
            let mut booted = locked(&booted);
            match begun {
                Ok(_) => booted.started.push(name.to_owned()),
                Err(failure) => booted.failures.push(Failure {
                    message: format!("start container {name}: {}", failure.message),
                    ..failure
                }),
            }
        };
        let begun = Mutex::new(BTreeSet::new());
        walk(&graph, &|id| {
            start(id);
            locked(&begun).insert(id.to_owned());
            Ok(())
        })?;
        // Who waits for each other in a circle, which only labels can say.
        graph.retain(|id, _| !locked(&begun).contains(id));
        graph.keys().for_each(|id| start(id));
        Ok(booted.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As dockerd when it starts, but for `on-failure`, which Docker also starts when it had failed
/// before.
fn is_due(policy: RestartPolicy, last: &LastState) -> bool {
    let ran = last.started_at != clock::ZERO;
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always => ran,
        RestartPolicy::UnlessStopped => ran && !last.stopped_by_hand,
        RestartPolicy::OnFailure { most } => {
            last.with_machine && (most == 0 || last.restart_count < most)
        }
    }
}

/// Who waits for whom: for the source of a link, for whose namespace one is in, for what Compose was
/// told.
fn order(due: &[&Container], resolve: &dyn Fn(&str) -> Option<String>) -> Graph {
    let mut services: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for container in due {
        if let Some(service) = service(&container.record) {
            services
                .entry(service)
                .or_default()
                .push(&container.record.id);
        }
    }
    let needs = |record: &Record| {
        let host = &record.host;
        let mut needs: BTreeSet<String> = host
            .links
            .iter()
            .map(|link| links::parts(link).0.to_owned())
            .collect();
        if let NetworkMode::Container(id) = &host.network_mode {
            needs.insert(id.clone());
        }
        let modes = [&host.pid_mode, &host.ipc_mode];
        let joined = modes
            .iter()
            .filter_map(|mode| mode.strip_prefix("container:"));
        needs.extend(joined.filter_map(resolve));
        if let Some((project, _)) = service(record) {
            let text = record.config.labels.get(DEPENDS_ON);
            let named = text.into_iter().flat_map(|text| text.split(','));
            let named = named.filter_map(|entry| entry.split(':').next());
            let ids = named.filter_map(|name| services.get(&(project, name)));
            needs.extend(ids.flatten().map(|id| (*id).to_owned()));
        }
        needs.remove(&record.id);
        needs
    };
    due.iter()
        .map(|container| (container.record.id.clone(), needs(&container.record)))
        .collect()
}

fn service(record: &Record) -> Option<(&str, &str)> {
    let label = |name| record.config.labels.get(name).map(String::as_str);
    Some((label(PROJECT)?, label(SERVICE)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(by_hand: bool, with_machine: bool) -> LastState {
        LastState {
            status: "exited".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            stopped_by_hand: by_hand,
            with_machine,
            restart_count: 2,
            ..LastState::default()
        }
    }

    #[test]
    fn policies_say_who_runs_after_a_boot() {
        let on_failure = |most| RestartPolicy::OnFailure { most };
        for (policy, by_hand, with_machine, expected) in [
            (RestartPolicy::No, false, true, false),
            (RestartPolicy::Always, true, false, true),
            (RestartPolicy::UnlessStopped, true, false, false),
            (RestartPolicy::UnlessStopped, false, false, true),
            (on_failure(0), false, true, true),
            (on_failure(0), false, false, false),
            (on_failure(2), false, true, false),
            (on_failure(3), false, true, true),
        ] {
            assert_eq!(
                is_due(policy, &last(by_hand, with_machine)),
                expected,
                "{policy:?} {by_hand} {with_machine}"
            );
        }
        for policy in [RestartPolicy::Always, RestartPolicy::UnlessStopped] {
            assert!(!is_due(policy, &LastState::default()), "never started");
        }
    }

    fn container(id: &str, labels: &[(&str, &str)]) -> Container {
        let record = serde_json::json!({
            "id": id, "name": id, "created": "", "image_id": "",
            "config": {}, "host": {}, "networks": [],
        });
        let mut record: Record = serde_json::from_value(record).unwrap();
        record.config.labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Container {
            record,
            last: LastState::default(),
            run: None,
        }
    }

    #[test]
    fn links_namespaces_and_compose_say_who_waits() {
        let web = |id| {
            container(
                id,
                &[
                    (PROJECT, "shop"),
                    (SERVICE, "web"),
                    (
                        DEPENDS_ON,
                        "db:service_healthy:false,gone:service_started:true",
                    ),
                ],
            )
        };
        let db = container("db1", &[(PROJECT, "shop"), (SERVICE, "db")]);
        let other = container("db2", &[(PROJECT, "else"), (SERVICE, "db")]);
        let mut plain = container("plain", &[]);
        plain.record.host.links = vec!["db2:data".into()];
        plain.record.host.network_mode = NetworkMode::Container("db1".into());
        plain.record.host.pid_mode = "container:name".into();
        let web = web("web1");
        let all = [&web, &db, &other, &plain];
        let resolve = |name: &str| (name == "name").then(|| "web1".to_owned());
        let graph = order(&all, &resolve);
        let needs = |id: &str| graph[id].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(needs("web1"), ["db1"]);
        assert!(needs("db1").is_empty() && needs("db2").is_empty());
        assert_eq!(needs("plain"), ["db1", "db2", "web1"]);
    }
}
