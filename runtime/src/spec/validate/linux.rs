//! What is particular to Linux: resources, devices, paths, sysctls.

use std::collections::HashSet;
use std::path::Path;

use oci_spec::runtime::{Linux, LinuxDevice, LinuxDeviceType, Process, Spec};

use super::{ValidateError, absolute, filled, invalid, no_nul, no_parent, refuse_if};
use crate::process::{attribute, time_namespace};
use crate::security::seccomp::Listener;
use crate::spec::mount_options::Propagation;
use crate::spec::namespaces::{Namespaces, Source};

pub(super) fn validate_linux(
    linux: &Linux,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    refuse_if(linux.intel_rdt().is_some(), "linux.intelRdt")?;
    refuse_if(filled(linux.net_devices()), "linux.netDevices")?;
    let clocks = time_namespace::offsets(linux.time_offsets().as_ref())?;
    if !clocks.is_empty() && namespaces.time != Source::New {
        return invalid("linux.timeOffsets", "they need a new time namespace");
    }
    attribute::attributes(&Process::default(), Some(linux))?;
    linux.seccomp().as_ref().map_or(Ok(None), Listener::of)?;
    if let Some(name) = linux.rootfs_propagation()
        && !name.is_empty()
        && Propagation::parse(name).is_none()
    {
        return invalid(
            "linux.rootfsPropagation",
            format!("{name:?} is no kind of propagation"),
        );
    }
    let lists = [
        ("linux.maskedPaths", linux.masked_paths()),
        ("linux.readonlyPaths", linux.readonly_paths()),
    ];
    for (field, paths) in lists {
        for (index, path) in paths.iter().flatten().enumerate() {
            absolute(format!("{field}[{index}]"), Path::new(path))?;
        }
    }
    let devices = linux.devices().as_deref().unwrap_or_default();
    for (index, device) in devices.iter().enumerate() {
        validate_device(index, device, &devices[..index])?;
    }
    Ok(())
}

fn validate_device(
    index: usize,
    device: &LinuxDevice,
    before: &[LinuxDevice],
) -> Result<(), ValidateError> {
    let field = |name: &str| format!("linux.devices[{index}].{name}");
    let path = device.path();
    absolute(field("path"), path)?;
    no_parent(&field("path"), path)?;
    if device.typ() == LinuxDeviceType::A {
        return invalid(field("type"), "\"a\" is no type of a node");
    }
    let number = |value: i64| u32::try_from(value).is_ok();
    if device.typ() != LinuxDeviceType::P && !(number(device.major()) && number(device.minor())) {
        return invalid(
            field("major"),
            format!(
                "{}:{} is no number of a device",
                device.major(),
                device.minor()
            ),
        );
    }
    // Docker lists some twice; what counts is that they are the same.
    let other = before
        .iter()
        .position(|other| other.path() == path && other != device);
    match other {
        Some(other) => invalid(
            field("path"),
            format!("{path:?} is another device in linux.devices[{other}]"),
        ),
        None => Ok(()),
    }
}

/// Only what belongs to a namespace of the container's own may be set, and
/// only once.
pub(super) fn validate_sysctls(
    spec: &Spec,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    let linux = spec.linux().as_ref();
    let sysctls = linux.and_then(|linux| linux.sysctl().as_ref());
    let mut seen = HashSet::new();
    for (key, value) in sysctls.into_iter().flatten() {
        let field = || format!("linux.sysctl[{key:?}]");
        validate_sysctl(key, value, namespaces)?;
        if !seen.insert(dotted_key(key)) {
            return invalid(field(), "it is listed twice, with dots and with slashes");
        }
        let names = [
            ("kernel.hostname", "hostname", spec.hostname()),
            ("kernel.domainname", "domainname", spec.domainname()),
        ];
        for (sysctl, name, value) in names {
            if dotted_key(key) == sysctl && value.as_ref().is_some_and(|value| !value.is_empty()) {
                return invalid(field(), format!("it conflicts with the field {name}"));
            }
        }
    }
    Ok(())
}

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
    let field = || format!("linux.sysctl[{key:?}]");
    no_nul(&field(), value.as_bytes())?;
    let bad = |part: &str| part.is_empty() || part.contains('\0') || part == "/";
    if dotted.split('.').any(bad) || key.contains("..") {
        return invalid(field(), "it is no name of a sysctl");
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
