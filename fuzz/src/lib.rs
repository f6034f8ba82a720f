//! Fuzz targets: each takes any bytes and panics when what must hold does not.
//!
//! `cargo xtask fuzz` lets libFuzzer look for such bytes; `cargo test` runs all
//! targets on what is kept in `corpus/<target>/`: seeds, and whatever once
//! broke something. A new target is a module, a line in [`TARGETS`] and a
//! directory of seeds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a target finds by panicking"
)]

mod compose_file;
mod dns_query;
mod dns_reply;
mod dns_world;
mod dockerfile;
mod dockerignore;
mod manifest;
mod network_options;
mod port;
mod reference;
mod tar_to_layer;
mod zone;

/// Takes any bytes; panics when what must hold does not.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its directory in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("compose_file", compose_file::run),
    ("dns_query", dns_query::run),
    ("dns_reply", dns_reply::run),
    ("dockerfile", dockerfile::run),
    ("dockerignore", dockerignore::run),
    ("manifest", manifest::run),
    ("network_options", network_options::run),
    ("port", port::run),
    ("reference", reference::run),
    ("tar_to_layer", tar_to_layer::run),
    ("zone", zone::run),
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name)?;
    Some(*target)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().path())
    }

    fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
    }

    #[test]
    fn every_target_has_seeds_and_every_seed_a_target() {
        let directories: BTreeSet<String> = entries(&corpus())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(directories, targets);
    }

    #[test]
    fn what_once_broke_something_does_so_no_more() {
        for (name, target) in TARGETS {
            let mut count = 0;
            for path in entries(&corpus().join(name)) {
                println!("{}", path.display());
                target(&fs::read(&path).unwrap());
                count += 1;
            }
            assert!(count > 0, "{name} has no seeds");
        }
    }
}
