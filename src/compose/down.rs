//! `down`.

use std::collections::{BTreeMap, BTreeSet};

use rbox_images::RemoveOptions;

use super::containers::ProjectContainer;
use super::progress::{State, Thing};
use super::request::{DownOptions, Images};
use super::walk::{Graph, each, reversed, walk};
use super::{Composer, dependencies, names};
use crate::engine::Failure;

impl Composer<'_> {
    /// Takes away what `up` made: containers, those first that depend on others, then networks and,
    /// if asked, volumes and images. With services named only their containers.
    pub fn down(&self, options: &DownOptions) -> Result<(), Failure> {
        let named = dependencies::select(self.project, &options.services, false)?;
        let chosen = |known: &ProjectContainer| {
            named.contains(&known.service)
                || (options.services.is_empty()
                    && (self.project.disabled.contains_key(&known.service)
                        || (options.remove_orphans && self.is_orphan(known))))
        };
        let mut by_service: BTreeMap<String, Vec<ProjectContainer>> = BTreeMap::new();
        for known in self.containers()? {
            if chosen(&known) {
                by_service
                    .entry(known.service.clone())
                    .or_default()
                    .push(known);
            }
        }
        let mut any = !by_service.is_empty();
        let mut graph: Graph = self.graph(&named);
        for service in by_service.keys() {
            graph.entry(service.clone()).or_default();
        }
        walk(&reversed(&graph), &|service| {
            let own = by_service.get(service).map_or(&[][..], Vec::as_slice);
            each(own, &|container| {
                self.remove_container(container, options.timeout, options.volumes)
            })
        })?;
        if options.services.is_empty() {
            any |= self.remove_networks()?;
            if options.volumes {
                any |= self.remove_volumes()?;
            }
        }
        any |= self.remove_images(&named, options.images)?;
        if !any {
            self.progress.warn(&Failure::new(format!(
                "No resource found to remove for project {:?}.",
                self.project.name
            )));
        }
        Ok(())
    }

    fn remove_images(&self, services: &[String], which: Images) -> Result<bool, Failure> {
        let images: BTreeSet<String> = self
            .services(services)
            .filter(|service| match which {
                Images::Keep => false,
                Images::Local => service.image.is_none(),
                Images::All => true,
            })
            .map(|service| names::image(self.project, service))
            .collect();
        let mut any = false;
        for image in images {
            if self.engine.images.get(&image).is_err() {
                continue;
            }
            any = true;
            let thing = Thing::Image(image.clone());
            self.progress.tell(&thing, State::Removing);
            let options = RemoveOptions { force: false };
            let removed = self
                .engine
                .images
                .remove(&image, options, &|| self.engine.image_users());
            self.progress.tell(
                &thing,
                match removed {
                    Ok(_) => State::Removed,
                    Err(error) => State::Kept(error.to_string()),
                },
            );
        }
        Ok(any)
    }
}
