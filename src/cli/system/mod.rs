//! Commands on no one kind of object, and what several commands share with the user.

pub mod df;
mod df_tables;
pub mod events;
pub mod inspect;
pub mod oci;
pub mod prompt;
pub mod prune;
pub mod version;

pub use version::version_line;

/// Seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or_default()
}
