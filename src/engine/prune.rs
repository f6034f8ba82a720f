//! `container prune`.

use std::path::Path;

use super::claim::is_running;
use super::failure::Failure;
use super::record::Container;
use super::{Engine, containers};

/// What was removed.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// Full ids.
    pub ids: Vec<String>,
    /// Bytes of writable layers and logs.
    pub reclaimed: u64,
}

impl Engine {
    /// Removes every container that does not run and that `keep` does not want.
    pub fn prune_containers(&self, keep: &dyn Fn(&Container) -> bool) -> Result<Pruned, Failure> {
        let mut pruned = Pruned::default();
        for container in containers::survey(&self.dirs)?.containers {
            if container.run.is_some() || keep(&container) {
                continue;
            }
            let id = &container.record.id;
            let size = size(&self.dirs.container(id).join("upper"));
            match self.remove(id, false) {
                Ok(()) => {
                    pruned.ids.push(id.clone());
                    pruned.reclaimed += size;
                }
                // Started meanwhile: it stays. Or removed by somebody else.
                Err(_) if is_running(&self.dirs, id)? => {}
                Err(_) if !self.dirs.container(id).exists() => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(pruned)
    }
}

/// Bytes of the regular files below `dir`, symlinks not followed.
pub fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) if data.is_file() => data.len(),
            _ => 0,
        })
        .sum()
}
