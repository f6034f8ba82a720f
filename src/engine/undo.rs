//! Undoing a dead owner's journal.

use std::path::Path;

use rbox_netsetup::apply::{Journal, undo_all, undo_owner};

use super::dirs::Dirs;
use super::failure::{Context, Failure};

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
    let mut errors = match damaged {
        true => undo_owner(&dirs.run_networks(), id, netns),
        false => Vec::new(),
    };
    errors.extend(undo_all(&path));
    match errors.into_iter().next() {
        Some(error) => Err(Failure::new(error.to_string())),
        None => Ok(()),
    }
}
