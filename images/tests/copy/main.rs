//! What `COPY` does to a view, on real overlay mounts; they need root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in what its functions share"
)]

mod archives;
mod destinations;
mod downloads;
mod metadata;
mod sources;
mod views;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rbox_images::View;
use rbox_images::context::{Context, SelectOptions};
use rbox_images::copy::{CopyOptions, Destination, Owner, apply};

/// A context, an image of two layers and a writable directory above them.
struct Bench {
    base: tempfile::TempDir,
    views: std::cell::Cell<u32>,
}

impl Bench {
    /// `None`, with the reason on record, where the tests cannot run.
    fn new(test: &str) -> Option<Bench> {
        if !rustix::process::geteuid().is_root() {
            skipped(test, "overlay mounts need root");
            return None;
        }
        let base = tempfile::tempdir().unwrap();
        for name in ["context", "lower", "middle", "upper"] {
            fs::create_dir(base.path().join(name)).unwrap();
        }
        let bench = Bench {
            base,
            views: std::cell::Cell::new(0),
        };
        match View::open(&bench.lower(), None) {
            Ok(_) => Some(bench),
            Err(error) => {
                skipped(test, &error.to_string());
                None
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn lower(&self) -> Vec<PathBuf> {
        vec![self.path("lower"), self.path("middle")]
    }

    /// A file, and the directories that it is in.
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn directory(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    fn link(&self, name: &str, target: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// The layer may be seen again and again, each time with a new work directory.
    fn view(&self) -> View {
        let (upper, work) = (self.path("upper"), self.work());
        View::open(&self.lower(), Some((&upper, &work))).unwrap()
    }

    fn work(&self) -> PathBuf {
        self.views.set(self.views.get() + 1);
        let work = self.path(&format!("work-{}", self.views.get()));
        fs::create_dir(&work).unwrap();
        work
    }

    fn context(&self) -> Context {
        Context::directory(&self.path("context")).unwrap()
    }

    /// `COPY words…`, from the context; the upper directory afterwards is the layer.
    fn copy(&self, words: &[&str]) -> Result<(), String> {
        self.copy_with(words, None, None)
    }

    fn copy_with(
        &self,
        words: &[&str],
        owner: Option<Owner>,
        mode: Option<&str>,
    ) -> Result<(), String> {
        let (to, sources) = words.split_last().unwrap();
        let sources: Vec<String> = sources.iter().map(|word| (*word).to_owned()).collect();
        let context = self.context();
        let wanted = SelectOptions {
            sources: &sources,
            ..SelectOptions::default()
        };
        let selection = context.tree().select(&wanted).map_err(|e| e.to_string())?;
        selection.checksum(false).map_err(|e| e.to_string())?;
        let mut options = options(to);
        options.owner = owner;
        options.mode = mode.map(|mode| mode.parse().unwrap());
        apply(&selection, &self.view(), &options).map_err(|e| e.to_string())
    }

    fn checksum(&self, sources: &[&str]) -> Result<String, String> {
        let sources: Vec<String> = sources.iter().map(|word| (*word).to_owned()).collect();
        let context = self.context();
        let wanted = SelectOptions {
            sources: &sources,
            ..SelectOptions::default()
        };
        let selection = context.tree().select(&wanted).map_err(|e| e.to_string())?;
        let digest = selection.checksum(false).map_err(|e| e.to_string())?;
        Ok(digest.to_string())
    }

    /// Everything in the layer, sorted, directories with a slash.
    fn layer(&self) -> Vec<String> {
        tree(&self.path("upper"))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path("upper").join(name)).unwrap()
    }

    fn stat(&self, name: &str) -> fs::Metadata {
        fs::symlink_metadata(self.path("upper").join(name)).unwrap()
    }

    /// Owner, group and mode.
    fn owner_and_mode(&self, name: &str) -> (u32, u32, u32) {
        let stat = self.stat(name);
        (stat.uid(), stat.gid(), stat.mode() & 0o7777)
    }
}

fn options(to: &str) -> CopyOptions {
    CopyOptions {
        instruction: "COPY",
        destination: Destination::new("/work", to),
        owner: None,
        mode: None,
        unpack: None,
    }
}

fn tree(root: &Path) -> Vec<String> {
    fn add(directory: &Path, root: &Path, all: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.symlink_metadata().unwrap().is_dir() {
                all.push(format!("{name}/"));
                add(&path, root, all);
            } else {
                all.push(name);
            }
        }
    }
    let mut all = Vec::new();
    add(root, root, &mut all);
    all.sort();
    all
}

fn skipped(test: &str, reason: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
