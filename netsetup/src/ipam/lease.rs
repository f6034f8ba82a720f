//! Leases: one file an address, `leases/<ip>` in the network's run directory, its content the
//! full id of the owner. Creating the file decides between competitors, so that starts need no
//! lock; taking over a dead owner's lease and giving one back hold the directory's flock.

mod desk;

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::addresses::{candidates, is_occupied};
use crate::model::endpoint::EndpointConfig;
use crate::model::endpoint_sysctl::disables_ipv6;
use crate::model::network::{Network, Pool};
use desk::Desk;
pub use desk::{held, release, sweep_drafts};

/// Directory of the leases inside a network's run directory.
pub const DIRECTORY: &str = "leases";
/// Files that remember the last address of each family given out: only hints.
pub const HINTS: [&str; 2] = ["last", "last6"];

/// An address that belongs to somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The file.
    pub path: PathBuf,
    /// The address.
    pub address: IpAddr,
}

/// The leases of one endpoint.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Leases {
    /// On networks with IPv4.
    pub ipv4: Option<Lease>,
    /// On networks with IPv6.
    pub ipv6: Option<Lease>,
}

impl Leases {
    /// The IPv4 address.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        match self.ipv4.as_ref()?.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// The IPv6 address.
    pub fn ip6(&self) -> Option<Ipv6Addr> {
        match self.ipv6.as_ref()?.address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    /// All that are there, IPv4 first.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.ipv4.iter().chain(&self.ipv6)
    }
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// All addresses are taken.
    #[error("no available {family} addresses on this network's address pools: {name} ({id})")]
    Exhausted {
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// Name of the network.
        name: String,
        /// Its full id.
        id: String,
    },
    /// The fixed address is somebody's, the gateway, or one that nobody can have.
    #[error("Address already in use")]
    InUse(IpAddr),
    /// The fixed address is outside the network.
    #[error("invalid address {0}: it does not belong to any of this network's subnets")]
    Outside(IpAddr),
    /// The file cannot be made.
    #[error("lease {address} on network {network}: {source}")]
    File {
        /// The address.
        address: IpAddr,
        /// Name of the network.
        network: String,
        /// Why.
        source: io::Error,
    },
}

/// Who wants an address of which network.
#[derive(Clone, Copy)]
pub struct LeaseRequest<'a> {
    /// The network's run directory; it is made when it is missing.
    pub run_dir: &'a Path,
    /// The network.
    pub network: &'a Network,
    /// Full id of the container.
    pub owner: &'a str,
    /// Whether a container (full id) is alive: the holder of a lease that is not loses it.
    pub is_alive: &'a dyn Fn(&str) -> bool,
}

/// Called with a lease's path before the lease is made, so that it can be journalled.
pub type BeforeLease<'a> = &'a mut dyn FnMut(&Path) -> io::Result<()>;

/// Leases what an endpoint of the network needs: an address of each family that is on, unless
/// the endpoint wants no IPv6 (see [`disables_ipv6`]).
/// `previous` are the addresses it had when it ran last; it gets them again if they are free.
///
/// # Errors
/// See [`LeaseError`]. What was leased before the error is given back.
pub fn lease_endpoint(
    request: &LeaseRequest<'_>,
    config: &EndpointConfig,
    previous: &[IpAddr],
    before: BeforeLease<'_>,
) -> Result<Leases, LeaseError> {
    let mut leases = Leases::default();
    for pool in &request.network.pools {
        let ipv6 = pool.subnet.addr().is_ipv6();
        if ipv6 && disables_ipv6(config) {
            continue;
        }
        let fixed = if ipv6 {
            config.ip6.map(IpAddr::V6)
        } else {
            config.ip.map(IpAddr::V4)
        };
        let prefer = previous
            .iter()
            .copied()
            .find(|address| pool.subnet.contains(address));
        let lease = match lease(request, pool, fixed, prefer, before) {
            Ok(lease) => Some(lease),
            Err(error) => {
                for lease in leases.iter() {
                    // The error that is reported is the one that made this necessary.
                    let _ = release(&lease.path, request.owner);
                }
                return Err(error);
            }
        };
        if ipv6 {
            leases.ipv6 = lease
        } else {
            leases.ipv4 = lease
        }
    }
    Ok(leases)
}

/// Leases one address of a pool: `fixed` if given; else `prefer` if free; else the next one.
///
/// # Errors
/// See [`LeaseError`].
pub fn lease(
    request: &LeaseRequest<'_>,
    pool: &Pool,
    fixed: Option<IpAddr>,
    prefer: Option<IpAddr>,
    before: BeforeLease<'_>,
) -> Result<Lease, LeaseError> {
    let directory = request.run_dir.join(DIRECTORY);
    let mut desk = Desk::new(request, &directory, before);
    if let Some(address) = fixed {
        if !pool.subnet.contains(&address) {
            return Err(LeaseError::Outside(address));
        }
        if is_occupied(pool, address) || !desk.take(address, true)? {
            return Err(LeaseError::InUse(address));
        }
        return Ok(desk.lease(address));
    }
    let within = pool.ip_range.unwrap_or(pool.subnet);
    if let Some(address) = prefer
        && within.contains(&address)
        && !is_occupied(pool, address)
        && desk.take(address, false)?
    {
        return Ok(desk.lease(address));
    }
    let hint = request
        .run_dir
        .join(HINTS[usize::from(pool.subnet.addr().is_ipv6())]);
    let last = fs::read_to_string(&hint)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    // The dead are looked for only when no address is free: asking is dear, and whoever finds
    // a dead container gives its leases back anyway.
    for take_over in [false, true] {
        for address in candidates(pool, last) {
            if desk.take(address, take_over)? {
                // One short write to a file that nobody truncates: never torn.
                let _ = fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(&hint)
                    .and_then(|mut file| file.write_all(format!("{address:<39}\n").as_bytes()));
                return Ok(desk.lease(address));
            }
        }
    }
    Err(LeaseError::Exhausted {
        family: if pool.subnet.addr().is_ipv6() {
            "IPv6"
        } else {
            "IPv4"
        },
        name: request.network.name.clone(),
        id: request.network.id.clone(),
    })
}

#[cfg(test)]
mod tests;
