//! Network records on disk.
