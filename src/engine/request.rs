//! What a command line asks for, resolved and checked as far as that is
//! possible without touching the machine. `cli` makes these, `engine` takes them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::port::{ContainerPort, PortBinding};
use serde::{Deserialize, Serialize};

use super::record::BuildRoot;

/// `run` and `create`: everything but how the client behaves afterwards.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct ContainerRequest {
    /// Full id, where it had to be known before.
    pub id: Option<String>,
    /// `--name`.
    pub name: Option<String>,
    /// Image as typed.
    pub image: String,
    /// Words after the image; empty means the image's CMD.
    pub command: Vec<String>,
    /// The image's CMD is not taken even where `command` is empty.
    pub no_command: bool,
    /// `--entrypoint`; without words it clears entrypoint and CMD.
    pub entrypoint: Option<Vec<String>>,
    /// Files that only this container has, read-only (Compose's configs and secrets).
    pub files: Vec<FileRequest>,
    /// `--env-file` then `-e`, in order, values from the client's environment filled in.
    pub env: Vec<(String, String)>,
    /// `--label`, `--label-file`.
    pub labels: BTreeMap<String, String>,
    /// `--hostname`.
    pub hostname: Option<String>,
    /// `--domainname`.
    pub domainname: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--workdir`.
    pub workdir: Option<String>,
    /// `-t`.
    pub tty: bool,
    /// Streams that the creating client attaches; none with `-d`.
    pub attach: super::protocol::Streams,
    /// `-i`.
    pub interactive: bool,
    /// `--stop-signal` (checked name or number).
    pub stop_signal: Option<String>,
    /// `--stop-timeout`, seconds.
    pub stop_timeout: Option<i64>,
    /// `--health-*` and `--no-healthcheck`, over the image's.
    pub healthcheck: Option<Healthcheck>,
    /// `--expose`, ranges expanded.
    pub expose: Vec<ContainerPort>,
    /// `--pull`.
    pub pull: PullPolicy,
    /// `--cidfile`.
    pub cidfile: Option<PathBuf>,
    /// Everything that shapes the container's relation to the host.
    pub host: HostConfig,
    /// `--network` in the order given with each one's settings; empty means the default bridge.
    /// Modes other than networks are in `host.network_mode` and leave this empty.
    pub networks: Vec<EndpointConfig>,
    /// A step of a build: the root to run on, instead of `image`, which is only shown.
    pub build: Option<BuildRoot>,
}

/// How a container's health is found out; Docker's HealthConfig. Times are nanoseconds, 0 is the
/// default (or the image's).
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// `[]` inherits, `["NONE"]` is none, `["CMD", …]`, `["CMD-SHELL", …]`.
    pub test: Vec<String>,
    /// Between two probes; 30 s.
    pub interval: i64,
    /// Of one probe; 30 s.
    pub timeout: i64,
    /// Failures that do not count.
    pub start_period: i64,
    /// Between two probes while it starts; 5 s.
    pub start_interval: i64,
    /// Failures in a row that make it unhealthy; 3.
    pub retries: i64,
}

/// A file whose content comes along: it is kept beside the container's record and bound.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FileRequest {
    /// Absolute path in the container.
    pub target: String,
    /// All of it.
    pub content: Vec<u8>,
    /// Owner, as the container knows it.
    pub uid: u32,
    /// Group, as the container knows it.
    pub gid: u32,
    /// Permissions.
    pub mode: u32,
}

/// Without the content, which may be secret.
impl std::fmt::Debug for FileRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileRequest")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// `--pull`.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum PullPolicy {
    /// `always`.
    Always,
    /// `missing`.
    #[default]
    Missing,
    /// `never`.
    Never,
}

/// Docker's HostConfig, the part that rbox has; stored in the container's record.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostConfig {
    /// `--rm`.
    pub auto_remove: bool,
    /// `-v` and `--mount`, in order.
    pub mounts: Vec<MountRequest>,
    /// Raw `-v` texts, as inspect's Binds shows them.
    pub binds: Vec<String>,
    /// `--network`.
    pub network_mode: NetworkMode,
    /// `-p`.
    pub port_bindings: Vec<PortBinding>,
    /// `-P`.
    pub publish_all: bool,
    /// `--link` as typed (`target:alias`), for the default bridge; user networks carry theirs.
    pub links: Vec<String>,
    /// `--dns`.
    pub dns: Vec<IpAddr>,
    /// `--dns=none`: no resolver, resolv.conf of the image.
    pub dns_none: bool,
    /// `--dns-search`; `.` clears.
    pub dns_search: Vec<String>,
    /// `--dns-option`.
    pub dns_options: Vec<String>,
    /// `--add-host`, name and address (or `host-gateway`).
    pub extra_hosts: Vec<(String, String)>,
    /// `--cap-add`, canonical `CAP_NET_ADMIN` or `ALL`.
    pub cap_add: Vec<String>,
    /// `--cap-drop`.
    pub cap_drop: Vec<String>,
    /// `--privileged`.
    pub privileged: bool,
    /// `--security-opt` as typed, for inspect.
    pub security_opt: Vec<String>,
    /// `seccomp=…`: default profile, none, or a profile's JSON text.
    pub seccomp: SeccompChoice,
    /// `no-new-privileges`.
    pub no_new_privileges: bool,
    /// `systempaths=unconfined`.
    pub unmask_paths: bool,
    /// `--read-only`.
    pub readonly_rootfs: bool,
    /// `--tmpfs path[:options]`.
    pub tmpfs: BTreeMap<String, String>,
    /// `--init`.
    pub init: bool,
    /// `--memory`, bytes; 0 is unlimited.
    pub memory: i64,
    /// `--memory-swap`, bytes; 0 unset, -1 unlimited.
    pub memory_swap: i64,
    /// `--memory-reservation`, bytes.
    pub memory_reservation: i64,
    /// `--cpus`, billionths.
    pub nano_cpus: i64,
    /// `--cpu-shares`.
    pub cpu_shares: i64,
    /// `--cpu-quota`, microseconds.
    pub cpu_quota: i64,
    /// `--cpu-period`, microseconds.
    pub cpu_period: i64,
    /// `--cpuset-cpus`.
    pub cpuset_cpus: String,
    /// `--cpuset-mems`.
    pub cpuset_mems: String,
    /// `--pids-limit`; 0 unset, -1 unlimited.
    pub pids_limit: i64,
    /// `--ulimit`: name, soft, hard.
    pub ulimits: Vec<Ulimit>,
    /// `--oom-score-adj`.
    pub oom_score_adj: i32,
    /// `--shm-size`, bytes; 0 is the default 64 MiB.
    pub shm_size: i64,
    /// `--sysctl`.
    pub sysctls: BTreeMap<String, String>,
    /// `--device`.
    pub devices: Vec<DeviceRequest>,
    /// `--group-add`.
    pub group_add: Vec<String>,
    /// `--pid`: empty, `host` or `container:<name|id>`.
    pub pid_mode: String,
    /// `--ipc`: empty, `none`, `private`, `shareable`, `host` or `container:<name|id>`.
    pub ipc_mode: String,
    /// `--uts`: empty or `host`.
    pub uts_mode: String,
    /// `--userns`: empty, `host`, `auto`, `auto:size=N` or `keep-id`.
    pub userns_mode: String,
    /// `--cgroupns`: empty, `host` or `private`.
    pub cgroupns_mode: String,
    /// `--cgroup-parent`.
    pub cgroup_parent: String,
    /// `--log-driver`: `json-file` or `none`.
    pub log_driver: String,
    /// `--log-opt`: `max-size`, `max-file`.
    pub log_opts: BTreeMap<String, String>,
    /// First `--mac-address` on the command line when no network was named with one.
    pub mac_address: Option<String>,
    /// Terminal size at creation, rows and columns (inspect's ConsoleSize).
    pub console_size: (u16, u16),
    /// `--cidfile`, as inspect's ContainerIDFile shows it.
    pub cidfile: String,
    /// `--restart`.
    pub restart: RestartPolicy,
    /// `--volumes-from`, as typed.
    pub volumes_from: Vec<String>,
    /// `--volume-driver`; empty is `local`.
    pub volume_driver: String,
}

/// `--restart`.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// `no`.
    #[default]
    No,
    /// `always`.
    Always,
    /// `unless-stopped`.
    UnlessStopped,
    /// `on-failure[:N]`; without a number for ever.
    OnFailure {
        /// Restarts at most; 0 is no limit.
        most: u32,
    },
}

impl RestartPolicy {
    /// Docker's word for it, without a number.
    pub fn name(self) -> &'static str {
        match self {
            RestartPolicy::No => "no",
            RestartPolicy::Always => "always",
            RestartPolicy::UnlessStopped => "unless-stopped",
            RestartPolicy::OnFailure { .. } => "on-failure",
        }
    }
}

/// `--network` in one word.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// No `--network` at all or `default`/`bridge`: the default bridge.
    #[default]
    Bridge,
    /// The host's namespace.
    Host,
    /// Only loopback.
    None,
    /// Shares another container's sandbox; name or id as typed, full id in the record.
    Container(String),
    /// An existing network namespace by its path (`ns:/run/netns/blue`), which stays as it is.
    Namespace(PathBuf),
    /// User-defined network(s); the first one's name as typed.
    Network(String),
}

/// `seccomp=`.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeccompChoice {
    /// The built-in profile.
    #[default]
    Default,
    /// `unconfined`.
    Unconfined,
    /// A profile in Docker's JSON format, as read by the client.
    Profile(String),
}

/// `--ulimit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// `nofile`, …
    pub name: String,
    /// Soft limit, -1 unlimited.
    pub soft: i64,
    /// Hard limit, -1 unlimited.
    pub hard: i64,
}

/// `--device host[:container[:rwm]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    pub container_path: String,
    /// Subset of `rwm`.
    pub permissions: String,
}

/// One `-v` or `--mount`.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// Kind of mount.
    pub kind: MountKind,
    /// Host path of a bind; empty for tmpfs.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// `ro`.
    pub read_only: bool,
    /// The raw mode text of `-v a:b:MODE`, as inspect shows it.
    pub mode: String,
    /// `rprivate` (default), `private`, `rshared`, `shared`, `rslave`, `slave`.
    pub propagation: String,
    /// Binds only the mount itself (`bind-nonrecursive`).
    pub non_recursive: bool,
    /// `ro` leaves the mounts below as they are (`bind-recursive=writable`).
    pub submounts_writable: bool,
    /// Owners are those of the container's own ids (`idmap`).
    #[serde(default)]
    pub id_mapped: bool,
    /// A missing source is made as a directory (`-v` does, `--mount` refuses).
    pub create_source: bool,
    /// tmpfs size in bytes, 0 unlimited.
    pub tmpfs_size: i64,
    /// tmpfs mode, octal as a number; `None` is 1777.
    pub tmpfs_mode: Option<u32>,
    /// Settings that only volumes have. The source of a volume is its name, empty for an anonymous
    /// one until the container is made; that of an image mount is the image as typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeOptions>,
    /// Only this below the volume or the image (`volume-subpath`, `image-subpath`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subpath: String,
}

/// What `--mount type=volume` says beside source and target.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeOptions {
    /// `nocopy`: what the image has there is not copied into an empty volume.
    pub no_copy: bool,
    /// `volume-driver`; empty is `local`.
    pub driver: String,
    /// `volume-opt`.
    pub driver_options: BTreeMap<String, String>,
    /// `volume-label`.
    pub labels: BTreeMap<String, String>,
    /// Nobody named it: it goes with its container where that is removed together with its volumes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
}

/// See [`MountRequest::kind`].
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A host path.
    #[default]
    Bind,
    /// Memory.
    Tmpfs,
    /// A volume, by name.
    Volume,
    /// The files of an image, read-only.
    Image,
}
