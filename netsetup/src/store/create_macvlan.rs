//! `network create -d macvlan`.

use super::create::CreateError;
use super::record::{self, Lasting, RecordError};
use super::{NetworkStore, new_id};
use crate::apply::{ensure_parent, remove_parent};
use crate::ipam::pools::{Surroundings, Wishes, allocate};
use crate::kernel::netlink::Route;
use crate::model::macvlan_options::{MacvlanMode, MacvlanOptions, Vlan, VlanError};
use crate::model::network::{Driver, Network};
use crate::model::network_request::{NetworkRequest, PoolRequest};
use crate::plan;

/// The parent of a macvlan network cannot be that.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// Mode passthru wants it alone.
    #[error(
        "cannot use mode passthru, macvlan network {other} is already using parent interface \
         {parent}"
    )]
    Used {
        /// Id of the other network.
        other: String,
        /// The interface.
        parent: String,
    },
    /// Another network has it alone.
    #[error("macvlan network {other} is already using parent interface {parent} in mode passthru")]
    UsedAlone {
        /// Id of the other network.
        other: String,
        /// The interface.
        parent: String,
    },
    /// It is missing, and its name is not that of a VLAN.
    #[error(transparent)]
    Vlan(#[from] VlanError),
    /// It would be a VLAN of an interface that is missing.
    #[error("-o parent interface was not found on the host: {0}")]
    Lower(String),
}

impl NetworkStore {
    /// The caller holds the lock of the state directory, and the name is free.
    pub(super) fn create_macvlan(
        &self,
        request: &NetworkRequest,
        wanted: &[PoolRequest],
        route: &mut Route,
    ) -> Result<Network, CreateError> {
        let netlink = |source| CreateError::Netlink {
            name: request.name.clone(),
            source,
        };
        let id = new_id().map_err(|source| CreateError::System {
            name: request.name.clone(),
            source,
        })?;
        let options = MacvlanOptions::read(&request.options)?;
        let around = Surroundings {
            networks: &self.subnets()?,
            routes: &route.routes().map_err(netlink)?,
            ula: self.ula_prefix()?,
        };
        // The gateway is somebody else's: there is one only where it is given.
        let wishes = Wishes {
            ipv4: request.ipv4,
            ipv6: request.ipv6,
            isolated_ipv4: true,
            isolated_ipv6: true,
        };
        let mut network = self.record(request, Driver::Macvlan, id);
        network.pools = allocate(wanted, wishes, &around)?;
        network.internal |= options.parent.is_none();
        if let Some(parent) = &options.parent {
            self.check_sharing(parent, options.mode)?;
            network.adopted = route.link(parent).map_err(netlink)?.is_some();
            if !network.adopted {
                let vlan = Vlan::of_name(parent).map_err(ParentError::from)?;
                if route.link(&vlan.lower).map_err(netlink)?.is_none() {
                    return Err(ParentError::Lower(vlan.lower).into());
                }
            }
        }
        // The record first: whatever happens now, there is something to find the rest by.
        record::write_json(&self.record_path(&network), &network, Lasting::Forever)?;
        let made = plan::macvlan::parent(&network).map_or(Ok(()), |parent| {
            ensure_parent(&parent, route).inspect_err(|_| {
                // The first error is the one to report.
                let _ = remove_parent(&parent, route);
            })
        });
        if let Err(error) = made {
            record::remove(&self.record_path(&network))?;
            return Err(error.into());
        }
        Ok(network)
    }

    fn check_sharing(&self, parent: &str, mode: MacvlanMode) -> Result<(), CreateError> {
        for other in self.on_parent(parent)? {
            let (other, parent) = match other.macvlan_options().mode {
                MacvlanMode::Passthru => {
                    let (other, parent) = (other.id, parent.to_owned());
                    return Err(ParentError::UsedAlone { other, parent }.into());
                }
                _ => (other.id, parent.to_owned()),
            };
            if mode == MacvlanMode::Passthru {
                return Err(ParentError::Used { other, parent }.into());
            }
        }
        Ok(())
    }

    fn on_parent(&self, parent: &str) -> Result<Vec<Network>, RecordError> {
        let mut networks = self.records()?;
        networks.retain(|network| network.parent().as_deref() == Some(parent));
        Ok(networks)
    }

    /// Before a network goes: the parent that was made for it is left to another network that
    /// is on it, if there is one. The caller holds the lock of the state directory.
    pub(super) fn hand_over_parent(&self, network: &mut Network) -> Result<(), RecordError> {
        let Some(parent) = network.parent().filter(|_| !network.adopted) else {
            return Ok(());
        };
        let heir = self
            .on_parent(&parent)?
            .into_iter()
            .find(|other| other.id != network.id);
        if let Some(mut heir) = heir {
            heir.adopted = false;
            record::write_json(&self.record_path(&heir), &heir, Lasting::Forever)?;
            network.adopted = true;
        }
        Ok(())
    }
}
