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

/// Replaces what cannot be mounted anew, or not with its options. Where cgroup
/// version 2 is alone, a mount of it belongs to its namespace.
pub fn change_mounts(
    host: &HostConfig,
    mapping: &Mapping,
    cgroup_v2: bool,
    mounts: &mut Vec<Mount>,
) {
    // These belong to the host's user namespace.
    if host.ipc_mode == "host" {
        bind_instead(
            "mqueue",
            "/dev/mqueue",
            &["nosuid", "noexec", "nodev"],
            mounts,
        );
    }
    if host.cgroupns_mode == "host" && cgroup_v2 {
        let options = ["rro", "nosuid", "noexec", "nodev"];
        bind_instead("cgroup", "/sys/fs/cgroup", &options, mounts);
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

/// The host's directory instead of a mount of that type, if it has one.
fn bind_instead(kind: &str, path: &str, options: &[&str], mounts: &mut Vec<Mount>) {
    let Some(at) = mounts
        .iter()
        .position(|mount| mount.typ().as_deref() == Some(kind))
    else {
        return;
    };
    if Path::new(path).is_dir() {
        let options = [&["rbind", "rprivate"], options].concat();
        mounts[at] = defaults::mount(path, "bind", path, &options);
    } else {
        mounts.remove(at);
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
            change_mounts(&HostConfig::default(), &mapping, true, &mut mounts);
            mounts
                .iter()
                .flat_map(|mount| mount.options().clone().unwrap_or_default())
                .any(|option| option == "gid=5")
        };
        assert!(has_group(6));
        assert!(!has_group(5));
        let host = HostConfig {
            cgroupns_mode: "host".into(),
            ..HostConfig::default()
        };
        let cgroup = |version_2| {
            let mut mounts = defaults::mounts(false);
            let mapping = Mapping::block(100_000, 6);
            change_mounts(&host, &mapping, version_2, &mut mounts);
            let mount = mounts
                .iter()
                .find(|mount| mount.destination() == Path::new("/sys/fs/cgroup"));
            mount.and_then(|mount| mount.typ().clone())
        };
        assert_eq!(cgroup(false).as_deref(), Some("cgroup"));
        assert_eq!(cgroup(true).as_deref(), Some("bind"));
        let mut sysctls = defaults::sysctls();
        change_sysctls(&Mapping::block(100_000, 1000), &mut sysctls);
        assert_eq!(sysctls[PING_GROUPS], "0 999");
    }
}
