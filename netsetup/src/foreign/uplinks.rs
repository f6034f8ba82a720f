//! Which bridges lead out of the host, as opposed to those that containers or virtual machines
//! of others are on.

use crate::kernel::netlink::{LinkInfo, RouteInfo};

/// Kinds of bridge ports behind which there is a wire; a physical one has none.
const WIRES: [&str; 4] = ["", "vlan", "bond", "team"];

/// The names of foreign bridges that have a default route or a port on a wire.
pub(super) fn among(links: &[LinkInfo], routes: &[RouteInfo], ours: &[String]) -> Vec<String> {
    links
        .iter()
        .filter(|link| link.kind == "bridge" && !ours.contains(&link.name))
        .filter(|bridge| {
            let default = routes.iter().any(|route| {
                route.destination.prefix_len() == 0 && route.index == Some(bridge.index)
            });
            let wired = links.iter().any(|port| {
                port.master == Some(bridge.index) && WIRES.contains(&port.kind.as_str())
            });
            default || wired
        })
        .map(|bridge| bridge.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, index: u32, kind: &str, master: Option<u32>) -> LinkInfo {
        LinkInfo {
            name: name.to_owned(),
            index,
            kind: kind.to_owned(),
            master,
            peer: None,
            mac: None,
            mtu: 1500,
            up: true,
            carrier: true,
            forwarding: false,
        }
    }

    #[test]
    fn bridges_with_a_wire_or_a_default_route_lead_out() {
        let links = [
            link("eth0", 2, "", Some(3)),
            link("br0", 3, "bridge", None),
            link("docker0", 4, "bridge", None),
            link("veth1", 5, "veth", Some(4)),
            link("virbr0", 6, "bridge", None),
            link("vnet0", 7, "tun", Some(6)),
            link("lan", 8, "bridge", None),
            link("veth2", 9, "veth", Some(8)),
            link("rbox0", 10, "bridge", None),
            link("eth1", 11, "", Some(10)),
        ];
        let route = |destination: &str, index| RouteInfo {
            destination: destination.parse().unwrap(),
            gateway: None,
            index: Some(index),
            metric: 0,
        };
        let routes = [
            route("0.0.0.0/0", 8),
            route("172.17.0.0/16", 4),
            route("192.168.122.0/24", 6),
        ];
        assert_eq!(
            among(&links, &routes, &["rbox0".to_owned()]),
            ["br0", "lan"]
        );
    }
}
