//! What is particular to Linux: resources, devices, paths, sysctls.

use std::path::Path;

use oci_spec::runtime::{Linux, LinuxDeviceType};

use super::{ValidateError, absolute, filled, invalid, no_parent, refuse_if, set};
use crate::spec::mount_options::Propagation;
use crate::spec::namespaces::{Namespaces, Source};

pub(super) fn validate_linux(
    linux: &Linux,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    refuse_if(linux.intel_rdt().is_some(), "linux.intelRdt")?;
    refuse_if(linux.memory_policy().is_some(), "linux.memoryPolicy")?;
    refuse_if(linux.personality().is_some(), "linux.personality")?;
    refuse_if(filled(linux.time_offsets()), "linux.timeOffsets")?;
    refuse_if(filled(linux.net_devices()), "linux.netDevices")?;
    refuse_if(set(linux.mount_label(), ""), "linux.mountLabel")?;
    if let Some(name) = linux.rootfs_propagation()
        && !name.is_empty()
        && Propagation::parse(name).is_none()
    {
        return invalid("linux.rootfsPropagation", name);
    }
    for (key, value) in linux.sysctl().iter().flatten() {
        validate_sysctl(key, value, namespaces)?;
    }
    for path in linux.masked_paths().iter().flatten() {
        absolute("masked path", Path::new(path))?;
    }
    for path in linux.readonly_paths().iter().flatten() {
        absolute("read-only path", Path::new(path))?;
    }
    for device in linux.devices().iter().flatten() {
        absolute("device path", device.path())?;
        no_parent("device path", device.path())?;
        if device.typ() == LinuxDeviceType::A {
            return invalid("device type", "a");
        }
        let numbers = device.major() >= 0 && device.minor() >= 0;
        if device.typ() != LinuxDeviceType::P && !numbers {
            return invalid(
                "device number",
                &format!(
                    "{}:{} of {}",
                    device.major(),
                    device.minor(),
                    device.path().display()
                ),
            );
        }
    }
    Ok(())
}

/// Only what belongs to a namespace of the container's own may be set.
fn validate_sysctl(
    key: &str,
    value: &str,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    const OF_IPC: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    let dotted = dotted_key(key);
    if dotted.split('.').any(str::is_empty) || key.contains("..") || value.contains('\0') {
        return invalid("sysctl", key);
    }
    let (namespace, source) = if dotted.starts_with("net.") {
        ("network", namespaces.network)
    } else if dotted.starts_with("fs.mqueue.") || OF_IPC.contains(&dotted.as_str()) {
        ("ipc", namespaces.ipc)
    } else if dotted == "kernel.domainname" || dotted == "kernel.hostname" {
        ("uts", namespaces.uts)
    } else {
        return Err(ValidateError::GlobalSysctl(key.to_owned()));
    };
    match source {
        Source::Host => Err(ValidateError::HostSysctl {
            key: key.to_owned(),
            namespace,
        }),
        Source::New | Source::Path(_) => Ok(()),
    }
}

/// `net/ipv4/conf/eth0.1/x` and `net.ipv4.conf.eth0/1.x` are the same key: the
/// first separator of the string says which of the two separates.
pub(crate) fn dotted_key(key: &str) -> String {
    match key.find(['.', '/']) {
        Some(at) if key.as_bytes()[at] == b'/' => key
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect(),
        _ => key.to_owned(),
    }
}
