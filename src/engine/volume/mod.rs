//! Volumes: directories that outlive their containers.
//!
//! ```text
//!  <root>/volumes/<name>/   flock: shared by who makes a container that uses it,
//!    volume.json            held alone by who removes it
//!    _data/                 what containers see
//! ```
//!
//! A volume is in use while the record of some container names it. Whoever makes a container holds
//! the volume's lock until that record is there, so that nothing is removed in between.

pub mod happened;
pub mod image;
pub mod mounted;
mod name;
mod options;
mod populate;
mod provide;
pub mod remove;
pub mod resolve;
pub mod source;
mod store;
pub mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::dirs::Dirs;
use super::event::{Event, Kind};
use super::failure::Failure;
use super::{Engine, known, names};

/// The only driver.
pub const DRIVER: &str = "local";

/// Docker's mark of a volume that nobody named.
pub const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// `volume create`.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct VolumeRequest {
    /// Empty for one that gets 64 random digits.
    pub name: String,
    /// Empty is `local`.
    pub driver: String,
    /// `--opt`: `type`, `device` and `o`, as mount(8) has them.
    pub options: BTreeMap<String, String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
}

/// A volume as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its directory's name.
    pub name: String,
    /// RFC 3339 with nanoseconds.
    pub created: String,
    /// As given to `volume create`.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What containers see, on the host.
    pub mountpoint: PathBuf,
}

impl Volume {
    /// Whether nobody named it.
    pub fn is_anonymous(&self) -> bool {
        self.labels.contains_key(ANONYMOUS)
    }

    /// Docker's JSON.
    pub fn inspect(&self) -> Value {
        // Docker's has whole seconds.
        let created = match self.created.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => self.created.clone(),
        };
        let or_null = |map: &BTreeMap<String, String>| match map.is_empty() {
            true => Value::Null,
            false => json!(map),
        };
        json!({
            "CreatedAt": created,
            "Driver": DRIVER,
            "Labels": or_null(&self.labels),
            "Mountpoint": self.mountpoint,
            "Name": self.name,
            "Options": or_null(&self.options),
            "Scope": "local",
        })
    }
}

impl Engine {
    /// Makes a volume, or finds the one of that name, whatever its options.
    ///
    /// # Errors
    /// Docker's texts for a name, a driver or options that cannot be, each naming the volume.
    pub fn create_volume(&self, request: &VolumeRequest) -> Result<Volume, Failure> {
        let mut request = request.clone();
        if request.name.is_empty() {
            request.name = names::new_id()?;
            request.labels.insert(ANONYMOUS.into(), String::new());
        }
        check(&request)?;
        loop {
            self.make_volume(&request)?;
            // Removed again in this moment, it is made again.
            if let Some(volume) = store::read(&self.dirs, &request.name)? {
                return Ok(volume);
            }
        }
    }

    /// All volumes, by name. Of one that is damaged the user is told.
    pub fn volumes(&self) -> Result<Vec<Volume>, Failure> {
        let mut volumes = Vec::new();
        for name in store::names(&self.dirs)? {
            match store::read(&self.dirs, &name) {
                Ok(volume) => volumes.extend(volume),
                Err(failure) => (self.tell)(
                    &failure.hint(format!("`rbox volume rm {name}` removes the volume")),
                ),
            }
        }
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(volumes)
    }

    /// One volume.
    ///
    /// # Errors
    /// Docker's `get NAME: no such volume`.
    pub fn volume(&self, name: &str) -> Result<Volume, Failure> {
        let known = match name::check(name) {
            Ok(()) => store::read(&self.dirs, name)?,
            Err(_) => None,
        };
        known.ok_or_else(|| absent(&self.dirs, name))
    }

    /// Makes it unless it is there; true if it was not.
    fn make_volume(&self, request: &VolumeRequest) -> Result<bool, Failure> {
        let made = store::make(&self.dirs, request)?;
        if made {
            let event = Event::new(Kind::Volume, "create", &request.name);
            self.happened(&event.with("driver", DRIVER));
        }
        Ok(made)
    }
}

/// What can be wrong with a request, whatever is on disk.
/// Refuses what `create_volume` would, whatever volumes there are.
///
/// # Errors
/// Another driver than `local`, a name or options that are none.
pub fn check(request: &VolumeRequest) -> Result<(), Failure> {
    let refused = |text: String| Failure::new(format!("create {}: {text}", request.name));
    if !matches!(request.driver.as_str(), "" | DRIVER) {
        let driver = &request.driver;
        return Err(refused(format!(
            "error looking up volume plugin {driver}: plugin {driver:?} not found"
        ))
        .hint("`local` is the driver that there is; -o type=nfs, -o type=ext4 … mount others"));
    }
    name::check(&request.name).map_err(refused)?;
    options::check(&request.options).map_err(refused)
}

fn absent(dirs: &Dirs, name: &str) -> Failure {
    known::with_hint(
        Failure::new(format!("get {name}: no such volume")),
        name,
        || known::volume_names(dirs),
    )
}
