//! Commands on the build cache.

pub mod prune;
