//! The flock of a directory: held by whoever changes what is in it.

use std::fs::{self, File};
use std::io;
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::record::RecordError;

/// Released when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Locks a directory that exists. `None` when there is none (any more): a directory that
    /// was removed while one waited for its lock locks nothing.
    pub fn existing(path: &Path) -> Result<Option<DirectoryLock>, RecordError> {
        DirectoryLock::take(path, FlockOperation::LockExclusive)
    }

    /// The same for one of many who only keep the directory from changing.
    pub fn shared(path: &Path) -> Result<Option<DirectoryLock>, RecordError> {
        DirectoryLock::take(path, FlockOperation::LockShared)
    }

    fn take(path: &Path, how: FlockOperation) -> Result<Option<DirectoryLock>, RecordError> {
        let failed = RecordError::of("lock", path);
        loop {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other.map_err(&failed)?,
            };
            flock(&file, how).map_err(|errno| failed(errno.into()))?;
            let ours = file.metadata().map_err(&failed)?;
            match fs::metadata(path) {
                Ok(now) if (now.st_dev(), now.st_ino()) == (ours.st_dev(), ours.st_ino()) => {
                    return Ok(Some(DirectoryLock { _file: file }));
                }
                // Another directory has its place: wait for that one.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Locks a directory and makes it when it is missing.
    pub fn making(path: &Path) -> Result<DirectoryLock, RecordError> {
        loop {
            if let Some(lock) = DirectoryLock::existing(path)? {
                return Ok(lock);
            }
            fs::create_dir_all(path).map_err(RecordError::of("make", path))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_vanished_locks_nothing_and_is_made_when_asked() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        assert!(DirectoryLock::existing(&path).unwrap().is_none());
        let first = DirectoryLock::making(&path).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| DirectoryLock::existing(&path).unwrap().is_none());
            // Whether the other waits by now or not: the directory it opened is not there.
            fs::remove_dir(&path).unwrap();
            drop(first);
            assert!(waiting.join().unwrap());
        });
        fs::create_dir(&path).unwrap();
        assert!(DirectoryLock::existing(&path).unwrap().is_some());
    }
}
