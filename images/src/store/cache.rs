//! The build cache: which layer a step made the last time, by what the step depends on.
//!
//! `cache/<key hex>.json` in the store. A key is the digest of everything that the step's result
//! depends on (see `engine::build`); a record leads to a layer that stays as long as the record.

use serde::{Deserialize, Serialize};

/// What a step made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// `sha256:…`; `None` for a step that changed nothing (`WORKDIR` of a directory that is there).
    pub diff_id: Option<String>,
    /// The instruction, for `system df -v`.
    pub step: String,
    /// Seconds since 1970.
    pub created: i64,
}
