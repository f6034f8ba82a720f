//! Which volumes a container has: those that were asked for, those of other containers
//! (`--volumes-from`), and one for each VOLUME of the image that nothing else is mounted on.

use super::{DRIVER, name, options, target};
use crate::engine::dirs::Dirs;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::{MountKind, MountRequest, VolumeOptions};
use crate::engine::{containers, names};

/// VOLUMEs that an image may have: each is a directory and a mount.
const MOST: usize = 1024;

/// Docker's mode of a volume that was mounted without one.
const MODE: &str = "z";

/// Gives the record its mounts, each volume with its name. Changes nothing on disk.
///
/// # Errors
/// Docker's texts for a name, a driver, or a container that cannot be.
pub fn resolve(dirs: &Dirs, record: &mut Record) -> Result<(), Failure> {
    let asked = std::mem::take(&mut record.host.mounts);
    let mut mounts: Vec<MountRequest> = Vec::new();
    for text in &record.host.volumes_from {
        for mount in of_another(dirs, text)? {
            replace(&mut mounts, mount);
        }
    }
    let (optional, asked): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_optional);
    for mut mount in asked {
        if mount.kind == MountKind::Volume {
            settle(&mut mount, &record.host.volume_driver)?;
        }
        replace(&mut mounts, mount);
    }
    let of_image = record.config.volumes.len();
    if of_image > MOST {
        return Err(Failure::new(format!(
            "the image has {of_image} volumes: {MOST} are the most that there may be"
        )));
    }
    record
        .config
        .volumes
        .extend(optional.into_iter().map(|mount| mount.target));
    record.config.volumes.sort();
    record.config.volumes.dedup();
    for path in &record.config.volumes {
        let target = target::clean(path);
        if target == "/" {
            return Err(Failure::new(format!(
                "invalid volume specification: '{path}': invalid mount config for type \
                 \"volume\": invalid specification: destination can't be '/'"
            )));
        }
        let is_there = mounts.iter().any(|mount| mount.target == target)
            || record
                .host
                .tmpfs
                .keys()
                .any(|path| target::clean(path) == target);
        if !is_there {
            let mut mount = anonymous(&target);
            settle(&mut mount, &record.host.volume_driver)?;
            mounts.push(mount);
        }
    }
    record.host.mounts = mounts;
    Ok(())
}

/// `-v /path`: Docker's request for a volume where nothing else is mounted.
pub fn is_optional(mount: &MountRequest) -> bool {
    mount.create_source && mount.kind == MountKind::Volume && mount.source.is_empty()
}

/// A volume without a name, as of `-v /path`.
pub fn anonymous(target: &str) -> MountRequest {
    MountRequest {
        kind: MountKind::Volume,
        source: String::new(),
        target: target.to_owned(),
        read_only: false,
        mode: String::new(),
        propagation: String::new(),
        non_recursive: false,
        submounts_writable: false,
        id_mapped: false,
        create_source: true,
        tmpfs_size: 0,
        tmpfs_mode: None,
        volume: Some(VolumeOptions {
            anonymous: true,
            ..VolumeOptions::default()
        }),
        subpath: String::new(),
    }
}

/// The later one has the place.
fn replace(mounts: &mut Vec<MountRequest>, mount: MountRequest) {
    mounts.retain(|other| other.target != mount.target);
    mounts.push(mount);
}

/// Checks a volume's name and what it is to be made with; one without a name gets one.
fn settle(mount: &mut MountRequest, driver: &str) -> Result<(), Failure> {
    let given = mount.volume.get_or_insert_default();
    if mount.source.is_empty() {
        mount.source = names::new_id()?;
        given.anonymous = true;
    } else if mount.mode.is_empty() {
        mount.mode = MODE.to_owned();
    }
    if given.driver.is_empty() {
        given.driver = driver.to_owned();
    }
    let refused = |text: String| Failure::new(format!("create {}: {text}", mount.source));
    if !matches!(given.driver.as_str(), "" | DRIVER) {
        let driver = &given.driver;
        return Err(refused(format!(
            "error looking up volume plugin {driver}: plugin {driver:?} not found"
        )));
    }
    name::check(&mount.source).map_err(refused)?;
    options::check(&given.driver_options).map_err(refused)
}

/// `--volumes-from CONTAINER[:ro|rw]`.
fn of_another(dirs: &Dirs, text: &str) -> Result<Vec<MountRequest>, Failure> {
    let (reference, mode) = text.split_once(':').unwrap_or((text, "rw"));
    if reference.is_empty() {
        return Err(Failure::new(
            "volumes-from specification cannot be an empty string",
        ));
    }
    let mut read_only = None;
    for part in mode.split(',') {
        let again = match part {
            "ro" | "rw" => read_only.replace(part == "ro").is_some(),
            // Labels of a policy that rbox has not.
            "z" | "Z" => false,
            _ => true,
        };
        if again {
            return Err(Failure::new(format!("invalid mode: {mode}")));
        }
    }
    let record = containers::find(dirs, reference)?.record;
    let mut mounts = record.host.mounts;
    for mount in &mut mounts {
        mount.read_only |= read_only == Some(true);
    }
    Ok(mounts)
}
