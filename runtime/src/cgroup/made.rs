//! Which parents of groups are ours: a directory that is made on the way to a
//! group is marked, so that whoever removes the last group inside it knows that
//! it may go, too. One that an administrator made stays.
//!
//! The mark is an extended attribute, which the kernel keeps with the directory
//! in both designs.

use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};
use std::path::Path;

/// The first needs CAP_SYS_ADMIN; the second exists on v2 since Linux 5.7.
const MARKS: [&str; 2] = ["trusted.rbox.made", "user.rbox.made"];

/// Marks a directory. Where no mark can be had it will not be removed.
pub(super) fn mark(directory: &Path) {
    for mark in MARKS {
        if lsetxattr(directory, mark, b"1", XattrFlags::empty()).is_ok() {
            return;
        }
    }
}

/// Whether it is marked.
pub(super) fn is_marked(directory: &Path) -> bool {
    MARKS
        .iter()
        .any(|mark| lgetxattr(directory, *mark, &mut [0_u8; 1][..]).is_ok())
}
