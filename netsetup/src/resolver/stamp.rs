//! Whether a file is still the one that was read.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::Stat;

/// Changes whenever the file is replaced, and when it is written to with another size or at
/// another tick of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// Of the file at a path, symbolic links followed; `None` when there is none.
    pub(super) fn of(path: &Path) -> Option<Stamp> {
        let found = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            size: i64::try_from(found.size()).ok()?,
            seconds: found.mtime(),
            nanoseconds: found.mtime_nsec(),
        })
    }
}

// The types of the fields differ between architectures.
#[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Stamp {
        Stamp {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as i64,
            seconds: stat.st_mtime as i64,
            nanoseconds: stat.st_mtime_nsec as i64,
        }
    }
}
