//! A container on disk: what was asked (`config.json`, kept), how it last ended
//! (`state.json` beside it), and what runs now (`/run/…/state.json`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::port::ContainerPort;
use rbox_netsetup::model::sandbox::Sandbox;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::request::{Healthcheck, HostConfig, NetworkMode};
use super::user_namespace::Mapping;

/// `/var/lib/rbox/containers/<id>/config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Without Docker's leading slash.
    pub name: String,
    /// RFC 3339 with nanoseconds.
    pub created: String,
    /// Config digest of the image, `sha256:…`.
    pub image_id: String,
    /// The image's own settings and the command line's, merged.
    pub config: Config,
    /// Relation to the host.
    pub host: HostConfig,
    /// Attachments in the order of the command line, network names resolved.
    pub networks: Vec<EndpointConfig>,
    /// The ids that its own are on the host, unless it is in the host's user namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_namespace: Option<Mapping>,
    /// Ids of the images that are mounted in it, by the paths that they are mounted on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mounted_images: BTreeMap<String, String>,
    /// A step of a build: its root is this, and not an image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildRoot>,
}

/// What the root of a step of a build is made of. The writable directory is the build's: it
/// becomes a layer when the step is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRoot {
    /// Trees of layers, lowest first.
    pub layers: Vec<PathBuf>,
    /// Overlayfs' upper directory.
    pub upper: PathBuf,
    /// Its work directory, on the same filesystem.
    pub work: PathBuf,
}

/// Docker's `Config`: image and command line merged.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Host name inside; the short id unless given.
    pub hostname: String,
    /// The host name was given by the user.
    pub hostname_given: bool,
    /// NIS domain name.
    pub domainname: String,
    /// As given or from the image; empty is root.
    pub user: String,
    /// `-t`.
    pub tty: bool,
    /// `-i`.
    pub open_stdin: bool,
    /// The creating client attached stdin: stdin ends with the client that feeds it.
    pub stdin_once: bool,
    /// Which streams the creating client attached (inspect only).
    pub attach: (bool, bool, bool),
    /// `K=V`, the user's first, then the image's that they do not override.
    pub env: Vec<String>,
    /// Command; `None` where neither image nor user gave one.
    pub cmd: Option<Vec<String>>,
    /// Entry point.
    pub entrypoint: Option<Vec<String>>,
    /// Image as typed.
    pub image: String,
    /// Working directory; empty is `/`.
    pub working_dir: String,
    /// Labels, image first.
    pub labels: BTreeMap<String, String>,
    /// EXPOSE and `--expose` and the ports of `-p`.
    pub exposed_ports: Vec<ContainerPort>,
    /// Image's VOLUME paths.
    pub volumes: Vec<String>,
    /// As given or from the image.
    pub stop_signal: Option<String>,
    /// Seconds.
    pub stop_timeout: Option<i64>,
    /// Image's and command line's, merged; `None` or `NONE` is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Image's SHELL, which its `CMD-SHELL` probes are for; empty is `/bin/sh -c`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

impl Record {
    /// Path and arguments of the process: entrypoint then command.
    pub fn argv(&self) -> Vec<String> {
        let mut argv = self.config.entrypoint.clone().unwrap_or_default();
        argv.extend(self.config.cmd.iter().flatten().cloned());
        argv
    }

    /// Whether the container has a network namespace of its own.
    pub fn owns_network_namespace(&self) -> bool {
        matches!(
            self.host.network_mode,
            NetworkMode::Bridge | NetworkMode::None | NetworkMode::Network(_)
        )
    }

    /// First 12 digits of the id.
    pub fn short_id(&self) -> &str {
        short(&self.id)
    }
}

/// First 12 digits of an id.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// `/var/lib/rbox/containers/<id>/state.json`: absent before the first start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastState {
    /// `created` (a start that failed) or `exited`.
    pub status: String,
    /// Of the last run; 127, 126 or 128 after a failed start.
    pub exit_code: i32,
    /// Why the last start failed.
    pub error: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: String,
    /// The kernel killed something of it for memory.
    pub oom_killed: bool,
    /// Addresses that it had, and gets again if they are free.
    pub addresses: Vec<std::net::IpAddr>,
    /// How often its restart policy has started it since a person last did.
    pub restart_count: u32,
    /// A person stopped it: until a person starts it no policy does, but `always` at boot.
    pub stopped_by_hand: bool,
    /// What the probes of the last run had found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// It ran when the machine went down. Written ahead when one with a restart policy starts:
    /// what nobody lives to write down later.
    pub with_machine: bool,
}

impl Default for LastState {
    fn default() -> Self {
        LastState {
            status: "created".into(),
            exit_code: 0,
            error: String::new(),
            started_at: super::clock::ZERO.into(),
            finished_at: super::clock::ZERO.into(),
            oom_killed: false,
            addresses: Vec::new(),
            restart_count: 0,
            stopped_by_hand: false,
            health: None,
            with_machine: false,
        }
    }
}

/// `/run/rbox/containers/<id>/state.json`: there only between start and exit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// Pid of the container's init, in the host's pid namespace.
    pub pid: i32,
    /// RFC 3339.
    pub started_at: String,
    /// When the run before this one ended.
    pub finished_at: String,
    /// Cgroup, relative to each hierarchy's root.
    pub cgroup: String,
    /// Network sandbox.
    pub sandbox: Sandbox,
    /// All its processes stand still (`pause`).
    #[serde(default)]
    pub paused: bool,
    /// There is no process at this moment (`pid` is 0): its monitor will start it again.
    #[serde(default)]
    pub restarting: bool,
    /// What probes have found, for one that has a health check.
    #[serde(default)]
    pub health: Option<Health>,
    /// How often its restart policy has started it since a person last did.
    #[serde(default)]
    pub restart_count: u32,
}

/// Docker's State.Health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// So far.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: u32,
    /// The last five probes, oldest first.
    pub log: Vec<Probe>,
}

/// See [`Health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No probe has succeeded yet, and too few have failed.
    Starting,
    /// The last one succeeded.
    Healthy,
    /// Too many failed.
    Unhealthy,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
    /// 0 is healthy, -1 took too long.
    pub exit_code: i32,
    /// At most 4096 bytes of what it printed.
    pub output: String,
}

/// A container as it is at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// What was asked.
    pub record: Record,
    /// How it last ended.
    pub last: LastState,
    /// Set while it runs.
    pub run: Option<RunState>,
}

impl Container {
    /// What runs, or Docker's refusal where nothing does.
    pub fn running(&self) -> Result<&RunState, Failure> {
        match &self.run {
            Some(run) if run.restarting => Err(Failure::restarting(&self.record.id)),
            Some(run) => Ok(run),
            None => Err(Failure::new(format!(
                "container {} is not running",
                self.record.id
            ))),
        }
    }

    /// How often its restart policy has started it since a person last did.
    pub fn restart_count(&self) -> u32 {
        // Written with the rest of what is shown: never of another run than the process.
        match &self.run {
            Some(run) => run.restart_count,
            None => self.last.restart_count,
        }
    }

    /// What probes have found, of the last run where it does not run.
    pub fn health(&self) -> Option<&Health> {
        match &self.run {
            Some(run) => run.health.as_ref(),
            None => self.last.health.as_ref(),
        }
    }

    /// `created`, `running`, `paused`, `restarting` or `exited`.
    pub fn status(&self) -> &str {
        match &self.run {
            Some(run) if run.restarting => "restarting",
            Some(run) if run.paused => "paused",
            Some(_) => "running",
            None => &self.last.status,
        }
    }
}
