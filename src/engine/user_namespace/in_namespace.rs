//! What differs in the configuration of a container that is in a user namespace:
//! what the kernel lets nobody do there.

use std::collections::HashMap;
use std::path::Path;

use oci_spec::runtime::Mount;
use rbox_runtime::spec::defaults;

use super::Mapping;
use crate::engine::request::HostConfig;

/// Whose processes may send ICMP echoes without a capability.
const PING_GROUPS: &str = "net.ipv4.ping_group_range";

/// The last group that this can be said of.
const LAST_PING_GROUP: u32 = i32::MAX as u32;

/// The group of terminals, `tty` in every distribution.
const TERMINAL_GROUP: u32 = 5;

/// Replaces what cannot be mounted anew, or not with its options.
pub fn change_mounts(host: &HostConfig, mapping: &Mapping, mounts: &mut Vec<Mount>) {
    if host.ipc_mode == "host" {
        // The host's queues belong to the host's user namespace.
        mounts.retain(|mount| mount.typ().as_deref() != Some("mqueue"));
        let path = "/dev/mqueue";
        if Path::new(path).is_dir() {
            let options = ["rbind", "rprivate", "nosuid", "noexec", "nodev"];
            mounts.push(defaults::mount(path, "bind", path, &options));
        }
    }
    if mapping.gid(TERMINAL_GROUP).is_none() {
        let group = format!("gid={TERMINAL_GROUP}");
        for mount in mounts.iter_mut() {
            if let Some(options) = mount.options_mut() {
                options.retain(|option| *option != group);
            }
        }
    }
}

/// `--device`: none can be made, so the host's are bound.
pub fn devices(host: &HostConfig) -> impl Iterator<Item = Mount> {
    host.devices.iter().map(|device| {
        let options = ["bind", "rprivate", "nosuid", "noexec"];
        defaults::mount(&device.container_path, "bind", &device.host_path, &options)
    })
}

/// The kernel takes no groups that there are none of.
pub fn change_sysctls(mapping: &Mapping, sysctls: &mut HashMap<String, String>) {
    if let Some(range) = sysctls.get_mut(PING_GROUPS) {
        *range = format!("0 {}", mapping.last_gid().min(LAST_PING_GROUP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_ids_do_not_reach_is_left_out() {
        let has_group = |size| {
            let mut mounts = defaults::mounts(false);
            let mapping = Mapping::block(100_000, size);
            change_mounts(&HostConfig::default(), &mapping, &mut mounts);
            mounts
                .iter()
                .flat_map(|mount| mount.options().clone().unwrap_or_default())
                .any(|option| option == "gid=5")
        };
        assert!(has_group(6));
        assert!(!has_group(5));
        let mut sysctls = defaults::sysctls();
        change_sysctls(&Mapping::block(100_000, 1000), &mut sysctls);
        assert_eq!(sysctls[PING_GROUPS], "0 999");
    }
}
