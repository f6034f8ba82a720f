//! The liveness lock: whoever holds the flock of `/run/rbox/containers/<id>/lock`
//! owns the container's run directory. The kernel lets go of it when the holder
//! dies, however it dies, so that a free lock means a dead owner.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// The file that is locked.
const FILE: &str = "lock";

/// Holds a run directory until dropped (or until the process that inherited it ends).
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// What a look at the lock told.
#[derive(Debug)]
pub enum Probe {
    /// There is no run directory: not running.
    Absent,
    /// Somebody alive holds it.
    Held,
    /// Nobody holds it although the directory is there: the owner died. The lock is now ours.
    Dead(RunLock),
}

impl RunLock {
    /// Makes the run directory and takes its lock; `None` if somebody alive has it.
    pub fn try_acquire(run_dir: &Path) -> io::Result<Option<RunLock>> {
        loop {
            fs::create_dir_all(run_dir)?;
            let Some(file) = open(run_dir, true)? else { continue };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if still_there(&file, run_dir) => return Ok(Some(RunLock { file })),
                Ok(()) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks without waiting and without making anything.
    pub fn probe(run_dir: &Path) -> io::Result<Probe> {
        loop {
            let Some(file) = open(run_dir, false)? else { return Ok(Probe::Absent) };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if still_there(&file, run_dir) => {
                    return Ok(Probe::Dead(RunLock { file }));
                }
                Ok(()) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Probe::Held),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The descriptor to hand to the monitor.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Removes the run directory while still holding its lock: whoever waits for
    /// the lock then sees that the file is gone and starts afresh.
    pub fn remove_dir(self, run_dir: &Path) -> io::Result<()> {
        match fs::remove_dir_all(run_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Notes in the lock's file, whose holder is the caller, that only cleaning up is left.
/// The file is made anew for the next run.
pub fn mark_ending(run_dir: &Path) -> io::Result<()> {
    fs::write(run_dir.join(FILE), "ending")
}

/// Whether the holder of the lock said that it only cleans up, or is gone by now.
pub fn is_ending(run_dir: &Path) -> bool {
    !fs::metadata(run_dir.join(FILE)).is_ok_and(|file| file.len() == 0)
}

fn open(run_dir: &Path, create: bool) -> io::Result<Option<File>> {
    match OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(run_dir.join(FILE))
    {
        Ok(file) => Ok(Some(file)),
        // The directory went away between making it and opening the file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A lock on a file that was unlinked meanwhile protects nothing.
fn still_there(file: &File, run_dir: &Path) -> bool {
    match (file.metadata(), fs::metadata(run_dir.join(FILE))) {
        (Ok(ours), Ok(named)) => ours.ino() == named.ino() && ours.dev() == named.dev(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_seen_and_a_dropped_one_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("c");
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Absent));
        let lock = RunLock::try_acquire(&run).unwrap().unwrap();
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Held));
        drop(lock);
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Dead(_)));
    }

    #[test]
    fn the_holder_says_that_it_only_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("c");
        let lock = RunLock::try_acquire(&run).unwrap().unwrap();
        assert!(!is_ending(&run));
        mark_ending(&run).unwrap();
        assert!(is_ending(&run));
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Held));
        lock.remove_dir(&run).unwrap();
        let _next = RunLock::try_acquire(&run).unwrap().unwrap();
        assert!(!is_ending(&run));
    }

    #[test]
    fn whoever_removes_the_directory_lets_the_next_start_afresh() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("c");
        let lock = RunLock::try_acquire(&run).unwrap().unwrap();
        assert!(RunLock::try_acquire(&run).unwrap().is_none());
        lock.remove_dir(&run).unwrap();
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Absent));
        assert!(RunLock::try_acquire(&run).unwrap().is_some());
    }
}
