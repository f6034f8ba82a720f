//! Networks and volumes of a project: made where they are missing, taken away.

use std::collections::BTreeSet;

use rbox_netsetup::model::network_request::NetworkRequest;

use super::containers::ProjectContainer;
use super::lower::resources;
use super::model::Network;
use super::progress::{State, Thing};
use super::walk::each;
use super::{Composer, labels};
use crate::engine::{Engine, Failure, containers};

impl Composer<'_> {
    /// Checks what can be checked of the networks and volumes of services before anything is made.
    pub(super) fn check_resources(&self, services: &[String]) -> Result<(), Failure> {
        for (key, network) in self.networks_of(services) {
            if network.external {
                if self.engine.networks.get(&network.name).is_err() {
                    return Err(Failure::new(format!(
                        "network {} declared as external, but could not be found",
                        network.name
                    ))
                    .hint(format!("`rbox network create {}`", network.name)));
                }
            } else {
                resources::network(self.project, key, network)?;
            }
        }
        for (key, volume) in self.volumes_of(services) {
            if !volume.external {
                resources::volume(self.project, key, volume)?;
            } else if !has_volume(self.engine, &volume.name)? {
                return Err(
                    Failure::new(format!("external volume {:?} not found", volume.name))
                        .hint(format!("`rbox volume create {}`", volume.name)),
                );
            }
        }
        Ok(())
    }

    /// Makes the networks of services that are not there, and makes those anew that are not as
    /// they shall be: the project's containers on them are stopped for that.
    pub(super) fn provide_networks(
        &self,
        services: &[String],
        containers: &[ProjectContainer],
        timeout: Option<i64>,
    ) -> Result<(), Failure> {
        for (key, network) in self.networks_of(services) {
            if network.external {
                continue;
            }
            let request = resources::network(self.project, key, network)?;
            match self.engine.networks.get(&network.name) {
                Err(error) if error.is_not_found() => self.create_network(&request)?,
                Err(error) => return Err(Failure::new(error.to_string())),
                Ok(known) => {
                    let label = |name: &str| known.labels.get(name).map_or("", String::as_str);
                    if label(labels::PROJECT) != self.project.name {
                        self.progress.warn(
                            &Failure::new(format!(
                                "a network with name {} exists but was not created for project {:?}",
                                known.name, self.project.name
                            ))
                            .hint("set `external: true` to use an existing network"),
                        );
                    } else if label(labels::CONFIG_HASH) != request.labels[labels::CONFIG_HASH] {
                        self.leave_network(&known.name, containers, timeout)?;
                        self.delete_network(&known.name)?;
                        self.create_network(&request)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn create_network(&self, request: &NetworkRequest) -> Result<(), Failure> {
        let thing = Thing::Network(request.name.clone());
        self.told(&thing, State::Creating, State::Created, || {
            let mut remarks = Vec::new();
            self.engine
                .networks
                .create_noting(request, &mut remarks)
                .map_err(|error| Failure::new(error.to_string()))?;
            for notice in self.engine.notices(&remarks) {
                self.progress.warn(&notice);
            }
            Ok(())
        })
    }

    /// Stops the project's containers on a network.
    fn leave_network(
        &self,
        name: &str,
        all: &[ProjectContainer],
        timeout: Option<i64>,
    ) -> Result<(), Failure> {
        let on_it: Vec<&ProjectContainer> = all
            .iter()
            .filter(|known| {
                let mut networks = known.container.record.networks.iter();
                networks.any(|endpoint| endpoint.network == name)
            })
            .collect();
        each(&on_it, &|container| self.stop_container(container, timeout))
    }

    fn delete_network(&self, name: &str) -> Result<(), Failure> {
        let thing = Thing::Network(name.to_owned());
        self.told(&thing, State::Removing, State::Removed, || {
            self.engine.remove_network(name)
        })
    }

    /// Takes the project's networks away. One that others' containers are on stays.
    pub(super) fn remove_networks(&self) -> Result<bool, Failure> {
        let mut any = false;
        for network in self.project.networks.values() {
            if network.external {
                continue;
            }
            let known = match self.engine.networks.get(&network.name) {
                Ok(known) => known,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(Failure::new(error.to_string())),
            };
            any = true;
            let endpoints = self.engine.networks.endpoints(&known);
            let endpoints = endpoints.map_err(|error| Failure::new(error.to_string()))?;
            let user = endpoints
                .iter()
                .find(|endpoint| containers::stays_alive(&self.engine.dirs, &endpoint.owner));
            match user {
                Some(user) => self.progress.tell(
                    &Thing::Network(network.name.clone()),
                    State::Kept(format!("container {} is on it", user.owner_name)),
                ),
                None => self.delete_network(&network.name)?,
            }
        }
        Ok(any)
    }

    /// Makes the named volumes of services that are not there.
    pub(super) fn provide_volumes(&self, services: &[String]) -> Result<(), Failure> {
        for (key, volume) in self.volumes_of(services) {
            if volume.external {
                continue;
            }
            let request = resources::volume(self.project, key, volume)?;
            if has_volume(self.engine, &volume.name)? {
                let known = self.engine.volume(&volume.name)?;
                self.compare_volume(&known.labels, &request.labels, &volume.name);
                continue;
            }
            let thing = Thing::Volume(volume.name.clone());
            self.told(&thing, State::Creating, State::Created, || {
                self.engine.create_volume(&request).map(drop)
            })?;
        }
        Ok(())
    }

    /// A volume that is not as it shall be keeps its content and stays: the user is told.
    fn compare_volume(
        &self,
        known: &std::collections::BTreeMap<String, String>,
        wanted: &std::collections::BTreeMap<String, String>,
        name: &str,
    ) {
        let warning = if known.get(labels::PROJECT) != wanted.get(labels::PROJECT) {
            Failure::new(format!(
                "volume {name:?} already exists but was not created for project {:?}",
                self.project.name
            ))
            .hint("use `external: true` to use an existing volume")
        } else if known.get(labels::CONFIG_HASH) != wanted.get(labels::CONFIG_HASH) {
            Failure::new(format!(
                "volume {name:?} exists but doesn't match configuration in compose file: it stays \
                 as it is"
            ))
            .hint("`rbox compose down -v` removes it, with all that is in it")
        } else {
            return;
        };
        self.progress.warn(&warning);
    }

    /// Takes the project's named volumes away. One that others' containers use stays.
    pub(super) fn remove_volumes(&self) -> Result<bool, Failure> {
        let mut any = false;
        for volume in self.project.volumes.values() {
            if volume.external || !has_volume(self.engine, &volume.name)? {
                continue;
            }
            any = true;
            let thing = Thing::Volume(volume.name.clone());
            let users = self.engine.volume_users(&volume.name)?;
            if users.is_empty() {
                self.told(&thing, State::Removing, State::Removed, || {
                    self.engine.remove_volume(&volume.name, false)
                })?;
            } else {
                let why = format!("{} containers use it", users.len());
                self.progress.tell(&thing, State::Kept(why));
            }
        }
        // A `down` before this one may have been killed over the last of them.
        self.engine.sweep_volumes()?;
        Ok(any)
    }

    /// Networks of services, by key.
    fn networks_of(&self, services: &[String]) -> Vec<(&str, &Network)> {
        let used: BTreeSet<&String> = self
            .services(services)
            .filter(|service| service.network_mode.is_none())
            .flat_map(|service| service.networks.keys())
            .collect();
        let all = self.project.networks.iter();
        all.filter(|(key, _)| used.contains(key))
            .map(|(key, network)| (key.as_str(), network))
            .collect()
    }

    /// Named volumes of services, by key.
    fn volumes_of(&self, services: &[String]) -> Vec<(&str, &super::model::Volume)> {
        let used: BTreeSet<&String> = self
            .services(services)
            .flat_map(|service| &service.volumes)
            .filter(|mount| mount.kind == "volume")
            .filter_map(|mount| mount.source.as_ref())
            .collect();
        let all = self.project.volumes.iter();
        all.filter(|(key, _)| used.contains(key))
            .map(|(key, volume)| (key.as_str(), volume))
            .collect()
    }
}

fn has_volume(engine: &Engine, name: &str) -> Result<bool, Failure> {
    let all = engine.volumes()?;
    Ok(all.iter().any(|volume| volume.name == name))
}
