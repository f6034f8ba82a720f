//! Which addresses of a pool can be given out, and in which order: pure.
//!
//! Addresses are handed out going round from the last one leased, so that a new container does
//! not inherit the address (and the neighbours' caches, and the clients) of one just gone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::model::network::Pool;

/// An address as a number, for counting.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The opposite of [`number`], in the family of `like`.
fn address(number: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

/// Addresses that no interface can have: an IPv4 subnet's own and its broadcast address (where
/// it is larger than /31), an IPv6 subnet's own (the routers' anycast address).
pub fn is_reserved(subnet: &IpNet, address: IpAddr) -> bool {
    match subnet {
        IpNet::V4(net) => {
            net.prefix_len() < 31
                && (address == IpAddr::V4(net.network()) || address == IpAddr::V4(net.broadcast()))
        }
        IpNet::V6(net) => net.prefix_len() < 127 && address == IpAddr::V6(net.network()),
    }
}

/// The first address of `range` that an interface in `subnet` can have.
pub fn first_usable(subnet: &IpNet, range: &IpNet) -> Option<IpAddr> {
    let mut candidate = number(range.network());
    let last = number(range.broadcast());
    while candidate <= last {
        let found = address(candidate, subnet.addr());
        if !is_reserved(subnet, found) {
            return Some(found);
        }
        candidate = candidate.checked_add(1)?;
    }
    None
}

/// Whether an address is the network's own: gateway, fixed address of something else, or one
/// that nobody can have.
pub fn is_occupied(pool: &Pool, address: IpAddr) -> bool {
    is_reserved(&pool.subnet, address)
        || pool.gateway == Some(address)
        || pool.aux.values().any(|aux| *aux == address)
}

/// Every address of the pool that may be given out, once, beginning after `last`.
pub fn candidates(pool: &Pool, last: Option<IpAddr>) -> impl Iterator<Item = IpAddr> + '_ {
    let range = pool.ip_range.unwrap_or(pool.subnet);
    let (first, end) = (number(range.network()), number(range.broadcast()));
    let start = last
        .filter(|last| range.contains(last) && number(*last) < end)
        .map_or(first, |last| number(last) + 1);
    (start..=end)
        .chain(first..start)
        .map(move |candidate| address(candidate, range.addr()))
        .filter(|candidate| !is_occupied(pool, *candidate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::tests::network;

    fn pool(subnet: &str) -> Pool {
        network("n", &[subnet]).pools.remove(0)
    }

    fn all(pool: &Pool, last: Option<&str>) -> Vec<String> {
        candidates(pool, last.map(|last| last.parse().unwrap()))
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn addresses_go_round_from_the_last_one() {
        let pool = pool("10.0.0.0/29");
        let order = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"];
        assert_eq!(all(&pool, None), order);
        assert_eq!(
            all(&pool, Some("10.0.0.4")),
            ["10.0.0.5", "10.0.0.6", "10.0.0.2", "10.0.0.3", "10.0.0.4"]
        );
        assert_eq!(all(&pool, Some("10.0.0.6")), order);
        assert_eq!(all(&pool, Some("10.0.0.7")), order);
        assert_eq!(all(&pool, Some("192.0.2.1")), order);
        assert_eq!(all(&pool, Some("fd00::1")), order);
    }

    #[test]
    fn the_range_limits_and_fixed_addresses_are_left_out() {
        let mut pool = pool("10.230.0.0/16");
        pool.ip_range = Some("10.230.5.0/30".parse().unwrap());
        assert_eq!(
            all(&pool, None),
            ["10.230.5.0", "10.230.5.1", "10.230.5.2", "10.230.5.3"]
        );
        pool.gateway = Some("10.230.5.0".parse().unwrap());
        pool.aux = [("nas".to_owned(), "10.230.5.2".parse().unwrap())].into();
        assert_eq!(all(&pool, None), ["10.230.5.1", "10.230.5.3"]);
        assert_eq!(all(&pool, Some("10.230.5.1")), ["10.230.5.3", "10.230.5.1"]);
    }

    #[test]
    fn tiny_subnets_give_what_they_have() {
        let mut two = pool("10.210.0.0/31");
        two.gateway = Some("10.210.0.0".parse().unwrap());
        assert_eq!(all(&two, None), ["10.210.0.1"]);
        let mut one = pool("10.210.0.0/32");
        one.gateway = Some("10.210.0.0".parse().unwrap());
        assert_eq!(all(&one, None), Vec::<String>::new());
        assert_eq!(all(&pool("10.210.0.0/30"), None), ["10.210.0.2"]);
    }

    #[test]
    fn the_end_of_the_address_space_is_no_trap() {
        let mut pool = pool("255.255.255.0/24");
        pool.ip_range = Some("255.255.255.254/31".parse().unwrap());
        assert_eq!(all(&pool, Some("255.255.255.254")), ["255.255.255.254"]);
        assert_eq!(all(&pool, Some("255.255.255.255")), ["255.255.255.254"]);
        assert_eq!(
            first_usable(&"::/0".parse().unwrap(), &"::/0".parse().unwrap()),
            Some("::1".parse().unwrap())
        );
    }

    #[test]
    fn ipv6_begins_at_two_and_does_not_end_soon() {
        let pool = pool("fd00:aa::/64");
        let first: Vec<String> = candidates(&pool, None)
            .take(2)
            .map(|address| address.to_string())
            .collect();
        assert_eq!(first, ["fd00:aa::2", "fd00:aa::3"]);
        let after: Vec<_> =
            candidates(&pool, Some("fd00:aa::ffff:ffff:ffff:ffff".parse().unwrap()))
                .take(1)
                .collect();
        assert_eq!(after, ["fd00:aa::2".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn every_candidate_is_given_once_whatever_came_last() {
        for subnet in ["10.0.0.0/24", "10.0.0.0/28", "10.0.0.0/30", "fd00::/122"] {
            let pool = pool(subnet);
            let mut expected = all(&pool, None);
            expected.sort();
            for last in pool.subnet.hosts() {
                let mut found = all(&pool, Some(&last.to_string()));
                found.sort();
                assert_eq!(found, expected, "{subnet} after {last}");
            }
        }
    }
}
