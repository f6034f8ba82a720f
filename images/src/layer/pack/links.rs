//! Which files were packed already under another name.

use std::collections::HashMap;

use rustix::fs::Stat;

/// Bytes of names remembered at a time.
const MOST: usize = 256 << 20;

/// Device and inode, and what tells a new file that got the inode of a deleted one.
type Identity = (u64, u64, i64, i64, u64);

/// First names of files that have more than one.
#[derive(Default)]
pub(super) struct Links {
    first: HashMap<Identity, First>,
    held: usize,
}

struct First {
    name: Vec<u8>,
    /// Names that may still come.
    left: u64,
}

/// More files with several names than are remembered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Links {
    /// The name that this file was packed under before; otherwise `name` is remembered.
    pub(super) fn earlier(&mut self, stat: &Stat, name: &[u8]) -> Result<Option<Vec<u8>>, TooMany> {
        if stat.st_nlink < 2 {
            return Ok(None);
        }
        let identity = (
            stat.st_dev,
            stat.st_ino,
            stat.st_mtime,
            stat.st_mtime_nsec as i64,
            stat.st_size as u64,
        );
        if let Some(first) = self.first.get_mut(&identity) {
            first.left = first.left.saturating_sub(1);
            if first.left > 0 {
                return Ok(Some(first.name.clone()));
            }
            // Its last name.
            let last = self.first.remove(&identity).map(|first| first.name);
            self.held -= last.as_ref().map_or(0, |name| cost(name));
            return Ok(last);
        }
        self.held += cost(name);
        if self.held > MOST {
            return Err(TooMany);
        }
        #[allow(clippy::unnecessary_cast, reason = "narrower on other processors")]
        let left = stat.st_nlink as u64 - 1;
        let name = name.to_vec();
        self.first.insert(identity, First { name, left });
        Ok(None)
    }
}

fn cost(name: &[u8]) -> usize {
    name.len() + size_of::<(Identity, First)>()
}
