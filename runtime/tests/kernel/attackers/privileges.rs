//! Programs with a user, a group or capabilities of their own.

use std::fs;

use rustix::process::{getegid, geteuid, getuid};
use rustix::thread::capabilities;

/// This is a copy of the program with the setuid bit, run by another user.
pub fn setuid() {
    assert!(!getuid().is_root());
    let held = capabilities(None).unwrap().permitted.bits();
    assert!(
        !geteuid().is_root() && held == 0,
        "it is root, within {held:#x}"
    );
}

/// This is a copy that takes on another group.
pub fn read_what_the_group_may_not() {
    assert_eq!(getegid().as_raw(), 99, "the copy has no setgid bit");
    assert!(fs::metadata("/denied").is_ok());
    assert!(fs::read("/denied").is_err(), "the group was shed");
}

/// This is a copy with inheritable capabilities.
pub fn file_capabilities() {
    let held = capabilities(None).unwrap();
    assert!(
        held.permitted.is_empty() && held.inheritable.is_empty(),
        "{held:?}"
    );
}
