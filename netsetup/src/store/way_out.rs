//! The MTU of new networks: that of the interface by which the host's own packets go out. Through
//! a tunnel or a cloud's network it is less than 1500, and packets of 1500 bytes would be lost
//! where the ICMP messages that say so are dropped.

use crate::kernel::netlink::{NetlinkError, Route, RouteInfo};
use crate::model::network_options::DEFAULT_MTU;

/// What a bridge and a veth pair take, bytes (`ETH_MIN_MTU`, `ETH_MAX_MTU`).
const LIMITS: (u32, u32) = (68, 65535);

/// Bytes; [`DEFAULT_MTU`] where nothing leads out.
pub(super) fn mtu(table: &[RouteInfo], route: &mut Route) -> Result<u32, NetlinkError> {
    let Some(index) = default_device(table) else {
        return Ok(DEFAULT_MTU);
    };
    let link = route.link_at(index)?;
    Ok(link.map_or(DEFAULT_MTU, |link| link.mtu.clamp(LIMITS.0, LIMITS.1)))
}

/// The interface of the default route that is used: IPv4 before IPv6, the lowest metric first.
fn default_device(table: &[RouteInfo]) -> Option<u32> {
    let default = |route: &&RouteInfo| route.destination.prefix_len() == 0;
    let order = |route: &&RouteInfo| (route.destination.addr().is_ipv6(), route.metric);
    table
        .iter()
        .filter(default)
        .filter(|route| route.index.is_some())
        .min_by_key(order)?
        .index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, index: Option<u32>, metric: u32) -> RouteInfo {
        RouteInfo {
            destination: destination.parse().unwrap(),
            gateway: None,
            index,
            metric,
        }
    }

    #[test]
    fn the_default_route_that_is_used_says_which_interface() {
        let mut table = vec![
            route("10.0.0.0/8", Some(1), 0),
            route("::/0", Some(2), 0),
            route("fd00::/8", Some(3), 0),
        ];
        assert_eq!(default_device(&table), Some(2));
        table.push(route("0.0.0.0/0", Some(4), 600));
        assert_eq!(default_device(&table), Some(4));
        table.push(route("0.0.0.0/0", Some(5), 100));
        assert_eq!(default_device(&table), Some(5));
        // Several next hops: any of them, so none.
        assert_eq!(default_device(&[route("0.0.0.0/0", None, 0)]), None);
        assert_eq!(default_device(&[]), None);
    }
}
