//! A service becomes what `create` is asked for, checked as `run` checks its flags. Pure but for
//! the files of seccomp profiles and of secrets that get an owner.

pub mod build;
mod grants;
mod hash;
mod limits;
mod mounts;
mod networks;
pub mod resources;
mod security;

pub use hash::hash;

use std::collections::BTreeMap;
use std::fmt::Display;

use rbox_images::Platform;
use rbox_netsetup::model::port::PortBinding;
use rbox_netsetup::model::port_grammar::{parse_expose, parse_publish};

use super::model::{Condition, Port, Project, Service};
use super::{dependencies, labels, names};
use crate::engine::Failure;
use crate::engine::request::{self, ContainerRequest, PullPolicy};
use crate::engine::signals;

/// Which container of a service.
#[derive(Clone, Debug)]
pub struct Which<'a> {
    /// Its name.
    pub name: &'a str,
    /// From 1.
    pub number: u32,
    /// `compose run` makes it.
    pub oneoff: bool,
    /// Its service's name is one of its names on the networks.
    pub aliases: bool,
    /// How many containers the other services have, by service, where that is not what they say.
    pub scale: &'a BTreeMap<String, u32>,
}

impl Which<'_> {
    /// Number and name of each container of another service.
    fn all_of(&self, project: &Project, name: &str) -> Vec<(u32, String)> {
        let Some(service) = project.services.get(name) else {
            return Vec::new();
        };
        let count = self.scale.get(name).copied();
        (1..=count.unwrap_or_else(|| names::replicas(service)))
            .map(|number| (number, names::container(project, service, number)))
            .collect()
    }

    /// Name of the first container of another service; `None` where it has none.
    fn first_of(&self, project: &Project, name: &str) -> Option<String> {
        let first = self.all_of(project, name).into_iter().next()?;
        Some(first.1)
    }
}

/// A container of a service.
///
/// # Errors
/// What `run` would refuse, naming the service and the key.
pub fn container(
    project: &Project,
    service: &Service,
    which: &Which<'_>,
) -> Result<ContainerRequest, Failure> {
    let at = At { service };
    let mut request = ContainerRequest {
        name: Some(which.name.to_owned()),
        image: names::image(project, service),
        command: service.command.clone().unwrap_or_default(),
        no_command: service.command.is_some(),
        entrypoint: service.entrypoint.clone(),
        env: environment(service),
        labels: container_labels(project, service, which)?,
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        user: service.user.clone(),
        workdir: service.working_dir.clone(),
        tty: service.tty,
        interactive: service.stdin_open,
        stop_signal: service.stop_signal.clone(),
        stop_timeout: service.stop_grace_period.map(whole_seconds),
        healthcheck: healthcheck(service),
        // What has to be pulled is pulled before.
        pull: PullPolicy::Never,
        ..ContainerRequest::default()
    };
    if let Some(signal) = &service.stop_signal
        && signals::parse(signal).is_none()
    {
        return Err(at.refuse("stop_signal", format!("invalid signal: {signal}")));
    }
    if let Some(platform) = &service.platform {
        let parsed = platform.parse::<Platform>();
        let parsed = parsed.map_err(|error| at.refuse("platform", error))?;
        if !parsed.runs_here() {
            let why = format!(
                "{platform} does not run on this machine ({})",
                Platform::host()
            );
            return Err(at.refuse("platform", why));
        }
    }
    request.host.init = service.init;
    request.host.readonly_rootfs = service.read_only;
    for port in &service.ports {
        let bindings = published(port).map_err(|error| at.refuse("ports", error))?;
        request.host.port_bindings.extend(bindings);
    }
    for expose in &service.expose {
        let ports = parse_expose(expose).map_err(|error| at.refuse("expose", error))?;
        request.expose.extend(ports);
    }
    limits::set(&at, &mut request.host)?;
    security::set(project, &at, which, &mut request.host)?;
    networks::set(project, &at, which, &mut request)?;
    mounts::set(project, &at, which, &mut request.host)?;
    grants::set(project, &at, &mut request)?;
    Ok(request)
}

/// A service whose keys are refused by name.
pub struct At<'a> {
    service: &'a Service,
}

impl At<'_> {
    /// `services.web.ports: invalid containerPort: x`.
    fn refuse(&self, key: &str, why: impl Display) -> Failure {
        Failure::new(format!("services.{}.{key}: {why}", self.service.name))
    }
}

fn environment(service: &Service) -> Vec<(String, String)> {
    let given = |(name, value): (&String, &Option<String>)| Some((name.clone(), value.clone()?));
    service.environment.iter().filter_map(given).collect()
}

fn container_labels(
    project: &Project,
    service: &Service,
    which: &Which<'_>,
) -> Result<BTreeMap<String, String>, Failure> {
    let files: Vec<String> = project
        .files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let depends_on: Vec<String> = dependencies::of(service)
        .into_iter()
        .map(|(name, dependency)| {
            let condition = condition(dependency.condition);
            format!("{name}:{condition}:{}", dependency.restart)
        })
        .collect();
    let own = [
        (labels::PROJECT, project.name.clone()),
        (labels::SERVICE, service.name.clone()),
        (labels::NUMBER, which.number.to_string()),
        (
            labels::ONEOFF,
            if which.oneoff { "True" } else { "False" }.to_owned(),
        ),
        (labels::VERSION, labels::LIKE.to_owned()),
        (labels::CONFIG_HASH, hash(project, service)?),
        (labels::CONFIG_FILES, files.join(",")),
        (labels::WORKING_DIR, project.directory.display().to_string()),
        (labels::DEPENDS_ON, depends_on.join(",")),
    ];
    let mut all = service.labels.clone();
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    Ok(all)
}

/// A condition as files name it.
pub fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "service_started",
        Condition::Healthy => "service_healthy",
        Condition::Completed => "service_completed_successfully",
    }
}

/// Nanoseconds as seconds, a part of one as a whole one.
fn whole_seconds(nanoseconds: i64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    nanoseconds / SECOND + i64::from(nanoseconds % SECOND > 0)
}

fn healthcheck(service: &Service) -> Option<request::Healthcheck> {
    let check = service.healthcheck.as_ref()?;
    Some(request::Healthcheck {
        test: check.test.clone(),
        interval: check.interval.unwrap_or_default(),
        timeout: check.timeout.unwrap_or_default(),
        start_period: check.start_period.unwrap_or_default(),
        start_interval: check.start_interval.unwrap_or_default(),
        retries: check.retries.unwrap_or_default(),
    })
}

/// A port as `-p` takes it.
fn published(port: &Port) -> Result<Vec<PortBinding>, String> {
    let address = match &port.host_ip {
        Some(ip) if ip.contains(':') && !ip.starts_with('[') => format!("[{ip}]:"),
        Some(ip) => format!("{ip}:"),
        None => String::new(),
    };
    let published = match &port.published {
        Some(published) => format!("{published}:"),
        None if address.is_empty() => String::new(),
        None => ":".to_owned(),
    };
    let text = format!("{address}{published}{}/{}", port.target, port.protocol);
    parse_publish(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
