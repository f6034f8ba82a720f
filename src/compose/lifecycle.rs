//! The commands on the containers that a project has: `start`, `stop`, `restart`, `kill`, `pause`,
//! `unpause`, `rm`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::containers::ProjectContainer;
use super::progress::{State, Thing};
use super::request::RmOptions;
use super::walk::{each, reversed, walk};
use super::{Composer, dependencies};
use crate::engine::Failure;

impl Composer<'_> {
    /// Starts the containers of services, which `up` or `create` made. With `wait`, until they run
    /// and are healthy, at most so long.
    pub fn start(
        &self,
        services: &[String],
        wait: Option<Option<Duration>>,
    ) -> Result<(), Failure> {
        let order = dependencies::select(self.project, services, true)?;
        let all = self.containers()?;
        for service in &order {
            let is_named = services.is_empty() || services.contains(service);
            if is_named && !all.iter().any(|known| known.service == *service) {
                return Err(
                    Failure::new(format!("service {service:?} has no container to start"))
                        .hint("`rbox compose up` makes it"),
                );
            }
        }
        self.start_all(&order)?;
        match wait {
            Some(timeout) => self.await_all(&order, timeout),
            None => Ok(()),
        }
    }

    /// Stops the containers of services, those first that depend on others.
    pub fn stop(&self, services: &[String], timeout: Option<i64>) -> Result<(), Failure> {
        self.backwards(services, &|container| {
            self.stop_container(container, timeout)
        })
    }

    /// Restarts the containers of services, and those of services that want to be restarted with
    /// them unless `no_deps`.
    pub fn restart(
        &self,
        services: &[String],
        timeout: Option<i64>,
        no_deps: bool,
    ) -> Result<(), Failure> {
        let mut chosen = dependencies::select(self.project, services, false)?;
        if !no_deps {
            for (name, service) in &self.project.services {
                let mut needed = service.depends_on.iter();
                if !chosen.contains(name)
                    && needed.any(|(name, how)| how.restart && chosen.contains(name))
                {
                    chosen.push(name.clone());
                }
            }
        }
        let all = self.of_services(&chosen)?;
        walk(&self.graph(&chosen), &|service| {
            each(all.get(service).map_or(&[], Vec::as_slice), &|container| {
                let thing = Thing::Container(container.name().to_owned());
                self.told(&thing, State::Restarting, State::Started, || {
                    self.engine.restart(container.id(), timeout, None)
                })
            })
        })
    }

    /// Sends a signal to the containers of services that run.
    pub fn kill(
        &self,
        services: &[String],
        signal: &str,
        remove_orphans: bool,
    ) -> Result<(), Failure> {
        if crate::engine::signals::parse(signal).is_none() {
            return Err(Failure::new(format!("invalid signal: {signal}")));
        }
        if remove_orphans {
            let all = self.containers()?;
            let orphans: Vec<&ProjectContainer> =
                all.iter().filter(|known| self.is_orphan(known)).collect();
            each(&orphans, &|orphan| {
                self.remove_container(orphan, None, false)
            })?;
        }
        self.backwards(services, &|container| {
            if container.container.run.is_none() {
                return Ok(());
            }
            let thing = Thing::Container(container.name().to_owned());
            self.told(&thing, State::Killing, State::Killed, || {
                self.engine.kill(container.id(), signal)
            })
        })
    }

    /// Makes the containers of services stand still.
    pub fn pause(&self, services: &[String]) -> Result<(), Failure> {
        self.backwards(services, &|container| {
            if container.container.status() != "running" {
                return Ok(());
            }
            let thing = Thing::Container(container.name().to_owned());
            self.told(&thing, State::Pausing, State::Paused, || {
                self.engine.pause(container.id())
            })
        })
    }

    /// Lets the containers of services run on.
    pub fn unpause(&self, services: &[String]) -> Result<(), Failure> {
        self.backwards(services, &|container| {
            if container.container.status() != "paused" {
                return Ok(());
            }
            let thing = Thing::Container(container.name().to_owned());
            self.told(&thing, State::Unpausing, State::Unpaused, || {
                self.engine.unpause(container.id())
            })
        })
    }

    /// The containers that [`Composer::rm`] would take away.
    pub fn removable(&self, options: &RmOptions) -> Result<Vec<ProjectContainer>, Failure> {
        let chosen = dependencies::select(self.project, &options.services, false)?;
        let mut all = self.containers()?;
        all.retain(|known| {
            chosen.contains(&known.service) && (options.stop || known.container.run.is_none())
        });
        Ok(all)
    }

    /// Takes containers of services away that do not run, or all of them.
    pub fn rm(&self, options: &RmOptions) -> Result<(), Failure> {
        let all = self.removable(options)?;
        each(&all, &|container| {
            self.remove_container(container, None, options.volumes)
        })
    }

    /// Does something to the containers of services, those first that depend on others.
    fn backwards(
        &self,
        services: &[String],
        work: &(dyn Fn(&ProjectContainer) -> Result<(), Failure> + Sync),
    ) -> Result<(), Failure> {
        let chosen = dependencies::select(self.project, services, false)?;
        let all = self.of_services(&chosen)?;
        walk(&reversed(&self.graph(&chosen)), &|service| {
            each(all.get(service).map_or(&[], Vec::as_slice), work)
        })
    }

    /// The containers of services, by service; not those of `compose run`.
    fn of_services(
        &self,
        services: &[String],
    ) -> Result<BTreeMap<String, Vec<ProjectContainer>>, Failure> {
        let mut all: BTreeMap<String, Vec<ProjectContainer>> = BTreeMap::new();
        for known in self.containers()? {
            if !known.oneoff && services.contains(&known.service) {
                all.entry(known.service.clone()).or_default().push(known);
            }
        }
        Ok(all)
    }

    /// Stops a container that runs.
    pub(super) fn stop_container(
        &self,
        container: &ProjectContainer,
        timeout: Option<i64>,
    ) -> Result<(), Failure> {
        if container.container.run.is_none() {
            return Ok(());
        }
        let thing = Thing::Container(container.name().to_owned());
        self.told(&thing, State::Stopping, State::Stopped, || {
            self.engine.stop(container.id(), timeout, None)
        })
    }

    /// Stops and removes a container, with its anonymous volumes if `volumes`. One that is gone
    /// already is as it shall be.
    pub(super) fn remove_container(
        &self,
        container: &ProjectContainer,
        timeout: Option<i64>,
        volumes: bool,
    ) -> Result<(), Failure> {
        self.stop_container(container, timeout)?;
        let thing = Thing::Container(container.name().to_owned());
        self.told(&thing, State::Removing, State::Removed, || {
            let removed = match volumes {
                true => self.engine.remove_with_volumes(container.id(), true),
                false => self.engine.remove(container.id(), true),
            };
            let dirs = &self.engine.dirs;
            match removed {
                Err(_) if !dirs.container(container.id()).exists() => Ok(()),
                other => other,
            }
        })
    }
}
