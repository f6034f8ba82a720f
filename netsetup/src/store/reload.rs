//! `network reload`: the kernel's part of a network, made again from its record.

use std::io;

use super::NetworkStore;
use super::directory_lock::DirectoryLock;
use super::record::RecordError;
use crate::apply::reconcile::ensure_bridge;
use crate::apply::{ApplyError, Context};
use crate::foreign;
use crate::kernel::netlink::Route;
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;
use crate::model::network::Network;
use crate::plan;

/// A network was not made again.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The bridge or the firewall.
    #[error("reload network {name}: {source}")]
    Kernel {
        /// Name of the network.
        name: String,
        /// Why.
        source: ApplyError,
    },
    /// No netlink.
    #[error("reload network {name}: {source}")]
    System {
        /// Name of the network.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl NetworkStore {
    /// Makes bridge, addresses, firewall elements and the ways in at other firewalls where they
    /// are missing; true when something was. Creation and removal wait meanwhile.
    ///
    /// Nothing is made for a network that was removed, has no bridge, or, as the default bridge
    /// before its first container, has not been made yet.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub fn reload(&self, network: &Network) -> Result<bool, ReloadError> {
        let Some(step) = plan::bridge(network) else {
            return Ok(false);
        };
        let kernel = |source: ApplyError| ReloadError::Kernel {
            name: network.name.clone(),
            source,
        };
        let system = |source| ReloadError::System {
            name: network.name.clone(),
            source,
        };
        let _state = DirectoryLock::making(&self.state)?;
        let current = self.by_name(&network.name)?;
        if current.is_none_or(|current| current.id != network.id) {
            return Ok(false);
        }
        let mut host = Route::open().map_err(system)?;
        let mut nft = Nft::open().map_err(system)?;
        let made = host
            .link(&step.name)
            .map_err(|error| kernel(error.into()))?;
        if network.is_default_bridge() && made.is_none() && self.endpoints(network)?.is_empty() {
            return Ok(false);
        }
        let mut context = Context {
            host: &mut host,
            sandbox: None,
            sandbox_ns: None,
            parameters: &OwnProc::default(),
            nft: &mut nft,
        };
        let repaired = context
            .nft
            .repair_table()
            .map_err(|error| kernel(error.into()))?;
        let mended = ensure_bridge(&step, &mut context).map_err(kernel)? || repaired;
        let news = foreign::look_again(&mut context).map_err(kernel)?;
        Ok(mended || news)
    }
}
