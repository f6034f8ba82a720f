//! What a build copies from: a directory of the user's.

mod ignore;
mod pattern;

pub use ignore::{Ignore, IgnoreError};
pub use pattern::{BadPattern, Pattern};
