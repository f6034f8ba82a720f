//! config.json from text to types.
//!
//! ```text
//!  text ──serde_json──▶ Value ──adapt──▶ Value ──located──▶ Spec
//!                               words of the specification that the types spell otherwise
//! ```
//!
//! An error names the field by its path (`process.rlimits[2].type`). Properties
//! that are unknown are passed over, as the specification demands of runtimes.

mod adapt;
mod located;

use oci_spec::runtime::{Process, Spec};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

/// A text that is no configuration.
#[derive(Debug, Error)]
pub enum ParseError {
    /// It is not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A field has the wrong type, an unknown word, or is missing.
    #[error("{path}{}{message}", if .path.is_empty() { "" } else { ": " })]
    Field {
        /// Which: `linux.namespaces[0].type`; empty for the whole.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A configuration, and what of it will not be done although it is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The configuration.
    pub value: T,
    /// Capabilities that have no meaning here, which the specification wants
    /// logged and not refused; one sentence each.
    pub warnings: Vec<String>,
}

/// Reads a config.json. Nothing is checked but its form; see
/// [`validate`](super::validate).
///
/// # Errors
/// [`ParseError`], naming the field.
pub fn parse(json: &[u8]) -> Result<Parsed<Spec>, ParseError> {
    read(json, |value| {
        value
            .get_mut("process")
            .map_or_else(Vec::new, |process| adapt::process(process, "process."))
            .into_iter()
            .chain(value.get_mut("linux").map_or_else(Vec::new, adapt::linux))
            .collect()
    })
}

/// Reads the description of one process, as `exec --process` takes it.
///
/// # Errors
/// As [`parse`]; paths start at the process (`rlimits[2].type`).
pub fn parse_process(json: &[u8]) -> Result<Parsed<Process>, ParseError> {
    read(json, |value| adapt::process(value, ""))
}

fn read<T: DeserializeOwned>(
    json: &[u8],
    adapt: impl FnOnce(&mut Value) -> Vec<String>,
) -> Result<Parsed<T>, ParseError> {
    let mut value: Value = serde_json::from_slice(json)?;
    let warnings = adapt(&mut value);
    let value = located::read(&value)?;
    Ok(Parsed { value, warnings })
}

#[cfg(test)]
mod tests;
