//! Our own binary in a form that a container cannot overwrite.
//!
//! A process that enters a container shows it /proc/PID/exe. Executed through
//! a detached read-only mount, that link cannot be opened for writing by
//! anyone, root included (CVE-2019-5736).

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use super::sys;
use crate::rootfs::bind;

const SELF: &str = "/proc/self/exe";

/// A descriptor of this program for execveat with `AT_EMPTY_PATH`: behind a
/// read-only mount of its own, or a sealed copy in memory where mounting is
/// not permitted or the program lies in a mount of another namespace. Closed
/// on exec.
///
/// # Errors
/// As open_tree, mount_setattr or memfd_create.
pub fn protected() -> io::Result<OwnedFd> {
    match bind::clone_tree(SELF.as_ref(), false) {
        Ok(tree) => {
            let attributes = sys::MountAttributes {
                set: libc::MOUNT_ATTR_RDONLY,
                ..sys::MountAttributes::default()
            };
            sys::set_mount_attributes(tree.as_fd(), attributes, false)?;
            Ok(tree)
        }
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::PERM | Errno::INVAL) => sealed(),
            _ => Err(error),
        },
    }
}

/// Whether this program was executed in such a form already: its file cannot be
/// opened for writing.
pub fn is_protected() -> bool {
    let read_only = |file: File| -> io::Result<bool> {
        let sealed = rustix::fs::fcntl_get_seals(&file).is_ok_and(|s| s.contains(SealFlags::WRITE));
        let mount = rustix::fs::fstatvfs(&file)?.f_flag;
        Ok(sealed || mount.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    };
    File::open(SELF).and_then(read_only).unwrap_or(false)
}

/// A sealed copy of this program in memory: what [`protected`] gives where
/// there is no mount to be had. It costs a copy of the file.
///
/// # Errors
/// As memfd_create and write.
pub fn sealed() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Where files in memory are not executable unless it is said (Linux 6.3,
    // vm.memfd_noexec); older kernels do not know the flag.
    let copy = memfd_create("rbox", flags | MemfdFlags::EXEC).or_else(|error| match error {
        Errno::INVAL => memfd_create("rbox", flags),
        error => Err(error),
    })?;
    let mut copy = File::from(copy);
    io::copy(&mut File::open(SELF)?, &mut copy)?;
    copy.rewind()?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&copy, seals)?;
    Ok(copy.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_sealed_copy_is_this_program_and_cannot_be_written() {
        let mut copy = File::from(sealed().unwrap());
        assert_eq!(
            copy.metadata().unwrap().len(),
            std::fs::metadata(SELF).unwrap().len()
        );
        assert!(copy.write(b"x").is_err());
    }
}
