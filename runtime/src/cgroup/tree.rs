//! A group's directory with the groups inside it, which the container may have
//! made: any number of them, to any depth.

use super::control_file;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many processes are watched at once while they die.
const WATCHED: usize = 64;

/// `directory` and all groups below it, each before those inside it.
pub(super) fn directories(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_path_buf()];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let inside: Vec<PathBuf> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        found.extend(inside);
        next += 1;
    }
    found
}

/// The processes in all of them, sorted, each once.
pub(super) fn processes(directory: &Path) -> Vec<i32> {
    let mut pids: Vec<i32> = directories(directory)
        .iter()
        .filter_map(|directory| control_file::read(&directory.join("cgroup.procs")).ok())
        .flat_map(|list| {
            list.lines()
                .filter_map(|line| line.parse().ok())
                .collect::<Vec<i32>>()
        })
        // 0 is a process that this pid namespace does not have.
        .filter(|pid| *pid > 0)
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Removes the group and those inside it, innermost first. Gone is fine.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    match rmdir(directory) {
        // There may be groups inside; a directory listing is not worth its time
        // for the many that have none.
        Err(error) if in_use(&error) => {}
        result => return result,
    }
    for inner in directories(directory).iter().rev() {
        rmdir(inner)?;
    }
    Ok(())
}

fn rmdir(directory: &Path) -> io::Result<()> {
    match rustix::fs::rmdir(directory) {
        Ok(()) | Err(Errno::NOENT | Errno::NODEV) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a group was not removed because something is in it.
pub(super) fn in_use(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| {
        code == Errno::BUSY.raw_os_error() || code == Errno::NOTEMPTY.raw_os_error()
    })
}

/// Descriptors of `pids`; those that are gone have none.
pub(super) fn watch(pids: &[i32]) -> Vec<(i32, OwnedFd)> {
    pids.iter()
        .take(WATCHED)
        .filter_map(|pid| {
            let fd = pidfd_open(Pid::from_raw(*pid)?, PidfdFlags::empty()).ok()?;
            Some((*pid, fd))
        })
        .collect()
}

/// Waits until one of `watched` has died, or `deadline`. With nothing to watch
/// (processes that the kernel is still burying) it waits a millisecond, as
/// there is no event for that.
pub(super) fn wait_for_one(watched: &[(i32, OwnedFd)], deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    if watched.is_empty() {
        std::thread::sleep(left.min(Duration::from_millis(1)));
        return;
    }
    let mut fds: Vec<PollFd<'_>> = watched
        .iter()
        .map(|(_, fd)| PollFd::new(fd, PollFlags::IN))
        .collect();
    // An interrupted or failed wait only makes the caller look again.
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    let _ = poll(&mut fds, Some(&timeout));
}
