//! `ps`: containers as their records and run state say.

use std::collections::BTreeMap;

use rbox_netsetup::model::endpoint::Endpoint;
use rbox_netsetup::model::port::PublishedPort;
use rbox_netsetup::model::port_display::{self, PortEntry};

use super::containers::Survey;
use super::failure::Failure;
use super::record::{Container, HealthStatus};
use super::request::{MountKind, NetworkMode};
use super::{Engine, clock, containers, links};

/// One line of `ps`, before formatting.
#[derive(Clone, Debug)]
pub struct ContainerSummary {
    /// Full id.
    pub id: String,
    /// Own name.
    pub name: String,
    /// Its own and those given by links (`consumer/alias`), sorted.
    pub names: Vec<String>,
    /// Image as typed; the short id when that name means another image by now.
    pub image: String,
    /// Config digest.
    pub image_id: String,
    /// Path and arguments, arguments with spaces quoted.
    pub command: String,
    /// Seconds since the epoch.
    pub created: i64,
    /// `created`, `running`, `paused`, `restarting`, `exited`.
    pub state: String,
    /// Of the last run.
    pub exit_code: i32,
    /// Seconds since the epoch; 0 never.
    pub started_at: i64,
    /// Seconds since the epoch; 0 never.
    pub finished_at: i64,
    /// Published and exposed ports; none where it does not run.
    pub ports: Vec<PortEntry>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Sources of its mounts, names of its volumes.
    pub mounts: Vec<String>,
    /// Where in it they are mounted.
    pub mount_targets: Vec<String>,
    /// How many of them are volumes.
    pub volumes: usize,
    /// Networks it is attached to.
    pub networks: Vec<String>,
    /// Host ends of its interfaces, while it runs.
    pub host_interfaces: Vec<String>,
    /// What its probes say, where it has a health check.
    pub health: Option<HealthStatus>,
}

impl Engine {
    /// All containers, newest first, and what is wrong with those that are damaged.
    pub fn list(&self) -> Result<(Vec<ContainerSummary>, Vec<Failure>), Failure> {
        let Survey {
            containers,
            failures,
        } = containers::survey(&self.dirs)?;
        rbox_timing::mark("containers read");
        // An image's name may have moved on since the container was made.
        let mut image_ids = BTreeMap::new();
        for container in &containers {
            let name = &container.record.config.image;
            image_ids.entry(name.clone()).or_insert_with(|| {
                self.images
                    .get(name)
                    .map(|image| image.id)
                    .unwrap_or_default()
            });
        }
        let mut given = links::names_given(&containers);
        let summaries = containers
            .iter()
            .map(|container| {
                let current = image_ids.get(&container.record.config.image);
                let mut summary = summary(container, current == Some(&container.record.image_id));
                if let Some(names) = given.remove(&summary.id) {
                    summary.names.extend(names);
                    summary.names.sort();
                }
                summary
            })
            .collect();
        Ok((summaries, failures))
    }

    /// Ports as bound, of a running container.
    pub fn port(&self, name: &str) -> Result<Vec<PublishedPort>, Failure> {
        let container = containers::find(&self.dirs, name)?;
        Ok(container
            .run
            .map(|run| run.sandbox.ports)
            .unwrap_or_default())
    }
}

fn summary(container: &Container, image_current: bool) -> ContainerSummary {
    let record = &container.record;
    let seconds =
        |text: &str| clock::parse_nanos(text).map_or(0, |nanos| nanos.max(0) / 1_000_000_000);
    let started_at = match &container.run {
        Some(run) => &run.started_at,
        None => &container.last.started_at,
    };
    let image = if image_current {
        record.config.image.clone()
    } else {
        record
            .image_id
            .trim_start_matches("sha256:")
            .chars()
            .take(12)
            .collect()
    };
    ContainerSummary {
        id: record.id.clone(),
        name: record.name.clone(),
        names: vec![record.name.clone()],
        image,
        image_id: record.image_id.clone(),
        command: command(&record.argv()),
        created: seconds(&record.created),
        state: container.status().to_owned(),
        exit_code: container.last.exit_code,
        started_at: seconds(started_at),
        finished_at: seconds(&container.last.finished_at),
        ports: ports(container),
        labels: record.config.labels.clone(),
        mounts: record
            .host
            .mounts
            .iter()
            .map(|mount| mount.source.clone())
            .collect(),
        mount_targets: record
            .host
            .mounts
            .iter()
            .map(|mount| mount.target.clone())
            .collect(),
        volumes: record
            .host
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Volume)
            .count(),
        networks: record
            .networks
            .iter()
            .map(|endpoint| endpoint.network.clone())
            .collect(),
        host_interfaces: container
            .run
            .iter()
            .flat_map(|run| &run.sandbox.endpoints)
            .map(|endpoint| endpoint.host_ifname.clone())
            .filter(|name| !name.is_empty())
            .collect(),
        health: container.health().map(|health| health.status),
    }
}

/// Arguments with spaces in single quotes, as Docker shows them.
fn command(argv: &[String]) -> String {
    let mut words = argv.iter();
    let mut text = words.next().cloned().unwrap_or_default();
    for word in words {
        text.push(' ');
        if word.contains(' ') {
            text.push('\'');
            text.push_str(word);
            text.push('\'');
        } else {
            text.push_str(word);
        }
    }
    text
}

/// Whether a container shows ports, published or only exposed: it runs in a namespace of its
/// own, on a network that leads out.
pub fn shows_ports(container: &Container) -> bool {
    let of_its_own = matches!(
        container.record.host.network_mode,
        NetworkMode::Bridge | NetworkMode::Network(_)
    );
    let endpoints = container.run.iter().flat_map(|run| &run.sandbox.endpoints);
    let leads_out = |endpoint: &Endpoint| endpoint.gateway.is_some() || endpoint.gateway6.is_some();
    of_its_own && endpoints.into_iter().any(leads_out)
}

fn ports(container: &Container) -> Vec<PortEntry> {
    match &container.run {
        Some(run) if shows_ports(container) => {
            port_display::entries(&container.record.config.exposed_ports, &run.sandbox.ports)
        }
        _ => Vec::new(),
    }
}
