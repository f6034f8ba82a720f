//! `network create`.

use std::io;

use super::create_macvlan::ParentError;
use super::directory_lock::DirectoryLock;
use super::predefined::PredefinedError;
use super::record::{self, Lasting, RecordError};
use super::{NetworkStore, file_name, new_id, way_out};
use crate::apply::reconcile::{ensure_bridge, remove_bridge};
use crate::apply::{ApplyError, Context};
use crate::foreign::Remark;
use crate::ipam::pools::{PoolError, Surroundings, Wishes, allocate};
use crate::kernel::netlink::{NetlinkError, Route, destinations};
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;
use crate::model::macvlan_options::MacvlanOptionError;
use crate::model::network::{Driver, Network};
use crate::model::network_options::{BridgeOptions, GatewayMode, OptionError};
use crate::model::network_request::{NetworkRequest, RequestError};
use crate::plan;

/// A network was not created; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Refused whatever other networks there are.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The name is taken.
    #[error("network with name {0} already exists")]
    Exists(String),
    /// No addresses for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A driver option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A driver option of a macvlan network.
    #[error(transparent)]
    Macvlan(#[from] MacvlanOptionError),
    /// The parent of a macvlan network.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// Another network has the bridge.
    #[error(
        "cannot create network {id} ({bridge}): conflicts with network {other} ({bridge}): \
         networks have same bridge name"
    )]
    SameBridge {
        /// Id that it would have had.
        id: String,
        /// The bridge.
        bridge: String,
        /// Id of the other network.
        other: String,
    },
    /// The bridge could not be made.
    #[error(transparent)]
    Kernel(#[from] ApplyError),
    /// The host's routes or interfaces cannot be read.
    #[error("create network {name}: {source}")]
    Netlink {
        /// Name of the network.
        name: String,
        /// Why.
        source: NetlinkError,
    },
    /// No random numbers, or no netlink.
    #[error("create network {name}: {source}")]
    System {
        /// Name of the network.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The predefined networks cannot be made.
    #[error(transparent)]
    Predefined(#[from] PredefinedError),
}

impl NetworkStore {
    /// Makes a network: its record, its bridge, its firewall elements. Of several at once for
    /// one name or one subnet, one succeeds.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn create(&self, request: &NetworkRequest) -> Result<Network, CreateError> {
        self.create_noting(request, &mut Vec::new())
    }

    /// The same, with what the user should know although it succeeded.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn create_noting(
        &self,
        request: &NetworkRequest,
        remarks: &mut Vec<Remark>,
    ) -> Result<Network, CreateError> {
        let (driver, wanted_pools) = request.check()?;
        if file_name::encode(&request.name).is_none() {
            return Err(RequestError::LongName(request.name.clone()).into());
        }
        let name = request.name.clone();
        let netlink = |source| CreateError::Netlink {
            name: name.clone(),
            source,
        };
        let system = |source| CreateError::System {
            name: name.clone(),
            source,
        };

        let _lock = DirectoryLock::making(&self.state)?;
        self.make_predefined_locked()?;
        if self.by_name(&request.name)?.is_some() {
            return Err(CreateError::Exists(request.name.clone()));
        }
        rbox_timing::mark("other networks read");
        let mut route = Route::open().map_err(system)?;
        if driver == Driver::Macvlan {
            return self.create_macvlan(request, &wanted_pools, &mut route);
        }
        let options = BridgeOptions::read(&request.options, request.internal)?;
        let wishes = Wishes {
            ipv4: request.ipv4,
            ipv6: request.ipv6,
            isolated_ipv4: options.gateway4 == GatewayMode::Isolated,
            isolated_ipv6: options.gateway6 == GatewayMode::Isolated,
        };
        let table = route.route_table().map_err(netlink)?;
        let around = Surroundings {
            networks: &self.subnets()?,
            routes: &destinations(&table),
            ula: self.ula_prefix()?,
        };
        let pools = allocate(&wanted_pools, wishes, &around)?;
        rbox_timing::mark("subnet chosen");
        let mut network = self.record(request, driver, new_id().map_err(system)?);
        network.pools = pools;
        network.mtu = Some(way_out::mtu(&table, &mut route).map_err(netlink)?);
        self.check_bridge_name(&network)?;
        // Somebody's bridge is used as it is, and stays when the network goes.
        network.adopted = route
            .link(&network.bridge_name())
            .map_err(netlink)?
            .is_some();

        // The record first: whatever happens now, there is something to find the rest by.
        record::write_json(&self.record_path(&network), &network, Lasting::Forever)?;
        rbox_timing::mark("record written");
        let made = self.make_bridge(&network, &mut route, remarks);
        rbox_timing::mark("bridge and firewall made");
        if made.is_err() {
            record::remove(&self.record_path(&network))?;
        }
        made.map(|()| network)
    }

    pub(super) fn record(&self, request: &NetworkRequest, driver: Driver, id: String) -> Network {
        Network {
            id,
            name: request.name.clone(),
            created: jiff::Timestamp::now().to_string(),
            driver,
            ipv4: request.ipv4,
            ipv6: request.ipv6,
            pools: Vec::new(),
            ipam_options: request.ipam_options.clone(),
            internal: request.internal,
            attachable: request.attachable,
            labels: request.labels.clone(),
            options: request.options.clone(),
            adopted: false,
            mtu: None,
        }
    }

    fn check_bridge_name(&self, network: &Network) -> Result<(), CreateError> {
        let bridge = network.bridge_name();
        let other = self
            .records()?
            .into_iter()
            .find(|other| other.driver == Driver::Bridge && other.bridge_name() == bridge);
        match other {
            None => Ok(()),
            Some(other) => Err(CreateError::SameBridge {
                id: network.id.clone(),
                bridge,
                other: other.id,
            }),
        }
    }

    fn make_bridge(
        &self,
        network: &Network,
        route: &mut Route,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), CreateError> {
        let Some(bridge) = plan::bridge(network) else {
            return Ok(());
        };
        let mut nft = Nft::open().map_err(|source| CreateError::System {
            name: network.name.clone(),
            source,
        })?;
        let mut context = Context {
            host: route,
            sandbox: None,
            sandbox_ns: None,
            parameters: &OwnProc::default(),
            nft: &mut nft,
        };
        if let Err(error) = ensure_bridge(&bridge, &mut context) {
            // The first error is the one to report.
            let _ = remove_bridge(&bridge, network.adopted, &mut context);
            return Err(error.into());
        }
        remarks.extend(nft.take_remarks());
        Ok(())
    }
}
