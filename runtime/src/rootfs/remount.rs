//! Another set of attributes or options for what is mounted already.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::mount_remount;

use super::in_root;
use crate::process::sys::{self, MountAttributes};
use crate::process::{Failure, Naming};
use crate::spec::mount_options::MountOptions;

/// Changes the mount at `destination`: with `bind` among the options the mount
/// alone, as mount_setattr(2) does it; else the filesystem first, as mount(2)
/// with `MS_REMOUNT` does it. The working directory may change.
pub(crate) fn remount(
    root: BorrowedFd<'_>,
    destination: &Path,
    options: &MountOptions,
    title: impl Fn() -> String + Copy,
) -> Result<(), Failure> {
    let place = in_root::locate(root, destination).naming(title)?;
    if options.bind.is_none() {
        rustix::process::fchdir(&place).naming(title)?;
        let data = CString::new(options.data.as_str())
            .map_err(|_| Errno::INVAL)
            .naming(title)?;
        mount_remount(".", options.mount_flags(), data.as_c_str()).naming(title)?;
    }
    let mut shallow = MountAttributes {
        set: options.set.bits().into(),
        clear: options.clear.bits().into(),
        ..MountAttributes::default()
    };
    let mut deep = MountAttributes {
        set: options.recursive_set.bits().into(),
        clear: options.recursive_clear.bits().into(),
        ..MountAttributes::default()
    };
    if let Some(propagation) = options.propagation {
        let attributes = if propagation.recursive {
            &mut deep
        } else {
            &mut shallow
        };
        attributes.propagation = propagation.kind;
    }
    for (attributes, recursive) in [(shallow, false), (deep, true)] {
        // The kernel refuses what is not the top of a mount.
        if !attributes.is_empty() {
            sys::set_mount_attributes(place.as_fd(), attributes, recursive).naming(title)?;
        }
    }
    Ok(())
}
