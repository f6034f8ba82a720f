//! `--device` and the devices of a privileged container, as OCI device entries.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};
use rustix::fs::{major, minor};

use super::failure::Failure;
use super::request::HostConfig;

/// Looks the requested devices up on the host.
pub fn requested(host: &HostConfig) -> Result<Vec<LinuxDevice>, Failure> {
    if host.privileged {
        let mut all = Vec::new();
        collect(Path::new("/dev"), &mut all);
        return Ok(all);
    }
    host.devices
        .iter()
        .map(|request| {
            let data = fs::metadata(&request.host_path).map_err(|error| {
                let failure = Failure::new(format!(
                    "error gathering device information while adding custom device \"{}\": {}",
                    request.host_path,
                    describe(&error)
                ));
                match error.kind() {
                    ErrorKind::NotFound => failure.code(127),
                    ErrorKind::PermissionDenied => failure.code(126),
                    _ => failure,
                }
            })?;
            device(&data, Path::new(&request.container_path)).ok_or_else(|| {
                Failure::new(format!(
                    "error gathering device information while adding custom device \"{}\": not a \
                     device node",
                    request.host_path
                ))
            })
        })
        .collect()
}

fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn device(data: &fs::Metadata, path: &Path) -> Option<LinuxDevice> {
    let kind = data.file_type();
    let kind = if kind.is_char_device() {
        LinuxDeviceType::C
    } else if kind.is_block_device() {
        LinuxDeviceType::B
    } else {
        return None;
    };
    let mut device = LinuxDevice::default();
    device
        .set_path(PathBuf::from(path))
        .set_typ(kind)
        .set_major(i64::from(major(data.rdev())))
        .set_minor(i64::from(minor(data.rdev())))
        .set_file_mode(Some(data.mode() & 0o7777))
        .set_uid(Some(data.uid()))
        .set_gid(Some(data.gid()));
    Some(device)
}

/// Every device below `dir`, but for those that a container has its own of.
fn collect(dir: &Path, into: &mut Vec<LinuxDevice>) {
    const OWN: &[&str] = &[
        "pts", "shm", "mqueue", "fd", "console", "ptmx", "null", "zero", "full", "tty", "random",
        "urandom",
    ];
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if dir == Path::new("/dev") && name.to_str().is_some_and(|name| OWN.contains(&name)) {
            continue;
        }
        // Symlinks are not followed: metadata of the entry itself.
        match entry.metadata() {
            Ok(data) if data.is_dir() => collect(&entry.path(), into),
            Ok(data) => into.extend(device(&data, &entry.path())),
            Err(_) => {}
        }
    }
}
