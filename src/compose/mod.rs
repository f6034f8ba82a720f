//! `rbox compose`: a project of services from a file, as containers, networks and volumes of the
//! engine.
//!
//! ```text
//! files ──rbox-compose──▶ Project ──plan/ (with what is there)──▶ steps ──converge/──▶ engine
//! ```
//!
//! There is no state of its own: what belongs to a project is known by its labels, as Docker
//! Compose labels it, and each service's configuration by a hash in them.

mod conditions;
pub mod containers;
mod converge;
mod dependencies;
mod down;
mod from_labels;
mod images;
pub mod labels;
mod lifecycle;
mod lower;
pub mod names;
mod one_off;
mod plan;
pub mod progress;
pub mod request;
mod resources;
mod up;

pub use containers::{ProjectContainer, containers};
pub use from_labels::from_labels;
pub use lower::hash as config_hash;
pub use rbox_compose::{file, model};

use crate::engine::{Engine, Failure, walk};
use model::{Project, Service};
use progress::{Progress, State, Thing};

/// Carries out the commands on one project.
pub struct Composer<'a> {
    /// What it works on.
    pub engine: &'a Engine,
    /// What there shall be.
    pub project: &'a Project,
    /// Who is told.
    pub progress: &'a dyn Progress,
}

impl Composer<'_> {
    /// The services of these names that there are.
    fn services(&self, names: &[String]) -> impl Iterator<Item = &Service> {
        let services = &self.project.services;
        names.iter().filter_map(|name| services.get(name))
    }

    /// Does something to a thing and tells of it before and after.
    fn told(
        &self,
        thing: &Thing,
        before: State,
        after: State,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.progress.tell(thing, before);
        let result = work();
        self.progress.tell(
            thing,
            match &result {
                Ok(()) => after,
                Err(failure) => State::Failed(failure.message.clone()),
            },
        );
        result
    }
}
