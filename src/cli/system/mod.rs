//! Commands on no one kind of object, and what several commands share with the user.

pub mod boot;
pub mod df;
mod df_tables;
pub mod doctor;
pub mod events;
pub mod info;
pub mod inspect;
pub mod oci;
pub mod prompt;
pub mod prune;
pub mod version;

pub use version::version_line;

use serde_json::Value;

use super::stop::Stop;
use crate::output::template::Options;

/// One object through a template, as a line.
fn formatted(template: &str, data: &Value) -> Result<String, Stop> {
    let options = Options {
        strict: true,
        ..Options::default()
    };
    let line = inspect::template(template)?
        .execute(data, options)
        .map_err(|error| Stop::failed(format!("template parsing error: {error}")))?;
    Ok(line + "\n")
}

/// Seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or_default()
}
