//! Which subnets a new network gets: Docker's default pools, the gateway, the fixed addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::addresses::{first_usable, is_reserved};
use crate::model::network::Pool;
use crate::model::network_request::PoolRequest;

/// Why no pools could be found for a network.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PoolError {
    /// All default pools are in use.
    #[error("all predefined address pools have been fully subnetted")]
    Exhausted,
    /// A subnet of the request is another network's, in whole or in part.
    #[error("invalid pool request: Pool overlaps with other one on this address space")]
    Overlap,
    /// At most one subnet of each family.
    #[error("bridge driver doesn't support multiple subnets")]
    MultipleSubnets,
    /// The gateway cannot be an interface's address.
    #[error("failed to allocate gateway ({0}): Address already in use")]
    Gateway(IpAddr),
    /// Nothing is left for the gateway.
    #[error("failed to allocate gateway (): No available addresses on this pool")]
    NoGateway,
    /// A fixed address is the gateway, another fixed one, or none that a host can have.
    #[error("failed to allocate secondary ip address ({name}:{address}): Address already in use")]
    Aux {
        /// Its name.
        name: String,
        /// The address.
        address: IpAddr,
    },
}

/// What a network's pools are chosen from.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// Subnets of the other networks.
    pub networks: &'a [IpNet],
    /// Destinations of the host's routes; automatic subnets keep clear of them.
    pub routes: &'a [IpNet],
    /// This host's random prefix for automatic IPv6 subnets.
    pub ula: Ipv6Net,
}

/// What kind of pools a network needs.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// IPv4 is on.
    pub ipv4: bool,
    /// IPv6 is on.
    pub ipv6: bool,
    /// The host has no address on the bridge, IPv4.
    pub isolated_ipv4: bool,
    /// The host has no address on the bridge, IPv6.
    pub isolated_ipv6: bool,
}

/// Whether two subnets share an address.
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

/// 172.17.0.0/16 … 172.31.0.0/16, then 192.168.0.0/20 … 192.168.240.0/20.
fn default_pools() -> impl Iterator<Item = Ipv4Net> {
    let large = (17..=31).map(|second| (Ipv4Addr::new(172, second, 0, 0), 16));
    let small = (0..=15).map(|block: u8| (Ipv4Addr::new(192, 168, block * 16, 0), 20));
    large
        .chain(small)
        .map(|(address, length)| Ipv4Net::new_assert(address, length))
}

fn is_free(subnet: &IpNet, around: &Surroundings<'_>) -> bool {
    !around
        .networks
        .iter()
        .chain(around.routes)
        .any(|used| overlap(used, subnet))
}

/// The first default pool that neither a network nor a route of the host uses.
pub fn choose_ipv4(around: &Surroundings<'_>) -> Option<IpNet> {
    default_pools()
        .map(IpNet::V4)
        .find(|subnet| is_free(subnet, around))
}

/// The first /64 of the host's prefix that neither a network nor a route of the host uses.
pub fn choose_ipv6(around: &Surroundings<'_>) -> Option<IpNet> {
    // 65,536 of them; more networks than bridges can exist on a host.
    around
        .ula
        .subnets(64)
        .ok()?
        .map(IpNet::V6)
        .find(|subnet| is_free(subnet, around))
}

/// A unique local prefix (RFC 4193) from five random bytes: `fdRR:RRRR:RRRR::/48`.
pub fn unique_local_prefix(random: [u8; 5]) -> Ipv6Net {
    let mut octets = [0u8; 16];
    octets[0] = 0xfd;
    octets[1..6].copy_from_slice(&random);
    Ipv6Net::new_assert(Ipv6Addr::from(octets), 48)
}

/// The pools of a network to be made, IPv4 first.
pub fn allocate(
    requests: &[PoolRequest],
    wishes: Wishes,
    around: &Surroundings<'_>,
) -> Result<Vec<Pool>, PoolError> {
    let mut pools: Vec<Pool> = Vec::new();
    for request in requests {
        let used = around
            .networks
            .iter()
            .chain(pools.iter().map(|pool| &pool.subnet));
        if used.into_iter().any(|used| overlap(used, &request.subnet)) {
            return Err(PoolError::Overlap);
        }
        let isolated = isolated(&request.subnet, wishes);
        pools.push(finish(request, false, isolated)?);
    }
    let mut all = Vec::new();
    for (wanted, ipv6) in [(wishes.ipv4, false), (wishes.ipv6, true)] {
        let mut given = pools
            .iter()
            .filter(|pool| pool.subnet.addr().is_ipv6() == ipv6)
            .cloned();
        match (given.next(), given.next()) {
            (Some(_), Some(_)) => return Err(PoolError::MultipleSubnets),
            (Some(pool), None) => all.push(pool),
            (None, _) if wanted => {
                let chosen = if ipv6 {
                    choose_ipv6(around)
                } else {
                    choose_ipv4(around)
                };
                let subnet = chosen.ok_or(PoolError::Exhausted)?;
                let request = PoolRequest {
                    subnet,
                    ip_range: None,
                    gateway: None,
                    aux: [].into(),
                };
                all.push(finish(&request, true, isolated(&subnet, wishes))?);
            }
            (None, _) => {}
        }
    }
    Ok(all)
}

fn isolated(subnet: &IpNet, wishes: Wishes) -> bool {
    if subnet.addr().is_ipv4() {
        wishes.isolated_ipv4
    } else {
        wishes.isolated_ipv6
    }
}

/// Gives a subnet its gateway and checks its fixed addresses.
fn finish(request: &PoolRequest, automatic: bool, isolated: bool) -> Result<Pool, PoolError> {
    let subnet = request.subnet;
    let gateway = match request.gateway {
        Some(address) if is_reserved(&subnet, address) => return Err(PoolError::Gateway(address)),
        Some(address) => Some(address),
        None if isolated => None,
        None => {
            let within = request.ip_range.unwrap_or(subnet);
            Some(first_usable(&subnet, &within).ok_or(PoolError::NoGateway)?)
        }
    };
    let mut taken: Vec<IpAddr> = gateway.into_iter().collect();
    for (name, address) in &request.aux {
        if is_reserved(&subnet, *address) || taken.contains(address) {
            return Err(PoolError::Aux {
                name: name.clone(),
                address: *address,
            });
        }
        taken.push(*address);
    }
    Ok(Pool {
        subnet,
        ip_range: request.ip_range,
        gateway,
        gateway_given: request.gateway.is_some(),
        aux: request.aux.clone(),
        automatic,
    })
}

#[cfg(test)]
mod tests;
