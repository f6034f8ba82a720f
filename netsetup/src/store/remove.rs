//! `network rm` and `network prune`.

use std::fmt;
use std::fs;
use std::io;

use super::directory_lock::DirectoryLock;
use super::record::{self, RecordError};
use super::{LookupError, NetworkStore};
use crate::apply::publish::withdraw;
use crate::apply::reconcile::remove_bridge;
use crate::apply::{ApplyError, Context, remove_parent};
use crate::foreign;
use crate::kernel::netlink::Route;
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;
use crate::model::endpoint::Endpoint;
use crate::model::network::Network;
use crate::plan;

/// A network was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// bridge, host, none.
    #[error("{0} is a pre-defined network and cannot be removed")]
    Predefined(String),
    /// It went meanwhile.
    #[error("network {0} not found")]
    NotFound(String),
    /// Running containers are attached.
    #[error(
        "error while removing network: network {name} has active endpoints ({})",
        Active(endpoints)
    )]
    Active {
        /// Name of the network.
        name: String,
        /// Who is attached.
        endpoints: Vec<Endpoint>,
    },
    /// The bridge or the firewall elements cannot be removed.
    #[error("error while removing network: {0}")]
    Kernel(#[from] ApplyError),
    /// No netlink.
    #[error("error while removing network: network {name}: {source}")]
    System {
        /// Name of the network.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be read or removed.
    #[error("error while removing network: {0}")]
    Record(#[from] RecordError),
    /// The networks cannot be listed.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// `name:"h4a" id:"a52d292c1a40", …`
struct Active<'a>(&'a [Endpoint]);

impl fmt::Display for Active<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, endpoint) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let id = endpoint.id.get(..12).unwrap_or(&endpoint.id);
            write!(f, "{separator}name:{:?} id:{id:?}", endpoint.owner_name)?;
        }
        Ok(())
    }
}

impl NetworkStore {
    /// Removes a network with its bridge, its firewall elements and its run directory. Only
    /// containers that are alive (`is_alive` is asked with their full ids) hold it; the
    /// endpoints of dead ones are cleaned away.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn remove(
        &self,
        network: &Network,
        is_alive: &dyn Fn(&str) -> bool,
    ) -> Result<(), RemoveError> {
        if network.is_predefined() {
            return Err(RemoveError::Predefined(network.name.clone()));
        }
        let _state = DirectoryLock::making(&self.state)?;
        // Held until the record is gone: a start that publishes meanwhile waits, and then finds
        // no record.
        let run_dir = self.run_dir(network);
        let _run = DirectoryLock::making(&run_dir)?;
        let mut current = match self.by_name(&network.name)? {
            Some(current) if current.id == network.id => current,
            _ => {
                // Made by the lock just now, or left by somebody who came too late.
                let _ = fs::remove_dir_all(&run_dir);
                return Err(RemoveError::NotFound(network.name.clone()));
            }
        };
        let (active, dead): (Vec<_>, Vec<_>) = self
            .endpoints(network)?
            .into_iter()
            .partition(|endpoint| is_alive(&endpoint.owner));
        if !active.is_empty() {
            return Err(RemoveError::Active {
                name: network.name.clone(),
                endpoints: active,
            });
        }
        let system = |source| RemoveError::System {
            name: network.name.clone(),
            source,
        };
        let mut route = Route::open().map_err(system)?;
        let mut nft = Nft::open().map_err(system)?;
        for endpoint in dead
            .iter()
            .filter(|endpoint| !endpoint.host_ifname.is_empty())
        {
            match route.delete_link(&endpoint.host_ifname) {
                Err(error) if !error.is_missing() => return Err(ApplyError::from(error).into()),
                _ => {}
            }
        }
        let mut context = Context {
            host: &mut route,
            sandbox: None,
            sandbox_ns: None,
            parameters: &OwnProc::default(),
            nft: &mut nft,
        };
        self.hand_over_parent(&mut current)?;
        let parent = plan::macvlan::parent(&current);
        if let Some(parent) = &parent {
            remove_parent(parent, context.host)?;
        }
        let bridge = plan::bridge(network);
        if let Some(bridge) = &bridge {
            remove_bridge(bridge, network.adopted, &mut context)?;
        }
        record::remove(&self.record_path(network))?;
        if let Some(bridge) = &bridge {
            // A start may have made the bridge again until the record was gone; from now on it
            // takes back itself what it makes.
            remove_bridge(bridge, network.adopted, &mut context)?;
        }
        if let Some(parent) = &parent {
            remove_parent(parent, context.host)?;
        }
        foreign::retire(&self.default_leases(), &mut nft).map_err(ApplyError::from)?;
        match fs::remove_dir_all(&run_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError::of("remove", &run_dir)(error).into())
            }
            _ => Ok(()),
        }
    }

    /// Removes the networks that `wanted` accepts and no running container uses; their names,
    /// in natural order.
    ///
    /// # Errors
    /// See [`RemoveError`]; networks removed before the error stay removed.
    pub fn prune(
        &self,
        wanted: &dyn Fn(&Network) -> bool,
        is_alive: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>, RemoveError> {
        let mut removed = Vec::new();
        for network in self.list()? {
            if network.is_predefined() || !wanted(&network) {
                continue;
            }
            match self.remove(&network, is_alive) {
                Ok(()) => removed.push(network.name),
                Err(RemoveError::Active { .. } | RemoveError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }

    /// Takes the names and the record of an endpoint away whose owner is dead.
    ///
    /// # Errors
    /// The zone or the record cannot be written.
    pub fn forget(&self, network: &Network, endpoint: &Endpoint) -> Result<(), ApplyError> {
        withdraw(&self.run_dir(network), endpoint)
    }
}
