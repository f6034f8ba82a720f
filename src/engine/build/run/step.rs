//! What a `RUN` asks for, with all variables, stages and names replaced by what they mean.

use rbox_images::Digest;

use crate::engine::request::Ulimit;

/// One `RUN`.
#[derive(Clone, Debug, Default)]
pub struct RunStep {
    /// Diff-ids of the layers that it runs on, lowest first.
    pub layers: Vec<Digest>,
    /// What is executed, the shell included.
    pub argv: Vec<String>,
    /// Its whole environment but for `HOME`, `HOSTNAME` and a missing `PATH`.
    pub env: Vec<(String, String)>,
    /// As `USER` has it; empty is root.
    pub user: String,
    /// Absolute; empty is `/`.
    pub workdir: String,
    /// What it reads; without it nothing.
    pub stdin: Option<Vec<u8>>,
    /// `--mount`.
    pub mounts: Vec<StepMount>,
    /// `--mount=type=secret,env=…`.
    pub secret_variables: Vec<SecretVariable>,
    /// `--network`.
    pub network: StepNetwork,
    /// `--add-host`: name and address, or `host-gateway`.
    pub extra_hosts: Vec<(String, String)>,
    /// What it may use.
    pub limits: Limits,
    /// `SOURCE_DATE_EPOCH`: no file of the layer is younger, in seconds.
    pub epoch: Option<i64>,
}

/// `--mount`, but for secrets that are variables.
#[derive(Clone, Debug)]
pub struct StepMount {
    /// Absolute path in the container.
    pub target: String,
    /// What is there.
    pub source: MountSource,
}

/// What a mount shows.
#[derive(Clone)]
pub enum MountSource {
    /// A file or directory of the context, a stage or an image.
    Bind {
        /// Where it is.
        from: Tree,
        /// Path in there; symlinks lead nowhere else. Empty is all of it.
        path: String,
        /// What is written is seen by this step alone, and lost with it.
        writable: bool,
    },
    /// A directory that outlives the build.
    Cache {
        /// Which one.
        id: String,
        /// With whom.
        sharing: Sharing,
        /// Of a new one, permission bits.
        mode: u32,
        /// Owner of a new one.
        uid: u32,
        /// Group of a new one.
        gid: u32,
        /// What is in a new one: a directory of a tree.
        initial: Option<(Tree, String)>,
        /// Nothing can be written.
        read_only: bool,
    },
    /// Memory.
    Tmpfs {
        /// Bytes; 0 is the kernel's default.
        size: u64,
    },
    /// A file that is in memory alone.
    File {
        /// What is in it.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// Says no content of a secret.
impl std::fmt::Debug for MountSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MountSource::Bind { from, path, .. } => write!(f, "Bind({from:?}, {path:?})"),
            MountSource::Cache { id, sharing, .. } => write!(f, "Cache({id:?}, {sharing:?})"),
            MountSource::Tmpfs { size } => write!(f, "Tmpfs({size})"),
            MountSource::File { content, .. } => write!(f, "File({} bytes)", content.len()),
        }
    }
}

/// Files that a mount is taken from.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Diff-ids of the layers of a stage or an image, lowest first.
    Layers(Vec<Digest>),
}

/// `sharing` of a cache mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Several steps write at the same time.
    #[default]
    Shared,
    /// A step that finds it in use gets another one.
    Private,
    /// A step that finds it in use waits.
    Locked,
}

/// A secret in the environment.
#[derive(Clone)]
pub struct SecretVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Says no value.
impl std::fmt::Debug for SecretVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretVariable({:?})", self.name)
    }
}

/// `--network`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepNetwork {
    /// The default bridge.
    #[default]
    Default,
    /// Only loopback.
    None,
    /// The host's.
    Host,
    /// A network by its name; other containers there are known by theirs.
    Named(String),
}

/// What each step may use, as `run` has it; 0 and empty leave the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `--memory`, bytes.
    pub memory: i64,
    /// `--memory-swap`, bytes; -1 is unlimited.
    pub memory_swap: i64,
    /// `--cpu-period`, microseconds.
    pub cpu_period: i64,
    /// `--cpu-quota`, microseconds.
    pub cpu_quota: i64,
    /// `--cpu-shares`.
    pub cpu_shares: i64,
    /// `--cpuset-cpus`.
    pub cpuset_cpus: String,
    /// `--cpuset-mems`.
    pub cpuset_mems: String,
    /// `--shm-size`, bytes.
    pub shm_size: i64,
    /// `--ulimit`.
    pub ulimits: Vec<Ulimit>,
    /// `--cgroup-parent`.
    pub cgroup_parent: String,
}
