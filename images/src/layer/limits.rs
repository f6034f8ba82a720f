//! How much a layer may unpack to.

use std::os::fd::AsFd;

use super::UnpackError;
use crate::tar::Member;

/// Most bytes of one layer's files, names and attributes: 64 GiB.
pub(super) const MOST_BYTES: u64 = 64 << 30;
/// Most files in one layer.
const MOST_FILES: u64 = 10_000_000;
/// Of the room that the filesystem has, this part stays free.
const RESERVE: u64 = 20;

/// What is left of the limits.
pub(super) struct Budget {
    bytes: u64,
    files: u64,
    /// The limit is the filesystem's room, not the general one.
    by_room: bool,
}

impl Budget {
    /// For a layer that is unpacked into a directory.
    pub(super) fn of(directory: impl AsFd) -> Budget {
        // Where the room cannot be known, writing fails in time.
        let room = rustix::fs::fstatvfs(directory).map_or(u64::MAX, |found| {
            found.f_bavail.saturating_mul(found.f_frsize)
        });
        Budget::new(room)
    }

    fn new(room: u64) -> Budget {
        let room = room - room / RESERVE;
        Budget {
            bytes: room.min(MOST_BYTES),
            files: MOST_FILES,
            by_room: room < MOST_BYTES,
        }
    }

    /// Takes off what a member needs, before any of it is written.
    pub(super) fn take(&mut self, member: &Member) -> Result<(), UnpackError> {
        self.files = self
            .files
            .checked_sub(1)
            .ok_or(UnpackError::TooManyFiles(MOST_FILES))?;
        let attributes = member
            .xattrs
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let rest = attributes.sum::<usize>() + member.name.len() + member.link.len();
        let needed = member.size.saturating_add(rest as u64);
        match self.bytes.checked_sub(needed) {
            Some(left) => self.bytes = left,
            None if self.by_room => return Err(UnpackError::NoRoom),
            None => return Err(UnpackError::TooLarge(MOST_BYTES >> 30)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::{Kind, Time};

    fn member(size: u64) -> Member {
        Member {
            name: b"name".to_vec(),
            kind: Kind::Regular,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: Time::default(),
            link: Vec::new(),
            device: (0, 0),
            size,
            xattrs: Vec::new(),
            sparse: None,
        }
    }

    #[test]
    fn a_part_of_the_filesystems_room_stays_free() {
        let mut budget = Budget::new(1000);
        budget.take(&member(900)).unwrap();
        assert!(matches!(budget.take(&member(47)), Err(UnpackError::NoRoom)));
        budget.take(&member(42)).unwrap();
    }

    #[test]
    fn no_layer_is_larger_than_the_general_limit() {
        let mut budget = Budget::new(u64::MAX);
        budget.take(&member(MOST_BYTES - 8)).unwrap();
        assert!(matches!(
            budget.take(&member(1)),
            Err(UnpackError::TooLarge(64))
        ));
        assert!(budget.take(&member(u64::MAX)).is_err());
    }

    #[test]
    fn files_without_content_are_counted_too() {
        let mut budget = Budget {
            files: 2,
            ..Budget::new(u64::MAX)
        };
        budget.take(&member(0)).unwrap();
        budget.take(&member(0)).unwrap();
        let error = budget.take(&member(0)).unwrap_err();
        assert_eq!(error.to_string(), "the layer has more than 10000000 files");
    }
}
