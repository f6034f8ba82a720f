//! What is measured: a file a group.

mod start;

use crate::field::Case;

/// All, in the order of the report.
pub const ALL: &[Case] = &[start::CASE];
