//! The image store from outside: hostile archives, round trips, names and their removal.
//!
//! Unpacking keeps owners and makes devices, so these tests need root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in what its functions share"
)]

mod archive;
mod caching;
mod hostile;
mod loading;
mod removal;
mod round_trip;
mod snapshot;

use std::path::{Path, PathBuf};

use rbox_images::{ImageUser, ImportOptions, RemoveError, RemoveOptions, Removed, Store, Swept};

/// A store of its own with a directory beside it that nothing may touch.
struct Bench {
    base: tempfile::TempDir,
    store: Store,
}

impl Bench {
    /// `None`, with the reason on record, where the tests cannot run.
    fn new(test: &str) -> Option<Bench> {
        if !rustix::process::geteuid().is_root() {
            skipped(test, "unpacking images needs root");
            return None;
        }
        let base = tempfile::tempdir().unwrap();
        std::fs::create_dir(base.path().join("outside")).unwrap();
        std::fs::write(base.path().join("outside/file"), "untouched").unwrap();
        let store = Store::open(&base.path().join("images")).unwrap();
        Some(Bench { base, store })
    }

    fn root(&self) -> PathBuf {
        self.base.path().join("images")
    }

    fn outside(&self) -> PathBuf {
        self.base.path().join("outside")
    }

    fn import(&self, tar: &[u8], name: &str) -> String {
        self.store.import(tar, &named(name)).unwrap()
    }

    fn remove(
        &self,
        name: &str,
        force: bool,
        users: &[ImageUser],
    ) -> Result<Vec<Removed>, RemoveError> {
        let options = RemoveOptions { force };
        self.store.remove(name, options, &|| Ok(users.to_vec()))
    }

    fn collect(&self, users: &[ImageUser]) -> Swept {
        self.store.collect(&|| Ok(users.to_vec())).unwrap()
    }

    /// The tree of an image of one layer.
    fn tree(&self, name: &str) -> PathBuf {
        let image = self.store.get(name).unwrap();
        assert_eq!(image.layers.len(), 1);
        image.layers[0].clone()
    }

    /// Nothing beside the store changed and nothing is half done.
    fn assert_clean(&self) {
        let text = std::fs::read_to_string(self.outside().join("file")).unwrap();
        assert_eq!(text, "untouched");
        assert_eq!(names(&self.outside()), ["file"]);
        assert_eq!(names(self.base.path()), ["images", "outside"]);
        assert_eq!(names(&self.root().join("tmp")), [""; 0]);
    }

    /// As [`Bench::assert_clean`], and no image, blob or layer is there.
    fn assert_empty(&self) {
        self.assert_clean();
        for directory in ["blobs/sha256", "layers"] {
            assert_eq!(names(&self.root().join(directory)), [""; 0], "{directory}");
        }
        assert!(self.store.list().unwrap().is_empty());
    }
}

fn named(name: &str) -> ImportOptions {
    ImportOptions {
        reference: Some(name.parse().unwrap()),
        ..ImportOptions::default()
    }
}

/// Names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn skipped(test: &str, reason: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
