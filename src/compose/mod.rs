//! `rbox compose`: a project of services from a file, as containers, networks and volumes of the
//! engine.
//!
//! ```text
//! files ──rbox-compose──▶ Project ──plan/ (with what is there)──▶ steps ──converge/──▶ engine
//! ```
//!
//! There is no state of its own: what belongs to a project is known by its labels, as Docker
//! Compose labels it, and each service's configuration by a hash in them.

#[allow(unused_imports)] // until `rbox compose`
pub use rbox_compose::model;
