//! Record → OCI configuration: pure but for the facts in [`Facts`], which the
//! monitor has looked up.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{
    Capability, LinuxCapabilities, LinuxCpu, LinuxDevice, LinuxDeviceCgroup, LinuxMemory,
    LinuxNamespace, LinuxNamespaceType, LinuxPids, LinuxResources, LinuxSeccomp, Mount,
    PosixRlimit, PosixRlimitBuilder, PosixRlimitType, Process, Spec, User,
};
use rbox_runtime::process::user::ResolvedUser;
use rbox_runtime::security::capabilities::{self, Grant};
use rbox_runtime::security::seccomp;
use rbox_runtime::spec::defaults;

use super::containers::cgroup_path;
use super::failure::Failure;
use super::record::Record;
use super::request::{HostConfig, MountKind, MountRequest, NetworkMode, SeccompChoice};
use super::user_namespace::{in_namespace, mapping};

/// Where `--init` appears inside.
pub const INIT: &str = "/sbin/docker-init";

/// What lowering needs to know of the machine and of the container's files.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The user, looked up in the container's own passwd file.
    pub user: ResolvedUser,
    /// An existing network namespace to join; `None` makes one (not in host mode).
    pub network_namespace: Option<PathBuf>,
    /// The user namespace of a container whose namespaces this one shares.
    pub user_namespace: Option<PathBuf>,
    /// `--pid container:X`.
    pub pid_namespace: Option<PathBuf>,
    /// What is behind each volume and image, by the path that it is mounted on.
    pub volumes: BTreeMap<String, PathBuf>,
    /// `--ipc container:X`.
    pub ipc_namespace: Option<PathBuf>,
    /// /dev/shm of the container whose IPC namespace is joined, as a directory to bind.
    pub shared_shm: Option<PathBuf>,
    /// Environment that links give.
    pub link_env: Vec<String>,
    /// Files mounted over /etc/hosts, /etc/hostname and /etc/resolv.conf.
    pub files: BTreeMap<String, PathBuf>,
    /// Our own binary, read-only, for `--init`.
    pub init: Option<PathBuf>,
    /// `--device` and, when privileged, all devices of the host.
    pub devices: Vec<LinuxDevice>,
    /// Capabilities that can be given.
    pub available: Vec<Capability>,
    /// The unified hierarchy has the controllers: the cgroup namespace is private then.
    pub cgroup_v2: bool,
    /// Memory together with swap can be limited.
    pub swap_limit: bool,
}

/// The configuration of the container's bundle.
pub fn spec(record: &Record, facts: &Facts) -> Result<Spec, Failure> {
    let host = &record.host;
    let mut spec = defaults::spec(host.privileged);
    let capabilities = granted(host, &facts.available)?;
    spec.set_process(Some(process(record, facts, &capabilities)?));
    if let Some(root) = spec.root_mut() {
        root.set_readonly(Some(host.readonly_rootfs));
    }
    let own_uts = host.uts_mode != "host"
        && (host.network_mode != NetworkMode::Host || record.config.hostname_given);
    if own_uts {
        spec.set_hostname(Some(record.config.hostname.clone()));
        if !record.config.domainname.is_empty() {
            spec.set_domainname(Some(record.config.domainname.clone()));
        }
    }
    spec.set_mounts(Some(mounts(record, facts)));
    if let Some(linux) = spec.linux_mut() {
        linux.set_namespaces(Some(namespaces(record, own_uts, facts)));
        if let (Some(mapping), None) = (&record.user_namespace, &facts.user_namespace) {
            linux.set_uid_mappings(Some(mapping::to_oci(&mapping.uids)));
            linux.set_gid_mappings(Some(mapping::to_oci(&mapping.gids)));
        }
        linux.set_cgroups_path(Some(cgroup_path(&host.cgroup_parent, &record.id).into()));
        linux.set_resources(Some(resources(host, &facts.devices, facts.swap_limit)));
        // In a user namespace none can be made: they are bound.
        let made = record.user_namespace.is_none() && !facts.devices.is_empty();
        linux.set_devices(made.then(|| facts.devices.clone()));
        linux.set_seccomp(filter(host, &capabilities)?);
        linux.set_sysctl(Some(sysctls(record)));
        if host.unmask_paths {
            linux.set_masked_paths(None);
            linux.set_readonly_paths(None);
        }
    }
    Ok(spec)
}

/// Capabilities after `--cap-add`, `--cap-drop` and `--privileged`.
pub fn granted(host: &HostConfig, available: &[Capability]) -> Result<Vec<Capability>, Failure> {
    let grant = Grant {
        add: &host.cap_add,
        drop: &host.cap_drop,
        privileged: host.privileged,
    };
    capabilities::select(&grant, available).map_err(|error| Failure::new(error.to_string()))
}

/// The five sets for a user.
pub fn capability_sets(granted: &[Capability], uid: u32) -> LinuxCapabilities {
    capabilities::process_sets(granted, uid)
}

fn process(
    record: &Record,
    facts: &Facts,
    capabilities: &[Capability],
) -> Result<Process, Failure> {
    let config = &record.config;
    let mut args = record.argv();
    if facts.init.is_some() {
        args.splice(0..0, [INIT.to_owned(), "--".to_owned()]);
    }
    let cwd = if config.working_dir.is_empty() {
        "/"
    } else {
        &config.working_dir
    };
    let mut process = Process::default();
    process
        .set_terminal(Some(config.tty))
        .set_user(user(&facts.user))
        .set_args(Some(args))
        .set_env(Some(environment(record, facts)))
        .set_cwd(PathBuf::from(cwd))
        .set_capabilities(Some(capability_sets(capabilities, facts.user.uid)))
        .set_rlimits(Some(rlimits(&record.host)?))
        .set_no_new_privileges(Some(record.host.no_new_privileges))
        .set_oom_score_adj((record.host.oom_score_adj != 0).then_some(record.host.oom_score_adj));
    Ok(process)
}

/// The OCI form of a looked-up user. The primary group is one of the supplementary
/// ones too: a process that changes its own does not get rid of it (CVE-2022-36109).
pub fn user(resolved: &ResolvedUser) -> User {
    let mut gids = vec![resolved.gid];
    gids.extend(
        resolved
            .additional_gids
            .iter()
            .filter(|gid| **gid != resolved.gid),
    );
    let mut user = User::default();
    user.set_uid(resolved.uid)
        .set_gid(resolved.gid)
        .set_additional_gids(Some(gids));
    user
}

/// PATH, HOSTNAME, TERM, links, then the container's own, then HOME: Docker's order.
fn environment(record: &Record, facts: &Facts) -> Vec<String> {
    let mut env = vec![
        defaults::PATH.to_owned(),
        format!("HOSTNAME={}", record.config.hostname),
    ];
    if record.config.tty {
        env.push("TERM=xterm".to_owned());
    }
    env.extend(facts.link_env.iter().cloned());
    for entry in &record.config.env {
        if let Some((name, value)) = entry.split_once('=') {
            super::create::set_env(&mut env, name, value);
        }
    }
    if !env.iter().any(|entry| entry.starts_with("HOME=")) {
        env.push(format!("HOME={}", facts.user.home));
    }
    env
}

fn rlimits(host: &HostConfig) -> Result<Vec<PosixRlimit>, Failure> {
    host.ulimits
        .iter()
        .map(|limit| {
            let name = format!("\"RLIMIT_{}\"", limit.name.to_ascii_uppercase());
            let kind: PosixRlimitType = serde_json::from_str(&name)
                .map_err(|_| Failure::new(format!("invalid ulimit type: {}", limit.name)))?;
            // -1 is RLIM_INFINITY.
            let value = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
            PosixRlimitBuilder::default()
                .typ(kind)
                .soft(value(limit.soft))
                .hard(value(limit.hard))
                .build()
                .map_err(|error| Failure::new(error.to_string()))
        })
        .collect()
}

fn namespaces(record: &Record, own_uts: bool, facts: &Facts) -> Vec<LinuxNamespace> {
    use LinuxNamespaceType as Type;
    let host = &record.host;
    let at = |kind: Type, path: &Option<PathBuf>| {
        let mut namespace = defaults::namespace(kind);
        namespace.set_path(path.clone());
        namespace
    };
    let mut list = vec![defaults::namespace(Type::Mount)];
    if record.user_namespace.is_some() {
        list.push(at(Type::User, &facts.user_namespace));
    }
    if host.network_mode != NetworkMode::Host {
        list.push(at(Type::Network, &facts.network_namespace));
    }
    if own_uts {
        list.push(defaults::namespace(Type::Uts));
    }
    if host.pid_mode != "host" {
        list.push(at(Type::Pid, &facts.pid_namespace));
    }
    if host.ipc_mode != "host" {
        list.push(at(Type::Ipc, &facts.ipc_namespace));
    }
    let private = match host.cgroupns_mode.as_str() {
        "host" => false,
        "private" => true,
        _ => facts.cgroup_v2 && !host.privileged,
    };
    if private {
        list.push(defaults::namespace(Type::Cgroup));
    }
    list
}

fn mounts(record: &Record, facts: &Facts) -> Vec<Mount> {
    let host = &record.host;
    let mut mounts = defaults::mounts(host.privileged);
    let shm = match (&facts.shared_shm, host.ipc_mode.as_str()) {
        (Some(path), _) => Some(bind(path, "/dev/shm", &["rbind", "rprivate"])),
        (None, "host") => Some(bind(
            Path::new("/dev/shm"),
            "/dev/shm",
            &["rbind", "rprivate"],
        )),
        (None, "none") => None,
        (None, _) => {
            let size = u64::try_from(host.shm_size).unwrap_or(0);
            Some(defaults::shm(if size == 0 { 64 << 20 } else { size }))
        }
    };
    mounts.retain(|mount| mount.destination() != Path::new("/dev/shm"));
    mounts.extend(shm);
    if host.pid_mode == "host" && host.privileged {
        // The host's own processes are wanted as they are.
        mounts.retain(|mount| mount.destination() != Path::new("/proc"));
        mounts.insert(0, bind(Path::new("/proc"), "/proc", &["rbind", "rprivate"]));
    }
    let mut given: Vec<Mount> = Vec::new();
    for (target, source) in &facts.files {
        let option = if host.readonly_rootfs { "ro" } else { "rw" };
        given.push(bind(source, target, &["bind", "rprivate", option]));
    }
    if let Some(mapping) = &record.user_namespace {
        in_namespace::change_mounts(host, mapping, facts.cgroup_v2, &mut mounts);
        given.extend(in_namespace::devices(host));
    }
    given.extend(
        host.mounts
            .iter()
            .map(|mount| requested(record, facts, mount)),
    );
    given.extend(host.tmpfs.iter().map(|(path, options)| {
        let mut all = vec!["noexec", "nosuid", "nodev"];
        all.extend(options.split(',').filter(|option| !option.is_empty()));
        defaults::mount(path, "tmpfs", "tmpfs", &all)
    }));
    // What the user mounts on a path wins over what we would put there.
    let wanted: Vec<PathBuf> = host
        .mounts
        .iter()
        .map(|mount| PathBuf::from(mount.target.trim_end_matches('/')))
        .collect();
    let mut seen = Vec::new();
    given.retain(|mount| {
        let destination = mount.destination().clone();
        let ours = facts
            .files
            .values()
            .any(|path| Some(path) == mount.source().as_ref());
        let keep = !(ours && wanted.contains(&destination));
        seen.push(destination);
        keep
    });
    mounts.retain(|mount| !seen.contains(mount.destination()) || is_system(mount));
    given.sort_by_key(|mount| mount.destination().components().count());
    mounts.extend(given);
    if let Some(init) = &facts.init {
        mounts.push(bind(init, INIT, &["bind", "ro"]));
    }
    mounts
}

/// Mounts that a user's mount on the same path does not replace but cover.
fn is_system(mount: &Mount) -> bool {
    mount.destination() == Path::new("/proc") || mount.destination() == Path::new("/dev")
}

fn bind(source: &Path, target: &str, options: &[&str]) -> Mount {
    defaults::mount(target, "bind", &source.to_string_lossy(), options)
}

fn requested(record: &Record, facts: &Facts, mount: &MountRequest) -> Mount {
    let target = mount.target.as_str();
    match mount.kind {
        MountKind::Image => {
            let source = facts.volumes.get(target).cloned().unwrap_or_default();
            bind(&source, target, &["rbind", "rprivate", "rro"])
        }
        MountKind::Volume => {
            let mut options = vec!["rbind", "rprivate"];
            if mount.read_only {
                options.push("rro");
            }
            // Its files belong to the ids that containers see: it outlives all of their ranges.
            let mapping = record.user_namespace.as_ref();
            if mapping.is_some_and(|mapping| !mapping.is_identity()) {
                options.push("idmap");
            }
            let source = facts.volumes.get(target).cloned().unwrap_or_default();
            bind(&source, target, &options)
        }
        MountKind::Bind => {
            let propagation = if mount.propagation.is_empty() {
                "rprivate"
            } else {
                &mount.propagation
            };
            let mut options = vec![
                if mount.non_recursive { "bind" } else { "rbind" },
                propagation,
            ];
            if mount.read_only {
                let alone = mount.non_recursive || mount.submounts_writable;
                options.push(if alone { "ro" } else { "rro" });
            }
            if mount.id_mapped {
                options.push("idmap");
            }
            bind(Path::new(&mount.source), target, &options)
        }
        MountKind::Tmpfs => {
            let mode = format!("mode={:o}", mount.tmpfs_mode.unwrap_or(0o1777));
            let size = format!("size={}", mount.tmpfs_size);
            let mut options = vec!["noexec", "nosuid", "nodev", mode.as_str()];
            if mount.tmpfs_size > 0 {
                options.push(&size);
            }
            if mount.read_only {
                options.push("ro");
            }
            defaults::mount(target, "tmpfs", "tmpfs", &options)
        }
    }
}

/// Docker's sysctls for a network namespace of the container's own, and the user's.
fn sysctls(record: &Record) -> HashMap<String, String> {
    let host = &record.host;
    let mut all = if record.owns_network_namespace() {
        defaults::sysctls()
    } else {
        HashMap::new()
    };
    if let Some(mapping) = &record.user_namespace {
        in_namespace::change_sysctls(mapping, &mut all);
    }
    all.extend(host.sysctls.clone());
    all
}

fn filter(host: &HostConfig, granted: &[Capability]) -> Result<Option<LinuxSeccomp>, Failure> {
    match &host.seccomp {
        SeccompChoice::Unconfined => Ok(None),
        SeccompChoice::Default if host.privileged => Ok(None),
        SeccompChoice::Default => Ok(Some(seccomp::default_profile(granted))),
        SeccompChoice::Profile(text) => seccomp::parse_profile(text, granted)
            .map(Some)
            .map_err(|error| Failure::new(format!("decoding seccomp profile failed: {error}"))),
    }
}

/// Limits, and the devices that may be used; `devices` are those that `host` asks for, `swap_limit` is
/// whether the kernel can limit swap.
pub fn resources(host: &HostConfig, devices: &[LinuxDevice], swap_limit: bool) -> LinuxResources {
    let mut resources = limits(host, swap_limit);
    let mut rules: Vec<LinuxDeviceCgroup> = defaults::device_rules(host.privileged);
    if !host.privileged {
        rules.extend(
            devices
                .iter()
                .zip(host.devices.iter().map(Some).chain(std::iter::repeat(None)))
                .map(|(device, request)| {
                    let access = request.map_or("rwm", |request| request.permissions.as_str());
                    defaults::device_rule(
                        true,
                        Some(device.typ()),
                        Some(device.major()),
                        Some(device.minor()),
                        access,
                    )
                }),
        );
    }
    resources.set_devices(Some(rules));
    resources
}

/// The limits alone; `swap_limit` is whether the kernel can limit swap.
pub fn limits(host: &HostConfig, swap_limit: bool) -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources.set_devices(None);
    if host.memory > 0 || host.memory_reservation > 0 || host.memory_swap != 0 {
        let mut memory = LinuxMemory::default();
        if host.memory > 0 {
            memory.set_limit(Some(host.memory));
            // Docker's default: as much swap as memory again.
            let swap = match host.memory_swap {
                0 => host.memory.saturating_mul(2),
                swap => swap,
            };
            if swap_limit || host.memory_swap != 0 {
                memory.set_swap(Some(swap));
            }
        }
        if host.memory_reservation > 0 {
            memory.set_reservation(Some(host.memory_reservation));
        }
        resources.set_memory(Some(memory));
    }
    resources.set_cpu(processor(host));
    if host.pids_limit != 0 {
        let mut pids = LinuxPids::default();
        pids.set_limit(host.pids_limit);
        resources.set_pids(Some(pids));
    }
    resources
}

fn processor(host: &HostConfig) -> Option<LinuxCpu> {
    let mut cpu = LinuxCpu::default();
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    if host.nano_cpus > 0 {
        cpu.set_period(Some(100_000));
        cpu.set_quota(Some(host.nano_cpus / 10_000));
    }
    if let Some(period) = positive(host.cpu_period) {
        cpu.set_period(Some(period));
    }
    if host.cpu_quota != 0 {
        cpu.set_quota(Some(host.cpu_quota));
    }
    cpu.set_shares(positive(host.cpu_shares));
    cpu.set_cpus((!host.cpuset_cpus.is_empty()).then(|| host.cpuset_cpus.clone()));
    cpu.set_mems((!host.cpuset_mems.is_empty()).then(|| host.cpuset_mems.clone()));
    (cpu != LinuxCpu::default()).then_some(cpu)
}
