//! Digests of files that were read already, and what the files were then.
//!
//! Several steps may copy the same file, which is read once for all of them. And what is copied
//! must be what the cache's key speaks of: [`Stamp`] tells a file that changed meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rustix::fs::Stat;

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    mode: u32,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Stamp {
        Stamp {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            mode: stat.st_mode,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// By path in the tree.
#[derive(Default)]
pub(crate) struct Memo(Mutex<HashMap<Vec<u8>, Known>>);

struct Known {
    stamp: Stamp,
    digest: [u8; 32],
}

impl Memo {
    /// The digest, when the file is still the one that was read.
    pub(super) fn digest(&self, path: &[u8], stamp: Stamp) -> Option<[u8; 32]> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(path)?;
        (found.stamp == stamp).then_some(found.digest)
    }

    pub(super) fn remember(&self, path: Vec<u8>, stamp: Stamp, digest: [u8; 32]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path, Known { stamp, digest });
    }

    /// Whether a file that was read for its digest is another one by now.
    pub(crate) fn is_stale(&self, path: &[u8], stamp: Stamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path).is_some_and(|found| found.stamp != stamp)
    }
}
