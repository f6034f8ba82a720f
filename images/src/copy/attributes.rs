//! Owner, mode, extended attributes and times of a copy.
//!
//! The order matters: chown clears setuid bits and file capabilities.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::{CopyOptions, Owner};
use crate::context::{Attributes, Tree};

/// What a copy gets beside its content.
pub(super) struct Metadata {
    owner: Owner,
    mode: u32,
    times: Timestamps,
}

impl Metadata {
    pub(super) fn of(stat: &Stat, tree: &Tree, options: &CopyOptions) -> Metadata {
        let own = match tree.keeps_owners() {
            true => Owner {
                uid: stat.st_uid,
                gid: stat.st_gid,
            },
            false => Owner { uid: 0, gid: 0 },
        };
        let mode = stat.st_mode & 0o7777;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let change = options.mode.as_ref();
        let time = |seconds, nanoseconds: u64| Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
        };
        let modified = time(stat.st_mtime, stat.st_mtime_nsec);
        Metadata {
            owner: options.owner.unwrap_or(own),
            mode: change.map_or(mode, |change| change.apply(mode, is_directory)),
            times: Timestamps {
                last_access: modified,
                last_modification: modified,
            },
        }
    }

    /// For regular files and directories, opened.
    pub(super) fn give(&self, file: BorrowedFd<'_>, attributes: &Attributes) -> Result<(), Errno> {
        give_owner(file, self.owner)?;
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode))?;
        for (name, value) in attributes {
            let name = name.as_slice();
            match rustix::fs::fsetxattr(file, name, value, XattrFlags::empty()) {
                Ok(()) => {}
                // What the filesystem of the image has no place for is dropped, as Docker does;
                // not file capabilities, without which programs fail mysteriously.
                Err(Errno::NOTSUP | Errno::PERM | Errno::INVAL)
                    if name != b"security.capability" => {}
                Err(error) => return Err(error),
            }
        }
        rustix::fs::futimens(file, &self.times)
    }

    /// For links, devices and pipes, which are not opened.
    pub(super) fn give_name(
        &self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        kind: FileType,
    ) -> Result<(), Errno> {
        let (uid, gid) = ids(self.owner);
        let itself = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(directory, name, uid, gid, itself)?;
        if kind != FileType::Symlink {
            let mode = Mode::from_raw_mode(self.mode);
            rustix::fs::chmodat(directory, name, mode, AtFlags::empty())?;
        }
        rustix::fs::utimensat(directory, name, &self.times, itself)
    }
}

pub(super) fn give_owner(file: BorrowedFd<'_>, owner: Owner) -> Result<(), Errno> {
    let (uid, gid) = ids(owner);
    rustix::fs::fchown(file, uid, gid)
}

fn ids(owner: Owner) -> (Option<Uid>, Option<Gid>) {
    (
        Some(Uid::from_raw(owner.uid)),
        Some(Gid::from_raw(owner.gid)),
    )
}
