//! Network records on disk.
//!
//! ```text
//!  <state>/<name>.json      the record: written under the flock of <state>
//!  <state>/ula-prefix       this host's prefix for automatic IPv6 subnets
//!  <run>/<name>/hosts       the zone         ┐
//!  <run>/<name>/endpoints/  <owner>.json     ┴ written under the flock of <run>/<name>
//!  <run>/<name>/leases/     <ip>, see ipam
//! ```
//!
//! Readers take no lock: every file is whole. Who needs both flocks takes `<state>` first.

mod create;
mod create_macvlan;
pub mod directory_lock;
mod file_name;
mod lookup;
mod predefined;
pub mod record;
mod reload;
mod remove;
mod way_out;

use std::io;
use std::path::{Path, PathBuf};

pub use create::CreateError;
pub use create_macvlan::ParentError;
pub use lookup::LookupError;
pub use predefined::DEFAULT_BRIDGE_INTERFACE;
pub use reload::ReloadError;
pub use remove::RemoveError;

use crate::ipam::lease;
use crate::model::endpoint::Endpoint;
use crate::model::natural_order::natural;
use crate::model::network::Network;
use record::RecordError;

/// Directory of the endpoints' records inside a network's run directory.
pub const ENDPOINTS: &str = "endpoints";

/// All networks of this state root.
#[derive(Clone, Debug)]
pub struct NetworkStore {
    state: PathBuf,
    run: PathBuf,
}

impl NetworkStore {
    /// The store with its records in `state` and what runs in `run`. Touches neither.
    pub fn open(state: &Path, run: &Path) -> NetworkStore {
        NetworkStore {
            state: state.to_owned(),
            run: run.to_owned(),
        }
    }

    /// Where the network's leases, zone and endpoints are while it is in use.
    pub fn run_dir(&self, network: &Network) -> PathBuf {
        self.run.join(self.file_name(&network.name))
    }

    /// The network's record.
    pub fn record_path(&self, network: &Network) -> PathBuf {
        self.record_of(&network.name)
    }

    /// Where the leases of the default bridge are.
    pub fn default_leases(&self) -> PathBuf {
        self.run.join("bridge").join(lease::DIRECTORY)
    }

    fn record_of(&self, name: &str) -> PathBuf {
        self.state.join(format!("{}.json", self.file_name(name)))
    }

    /// No network has a name too long for a file: create refuses it. Asked for all the same, it
    /// is a name that no record has.
    fn file_name(&self, name: &str) -> String {
        file_name::encode(name).unwrap_or_else(|| "%".to_owned())
    }

    /// Who is attached, in the order of their names; perhaps some that died without a word.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn endpoints(&self, network: &Network) -> Result<Vec<Endpoint>, RecordError> {
        let directory = self.run_dir(network).join(ENDPOINTS);
        let mut endpoints: Vec<Endpoint> = record::read_directory(&directory)?;
        endpoints.sort_by(|a, b| natural(&a.owner_name, &b.owner_name));
        Ok(endpoints)
    }
}

/// A new id: 64 hexadecimal digits.
pub(crate) fn new_id() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
