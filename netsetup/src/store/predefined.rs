//! The networks that are always there: their records are made when they are first looked for.

use std::collections::BTreeMap;
use std::io;

use ipnet::Ipv6Net;

use super::directory_lock::DirectoryLock;
use super::record::{self, Lasting, RecordError};
use super::{NetworkStore, new_id, random, way_out};
use crate::ipam::pools::{PoolError, Surroundings, Wishes, allocate, unique_local_prefix};
use crate::kernel::netlink::{NetlinkError, Route, destinations};
use crate::model::network::{Driver, Network};
use crate::model::network_options::of_default_bridge;

/// Their names.
pub(super) const NAMES: [&str; 3] = ["bridge", "host", "none"];

/// Interface of the default bridge.
pub const DEFAULT_BRIDGE_INTERFACE: &str = "rbox0";

const ULA_PREFIX: &str = "ula-prefix";

/// The records of the predefined networks could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PredefinedError {
    /// A record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No subnet for the default bridge.
    #[error("make network bridge: {0}")]
    Pool(#[from] PoolError),
    /// The host's routes cannot be read.
    #[error("make network bridge: {0}")]
    Routes(#[from] NetlinkError),
    /// No random numbers, or no netlink.
    #[error("make the predefined networks: {0}")]
    System(#[from] io::Error),
}

impl NetworkStore {
    /// Makes those predefined networks whose records are missing. Of several that do so at once
    /// one does it, the others wait and find the records.
    pub(super) fn make_predefined(&self) -> Result<(), PredefinedError> {
        let _lock = DirectoryLock::making(&self.state)?;
        self.make_predefined_locked()
    }

    /// The same for a caller that holds the lock of the state directory.
    pub(super) fn make_predefined_locked(&self) -> Result<(), PredefinedError> {
        for name in NAMES {
            if self.by_name(name)?.is_none() {
                let network = self.predefined(name)?;
                record::write_json(&self.record_path(&network), &network, Lasting::Forever)?;
            }
        }
        Ok(())
    }

    fn predefined(&self, name: &str) -> Result<Network, PredefinedError> {
        let (driver, pools, options) = match name {
            "bridge" => {
                let mut route = Route::open()?;
                let table = route.route_table()?;
                let wishes = Wishes {
                    ipv4: true,
                    ipv6: false,
                    isolated_ipv4: false,
                    isolated_ipv6: false,
                };
                let networks: Vec<_> = self.subnets()?;
                let around = Surroundings {
                    networks: &networks,
                    routes: &destinations(&table),
                    ula: self.ula_prefix()?,
                };
                let pools = allocate(&[], wishes, &around)?;
                (
                    Driver::Bridge,
                    pools,
                    of_default_bridge(DEFAULT_BRIDGE_INTERFACE, way_out::mtu(&table, &mut route)?),
                )
            }
            "host" => (Driver::Host, Vec::new(), BTreeMap::new()),
            _ => (Driver::Null, Vec::new(), BTreeMap::new()),
        };
        Ok(Network {
            id: new_id()?,
            name: name.to_owned(),
            created: jiff::Timestamp::now().to_string(),
            driver,
            ipv4: true,
            ipv6: false,
            pools,
            ipam_options: BTreeMap::new(),
            internal: false,
            attachable: false,
            labels: BTreeMap::new(),
            options,
            adopted: false,
            mtu: None,
        })
    }

    /// Subnets of all networks.
    pub(super) fn subnets(&self) -> Result<Vec<ipnet::IpNet>, RecordError> {
        let networks = self.records()?;
        Ok(networks
            .iter()
            .flat_map(|network| &network.pools)
            .map(|pool| pool.subnet)
            .collect())
    }

    /// This host's random prefix for automatic IPv6 subnets, made on first use. The caller
    /// holds the lock of the state directory.
    pub(super) fn ula_prefix(&self) -> Result<Ipv6Net, PredefinedError> {
        let path = self.state.join(ULA_PREFIX);
        let known = record::read_text(&path)?.and_then(|text| text.trim().parse::<Ipv6Net>().ok());
        if let Some(prefix) = known.filter(|prefix| prefix.prefix_len() <= 64) {
            return Ok(prefix);
        }
        let mut bytes = [0u8; 5];
        random(&mut bytes)?;
        let prefix = unique_local_prefix(bytes);
        record::write_text(&path, &format!("{prefix}\n"), Lasting::Forever)?;
        Ok(prefix)
    }
}
