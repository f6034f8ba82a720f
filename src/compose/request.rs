//! What the compose commands are asked for. An empty list of services is all that are on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::request::MountRequest;

/// When images are pulled: `--pull` over the service's `pull_policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// As the service says; `missing` where it says nothing.
    #[default]
    Policy,
    /// Always.
    Always,
    /// Where it is not here.
    Missing,
    /// Never.
    Never,
}

/// Which of the containers that are there already are made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recreate {
    /// Those whose configuration or image changed.
    #[default]
    Changed,
    /// All (`--force-recreate`).
    Always,
    /// None (`--no-recreate`).
    Never,
}

/// `up` and `create`.
#[derive(Clone, Debug, Default)]
pub struct UpOptions {
    /// These and what they depend on.
    pub services: Vec<String>,
    /// `--build`: also where the image is here.
    pub build: bool,
    /// `--no-build`: not even where it is missing.
    pub no_build: bool,
    /// `--pull`.
    pub pull: Pull,
    /// Of the services named.
    pub recreate: Recreate,
    /// Of what they depend on (`--always-recreate-deps` is `Always`).
    pub recreate_dependencies: Recreate,
    /// `--no-deps`.
    pub no_deps: bool,
    /// `--remove-orphans`.
    pub remove_orphans: bool,
    /// Orphans are not told of: they were, or nobody wants to know (COMPOSE_IGNORE_ORPHANS).
    pub ignore_orphans: bool,
    /// `-V`: anonymous volumes are not taken over by containers made anew.
    pub renew_anonymous_volumes: bool,
    /// `--scale SERVICE=N`.
    pub scale: BTreeMap<String, u32>,
    /// `-t`, seconds, for containers that are stopped.
    pub timeout: Option<i64>,
    /// `--wait`: returns when all run, and are healthy where they have a check.
    pub wait: bool,
    /// `--wait-timeout`.
    pub wait_timeout: Option<Duration>,
}

/// `down`.
#[derive(Clone, Debug, Default)]
pub struct DownOptions {
    /// Only these; networks and volumes stay then.
    pub services: Vec<String>,
    /// `--remove-orphans`.
    pub remove_orphans: bool,
    /// `-t`, seconds.
    pub timeout: Option<i64>,
    /// `-v`: named volumes of the file and anonymous ones.
    pub volumes: bool,
    /// `--rmi`.
    pub images: Images,
}

/// `down --rmi`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// They stay.
    #[default]
    Keep,
    /// Those that have no name of their own in the file.
    Local,
    /// All that services use.
    All,
}

/// `rm`.
#[derive(Clone, Debug, Default)]
pub struct RmOptions {
    /// Of these services.
    pub services: Vec<String>,
    /// `-s`: stopped first where they run; else those that run stay.
    pub stop: bool,
    /// `-v`: with their anonymous volumes.
    pub volumes: bool,
}

/// `build`.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// These.
    pub services: Vec<String>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--pull`.
    pub pull: bool,
    /// `--build-arg`, over the file's.
    pub arguments: BTreeMap<String, String>,
    /// `--with-dependencies`.
    pub with_dependencies: bool,
    /// `-m`, bytes.
    pub memory: Option<i64>,
    /// `--push`: afterwards.
    pub push: bool,
}

/// `pull`.
#[derive(Clone, Debug, Default)]
pub struct PullOptions {
    /// These.
    pub services: Vec<String>,
    /// `--include-deps`.
    pub with_dependencies: bool,
    /// `--ignore-buildable`.
    pub ignore_buildable: bool,
    /// `--ignore-pull-failures`.
    pub ignore_failures: bool,
    /// `--policy`: `Missing` or `Always`; `Policy` is as the services say, and else always.
    pub policy: Pull,
}

/// `push`.
#[derive(Clone, Debug, Default)]
pub struct PushOptions {
    /// These.
    pub services: Vec<String>,
    /// `--include-deps`.
    pub with_dependencies: bool,
    /// `--ignore-push-failures`.
    pub ignore_failures: bool,
}

/// `run`: one container of a service beside those that `up` makes.
#[derive(Clone, Debug, Default)]
pub struct OneOff {
    /// Of this service.
    pub service: String,
    /// Instead of the service's command.
    pub command: Option<Vec<String>>,
    /// `--entrypoint`, split into words.
    pub entrypoint: Option<Vec<String>>,
    /// `-e`, over the service's.
    pub environment: BTreeMap<String, String>,
    /// `-l`.
    pub labels: BTreeMap<String, String>,
    /// `--name`; else `<project>-<service>-run-<12 digits>`.
    pub name: Option<String>,
    /// `-u`.
    pub user: Option<String>,
    /// `-w`.
    pub working_dir: Option<String>,
    /// `-v`, as `docker run` has them.
    pub mounts: Vec<MountRequest>,
    /// `-p`, as `docker run` has them.
    pub publish: Vec<String>,
    /// `--service-ports`.
    pub service_ports: bool,
    /// `--use-aliases`.
    pub use_aliases: bool,
    /// `--rm`.
    pub remove: bool,
    /// `--no-deps`: what it depends on is not started.
    pub no_deps: bool,
    /// A terminal (not `-T`).
    pub tty: bool,
    /// `-i`.
    pub interactive: bool,
    /// `--cap-add`.
    pub cap_add: Vec<String>,
    /// `--cap-drop`.
    pub cap_drop: Vec<String>,
    /// `--build`.
    pub build: bool,
    /// `--pull`.
    pub pull: Pull,
    /// `--remove-orphans`.
    pub remove_orphans: bool,
    /// Streams that the client attaches.
    pub attach: crate::engine::protocol::Streams,
}
