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
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    const BOTH: Wishes = Wishes {
        ipv4: true,
        ipv6: true,
        isolated_ipv4: false,
        isolated_ipv6: false,
    };
    const IPV4: Wishes = Wishes {
        ipv4: true,
        ipv6: false,
        isolated_ipv4: false,
        isolated_ipv6: false,
    };

    fn allocated(
        subnets: &[&str],
        wishes: Wishes,
        networks: &[&str],
        routes: &[&str],
    ) -> Result<Vec<(String, String)>, PoolError> {
        let requests: Vec<PoolRequest> = nets(subnets)
            .into_iter()
            .map(|subnet| PoolRequest {
                subnet,
                ip_range: None,
                gateway: None,
                aux: [].into(),
            })
            .collect();
        let around = Surroundings {
            networks: &nets(networks),
            routes: &nets(routes),
            ula: unique_local_prefix([0x82, 0x29, 0x28, 0xfd, 0xd0]),
        };
        Ok(allocate(&requests, wishes, &around)?
            .iter()
            .map(|pool| {
                let gateway = pool.gateway.map(|gateway| gateway.to_string());
                (pool.subnet.to_string(), gateway.unwrap_or_default())
            })
            .collect())
    }

    #[test]
    fn automatic_subnets_are_the_lowest_free_ones() {
        let first = |networks: &[&str], routes: &[&str]| {
            allocated(&[], IPV4, networks, routes).map(|pools| pools[0].0.clone())
        };
        assert_eq!(first(&[], &[]).unwrap(), "172.17.0.0/16");
        assert_eq!(
            first(&["172.17.0.0/16", "172.19.0.0/16"], &[]).unwrap(),
            "172.18.0.0/16"
        );
        assert_eq!(
            first(&["172.17.0.0/16"], &["172.18.5.0/24"]).unwrap(),
            "172.19.0.0/16"
        );
        assert_eq!(
            first(&["172.16.0.0/12"], &["192.168.0.0/24"]).unwrap(),
            "192.168.16.0/20"
        );
        assert_eq!(
            first(&["172.16.0.0/12"], &["192.168.0.0/16"]),
            Err(PoolError::Exhausted)
        );
    }

    #[test]
    fn thirty_one_networks_fit_into_the_default_pools() {
        let mut networks: Vec<IpNet> = Vec::new();
        let ula = unique_local_prefix([0; 5]);
        while let Some(subnet) = choose_ipv4(&Surroundings {
            networks: &networks,
            routes: &[],
            ula,
        }) {
            networks.push(subnet);
        }
        assert_eq!(networks.len(), 31);
        assert_eq!(networks[14].to_string(), "172.31.0.0/16");
        assert_eq!(networks[30].to_string(), "192.168.240.0/20");
    }

    #[test]
    fn automatic_ipv6_subnets_come_from_the_hosts_prefix() {
        assert_eq!(
            allocated(&[], BOTH, &[], &[]).unwrap(),
            [
                ("172.17.0.0/16".to_owned(), "172.17.0.1".to_owned()),
                (
                    "fd82:2928:fdd0::/64".to_owned(),
                    "fd82:2928:fdd0::1".to_owned()
                ),
            ]
        );
        assert_eq!(
            allocated(&["10.0.0.0/24"], BOTH, &["fd82:2928:fdd0::/64"], &[]).unwrap()[1].0,
            "fd82:2928:fdd0:1::/64"
        );
    }

    #[test]
    fn subnets_of_other_networks_are_refused_and_routes_are_not() {
        assert_eq!(
            allocated(&["172.17.5.0/24"], IPV4, &["172.17.0.0/16"], &[]),
            Err(PoolError::Overlap)
        );
        assert_eq!(
            allocated(&["0.0.0.0/0"], IPV4, &["172.17.0.0/16"], &[]),
            Err(PoolError::Overlap)
        );
        assert!(allocated(&["198.51.100.0/25"], IPV4, &[], &["198.51.100.0/24"]).is_ok());
        assert_eq!(
            allocated(&["10.210.0.0/24", "10.212.0.0/24"], IPV4, &[], &[])
                .unwrap_err()
                .to_string(),
            "bridge driver doesn't support multiple subnets"
        );
    }

    #[test]
    fn the_gateway_is_the_first_address_unless_it_is_given() {
        let request = |subnet: &str, range: Option<&str>, gateway: Option<&str>| {
            let request = PoolRequest {
                subnet: subnet.parse().unwrap(),
                ip_range: range.map(|range| range.parse().unwrap()),
                gateway: gateway.map(|gateway| gateway.parse().unwrap()),
                aux: [].into(),
            };
            finish(&request, false, false)
                .map(|pool| pool.gateway.unwrap().to_string())
                .map_err(|error| error.to_string())
        };
        assert_eq!(request("10.230.0.0/16", None, None).unwrap(), "10.230.0.1");
        assert_eq!(
            request("10.230.0.0/16", Some("10.230.5.0/24"), None).unwrap(),
            "10.230.5.0"
        );
        assert_eq!(
            request("10.230.0.0/16", Some("10.230.0.0/24"), None).unwrap(),
            "10.230.0.1"
        );
        assert_eq!(request("10.210.0.0/31", None, None).unwrap(), "10.210.0.0");
        assert_eq!(request("10.210.0.0/32", None, None).unwrap(), "10.210.0.0");
        assert_eq!(request("fd00::/64", None, None).unwrap(), "fd00::1");
        assert_eq!(
            request("10.0.0.0/24", None, Some("10.0.0.254")).unwrap(),
            "10.0.0.254"
        );
        assert_eq!(
            request("10.210.0.0/24", None, Some("10.210.0.0")).unwrap_err(),
            "failed to allocate gateway (10.210.0.0): Address already in use"
        );
        assert_eq!(
            request("10.210.0.0/24", None, Some("10.210.0.255")).unwrap_err(),
            "failed to allocate gateway (10.210.0.255): Address already in use"
        );
    }

    #[test]
    fn isolated_networks_have_no_gateway_and_fixed_addresses_must_be_free() {
        let request = PoolRequest {
            subnet: "10.0.0.0/24".parse().unwrap(),
            ip_range: None,
            gateway: None,
            aux: [("nas".to_owned(), "10.0.0.1".parse().unwrap())].into(),
        };
        assert_eq!(finish(&request, false, true).unwrap().gateway, None);
        assert_eq!(
            finish(&request, false, false).unwrap_err().to_string(),
            "failed to allocate secondary ip address (nas:10.0.0.1): Address already in use"
        );
    }
}
