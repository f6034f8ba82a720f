//! What is made of findings.

mod figure;
pub mod terminal;

use serde::Serialize;

use crate::field::Case;
use crate::finding::Finding;

/// What one case found.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The case.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// In its order.
    pub findings: Vec<Finding>,
}

impl Group {
    /// Of this case.
    pub fn new(case: &Case, findings: Vec<Finding>) -> Self {
        Self {
            name: case.name,
            about: case.about,
            findings,
        }
    }
}
