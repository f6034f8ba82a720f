//! Everything that can be known to be wrong before anything is made.
//!
//! What a configuration asks for and this runtime does not do yet is refused
//! by name: a container that silently lacks a part of its isolation is worse
//! than none.

use std::path::{Component, Path};

use oci_spec::runtime::{Hooks, Linux, LinuxDeviceType, LinuxResources, Mount, Process, Spec};
use thiserror::Error;

use super::mount_options::{MountOptions, OptionError, Propagation};
use super::namespaces::{Namespaces, Source};

/// A configuration that cannot become a container.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ValidateError {
    /// A part that the specification or this runtime cannot do without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part that is known and not done yet.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// A path that must be absolute.
    #[error("{what} must be an absolute path: {path:?}")]
    Relative {
        /// What the path is for.
        what: &'static str,
        /// The path.
        path: String,
    },
    /// The process's directory is not absolute.
    #[error("Cwd must be an absolute path")]
    RelativeWorkingDirectory,
    /// A value that no kernel would take.
    #[error("invalid {what}: {value}")]
    Invalid {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A namespace kind that is listed twice.
    #[error("namespace {0} is listed twice")]
    RepeatedNamespace(String),
    /// A mount's option list.
    #[error("mount {destination}: {error}")]
    Mount {
        /// The mount point.
        destination: String,
        /// What is wrong with its options.
        error: OptionError,
    },
    /// A sysctl of a namespace that the container shares with the host.
    #[error("sysctl {key:?} not allowed in host {namespace} namespace")]
    HostSysctl {
        /// The key, dotted.
        key: String,
        /// The shared namespace.
        namespace: &'static str,
    },
    /// A sysctl that is the same for the whole machine.
    #[error("sysctl {0:?} is not in a separate kernel namespace")]
    GlobalSysctl(String),
}

/// Checks a whole configuration.
pub fn validate(spec: &Spec) -> Result<(), ValidateError> {
    let process = spec
        .process()
        .as_ref()
        .ok_or(ValidateError::Missing("process"))?;
    validate_process(process)?;
    let linux = spec
        .linux()
        .as_ref()
        .ok_or(ValidateError::Missing("linux"))?;
    let root = spec.root().as_ref().ok_or(ValidateError::Missing("root"))?;
    if root.path().as_os_str().is_empty() {
        return Err(ValidateError::Missing("root.path"));
    }
    refuse_if(spec.hooks().as_ref().is_some_and(has_hooks), "hooks")?;
    refuse_if(spec.solaris().is_some(), "solaris")?;
    refuse_if(spec.windows().is_some(), "windows")?;
    refuse_if(spec.vm().is_some(), "vm")?;
    refuse_if(spec.zos().is_some(), "zos")?;
    let namespaces =
        Namespaces::of(linux).map_err(|kind| ValidateError::RepeatedNamespace(kind.to_string()))?;
    validate_namespaces(spec, &namespaces)?;
    validate_linux(linux, &namespaces)?;
    for mount in spec.mounts().iter().flatten() {
        validate_mount(mount)?;
    }
    Ok(())
}

/// Checks the description of one process, the first one or a later one.
pub fn validate_process(process: &Process) -> Result<(), ValidateError> {
    if process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(ValidateError::Missing("process.args"));
    }
    if !process.cwd().is_absolute() {
        return Err(ValidateError::RelativeWorkingDirectory);
    }
    let strings = process
        .args()
        .iter()
        .flatten()
        .chain(process.env().iter().flatten());
    for string in strings {
        if string.contains('\0') {
            return invalid("process.args or process.env", string);
        }
    }
    if let Some(umask) = process.user().umask()
        && umask > 0o777
    {
        return invalid("process.user.umask", &format!("{umask:o}"));
    }
    let mut seen = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        if limit.soft() > limit.hard() {
            return invalid(
                "rlimit",
                &format!(
                    "{}: soft {} above hard {}",
                    limit.typ(),
                    limit.soft(),
                    limit.hard()
                ),
            );
        }
        if seen.contains(&limit.typ()) {
            return invalid("rlimit", &format!("{} is listed twice", limit.typ()));
        }
        seen.push(limit.typ());
    }
    if let Some(value) = process.oom_score_adj()
        && !(-1000..=1000).contains(&value)
    {
        return invalid("process.oomScoreAdj", &value.to_string());
    }
    refuse_if(
        set(process.apparmor_profile(), "unconfined"),
        "process.apparmorProfile",
    )?;
    refuse_if(set(process.selinux_label(), ""), "process.selinuxLabel")?;
    refuse_if(process.io_priority().is_some(), "process.ioPriority")?;
    refuse_if(process.scheduler().is_some(), "process.scheduler")?;
    refuse_if(
        process.exec_cpu_affinity().is_some(),
        "process.execCPUAffinity",
    )
}

fn validate_namespaces(spec: &Spec, namespaces: &Namespaces<'_>) -> Result<(), ValidateError> {
    refuse_if(namespaces.user != Source::Host, "user namespace")?;
    refuse_if(namespaces.time != Source::Host, "time namespace")?;
    refuse_if(
        namespaces.mount == Source::Host,
        "container without a mount namespace",
    )?;
    let all = [
        namespaces.mount,
        namespaces.pid,
        namespaces.network,
        namespaces.ipc,
    ];
    for source in all.into_iter().chain([namespaces.uts, namespaces.cgroup]) {
        if let Source::Path(path) = source {
            absolute("namespace path", path)?;
        }
    }
    for (name, value) in [
        ("hostname", spec.hostname()),
        ("domainname", spec.domainname()),
    ] {
        let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else {
            continue;
        };
        if namespaces.uts == Source::Host {
            return invalid(name, &format!("{value:?} needs a uts namespace"));
        }
    }
    Ok(())
}

fn validate_linux(linux: &Linux, namespaces: &Namespaces<'_>) -> Result<(), ValidateError> {
    let mapped = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
    refuse_if(mapped(linux.uid_mappings()), "linux.uidMappings")?;
    refuse_if(mapped(linux.gid_mappings()), "linux.gidMappings")?;
    refuse_if(linux.intel_rdt().is_some(), "linux.intelRdt")?;
    refuse_if(linux.memory_policy().is_some(), "linux.memoryPolicy")?;
    refuse_if(linux.personality().is_some(), "linux.personality")?;
    refuse_if(filled(linux.time_offsets()), "linux.timeOffsets")?;
    refuse_if(filled(linux.net_devices()), "linux.netDevices")?;
    refuse_if(set(linux.mount_label(), ""), "linux.mountLabel")?;
    if let Some(resources) = linux.resources() {
        validate_resources(resources)?;
    }
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

fn validate_resources(resources: &LinuxResources) -> Result<(), ValidateError> {
    refuse_if(filled(resources.rdma()), "linux.resources.rdma")?;
    let network = resources.network().as_ref();
    let classified = network.is_some_and(|network| {
        network.class_id().is_some_and(|id| id != 0)
            || network
                .priorities()
                .as_ref()
                .is_some_and(|list| !list.is_empty())
    });
    refuse_if(classified, "linux.resources.network")
}

fn validate_mount(mount: &Mount) -> Result<(), ValidateError> {
    let destination = mount.destination();
    absolute("mount destination", destination)?;
    let mapped = mount.uid_mappings().is_some() || mount.gid_mappings().is_some();
    refuse_if(mapped, "id-mapped mount")?;
    let wrap = |error| ValidateError::Mount {
        destination: destination.display().to_string(),
        error,
    };
    let none = Vec::new();
    let options = MountOptions::parse(mount.options().as_ref().unwrap_or(&none)).map_err(wrap)?;
    let binds = options.bind.is_some() || mount.typ().as_deref() == Some("bind");
    if binds {
        let source = mount
            .source()
            .as_ref()
            .ok_or(ValidateError::Missing("source of a bind"))?;
        if source.as_os_str().is_empty() {
            return Err(ValidateError::Missing("source of a bind"));
        }
        if options.copy_up {
            return Err(wrap(OptionError::Unsupported(
                "tmpcopyup on a bind".to_owned(),
            )));
        }
    } else if mount.typ().as_deref().unwrap_or("").is_empty() {
        return Err(ValidateError::Missing("type of a mount"));
    }
    let plain = destination
        .components()
        .all(|part| part != Component::ParentDir);
    if !plain {
        return invalid("mount destination", &destination.display().to_string());
    }
    refuse_if(options.copy_up, "mount option tmpcopyup")
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

fn has_hooks(hooks: &Hooks) -> bool {
    #[allow(deprecated, reason = "old configurations still have this list")]
    let prestart = hooks.prestart();
    [
        prestart,
        hooks.create_runtime(),
        hooks.create_container(),
        hooks.start_container(),
        hooks.poststart(),
        hooks.poststop(),
    ]
    .into_iter()
    .any(|list| list.as_ref().is_some_and(|list| !list.is_empty()))
}

fn refuse_if(condition: bool, what: &str) -> Result<(), ValidateError> {
    if condition {
        Err(ValidateError::Unsupported(what.to_owned()))
    } else {
        Ok(())
    }
}

fn set(value: &Option<String>, neutral: &str) -> bool {
    value
        .as_ref()
        .is_some_and(|value| !value.is_empty() && value != neutral)
}

fn filled<K, V>(map: &Option<std::collections::HashMap<K, V>>) -> bool {
    map.as_ref().is_some_and(|map| !map.is_empty())
}

fn absolute(what: &'static str, path: &Path) -> Result<(), ValidateError> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(ValidateError::Relative {
            what,
            path: path.display().to_string(),
        })
    }
}

fn no_parent(what: &'static str, path: &Path) -> Result<(), ValidateError> {
    if path.components().any(|part| part == Component::ParentDir) {
        return invalid(what, &path.display().to_string());
    }
    Ok(())
}

fn invalid<T>(what: &'static str, value: &str) -> Result<T, ValidateError> {
    Err(ValidateError::Invalid {
        what,
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::defaults;
    use serde_json::{Value, json};

    /// The default configuration with one JSON pointer replaced.
    fn with(pointer: &str, value: Value) -> Result<(), ValidateError> {
        let mut config = serde_json::to_value(defaults::spec(false)).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() {
            &mut config
        } else {
            config.pointer_mut(parent).unwrap()
        };
        parent[key] = value;
        validate(&serde_json::from_value(config).unwrap())
    }

    fn text(pointer: &str, value: Value) -> String {
        with(pointer, value).unwrap_err().to_string()
    }

    #[test]
    fn the_default_configuration_is_valid() {
        assert_eq!(validate(&defaults::spec(false)), Ok(()));
        assert_eq!(validate(&defaults::spec(true)), Ok(()));
    }

    #[test]
    fn what_is_not_done_yet_is_refused_by_name() {
        let hook = json!({"poststop": [{"path": "/bin/true"}]});
        assert_eq!(text("/hooks", hook), "hooks is not supported yet");
        let spaces = json!([{"type": "mount"}, {"type": "user"}]);
        assert_eq!(
            text("/linux/namespaces", spaces),
            "user namespace is not supported yet"
        );
        let maps = json!([{"hostID": 1000, "containerID": 0, "size": 1}]);
        assert_eq!(
            text("/linux/uidMappings", maps),
            "linux.uidMappings is not supported yet"
        );
        let rdma = json!({"rdma": {"mlx5": {"hcaHandles": 3}}});
        assert_eq!(
            text("/linux/resources", rdma),
            "linux.resources.rdma is not supported yet"
        );
        assert_eq!(
            text("/process/apparmorProfile", json!("docker-default")),
            "process.apparmorProfile is not supported yet"
        );
    }

    #[test]
    fn empty_hooks_and_unconfined_ask_for_nothing() {
        assert_eq!(with("/hooks", json!({"poststop": []})), Ok(()));
        assert_eq!(
            with("/process/apparmorProfile", json!("unconfined")),
            Ok(())
        );
    }

    #[test]
    fn sysctls_of_the_host_are_refused() {
        assert_eq!(
            text("/linux/sysctl", json!({"kernel.panic": "1"})),
            "sysctl \"kernel.panic\" is not in a separate kernel namespace"
        );
        assert_eq!(
            with("/linux/sysctl", json!({"net/ipv4/ip_forward": "1"})),
            Ok(())
        );
        assert!(with("/linux/sysctl", json!({"net.../../kernel/panic": "1"})).is_err());
        let mut spec = defaults::spec(false);
        let mut linux = spec.linux().clone().unwrap();
        let mut namespaces = linux.namespaces().clone().unwrap();
        namespaces.retain(|n| n.typ() != oci_spec::runtime::LinuxNamespaceType::Network);
        linux.set_namespaces(Some(namespaces));
        linux.set_sysctl(Some([("net.ipv4.ip_forward".into(), "1".into())].into()));
        spec.set_linux(Some(linux));
        assert_eq!(
            validate(&spec).unwrap_err().to_string(),
            "sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"
        );
    }

    #[test]
    fn mounts_must_be_absolute_and_without_parents() {
        let mount = |destination: &str| json!([{"destination": destination, "type": "tmpfs", "source": "tmpfs"}]);
        assert_eq!(
            text("/mounts", mount("relative")),
            "mount destination must be an absolute path: \"relative\""
        );
        assert!(with("/mounts", mount("/a/../../etc")).is_err());
        assert_eq!(with("/mounts", mount("/a/b")), Ok(()));
    }

    #[test]
    fn a_process_needs_arguments_and_an_absolute_directory() {
        assert_eq!(text("/process/args", json!([])), "process.args is missing");
        assert_eq!(
            text("/process/cwd", json!("rel")),
            "Cwd must be an absolute path"
        );
        assert!(with("/process/args", json!(["a\u{0}b"])).is_err());
    }

    #[test]
    fn dotted_and_slashed_keys_are_the_same() {
        assert_eq!(
            dotted_key("net/ipv4/conf/eth0.1/forwarding"),
            "net.ipv4.conf.eth0/1.forwarding"
        );
        assert_eq!(dotted_key("net.ipv4.ip_forward"), "net.ipv4.ip_forward");
    }
}
