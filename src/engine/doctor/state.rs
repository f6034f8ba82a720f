//! What is on the disk: room, ids to give away, what dead containers left.

use std::path::Path;

use super::{Finding, Verdict};
use crate::engine::dirs::Dirs;
use crate::engine::lock::{Probe, RunLock};
use crate::engine::names;
use crate::engine::user_namespace::pool;

/// Bytes below which a pull is likely to fail.
const LITTLE: u64 = 2 << 30;

/// Bytes below which not even a container's log can grow.
const NOTHING: u64 = 64 << 20;

/// Room where the images are.
pub fn disk(root: &Path) -> Finding {
    // The directory itself may not be there yet.
    let room = root.ancestors().find_map(|path| {
        let found = rustix::fs::statvfs(path).ok()?;
        let inodes = (found.f_files > 0).then_some(found.f_favail);
        Some((found.f_bavail.saturating_mul(found.f_frsize), inodes))
    });
    match room {
        Some((bytes, inodes)) => judge_room(&root.display().to_string(), bytes, inodes),
        None => Finding::problem(
            "disk",
            format!("{} cannot be looked at", root.display()),
            "choose another directory: --root or RBOX_ROOT",
        ),
    }
}

fn judge_room(root: &str, bytes: u64, inodes: Option<u64>) -> Finding {
    let advice = "rbox system df shows what takes it; rbox system prune gives some back";
    let found = format!("{} MB left for {root}", bytes / 1_000_000);
    match bytes {
        _ if inodes.is_some_and(|left| left < 1_000) => {
            Finding::problem("disk", format!("no inodes left for {root}"), advice)
        }
        0..NOTHING => Finding::problem("disk", found, advice),
        NOTHING..LITTLE => Finding::warning("disk", found, advice),
        _ => Finding::ok("disk", found),
    }
}

/// Whether there are ids for `--userns=auto`.
pub fn ids() -> Finding {
    match pool::of_this_machine() {
        Ok(blocks) => Finding::ok(
            "subordinate ids",
            format!("for {} containers with --userns=auto", blocks.len()),
        ),
        Err(failure) => Finding::warning(
            "subordinate ids",
            failure.to_string(),
            "usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST containers (subuid(5))",
        ),
    }
}

/// Containers whose monitor is dead and has not been cleaned up after.
pub fn leftovers(dirs: &Dirs) -> Finding {
    let ids = match names::ids(&dirs.run_containers()) {
        Ok(ids) => ids,
        Err(failure) => {
            return Finding::new("leftovers", Verdict::Problem, failure.to_string());
        }
    };
    let dead = ids
        .iter()
        .filter(|id| matches!(RunLock::probe(&dirs.run(id)), Ok(Probe::Dead(_))))
        .count();
    match dead {
        0 => Finding::ok("leftovers", "none"),
        _ => Finding::warning(
            "leftovers",
            format!("of {dead} containers whose monitor died"),
            "any command that lists containers takes them away: rbox ps",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::judge_room;

    #[test]
    fn room_is_judged_by_bytes_and_inodes() {
        for (bytes, inodes, expected) in [
            (100 << 30, None, Verdict::Ok),
            (100 << 30, Some(5), Verdict::Problem),
            (1 << 30, Some(1 << 20), Verdict::Warning),
            (1 << 20, None, Verdict::Problem),
        ] {
            assert_eq!(judge_room("/r", bytes, inodes).verdict, expected, "{bytes}");
        }
    }
}
