//! Undoing a dead owner's journal.

use std::path::Path;

/// Replays the journal backwards. What cannot be undone is left to the next
/// look: the steps are harmless when repeated.
pub fn journal(path: &Path) {
    let _ = rbox_netsetup::apply::undo_all(path);
}
