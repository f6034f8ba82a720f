//! `run`: a container of a service beside those that `up` makes.

use rbox_netsetup::model::port_grammar::parse_publish;

use super::converge::Scale;
use super::lower::{self, Which};
use super::model::{Dependency, Service};
use super::request::{OneOff, UpOptions};
use super::{Composer, dependencies, names};
use crate::engine::Failure;
use crate::engine::names::new_id;

impl Composer<'_> {
    /// Starts what the service depends on and makes the container, whose id comes back. Starting
    /// it is the caller's, who may attach.
    pub fn one_off(&self, asked: &OneOff) -> Result<String, Failure> {
        let service = self
            .project
            .services
            .get(&asked.service)
            .ok_or_else(|| Failure::new(format!("no such service: {}", asked.service)))?;
        let own = std::slice::from_ref(&asked.service);
        let changed = changed(service, asked);
        let scale: Scale = self
            .project
            .services
            .iter()
            .map(|(name, service)| (name.clone(), names::replicas(service)))
            .collect();
        let name = match &asked.name {
            Some(name) => name.clone(),
            None => {
                let id = new_id()?;
                let digits = id.get(..12).unwrap_or_default();
                format!("{}-{}-run-{digits}", self.project.name, service.name)
            }
        };
        let which = Which {
            name: &name,
            number: 1,
            oneoff: true,
            aliases: asked.use_aliases,
            scale: &scale,
        };
        let mut request = lower::container(self.project, &changed, &which)?;
        request.attach = asked.attach;
        request.host.auto_remove = asked.remove;
        if asked.remove {
            request.host.restart = Default::default();
        }
        request.host.mounts.retain(|mount| {
            let mut given = asked.mounts.iter();
            !given.any(|other| other.target == mount.target)
        });
        request.host.mounts.extend(asked.mounts.iter().cloned());
        for publish in &asked.publish {
            let bindings =
                parse_publish(publish).map_err(|error| Failure::new(error.to_string()))?;
            request.host.port_bindings.extend(bindings);
        }
        let needed: Vec<String> = dependencies::of(service)
            .into_keys()
            .filter(|name| self.project.services.contains_key(*name))
            .map(str::to_owned)
            .collect();
        if !asked.no_deps && !needed.is_empty() {
            self.up(&UpOptions {
                services: needed.clone(),
                remove_orphans: asked.remove_orphans,
                pull: asked.pull,
                ..UpOptions::default()
            })?;
            let waits_for: Vec<(&String, &Dependency)> = service.depends_on.iter().collect();
            let taking_part: Vec<String> = waits_for
                .into_iter()
                .map(|(name, _)| name.clone())
                .collect();
            self.await_dependencies(service, &taking_part)?;
        }
        self.check_resources(own)?;
        self.provide_images(
            own,
            &UpOptions {
                build: asked.build,
                pull: asked.pull,
                ..UpOptions::default()
            },
        )?;
        self.provide_networks(own, &self.containers()?, None)?;
        self.provide_volumes(own)?;
        self.make(request)
    }
}

/// The service with what was asked over it.
fn changed(service: &Service, asked: &OneOff) -> Service {
    let mut changed = service.clone();
    changed.container_name = None;
    changed.tty = asked.tty;
    changed.stdin_open = asked.interactive;
    if !asked.service_ports {
        changed.ports.clear();
    }
    if let Some(entrypoint) = &asked.entrypoint {
        changed.entrypoint = Some(entrypoint.clone());
        // The command goes with the entrypoint that it was written for.
        changed.command = None;
    }
    if let Some(command) = &asked.command {
        changed.command = Some(command.clone());
    }
    let given = asked.environment.iter();
    changed
        .environment
        .extend(given.map(|(name, value)| (name.clone(), Some(value.clone()))));
    changed.labels.extend(asked.labels.clone());
    if asked.user.is_some() {
        changed.user.clone_from(&asked.user);
    }
    if asked.working_dir.is_some() {
        changed.working_dir.clone_from(&asked.working_dir);
    }
    changed.cap_add.extend(asked.cap_add.iter().cloned());
    changed.cap_drop.extend(asked.cap_drop.iter().cloned());
    changed
}
