//! `up`, `create` and `scale`.

use std::collections::BTreeMap;
use std::path::Path;

use super::containers::ProjectContainer;
use super::converge::Scale;
use super::lower::{self, Which};
use super::plan::{Step, plan};
use super::progress::{State, Thing};
use super::request::UpOptions;
use super::walk::{each, walk};
use super::{Composer, dependencies, names};
use crate::engine::request::MountKind;
use crate::engine::{Failure, create};

impl Composer<'_> {
    /// Makes what is missing or changed, and starts it. What is as it shall be is left alone.
    pub fn up(&self, options: &UpOptions) -> Result<(), Failure> {
        let order = self.bring_about(options)?;
        self.start_all(&order)?;
        match options.wait {
            true => self.await_all(&order, options.wait_timeout),
            false => Ok(()),
        }
    }

    /// Makes what is missing or changed.
    pub fn create(&self, options: &UpOptions) -> Result<(), Failure> {
        self.bring_about(options).map(drop)
    }

    /// Changes how many containers services have.
    pub fn scale(&self, scale: &BTreeMap<String, u32>, no_deps: bool) -> Result<(), Failure> {
        self.up(&UpOptions {
            services: scale.keys().cloned().collect(),
            scale: scale.clone(),
            no_deps,
            ..UpOptions::default()
        })
    }

    /// Everything of `up` but the start; the services that take part come back, each after those
    /// that it needs.
    fn bring_about(&self, options: &UpOptions) -> Result<Vec<String>, Failure> {
        let order = dependencies::select(self.project, &options.services, !options.no_deps)?;
        let scale = self.counts(&options.scale)?;
        // What is wrong is said before anything is changed.
        for service in self.services(&order) {
            self.check_service(service, &scale)?;
        }
        self.check_resources(&order)?;
        self.provide_images(&order, options)?;
        let all = self.containers()?;
        self.orphans(&all, options)?;
        self.provide_networks(&order, &all, options.timeout)?;
        self.provide_volumes(&order)?;
        let wanted = self.wanted(&order, &scale, options)?;
        let steps = plan(&wanted, &self.observed(&all));
        walk(
            &self.graph(&order),
            &|name| match (self.project.services.get(name), steps.get(name)) {
                (Some(service), Some(steps)) => self.converge(service, steps, &scale, options),
                _ => Ok(()),
            },
        )?;
        self.restart_dependents(&order, &steps, options)?;
        Ok(order)
    }

    /// How many containers each service shall have.
    fn counts(&self, given: &BTreeMap<String, u32>) -> Result<Scale, Failure> {
        if let Some(name) = given
            .keys()
            .find(|name| !self.project.services.contains_key(*name))
        {
            return Err(Failure::new(format!("no such service: {name}")));
        }
        let mut scale = Scale::new();
        for (name, service) in &self.project.services {
            let count = given.get(name).copied();
            let count = count.unwrap_or_else(|| names::replicas(service));
            if let Some(own) = &service.container_name
                && count > 1
            {
                return Err(Failure::new(format!(
                    "services.{name}.container_name: {own:?} is the name of one container, and \
                     {count} are wanted"
                ))
                .hint("without container_name they are named after project and service"));
            }
            scale.insert(name.clone(), count);
        }
        Ok(scale)
    }

    fn check_service(&self, service: &super::model::Service, scale: &Scale) -> Result<(), Failure> {
        let name = names::container(self.project, service, 1);
        let which = Which {
            name: &name,
            number: 1,
            oneoff: false,
            aliases: true,
            scale,
        };
        let request = lower::container(self.project, service, &which)?;
        let refuse = |why: &str| Failure::new(format!("services.{}: {why}", service.name));
        create::check(&request).map_err(|failure| Failure {
            message: refuse(&failure.message).message,
            ..failure
        })?;
        let mut binds = request
            .host
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Bind && !mount.create_source);
        match binds.find(|mount| !Path::new(&mount.source).exists()) {
            Some(mount) => Err(refuse(&format!(
                "bind source path does not exist: {}",
                mount.source
            ))),
            None => Ok(()),
        }
    }

    /// Containers of services that the files do not have (any more).
    fn orphans(&self, all: &[ProjectContainer], options: &UpOptions) -> Result<(), Failure> {
        let orphans: Vec<&ProjectContainer> = all
            .iter()
            .filter(|known| !known.oneoff && self.is_orphan(known))
            .collect();
        if orphans.is_empty() || (options.ignore_orphans && !options.remove_orphans) {
            return Ok(());
        }
        if options.remove_orphans {
            return each(&orphans, &|orphan| {
                self.remove_container(orphan, options.timeout, false)
            });
        }
        let names: Vec<&str> = orphans.iter().map(|orphan| orphan.name()).collect();
        self.progress.warn(&Failure::new(format!(
            "Found orphan containers ([{}]) for this project. If you removed or renamed this \
                 service in your compose file, you can run this command with the --remove-orphans \
                 flag to clean it up.",
            names.join(" ")
        )));
        Ok(())
    }

    /// Whether the files have no service that the container could be of.
    pub(super) fn is_orphan(&self, known: &ProjectContainer) -> bool {
        !self.project.services.contains_key(&known.service)
            && !self.project.disabled.contains_key(&known.service)
    }

    /// Stops the services that want to be restarted with what they depend on, where that was made
    /// anew; they are started with the rest.
    fn restart_dependents(
        &self,
        order: &[String],
        steps: &BTreeMap<String, Vec<Step>>,
        options: &UpOptions,
    ) -> Result<(), Failure> {
        let renewed = |name: &str| {
            let steps = steps.get(name).map(Vec::as_slice).unwrap_or_default();
            steps
                .iter()
                .any(|step| matches!(step, Step::Recreate { .. }))
        };
        let affected: Vec<&str> = self
            .services(order)
            .filter(|service| {
                let mut dependencies = service.depends_on.iter();
                !renewed(&service.name)
                    && dependencies.any(|(name, how)| how.restart && renewed(name))
            })
            .map(|service| service.name.as_str())
            .collect();
        if affected.is_empty() {
            return Ok(());
        }
        let all = self.containers()?;
        let chosen: Vec<&ProjectContainer> = all
            .iter()
            .filter(|known| !known.oneoff && affected.contains(&known.service.as_str()))
            .collect();
        each(&chosen, &|container| {
            self.stop_container(container, options.timeout)
        })
    }

    /// Starts the containers of services that do not run, each service once what it depends on is
    /// as far as it says.
    pub(super) fn start_all(&self, order: &[String]) -> Result<(), Failure> {
        walk(&self.graph(order), &|name| {
            let Some(service) = self.project.services.get(name) else {
                return Ok(());
            };
            self.await_dependencies(service, order)?;
            let own: Vec<ProjectContainer> = self
                .containers()?
                .into_iter()
                .filter(|known| !known.oneoff && known.service == name)
                .collect();
            each(&own, &|container| {
                let thing = Thing::Container(container.name().to_owned());
                match container.container.status() {
                    "running" | "restarting" => {
                        self.progress.tell(&thing, State::Running);
                        Ok(())
                    }
                    "paused" => self.told(&thing, State::Unpausing, State::Unpaused, || {
                        self.engine.unpause(container.id())
                    }),
                    _ => self.told(&thing, State::Starting, State::Started, || {
                        self.engine.start(container.id(), None).map(drop)
                    }),
                }
            })
        })
    }
}
