//! The liveness lock: whoever holds the flock of `/run/rbox/containers/<id>/lock`
//! owns the container's run directory. The kernel lets go of it when the holder
//! dies, however it dies, so that a free lock means a dead owner.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

/// Name of the lock in a run directory.
const LOCK: &str = "lock";

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
    /// Makes the run directory and takes its lock; `None` when somebody alive holds it.
    pub fn take(run_dir: &Path) -> io::Result<Option<RunLock>> {
        loop {
            make(run_dir)?;
            let failed = |_: &io::Error| {
                // Nothing but an empty directory of ours, or else not removed.
                let _ = fs::remove_dir(run_dir);
            };
            if let Some(file) = make_locked(run_dir).inspect_err(failed)? {
                return Ok(Some(RunLock { file }));
            }
            let opened = open(run_dir, true).inspect_err(failed);
            let Some(file) = opened? else { continue };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if still_there(&file, run_dir) => return Ok(Some(RunLock { file })),
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks without waiting and without making anything.
    pub fn probe(run_dir: &Path) -> io::Result<Probe> {
        loop {
            let Some(file) = open(run_dir, false)? else {
                return Ok(Probe::Absent);
            };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if still_there(&file, run_dir) => {
                    return Ok(Probe::Dead(RunLock { file }));
                }
                Ok(()) => continue,
                Err(Errno::WOULDBLOCK) => return Ok(Probe::Held),
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
        remove_run_dir(run_dir)
    }
}

/// Removes a run directory, for who holds its lock. The lock goes last: who dies
/// on the way leaves a free lock, by which the rest is found.
pub fn remove_run_dir(run_dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(run_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    match fs::remove_file(run_dir.join(LOCK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::remove_dir(run_dir) {
        // Not empty: somebody has begun afresh in it.
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Whether there is more in a run directory than a fresh lock.
pub fn is_used(run_dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(run_dir)? {
        let entry = entry?;
        if entry.file_name() != LOCK || entry.metadata()?.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes in the lock's file, whose holder is the caller, that only cleaning up is left.
/// The file is made anew for the next run.
pub fn mark_ending(run_dir: &Path) -> io::Result<()> {
    fs::write(run_dir.join(LOCK), "ending")
}

/// Whether the holder of the lock said that it only cleans up, or is gone by now.
pub fn is_ending(run_dir: &Path) -> bool {
    !fs::metadata(run_dir.join(LOCK)).is_ok_and(|file| file.len() == 0)
}

/// As `create_dir_all`, which fails for a directory that vanishes as it looks.
fn make(run_dir: &Path) -> io::Result<()> {
    match (fs::create_dir(run_dir), run_dir.parent()) {
        (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent)?;
            match fs::create_dir(run_dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            }
        }
        (made, _) => made,
    }
}

/// A lock that was ours before it had its name: one that is made and then taken is free for a
/// moment, and whoever looks then takes its maker for dead. `None` where there is one already, or
/// where the file system cannot do it.
fn make_locked(run_dir: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = match rustix::fs::open(run_dir, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => File::from(file),
        // Removed meanwhile, which is EPERM to ext4, or not able to.
        Err(Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP | Errno::ISDIR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    let name = run_dir.join(LOCK);
    match rustix::fs::linkat(CWD, nameless, CWD, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::EXIST | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// For writing only where it is made: a look must not be an event for who watches
/// the directory.
fn open(run_dir: &Path, create: bool) -> io::Result<Option<File>> {
    match OpenOptions::new()
        .read(true)
        .write(create)
        .create(create)
        .truncate(false)
        .open(run_dir.join(LOCK))
    {
        Ok(file) => Ok(Some(file)),
        // The directory went away between making it and opening the file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A lock on a file that was unlinked meanwhile protects nothing.
fn still_there(file: &File, run_dir: &Path) -> bool {
    match (file.metadata(), fs::metadata(run_dir.join(LOCK))) {
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
        let lock = RunLock::take(&run).unwrap().unwrap();
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Held));
        assert!(RunLock::take(&run).unwrap().is_none());
        drop(lock);
        assert!(matches!(RunLock::probe(&run).unwrap(), Probe::Dead(_)));
    }

    #[test]
    fn who_takes_a_lock_is_at_no_moment_taken_for_dead() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..400 {
            let run = dir.path().join(number.to_string());
            std::thread::scope(|scope| {
                let taking = scope.spawn(|| RunLock::take(&run).unwrap());
                loop {
                    match RunLock::probe(&run).unwrap() {
                        Probe::Absent => std::hint::spin_loop(),
                        Probe::Held => break,
                        Probe::Dead(_) => panic!("dead before it began, in round {number}"),
                    }
                }
                // Held until it was seen.
                assert!(taking.join().unwrap().is_some());
            });
        }
    }

    #[test]
    fn a_removed_directory_is_begun_afresh_by_one_of_many() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("c");
        let lock = RunLock::take(&run).unwrap().unwrap();
        fs::write(run.join("state.json"), "{}").unwrap();
        fs::create_dir(run.join("bundle")).unwrap();
        assert!(is_used(&run).unwrap());
        let winners = std::thread::scope(|scope| {
            let take = || {
                scope.spawn(|| {
                    loop {
                        if let Some(lock) = RunLock::take(&run).unwrap() {
                            assert!(!is_used(&run).unwrap(), "the old one's state is gone");
                            return lock.remove_dir(&run);
                        }
                        std::thread::yield_now();
                    }
                })
            };
            let takers: Vec<_> = (0..8).map(|_| take()).collect();
            lock.remove_dir(&run).unwrap();
            takers
                .into_iter()
                .map(|taker| taker.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(winners.iter().all(Result::is_ok), "{winners:?}");
        assert!(!run.exists());
    }
}
