//! Cgroups that engines leave when they go. They are the machine's: there is no file system of one's
//! own for them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// Those that Docker, Podman and ours keep, whatever containers do.
const KEPT: [&str; 4] = ["docker", "libpod_parent", "rbox", "machine.slice"];

/// What was not there before.
pub struct Leftovers(Vec<PathBuf>);

impl Leftovers {
    /// To be asked before any engine is started.
    pub fn before() -> Self {
        let hierarchies = fs::read_dir(ROOT).into_iter().flatten().flatten();
        let roots = hierarchies
            .map(|entry| entry.path())
            .chain([PathBuf::from(ROOT)])
            .filter(|root| root.join("cgroup.procs").exists());
        let kept = roots.flat_map(|root| KEPT.map(|name| root.join(name)));
        Self(kept.filter(|cgroup| !cgroup.exists()).collect())
    }

    /// Only empty ones can be removed, so this ends nobody: what is in use is another's, as all that
    /// was ours has ended.
    pub fn remove(&self) {
        for cgroup in &self.0 {
            remove(cgroup);
        }
    }
}

fn remove(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    match fs::remove_dir(cgroup) {
        Err(error) if ![ErrorKind::NotFound, ErrorKind::ResourceBusy].contains(&error.kind()) => {
            eprintln!("rbox-bench: cgroup {}: {error}", cgroup.display());
        }
        _ => {}
    }
}
