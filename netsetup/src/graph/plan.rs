//! From records and the kernel's facts to what is drawn.

use std::net::IpAddr;

use super::kernel::Kernel;
use super::model::{
    Address, BridgeNode, EndpointNode, Family, Graph, HostEnd, HostNode, Leaving, NetworkNode,
    State, WayOut,
};
use crate::kernel::netlink::LinkInfo;
use crate::model::endpoint::Endpoint;
use crate::model::natural_order::natural;
use crate::model::network::{Driver, Network, Pool};
use crate::model::port::PublishedPort;
use crate::plan;
use crate::plan::endpoint::addresses;

/// An endpoint and what the container's state says beside it.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The record.
    pub endpoint: Endpoint,
    /// Path of the container's namespace.
    pub namespace: String,
    /// How many networks the container is on.
    pub networks: usize,
    /// Names of the containers that share the namespace.
    pub shared_with: Vec<String>,
    /// The families whose default route inside goes here.
    pub default_route: Vec<Family>,
    /// Published ports that lead here.
    pub published: Vec<PublishedPort>,
}

impl Graph {
    /// Draws these networks with those attached to them.
    pub fn new(networks: Vec<(Network, Vec<Attached>)>, kernel: &Kernel) -> Graph {
        let mut nodes: Vec<NetworkNode> = networks
            .into_iter()
            .map(|(network, attached)| network_node(&network, attached, kernel))
            .collect();
        nodes.sort_by(|a, b| natural(&a.name, &b.name));
        Graph {
            host: host(kernel),
            networks: nodes,
        }
    }
}

fn host(kernel: &Kernel) -> HostNode {
    let mut routes: Vec<WayOut> = Vec::new();
    for route in &kernel.routes {
        let ipv4 = route.destination.addr().is_ipv4();
        let family = family(ipv4);
        // The kernel lists the better metric first.
        if route.destination.prefix_len() > 0 || routes.iter().any(|known| known.family == family) {
            continue;
        }
        let link = route
            .index
            .and_then(|index| kernel.links.iter().find(|link| link.index == index));
        let addresses = link
            .map(|link| kernel.addresses_of(link.index))
            .unwrap_or_default();
        routes.push(WayOut {
            family,
            device: link.map(|link| link.name.clone()),
            gateway: route.gateway,
            addresses: addresses
                .iter()
                .filter(|info| info.address.is_ipv4() == ipv4)
                .map(|info| format!("{}/{}", info.address, info.prefix))
                .collect(),
            state: match link {
                Some(link) if !link.up => State::Down,
                _ => State::Up,
            },
        });
    }
    HostNode { routes }
}

fn family(ipv4: bool) -> Family {
    if ipv4 { Family::Ipv4 } else { Family::Ipv6 }
}

fn network_node(network: &Network, attached: Vec<Attached>, kernel: &Kernel) -> NetworkNode {
    let step = plan::bridge(network);
    let leaving = match network.driver {
        Driver::Bridge => leaving(network),
        Driver::Macvlan if network.internal => Leaving::Internal,
        Driver::Macvlan => Leaving::Wire,
        Driver::Host => Leaving::Host,
        Driver::Null => Leaving::None,
    };
    let bridge = step.map(|step| {
        let link = kernel.link(&step.name).filter(|link| link.kind == "bridge");
        let present = link
            .map(|link| kernel.addresses_of(link.index))
            .unwrap_or_default();
        BridgeNode {
            state: match link {
                Some(link) if link.up => State::Up,
                Some(_) => State::Down,
                None if network.is_predefined() && attached.is_empty() => State::NotMade,
                None => State::Missing,
            },
            mac: link.and_then(|link| link.mac),
            mtu: link.map_or(step.mtu, |link| link.mtu),
            addresses: step
                .addresses
                .iter()
                .map(|(address, prefix)| Address {
                    address: format!("{address}/{prefix}"),
                    missing: link.is_some()
                        && !present
                            .iter()
                            .any(|info| info.address == *address && info.prefix == *prefix),
                })
                .collect(),
            name: step.name,
        }
    });
    let master = bridge
        .as_ref()
        .and_then(|bridge| kernel.link(&bridge.name))
        .map(|link| link.index);
    let mut endpoints: Vec<EndpointNode> = attached
        .into_iter()
        .map(|attached| endpoint_node(attached, master, kernel))
        .collect();
    endpoints.sort_by(|a, b| natural(&a.container, &b.container));
    NetworkNode {
        name: network.name.clone(),
        id: network.id.clone(),
        driver: network.driver.name(),
        subnets: network
            .pools
            .iter()
            .map(|pool| pool.subnet.to_string())
            .collect(),
        internal: network.internal,
        isolated: bridge.is_some() && !network.bridge_options().icc,
        leaving,
        bridge,
        endpoints,
    }
}

fn leaving(network: &Network) -> Leaving {
    if network.internal {
        return Leaving::Internal;
    }
    let options = network.bridge_options();
    let translated =
        |pool: &Pool| options.masquerade && options.gateway(pool.subnet.addr()).translates();
    let count = network.pools.iter().filter(|pool| translated(pool)).count();
    match count {
        0 => Leaving::Routed,
        count if count == network.pools.len() => Leaving::Masqueraded,
        _ => Leaving::Mixed,
    }
}

fn endpoint_node(attached: Attached, master: Option<u32>, kernel: &Kernel) -> EndpointNode {
    let endpoint = attached.endpoint;
    let host_end = (!endpoint.host_ifname.is_empty()).then(|| {
        let link = kernel.link(&endpoint.host_ifname);
        HostEnd {
            name: endpoint.host_ifname.clone(),
            state: port_state(link, master),
            mac: link.and_then(|link| link.mac),
        }
    });
    let mut published = attached.published;
    published.sort_by_key(|port| (port.host_port, port.container, port.host_ip));
    EndpointNode {
        addresses: addresses(&endpoint)
            .into_iter()
            .map(|(address, prefix): (IpAddr, u8)| format!("{address}/{prefix}"))
            .collect(),
        container: endpoint.owner_name,
        container_id: endpoint.owner,
        namespace: attached.namespace,
        networks: attached.networks,
        shared_with: attached.shared_with,
        host_end,
        interface: endpoint.ifname,
        mac: endpoint.mac,
        mtu: endpoint.mtu,
        default_route: attached.default_route,
        published,
    }
}

fn port_state(link: Option<&LinkInfo>, master: Option<u32>) -> State {
    match link {
        None => State::Missing,
        Some(link) if link.master.is_none() || link.master != master => State::Unplugged,
        Some(link) if !link.up => State::Down,
        Some(link) if !link.carrier => State::NoCarrier,
        Some(_) => State::Up,
    }
}
