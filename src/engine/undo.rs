//! Undoing a dead owner's journal.

use std::path::{Path, PathBuf};

use rbox_netsetup::apply::{Journal, undo_all, undo_owner};

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::request::NetworkMode;
use super::{containers, names};

/// Replays a container's journal backwards, and removes it when all of it is
/// undone. What a damaged one does not name is found by its owner; `netns` is
/// the name of its network namespace, if it is known.
///
/// # Errors
/// The first of what cannot be undone. The journal stays: the steps are
/// harmless when repeated.
pub fn journal(dirs: &Dirs, id: &str, netns: Option<&Path>) -> Result<(), Failure> {
    let path = dirs.run(id).join("journal");
    let damaged = Journal::is_damaged(&path).context(|| format!("read {}", path.display()))?;
    let guests = || guests(dirs, id);
    let mut errors = match damaged {
        true => undo_owner(&dirs.run_networks(), id, netns, &guests),
        false => Vec::new(),
    };
    errors.extend(undo_all(&path, &guests));
    match errors.into_iter().next() {
        Some(error) => Err(Failure::new(error.to_string())),
        None => Ok(()),
    }
}

/// Namespaces of the containers that were started in this one's (`--network container:X`): one of
/// them may keep it.
fn guests(dirs: &Dirs, id: &str) -> Vec<PathBuf> {
    let running = names::ids(&dirs.run_containers()).unwrap_or_default();
    let guest = |other: String| {
        let record = containers::read_record(&dirs.container(&other)).ok()??;
        if record.host.network_mode != NetworkMode::Container(id.to_owned())
            || !containers::is_alive(dirs, &other)
        {
            return None;
        }
        let run = containers::run_state(dirs, &other)?;
        Some(PathBuf::from(format!("/proc/{}/ns/net", run.pid)))
    };
    running.into_iter().filter_map(guest).collect()
}
