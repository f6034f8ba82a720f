//! What docker gives every container, as OCI types.

use std::collections::HashMap;
use std::path::PathBuf;

use oci_spec::runtime::{
    Linux, LinuxDeviceCgroup, LinuxDeviceType, LinuxIdMapping, LinuxIdMappingBuilder,
    LinuxNamespace, LinuxNamespaceType, LinuxResources, Mount, Process, Root, Spec, User,
};

/// The search path of a container whose image has none.
pub const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Paths of docker's containers that show nothing. What the kernel does not have is skipped.
const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Paths of docker's containers that are read-only, and one that docker leaves to AppArmor: it
/// makes the kernel write debugging messages. What the kernel does not have is skipped.
const READONLY_PATHS: [&str; 6] = [
    "/proc/bus",
    "/proc/dynamic_debug",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// Masked paths; none for a privileged container.
pub fn masked_paths(privileged: bool) -> Vec<String> {
    if privileged {
        return Vec::new();
    }
    let mut paths: Vec<String> = MASKED_PATHS.map(str::to_owned).into();
    paths.extend(thermal_paths());
    paths
}

/// The per-processor thermal counters, which tell containers about each other.
fn thermal_paths() -> Vec<String> {
    // All processors have them or none has.
    let path = |number: usize| format!("/sys/devices/system/cpu/cpu{number}/thermal_throttle");
    (0..)
        .map(path)
        .take_while(|path| std::fs::exists(path).unwrap_or(false))
        .collect()
}

/// Read-only paths; none for a privileged container.
pub fn readonly_paths(privileged: bool) -> Vec<String> {
    if privileged {
        Vec::new()
    } else {
        READONLY_PATHS.map(str::to_owned).into()
    }
}

/// The mounts in the order in which they are made.
pub fn mounts(privileged: bool) -> Vec<Mount> {
    let ro = if privileged { "rw" } else { "ro" };
    vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount(
            "/dev",
            "tmpfs",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        ),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", ro]),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "cgroup",
            &[ro, "nosuid", "noexec", "nodev"],
        ),
        mount(
            "/dev/mqueue",
            "mqueue",
            "mqueue",
            &["nosuid", "noexec", "nodev"],
        ),
        shm(64 << 20),
    ]
}

/// The private /dev/shm of that many bytes.
pub fn shm(bytes: u64) -> Mount {
    let size = if bytes.is_multiple_of(1024) {
        format!("size={}k", bytes / 1024)
    } else {
        format!("size={bytes}")
    };
    mount(
        "/dev/shm",
        "tmpfs",
        "shm",
        &["nosuid", "noexec", "nodev", "mode=1777", &size],
    )
}

/// The namespaces of a container of its own. The cgroup namespace is docker's
/// default where cgroup v2 is the only hierarchy.
pub fn namespaces(cgroup: bool) -> Vec<LinuxNamespace> {
    use LinuxNamespaceType as Type;
    let mut kinds = vec![Type::Mount, Type::Network, Type::Uts, Type::Pid, Type::Ipc];
    if cgroup {
        kinds.push(Type::Cgroup);
    }
    kinds.into_iter().map(namespace).collect()
}

/// Ids from `inside` on are `outside` and the following on the host.
pub fn id_mapping(inside: u32, outside: u32, size: u32) -> LinuxIdMapping {
    LinuxIdMappingBuilder::default()
        .container_id(inside)
        .host_id(outside)
        .size(size)
        .build()
        // Nothing in it is obligatory.
        .unwrap_or_default()
}

/// A new namespace of that kind.
pub fn namespace(kind: LinuxNamespaceType) -> LinuxNamespace {
    let mut namespace = LinuxNamespace::default();
    namespace.set_typ(kind);
    namespace
}

/// Which device numbers may be opened or made: docker's list, after a rule
/// that denies all; everything for a privileged container.
pub fn device_rules(privileged: bool) -> Vec<LinuxDeviceCgroup> {
    if privileged {
        return vec![device_rule(true, None, None, None, "rwm")];
    }
    let mut rules = vec![device_rule(false, None, None, None, "rwm")];
    rules.extend(standard_device_rules());
    rules
}

/// The rules that let a container use the devices that every one has, and make
/// any node (which is not to open it).
pub fn standard_device_rules() -> Vec<LinuxDeviceCgroup> {
    use LinuxDeviceType::{B, C};
    vec![
        device_rule(true, Some(C), None, None, "m"),
        device_rule(true, Some(B), None, None, "m"),
        device_rule(true, Some(C), Some(1), Some(3), "rwm"),
        device_rule(true, Some(C), Some(1), Some(5), "rwm"),
        device_rule(true, Some(C), Some(1), Some(7), "rwm"),
        device_rule(true, Some(C), Some(1), Some(8), "rwm"),
        device_rule(true, Some(C), Some(1), Some(9), "rwm"),
        device_rule(true, Some(C), Some(5), Some(0), "rwm"),
        device_rule(true, Some(C), Some(5), Some(2), "rwm"),
        device_rule(true, Some(C), Some(136), None, "rwm"),
    ]
}

/// One device rule; `None` is any.
pub fn device_rule(
    allow: bool,
    kind: Option<LinuxDeviceType>,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroup::default();
    rule.set_allow(allow);
    rule.set_typ(kind);
    rule.set_major(major);
    rule.set_minor(minor);
    rule.set_access(Some(access.to_owned()));
    rule
}

/// The sysctls that docker sets in a network namespace of the container's own.
pub fn sysctls() -> HashMap<String, String> {
    [
        (
            "net.ipv4.ip_unprivileged_port_start".to_owned(),
            "0".to_owned(),
        ),
        (
            "net.ipv4.ping_group_range".to_owned(),
            "0 2147483647".to_owned(),
        ),
    ]
    .into()
}

/// A whole configuration with these defaults, for the caller to fill in:
/// root `rootfs`, no arguments but `sh`, user 0, every namespace but user and time.
pub fn spec(privileged: bool) -> Spec {
    let mut process = Process::default();
    process
        .set_terminal(None)
        .set_user(User::default())
        .set_env(Some(vec![PATH.to_owned()]))
        .set_cwd(PathBuf::from("/"))
        .set_no_new_privileges(None)
        .set_rlimits(None)
        .set_capabilities(None);
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(device_rules(privileged)));
    let mut linux = Linux::default();
    linux
        .set_uid_mappings(None)
        .set_gid_mappings(None)
        .set_sysctl(Some(sysctls()))
        .set_resources(Some(resources))
        .set_namespaces(Some(namespaces(true)))
        .set_devices(None)
        .set_seccomp(None)
        .set_masked_paths(Some(masked_paths(privileged)))
        .set_readonly_paths(Some(readonly_paths(privileged)));
    let mut root = Root::default();
    root.set_path(PathBuf::from("rootfs"))
        .set_readonly(Some(false));
    let mut spec = Spec::default();
    spec.set_version("1.2.0".to_owned())
        .set_root(Some(root))
        .set_process(Some(process))
        .set_hostname(None)
        .set_mounts(Some(mounts(privileged)))
        .set_annotations(None)
        .set_linux(Some(linux));
    spec
}

/// One mount.
pub fn mount(destination: &str, kind: &str, source: &str, options: &[&str]) -> Mount {
    let mut mount = Mount::default();
    mount
        .set_destination(PathBuf::from(destination))
        .set_typ(Some(kind.to_owned()))
        .set_source(Some(PathBuf::from(source)))
        .set_options(Some(
            options.iter().map(|&option| option.to_owned()).collect(),
        ));
    mount
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privileged_container_has_nothing_masked_and_a_writable_sys() {
        assert!(masked_paths(true).is_empty());
        assert!(readonly_paths(true).is_empty());
        let sys = mounts(true)
            .into_iter()
            .find(|m| m.destination() == "/sys")
            .unwrap();
        assert!(sys.options().clone().unwrap().contains(&"rw".to_owned()));
    }

    #[test]
    fn interrupts_and_powercap_are_masked() {
        let masked = masked_paths(false);
        assert!(masked.contains(&"/proc/interrupts".to_owned()));
        assert!(masked.contains(&"/sys/devices/virtual/powercap".to_owned()));
    }

    #[test]
    fn sizes_of_shm_are_shown_in_kilobytes_when_they_divide() {
        let size = |bytes| shm(bytes).options().clone().unwrap().pop().unwrap();
        assert_eq!(size(64 << 20), "size=65536k");
        assert_eq!(size(1000), "size=1000");
    }
}
