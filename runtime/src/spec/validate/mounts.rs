//! The list of mounts.

use std::os::unix::ffi::OsStrExt;

use oci_spec::runtime::Mount;

use super::{ValidateError, invalid, no_nul, no_parent};
use crate::spec::mount_options::{MountOptions, OptionError};

/// Filesystems of which a container's mount is an instance of its own: to
/// remount one changes nothing of the host's.
const OWN_INSTANCES: [&str; 7] = [
    "tmpfs",
    "ramfs",
    "devpts",
    "proc",
    "mqueue",
    "overlay",
    "hugetlbfs",
];

pub(super) fn validate_mounts(mounts: &[Mount]) -> Result<(), ValidateError> {
    for (index, mount) in mounts.iter().enumerate() {
        validate_mount(index, mount, &mounts[..index])?;
    }
    Ok(())
}

fn validate_mount(index: usize, mount: &Mount, before: &[Mount]) -> Result<(), ValidateError> {
    let field = |name: &str| format!("mounts[{index}].{name}");
    let destination = mount.destination();
    if destination.as_os_str().is_empty() {
        return invalid(field("destination"), "it is empty");
    }
    no_nul(&field("destination"), destination.as_os_str().as_bytes())?;
    // One that is relative is so to the root.
    no_parent(&field("destination"), destination)?;
    let wrap = |error| ValidateError::Mount {
        index,
        destination: destination.display().to_string(),
        error,
    };
    let options = mount.options().as_deref().unwrap_or_default();
    let options = MountOptions::parse(options).map_err(wrap)?;
    let kind = mount.typ().as_deref().unwrap_or_default();
    no_nul(&field("type"), kind.as_bytes())?;
    let source = mount.source().clone().unwrap_or_default();
    no_nul(&field("source"), source.as_os_str().as_bytes())?;
    options.check(kind).map_err(wrap)?;
    if options.remount {
        let covered = before
            .iter()
            .rev()
            .find(|one| one.destination() == destination);
        let kind = covered.and_then(|one| one.typ().as_deref());
        let own = kind.is_some_and(|kind| OWN_INSTANCES.contains(&kind));
        if options.bind.is_none() && !own {
            return Err(wrap(OptionError::RemountOfHost));
        }
    } else if options.binds(kind) {
        if source.as_os_str().is_empty() {
            return invalid(field("source"), "a bind needs one");
        }
    } else if kind.is_empty() {
        return invalid(field("type"), "it is missing, and the mount is no bind");
    }
    Ok(())
}
