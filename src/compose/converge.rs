//! The steps of a plan, carried out on containers.

use std::collections::{BTreeMap, BTreeSet};

use super::containers::ProjectContainer;
use super::lower::{self, Which};
use super::model::Service;
use super::plan::{Observed, Step, Wanted};
use super::progress::{State, Thing};
use super::request::UpOptions;
use super::walk::{Graph, each};
use super::{Composer, containers, dependencies, labels, names};
use crate::engine::request::{ContainerRequest, MountKind, MountRequest, NetworkMode};
use crate::engine::{Failure, names as engine_names};

/// How many containers each service shall have.
pub type Scale = BTreeMap<String, u32>;

impl Composer<'_> {
    /// What the services shall be.
    pub(super) fn wanted(
        &self,
        order: &[String],
        scale: &Scale,
        options: &UpOptions,
    ) -> Result<Vec<Wanted>, Failure> {
        let is_named =
            |name: &String| options.services.is_empty() || options.services.contains(name);
        self.services(order)
            .map(|service| {
                let count = scale.get(&service.name).copied().unwrap_or_default();
                let image = names::image(self.project, service);
                let image = self.engine.images.get(&image);
                let image = image.map_err(|error| Failure::new(error.to_string()))?;
                let networks = match service.network_mode {
                    Some(_) => BTreeSet::new(),
                    None => service
                        .networks
                        .keys()
                        .filter_map(|key| self.project.networks.get(key))
                        .map(|network| network.name.clone())
                        .collect(),
                };
                Ok(Wanted {
                    service: service.name.clone(),
                    names: (1..=count)
                        .map(|number| names::container(self.project, service, number))
                        .collect(),
                    hash: lower::hash(self.project, service)?,
                    image: image.id,
                    networks,
                    bound_to: dependencies::bound_to(service)
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                    recreate: if is_named(&service.name) {
                        options.recreate
                    } else {
                        options.recreate_dependencies
                    },
                })
            })
            .collect()
    }

    /// What there is of it.
    pub(super) fn observed(&self, all: &[ProjectContainer]) -> Vec<Observed> {
        let own = all.iter().filter(|container| !container.oneoff);
        own.map(|known| {
            let record = &known.container.record;
            let host = &record.host;
            let mut bound_to = BTreeSet::new();
            if let NetworkMode::Container(id) = &host.network_mode {
                bound_to.insert(id.clone());
            }
            for mode in [&host.pid_mode, &host.ipc_mode] {
                bound_to.extend(mode.strip_prefix("container:").map(str::to_owned));
            }
            for from in &host.volumes_from {
                let name = from.split(':').next().unwrap_or_default();
                bound_to.extend(engine_names::named(&self.engine.dirs, name));
            }
            Observed {
                id: record.id.clone(),
                name: record.name.clone(),
                service: known.service.clone(),
                number: known.number,
                hash: known.label(labels::CONFIG_HASH).to_owned(),
                image: record.image_id.clone(),
                networks: record
                    .networks
                    .iter()
                    .map(|endpoint| endpoint.network.clone())
                    .collect(),
                bound_to,
            }
        })
        .collect()
    }

    /// Carries out what is planned for one service. Its containers do not run afterwards unless
    /// they ran before and stay as they are.
    pub(super) fn converge(
        &self,
        service: &Service,
        steps: &[Step],
        scale: &Scale,
        options: &UpOptions,
    ) -> Result<(), Failure> {
        // Names first: what follows may want them.
        for step in steps {
            match step {
                Step::Adopt { id, name } => self.engine.rename(id, name)?,
                // What it has of the old one is still the old one's.
                Step::Discard { id } => self.engine.remove(id, true)?,
                _ => {}
            }
        }
        each(steps, &|step| match step {
            Step::Create { number } => self
                .create_container(service, *number, None, scale, options)
                .map(drop),
            Step::Recreate { id, number } => {
                self.recreate_container(service, id, *number, scale, options)
            }
            Step::Remove { id } => {
                let known = self.by_id(id)?;
                self.remove_container(&known, options.timeout, false)
            }
            Step::Keep { .. } | Step::Adopt { .. } | Step::Discard { .. } => Ok(()),
        })
    }

    fn by_id(&self, id: &str) -> Result<ProjectContainer, Failure> {
        let container = crate::engine::containers::find(&self.engine.dirs, id)?;
        ProjectContainer::of(container).ok_or_else(|| Failure::no_such_container(id))
    }

    fn create_container(
        &self,
        service: &Service,
        number: u32,
        instead_of: Option<&ProjectContainer>,
        scale: &Scale,
        options: &UpOptions,
    ) -> Result<String, Failure> {
        let name = names::container(self.project, service, number);
        let which = Which {
            name: &name,
            number,
            oneoff: false,
            aliases: true,
            scale,
        };
        let mut request = lower::container(self.project, service, &which)?;
        let Some(old) = instead_of else {
            let thing = Thing::Container(name);
            let mut id = String::new();
            self.told(&thing, State::Creating, State::Created, || {
                id = self.make(request)?;
                Ok(())
            })?;
            return Ok(id);
        };
        request.name = Some(names::replacement(old.container.record.short_id(), &name));
        request.labels.insert(labels::REPLACE.to_owned(), name);
        if !options.renew_anonymous_volumes {
            take_over(&mut request.host.mounts, &old.container.record.host.mounts);
        }
        self.make(request)
    }

    /// Makes a container and tells of what is odd about it.
    pub(super) fn make(&self, mut request: ContainerRequest) -> Result<String, Failure> {
        let image = self.engine.images.get(&request.image);
        if let Ok(image) = image {
            request.labels.insert(labels::IMAGE.to_owned(), image.id);
        }
        let created = self.engine.create(&request)?;
        for warning in created.warnings {
            self.progress.warn(&Failure::new(warning));
        }
        Ok(created.id)
    }

    fn recreate_container(
        &self,
        service: &Service,
        old: &str,
        number: u32,
        scale: &Scale,
        options: &UpOptions,
    ) -> Result<(), Failure> {
        let old = self.by_id(old)?;
        let name = names::container(self.project, service, number);
        let thing = Thing::Container(name.clone());
        self.told(&thing, State::Recreate, State::Recreated, || {
            let new = self.create_container(service, number, Some(&old), scale, options)?;
            self.engine.stop(old.id(), options.timeout, None)?;
            // Its volumes are the new one's now, or shall outlive it.
            self.engine.remove(old.id(), true)?;
            self.engine.rename(&new, &name)
        })
    }

    /// Which of the services wait for which.
    pub(super) fn graph(&self, services: &[String]) -> Graph {
        self.services(services)
            .map(|service| {
                let needed = dependencies::of(service);
                let needed = needed.into_keys().map(str::to_owned).collect();
                (service.name.clone(), needed)
            })
            .collect()
    }

    /// Which containers of compose's project there are, by this moment.
    pub(super) fn containers(&self) -> Result<Vec<ProjectContainer>, Failure> {
        containers(self.engine, &self.project.name)
    }
}

/// Gives a new container the anonymous volumes of the old one, where it has no other mount.
fn take_over(mounts: &mut Vec<MountRequest>, old: &[MountRequest]) {
    let is_anonymous = |mount: &MountRequest| {
        mount.kind == MountKind::Volume
            && mount.volume.as_ref().is_some_and(|volume| volume.anonymous)
    };
    for volume in old.iter().filter(|mount| is_anonymous(mount)) {
        match mounts
            .iter_mut()
            .find(|mount| mount.target == volume.target)
        {
            Some(mount) if is_anonymous(mount) => mount.source.clone_from(&volume.source),
            Some(_) => {}
            None => mounts.push(volume.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::request::VolumeOptions;

    fn volume(source: &str, target: &str, anonymous: bool) -> MountRequest {
        MountRequest {
            kind: MountKind::Volume,
            source: source.into(),
            target: target.into(),
            volume: Some(VolumeOptions {
                anonymous,
                ..VolumeOptions::default()
            }),
            ..MountRequest::default()
        }
    }

    #[test]
    fn anonymous_volumes_go_from_the_old_to_the_new() {
        let old = [
            volume("aaa", "/given", true),
            volume("bbb", "/of-image", true),
            volume("p_data", "/named", false),
            volume("ccc", "/bound-now", true),
        ];
        let mut mounts = vec![
            volume("", "/given", true),
            MountRequest {
                source: "/srv".into(),
                target: "/bound-now".into(),
                ..MountRequest::default()
            },
        ];
        take_over(&mut mounts, &old);
        let found: Vec<(&str, &str)> = mounts
            .iter()
            .map(|mount| (mount.source.as_str(), mount.target.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("aaa", "/given"),
                ("/srv", "/bound-now"),
                ("bbb", "/of-image")
            ]
        );
    }
}
