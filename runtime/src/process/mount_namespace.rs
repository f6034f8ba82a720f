//! A mount namespace for one thread and for what it starts.

use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};

use super::sys;

/// Puts the calling thread into a mount namespace of its own, a copy of the one that it is in.
/// What is mounted there later appears here too; what this thread mounts appears nowhere else, and
/// is gone with the last process that was started from here.
///
/// # Errors
/// As unshare(2), and as mount(2) for the propagation.
pub fn leave() -> io::Result<()> {
    sys::unshare_namespaces(libc::CLONE_NEWNS)?;
    let propagation = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    Ok(mount_change("/", propagation)?)
}
