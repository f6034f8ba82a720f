//! Killing all that is in a group.
//!
//! v2 has one write for it (`cgroup.kill`, Linux 5.14), atomic against forks. On
//! v1 the group is frozen, so that nothing forks while it is listed; every
//! process gets SIGKILL, which waits until the group is thawed. A process that
//! slipped through is found by looking again.

use super::hierarchy::Hierarchy;
use super::{Cgroup, KillError, tree};
use rustix::process::{Signal, pidfd_send_signal};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);
/// Before looking for processes that were missed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// [`Cgroup::kill_all`].
pub(super) fn kill_all(cgroup: &Cgroup) -> Result<(), KillError> {
    let deadline = Instant::now() + PATIENCE;
    let at_once = cgroup
        .members()
        .filter(|one| one.kill_at_once(&cgroup.path))
        .count()
        > 0;
    // Frozen processes do not die on v1 before they are thawed.
    let freezer = cgroup.members().find(|one| one.freezes());
    if at_once && let Some(freezer) = freezer {
        let _ = freezer.thaw(&cgroup.path);
    }
    let mut first = true;
    loop {
        let pids = everywhere(cgroup);
        if pids.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(KillError::Survivors {
                path: cgroup.path().to_owned(),
                pids,
                seconds: PATIENCE.as_secs(),
            });
        }
        // What was killed at once is only waited for, the first time.
        if !(first && at_once) {
            kill_listed(cgroup, freezer);
        }
        first = false;
        let look_again = deadline.min(Instant::now() + LOOK_AGAIN);
        while Instant::now() < look_again {
            let left = everywhere(cgroup);
            if left.is_empty() {
                return Ok(());
            }
            tree::wait_for_one(&tree::watch(&left), look_again);
        }
    }
}

/// The processes in any hierarchy: one that died while it joined may be in some
/// of them only.
fn everywhere(cgroup: &Cgroup) -> Vec<i32> {
    let mut pids: Vec<i32> = cgroup
        .members()
        .flat_map(|one| tree::processes(&one.directory(&cgroup.path)))
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Freezes, kills what is there, thaws.
fn kill_listed(cgroup: &Cgroup, freezer: Option<&dyn Hierarchy>) {
    // A group that does not freeze (a process in some uninterruptible wait) is
    // killed all the same; forks are then caught by the next round.
    if let Some(freezer) = freezer {
        let _ = freezer.freeze(&cgroup.path);
    }
    loop {
        let pids = everywhere(cgroup);
        let mut sent = 0;
        for chunk in pids.chunks(64) {
            let watched = tree::watch(chunk);
            // A number may have been given to somebody else since it was listed:
            // only who is still listed now that we hold him is one of ours.
            let still = everywhere(cgroup);
            for (pid, fd) in &watched {
                if still.binary_search(pid).is_ok() && pidfd_send_signal(fd, Signal::KILL).is_ok() {
                    sent += 1;
                }
            }
        }
        // While frozen one pass is enough; else the others forked meanwhile.
        if sent == 0 || everywhere(cgroup).len() <= pids.len() {
            break;
        }
    }
    if let Some(freezer) = freezer {
        let _ = freezer.thaw(&cgroup.path);
    }
}
