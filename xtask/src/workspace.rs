//! Where things are: the repository and its target directory.

use std::path::{Path, PathBuf};

/// The repository's root, known from where this crate was built.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// `target/` of the repository. What xtask makes is kept here whatever CARGO_TARGET_DIR says, so
/// that tests find it at one place.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The directory that cargo builds into: CARGO_TARGET_DIR, or the repository's `target/`.
pub fn build_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => target(),
    }
}
