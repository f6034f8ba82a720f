//! Compose files: from texts that anyone may have written to a project whose every field is known
//! to be right, or to an error that names file, line and key.
//!
//! Pure but for reading the files themselves: nothing here knows how a service is run.

pub mod file;
pub mod model;
