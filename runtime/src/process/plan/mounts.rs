//! Mounts and devices of a configuration, as they are to be made.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType, Mount};
use rustix::fs::FileType;

use super::ContainerInput;
use crate::rootfs::bind::{BindMount, Ids, Mapping};
use crate::rootfs::devices::DeviceNode;
use crate::rootfs::mounts::{MountKind, PlannedMount};
use crate::security::lsm;
use crate::spec::Source;
use crate::spec::mount_options::{Bind, MountOptions, OptionError};

/// One entry of the list, parsed.
pub(super) fn planned(
    mount: &Mount,
    input: &ContainerInput<'_>,
) -> Result<PlannedMount, OptionError> {
    let mut options = MountOptions::parse(mount.options().as_deref().unwrap_or_default())?;
    let kind = mount.typ().as_deref().unwrap_or_default();
    if kind == "bind" && options.bind.is_none() {
        options.bind = Some(Bind::Single);
    }
    let source = mount.source().clone();
    let label = input.linux.mount_label().as_deref().unwrap_or_default();
    let kind = if options.remount {
        MountKind::Remount
    } else if options.bind.is_some() {
        MountKind::Bind(BindMount {
            // Relative to the bundle.
            source: input.bundle.join(source.unwrap_or_default()),
            mapping: mount_mapping(mount, &options, input),
            tree: None,
        })
    } else if matches!(kind, "cgroup" | "cgroup2") {
        MountKind::Cgroup {
            path: input.cgroup.to_owned(),
            hierarchies: input.hierarchies.to_vec(),
        }
    } else {
        let source = source.unwrap_or_else(|| PathBuf::from(kind));
        if !label.is_empty()
            && let Some(option) = lsm::context_option(kind, label)
        {
            options.add_data(&option);
        }
        MountKind::Filesystem {
            kind: kind.to_owned(),
            source,
        }
    };
    Ok(PlannedMount {
        // Relative to the root.
        destination: Path::new("/").join(mount.destination()),
        options,
        kind,
    })
}

/// The mount's own mapping, or else the container's.
fn mount_mapping(
    mount: &Mount,
    options: &MountOptions,
    input: &ContainerInput<'_>,
) -> Option<Mapping> {
    let given = |uids: &Option<Vec<_>>, gids: &Option<Vec<_>>| match (uids, gids) {
        (Some(uids), Some(gids)) => Some(Ids::Given {
            uids: uids.clone(),
            gids: gids.clone(),
        }),
        _ => None,
    };
    let own = given(mount.uid_mappings(), mount.gid_mappings());
    if own.is_none() && options.id_map.is_none() {
        return None;
    }
    let containers = || match input.namespaces.user {
        Source::Path(path) => Some(Ids::Namespace(path.into())),
        Source::New => given(input.linux.uid_mappings(), input.linux.gid_mappings()),
        Source::Host => None,
    };
    Some(Mapping {
        ids: own.or_else(containers)?,
        recursive: options.id_map == Some(Bind::Recursive),
    })
}

/// Whether to make the nodes of /dev: not when it is a directory of the host.
pub(super) fn makes_devices(mounts: &[Mount]) -> bool {
    !mounts.iter().any(|mount| {
        let binds = |options: &Vec<String>| options.iter().any(|o| o == "bind" || o == "rbind");
        Path::new("/").join(mount.destination()) == Path::new("/dev")
            && (mount.typ().as_deref() == Some("bind")
                || mount.options().as_ref().is_some_and(binds))
    })
}

/// One device of the configuration.
pub(super) fn device_node(device: &LinuxDevice) -> DeviceNode {
    let kind = match device.typ() {
        LinuxDeviceType::B => FileType::BlockDevice,
        LinuxDeviceType::P => FileType::Fifo,
        LinuxDeviceType::C | LinuxDeviceType::U | LinuxDeviceType::A => FileType::CharacterDevice,
    };
    let number = |value: i64| u32::try_from(value).unwrap_or(0);
    DeviceNode {
        path: device.path().clone(),
        kind,
        major: number(device.major()),
        minor: number(device.minor()),
        // Docker records the whole st_mode of the host's node.
        mode: device.file_mode().unwrap_or(0o666) & 0o7777,
        uid: device.uid().unwrap_or(0),
        gid: device.gid().unwrap_or(0),
    }
}
