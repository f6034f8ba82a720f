//! Removing a group from every hierarchy.

use super::hierarchy::Hierarchy;
use super::path::CgroupPath;
use super::{Cgroup, RemoveError, made, systemd, tree};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

/// [`Cgroup::delete`]: goes on after a failure, and returns the first.
pub(super) fn remove(cgroup: &Cgroup) -> Result<(), RemoveError> {
    // What systemd does not stop, or not in time, is removed all the same; what
    // is then left is named.
    let _ = systemd::stop(cgroup);
    let deadline = Instant::now() + PATIENCE;
    let mut failed = None;
    for one in cgroup.members() {
        match remove_from(one, &cgroup.path, deadline) {
            Ok(()) => remove_parents(one, &cgroup.path),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Takes back what [`super::create`] made; nothing has joined yet.
pub(super) fn undo(one: &dyn Hierarchy, path: &CgroupPath) {
    let _ = tree::remove(&one.directory(path));
    remove_parents(one, path);
}

/// Waits for dying processes until `deadline`.
fn remove_from(
    one: &dyn Hierarchy,
    path: &CgroupPath,
    deadline: Instant,
) -> Result<(), RemoveError> {
    let directory = one.directory(path);
    loop {
        match tree::remove(&directory) {
            Ok(()) => return Ok(()),
            Err(error) if tree::in_use(&error) && Instant::now() < deadline => {
                let pids = tree::processes(&directory);
                tree::wait_for_one(&tree::watch(&pids), deadline);
            }
            Err(source) => {
                let pids = tree::processes(&directory);
                return Err(RemoveError {
                    directory,
                    pids,
                    source,
                });
            }
        }
    }
}

/// Innermost first, up to the first that is not ours or in use, which the kernel
/// knows.
fn remove_parents(one: &dyn Hierarchy, path: &CgroupPath) {
    for parent in path.parents(one.mount()).iter().rev() {
        if !made::is_marked(parent) || rustix::fs::rmdir(parent).is_err() {
            break;
        }
    }
}
