//! A Compose project, whole: files read and merged, variables filled in, short forms made long,
//! profiles chosen. `file` makes it from text; everything else of Compose only reads it.
//!
//! What cannot be expressed here cannot be done: a key that has no place is refused, by name, when
//! the file is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// A project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// Lower case letters, digits, `-` and `_`.
    pub name: String,
    /// Where relative paths start: the first file's directory or `--project-directory`.
    pub directory: PathBuf,
    /// The files that it was read from, absolute.
    pub files: Vec<PathBuf>,
    /// What variables were filled in from: `.env`, then the environment over it.
    pub environment: BTreeMap<String, String>,
    /// Services of the profiles that are on.
    pub services: BTreeMap<String, Service>,
    /// Services that no active profile chose.
    pub disabled: BTreeMap<String, Service>,
    /// Networks that some service uses, and `default` where one has none.
    pub networks: BTreeMap<String, Network>,
    /// Named volumes.
    pub volumes: BTreeMap<String, Volume>,
    /// Configs.
    pub configs: BTreeMap<String, FileObject>,
    /// Secrets.
    pub secrets: BTreeMap<String, FileObject>,
    /// What the user should know: variables that are not set, keys that are obsolete.
    pub warnings: Vec<String>,
}

/// A service. Absent is `None` or empty: the image's or rbox's own default holds. Serialised it is
/// what the configuration's hash is of, so that fields are skipped when they are not set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Service {
    /// Its key in the file.
    #[serde(skip)]
    pub name: String,
    /// `profiles`.
    pub profiles: Vec<String>,
    /// `image`.
    pub image: Option<String>,
    /// `build`.
    pub build: Option<Build>,
    /// `pull_policy`: `always`, `missing`, `never`, `build`.
    pub pull_policy: Option<String>,
    /// `platform`; another than the own is refused when it is used.
    pub platform: Option<String>,
    /// `container_name`.
    pub container_name: Option<String>,
    /// `scale`, `deploy.replicas`.
    #[serde(skip)]
    pub replicas: Option<u32>,
    /// `command`; the words, a text was split as a shell does. `Some([])` clears the image's.
    pub command: Option<Vec<String>>,
    /// `entrypoint`.
    pub entrypoint: Option<Vec<String>>,
    /// `env_file` then `environment` over it; without a value the variable is not passed.
    pub environment: BTreeMap<String, Option<String>>,
    /// `labels`, `label_file`.
    pub labels: BTreeMap<String, String>,
    /// `hostname`.
    pub hostname: Option<String>,
    /// `domainname`.
    pub domainname: Option<String>,
    /// `user`.
    pub user: Option<String>,
    /// `working_dir`.
    pub working_dir: Option<String>,
    /// `tty`.
    pub tty: bool,
    /// `stdin_open`.
    pub stdin_open: bool,
    /// `init`.
    pub init: bool,
    /// `privileged`.
    pub privileged: bool,
    /// `read_only`.
    pub read_only: bool,
    /// `attach: false` keeps its output out of `up`.
    #[serde(skip)]
    pub attach: Option<bool>,
    /// `depends_on`, by service.
    pub depends_on: BTreeMap<String, Dependency>,
    /// `ports`, long.
    pub ports: Vec<Port>,
    /// `expose`.
    pub expose: Vec<String>,
    /// `networks`, by key.
    pub networks: BTreeMap<String, Attachment>,
    /// `network_mode`: `none`, `host`, `service:X`, `container:X`, `ns:/path`, `bridge`.
    pub network_mode: Option<String>,
    /// `links` to services, `SERVICE[:ALIAS]`.
    pub links: Vec<String>,
    /// `external_links`, `CONTAINER[:ALIAS]`.
    pub external_links: Vec<String>,
    /// `extra_hosts`, name and address.
    pub extra_hosts: Vec<(String, String)>,
    /// `dns`.
    pub dns: Vec<String>,
    /// `dns_search`.
    pub dns_search: Vec<String>,
    /// `dns_opt`.
    pub dns_opt: Vec<String>,
    /// `mac_address`.
    pub mac_address: Option<String>,
    /// `volumes`, long.
    pub volumes: Vec<Mount>,
    /// `volumes_from`: `SERVICE[:ro]` or `container:NAME[:ro]`.
    pub volumes_from: Vec<String>,
    /// `tmpfs`, `PATH[:OPTIONS]`.
    pub tmpfs: Vec<String>,
    /// `configs`, long.
    pub configs: Vec<Grant>,
    /// `secrets`, long.
    pub secrets: Vec<Grant>,
    /// `healthcheck`.
    pub healthcheck: Option<Healthcheck>,
    /// `restart` (or `deploy.restart_policy`) as `docker run --restart` takes it.
    pub restart: Option<String>,
    /// `stop_signal`.
    pub stop_signal: Option<String>,
    /// `stop_grace_period`, nanoseconds.
    pub stop_grace_period: Option<i64>,
    /// `cap_add`.
    pub cap_add: Vec<String>,
    /// `cap_drop`.
    pub cap_drop: Vec<String>,
    /// `security_opt`.
    pub security_opt: Vec<String>,
    /// `group_add`.
    pub group_add: Vec<String>,
    /// `devices`, `HOST[:CONTAINER[:rwm]]`.
    pub devices: Vec<String>,
    /// `sysctls`.
    pub sysctls: BTreeMap<String, String>,
    /// `ulimits`: soft and hard.
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// `pid`: `host`, `service:X`, `container:X`.
    pub pid: Option<String>,
    /// `ipc`: `host`, `none`, `private`, `shareable`, `service:X`, `container:X`.
    pub ipc: Option<String>,
    /// `uts`.
    pub uts: Option<String>,
    /// `userns_mode`.
    pub userns_mode: Option<String>,
    /// `cgroup`: `host`, `private`.
    pub cgroup: Option<String>,
    /// `cgroup_parent`.
    pub cgroup_parent: Option<String>,
    /// `shm_size`, bytes.
    pub shm_size: Option<i64>,
    /// `mem_limit`, `deploy.resources.limits.memory`, bytes.
    pub memory: Option<i64>,
    /// `memswap_limit`, bytes, -1 unlimited.
    pub memory_swap: Option<i64>,
    /// `mem_reservation`, `deploy.resources.reservations.memory`, bytes.
    pub memory_reservation: Option<i64>,
    /// `cpus`, `deploy.resources.limits.cpus`, billionths.
    pub nano_cpus: Option<i64>,
    /// `cpu_shares`.
    pub cpu_shares: Option<i64>,
    /// `cpu_quota`, microseconds.
    pub cpu_quota: Option<i64>,
    /// `cpu_period`, microseconds.
    pub cpu_period: Option<i64>,
    /// `cpuset`.
    pub cpuset: Option<String>,
    /// `pids_limit`, `deploy.resources.limits.pids`.
    pub pids_limit: Option<i64>,
    /// `oom_score_adj`.
    pub oom_score_adj: Option<i32>,
    /// `logging.driver`.
    pub log_driver: Option<String>,
    /// `logging.options`.
    pub log_options: BTreeMap<String, String>,
}

/// `build`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Build {
    /// Directory, absolute.
    pub context: PathBuf,
    /// Path below the context, or absolute.
    pub dockerfile: Option<PathBuf>,
    /// Its text in the file itself.
    pub dockerfile_inline: Option<String>,
    /// `args`; without a value they come from the environment.
    pub args: BTreeMap<String, Option<String>>,
    /// `target`.
    pub target: Option<String>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// `tags`, beside the service's image.
    pub tags: Vec<String>,
    /// `network`.
    pub network: Option<String>,
    /// `no_cache`.
    pub no_cache: bool,
    /// `pull`.
    pub pull: bool,
    /// `shm_size`, bytes.
    pub shm_size: Option<i64>,
    /// `extra_hosts`.
    pub extra_hosts: Vec<(String, String)>,
    /// `secrets`: id and the project's secret.
    pub secrets: Vec<(String, String)>,
}

/// One of `depends_on`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dependency {
    /// When the dependent one may start.
    pub condition: Condition,
    /// It is restarted when this one is (by a compose command).
    pub restart: bool,
    /// `false`: its absence is a warning.
    pub required: bool,
}

/// See [`Dependency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Condition {
    /// It runs.
    #[serde(rename = "service_started")]
    Started,
    /// Its health check succeeded.
    #[serde(rename = "service_healthy")]
    Healthy,
    /// It ran to its end, with code 0.
    #[serde(rename = "service_completed_successfully")]
    Completed,
}

/// One of `ports`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Port {
    /// Address of the host.
    pub host_ip: Option<String>,
    /// Port or range of the host, `8080` or `8000-8010`; none is any.
    pub published: Option<String>,
    /// In the container.
    pub target: u16,
    /// `tcp`, `udp`.
    pub protocol: String,
}

/// One of a service's `networks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Attachment {
    /// `aliases`.
    pub aliases: Vec<String>,
    /// `ipv4_address`.
    pub ipv4_address: Option<String>,
    /// `ipv6_address`.
    pub ipv6_address: Option<String>,
    /// `mac_address`.
    pub mac_address: Option<String>,
    /// `interface_name`.
    pub interface_name: Option<String>,
    /// `driver_opts`.
    pub driver_opts: BTreeMap<String, String>,
    /// `priority`: attached in descending order.
    pub priority: i64,
    /// `gw_priority`.
    pub gw_priority: i64,
}

/// One of a service's `volumes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`, `image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Absolute path of a bind; key of a volume in the project, none for an anonymous one; image.
    pub source: Option<String>,
    /// Absolute path in the container.
    pub target: String,
    /// `read_only`.
    pub read_only: bool,
    /// `bind.propagation`.
    pub propagation: Option<String>,
    /// `bind.create_host_path`; the short form says yes.
    pub create_host_path: bool,
    /// `bind.recursive`: `enabled`, `disabled`, `writable`, `readonly`.
    pub recursive: Option<String>,
    /// `volume.nocopy`.
    pub nocopy: bool,
    /// `volume.subpath`, `image.subpath`.
    pub subpath: Option<String>,
    /// `volume.labels`, of an anonymous one.
    pub labels: BTreeMap<String, String>,
    /// `tmpfs.size`, bytes.
    pub size: Option<i64>,
    /// `tmpfs.mode`.
    pub mode: Option<u32>,
}

/// One of a service's `configs` or `secrets`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Grant {
    /// Key in the project.
    pub source: String,
    /// Absolute path in the container (a secret's default is `/run/secrets/<source>`, a config's
    /// `/<source>`).
    pub target: String,
    /// Owner.
    pub uid: Option<String>,
    /// Group.
    pub gid: Option<String>,
    /// Permissions.
    pub mode: Option<u32>,
}

/// `healthcheck`. Times are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Healthcheck {
    /// `["NONE"]` (also `disable: true`), `["CMD", …]`, `["CMD-SHELL", …]`; empty is the image's.
    pub test: Vec<String>,
    /// `interval`.
    pub interval: Option<i64>,
    /// `timeout`.
    pub timeout: Option<i64>,
    /// `start_period`.
    pub start_period: Option<i64>,
    /// `start_interval`.
    pub start_interval: Option<i64>,
    /// `retries`.
    pub retries: Option<i64>,
}

/// A network of the project.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Network {
    /// Name on the machine: `name`, else `<project>_<key>`.
    pub name: String,
    /// Not ours: it must be there.
    pub external: bool,
    /// `driver`.
    pub driver: Option<String>,
    /// `driver_opts`.
    pub driver_opts: BTreeMap<String, String>,
    /// `ipam.driver`.
    pub ipam_driver: Option<String>,
    /// `ipam.options`.
    pub ipam_options: BTreeMap<String, String>,
    /// `ipam.config`.
    pub pools: Vec<Pool>,
    /// `internal`.
    pub internal: bool,
    /// `attachable`.
    pub attachable: bool,
    /// `enable_ipv4`.
    pub enable_ipv4: Option<bool>,
    /// `enable_ipv6`.
    pub enable_ipv6: Option<bool>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
}

/// One of `ipam.config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pool {
    /// `subnet`.
    pub subnet: Option<String>,
    /// `ip_range`.
    pub ip_range: Option<String>,
    /// `gateway`.
    pub gateway: Option<String>,
    /// `aux_addresses`.
    pub aux_addresses: BTreeMap<String, String>,
}

/// A volume of the project.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Volume {
    /// Name on the machine: `name`, else `<project>_<key>`.
    pub name: String,
    /// Not ours: it must be there.
    pub external: bool,
    /// `driver`.
    pub driver: Option<String>,
    /// `driver_opts`.
    pub driver_opts: BTreeMap<String, String>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
}

/// A config or a secret of the project.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileObject {
    /// `file`, absolute: bound where it is granted.
    File(PathBuf),
    /// `environment`: the variable's value, already looked up.
    Environment {
        /// Variable.
        name: String,
        /// Value. Never printed by `config`.
        #[serde(skip)]
        value: String,
    },
    /// `content` (configs only), variables filled in.
    Content(String),
}
