//! Where state lives: the persistent root and the run root that a boot clears.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const ROOT: &str = "/var/lib/rbox";
const RUN_ROOT: &str = "/run/rbox";

/// The two roots; everything else is below them (see docs/state-on-disk.md).
#[derive(Clone, Debug)]
pub struct Dirs {
    /// `--root`, RBOX_ROOT, else `/var/lib/rbox`.
    pub root: PathBuf,
    /// `--run-root`, RBOX_RUN_ROOT, else `/run/rbox`.
    pub run_root: PathBuf,
}

impl Dirs {
    /// Where they are when nobody says otherwise.
    pub fn usual() -> Dirs {
        Dirs {
            root: PathBuf::from(ROOT),
            run_root: PathBuf::from(RUN_ROOT),
        }
    }

    /// Fills in the environment and the defaults.
    pub fn resolve(root: Option<PathBuf>, run_root: Option<PathBuf>) -> Dirs {
        let pick = |flag: Option<PathBuf>, variable: &str, default: &str| {
            flag.or_else(|| {
                std::env::var_os(variable)
                    .filter(|v| !v.is_empty())
                    .map(PathBuf::from)
            })
            .unwrap_or_else(|| PathBuf::from(default))
        };
        Dirs {
            root: absolute(pick(root, "RBOX_ROOT", ROOT)),
            run_root: absolute(pick(run_root, "RBOX_RUN_ROOT", RUN_ROOT)),
        }
    }

    /// The image store.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Records of all containers.
    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// One container's record, log and writable layer.
    pub fn container(&self, id: &str) -> PathBuf {
        self.containers().join(id)
    }

    /// Container names: each a symlink to an id, so that taking one is atomic.
    pub fn names(&self) -> PathBuf {
        self.root.join("names")
    }

    /// Ranges of ids that containers have: each a symlink, named by the first id,
    /// to a container's id.
    pub fn id_leases(&self) -> PathBuf {
        self.root.join("user-namespaces")
    }

    /// Volumes.
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// Network records.
    pub fn networks(&self) -> PathBuf {
        self.root.join("networks")
    }

    /// Is there once a container had a MAC address that does not follow from its IP address.
    pub fn foreign_macs(&self) -> PathBuf {
        self.run_root.join("foreign-macs")
    }

    /// Makes the run root, for its owner alone: below it are the containers'
    /// environments, and locks that any reader could hold. The image store
    /// makes the other root so.
    pub fn keep_private(&self) -> std::io::Result<()> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.run_root)
    }

    /// Run state of one container: lock, state, journal, bundle, socket.
    pub fn run(&self, id: &str) -> PathBuf {
        self.run_containers().join(id)
    }

    /// Run state of all containers.
    pub fn run_containers(&self) -> PathBuf {
        self.run_root.join("containers")
    }

    /// Run state of networks: leases, endpoints, zones.
    pub fn run_networks(&self) -> PathBuf {
        self.run_root.join("networks")
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    if path.is_absolute() {
        path
    } else {
        std::env::current_dir()
            .map(|cwd| cwd.join(&path))
            .unwrap_or(path)
    }
}

/// The path of a container's json-file log.
pub fn log_path(container_dir: &Path, id: &str) -> PathBuf {
    container_dir.join(format!("{id}-json.log"))
}
