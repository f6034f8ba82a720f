//! What the commands do, over the runtime, the networks and the images.
//! Nothing here prints.

pub mod adopted;
pub mod attach;
pub mod boot;
pub mod build;
pub mod capture;
pub mod cgroup_plan;
pub mod claim;
pub mod clock;
pub mod commit;
pub mod connection;
pub mod containers;
pub mod copy;
pub mod create;
pub mod credentials;
pub mod detach;
pub mod devices;
pub mod diff;
pub mod dirs;
pub mod disk_usage;
pub mod doctor;
pub mod dry_run;
pub mod event;
pub mod exec;
pub mod explain;
pub mod failure;
pub mod fd_stream;
pub mod graph;
pub mod health;
pub mod image_users;
pub mod images;
pub mod info;
pub mod inspect;
pub mod json_file;
pub mod known;
pub mod links;
pub mod list;
pub mod lock;
pub mod logs;
pub mod lower;
pub mod names;
pub mod network;
pub mod pause;
pub mod portions;
pub mod private_files;
pub mod protocol;
pub mod prune;
pub mod pull;
pub mod push;
pub mod record;
pub mod recover;
pub mod registry;
pub mod reload;
pub mod remove;
mod renaming;
pub mod request;
pub mod signals;
pub mod size;
pub mod spawn;
pub mod start;
pub mod stats;
pub mod still;
pub mod stop;
pub mod terminal;
pub mod top;
pub mod undo;
pub mod unit;
pub mod update;
pub mod user_namespace;
pub mod validate;
pub mod volume;
pub mod walk;
pub mod writable;

use failure::Context;
use rbox_images::Store;
use rbox_netsetup::store::NetworkStore;

pub use dirs::Dirs;
pub use failure::Failure;

/// Everything a command works on.
#[derive(Debug)]
pub struct Engine {
    /// Where state lives.
    pub dirs: Dirs,
    /// Local images.
    pub images: Store,
    /// Networks.
    pub networks: NetworkStore,
    /// Registries named by `--insecure-registry`.
    pub insecure_registries: Vec<String>,
    /// Tells the user something although nothing failed. Nobody listens unless it is set.
    pub tell: fn(&Failure),
}

impl Engine {
    /// Opens the state below the two roots. Only root may.
    pub fn open(dirs: Dirs) -> Result<Engine, Failure> {
        let engine = Engine::open_to_look(dirs)?;
        let dirs = &engine.dirs;
        dirs.keep_private()
            .context(|| format!("make {}", dirs.run_root.display()))?;
        Ok(engine)
    }

    /// The same for one who changes nothing: the run root stays missing where it is.
    pub fn open_to_look(dirs: Dirs) -> Result<Engine, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Err(Failure::new("permission denied: rbox must run as root")
                .hint("try it again with sudo"));
        }
        let images =
            Store::open(&dirs.images()).map_err(|error| Failure::new(error.to_string()))?;
        let networks = NetworkStore::open(&dirs.networks(), &dirs.run_networks());
        Ok(Engine {
            dirs,
            images,
            networks,
            insecure_registries: Vec::new(),
            tell: |_| {},
        })
    }

    /// Writes down what has happened.
    pub fn happened(&self, event: &event::Event) {
        event::log::append(&self.dirs.run_root, event);
    }
}
