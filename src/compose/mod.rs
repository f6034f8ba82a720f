//! `rbox compose`: a project of services from a file, as containers, networks and volumes of the
//! engine.
//!
//! ```text
//! files ──rbox-compose──▶ Project ──plan/ (with what is there)──▶ steps ──converge/──▶ engine
//! ```
//!
//! There is no state of its own: what belongs to a project is known by its labels, as Docker
//! Compose labels it, and each service's configuration by a hash in them.

pub mod containers;
pub mod labels;
pub mod progress;
pub mod request;

pub use containers::{ProjectContainer, containers};
#[allow(unused_imports)] // until `rbox compose` reads files
pub use rbox_compose::file;
pub use rbox_compose::model;

use crate::engine::Engine;
use model::Project;
use progress::Progress;

/// Carries out the commands on one project.
pub struct Composer<'a> {
    /// What it works on.
    pub engine: &'a Engine,
    /// What there shall be.
    pub project: &'a Project,
    /// Who is told.
    pub progress: &'a dyn Progress,
}
