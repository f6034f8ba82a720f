//! Pictures for tests.

use super::kernel::Kernel;
use super::model::{Family, Graph};
use super::plan::Attached;
use crate::kernel::netlink::{AddressInfo, LinkInfo, RouteInfo};
use crate::model::mac::Mac;
use crate::model::network::Network;
use crate::model::network::tests;
use crate::plan::bridge;
use crate::plan::endpoint::tests::plan_on;

/// A network whose bridge is called after its name.
pub(super) fn network(name: &str, subnets: &[&str]) -> Network {
    let mut network = tests::network(name, subnets);
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    network.id = format!("{digits:0<64}");
    network
}

pub(super) fn link(name: &str, index: u32, kind: &str, master: Option<u32>) -> LinkInfo {
    LinkInfo {
        name: name.to_owned(),
        index,
        kind: kind.to_owned(),
        master,
        peer: None,
        mac: Some(Mac([2, 0x42, 0, 0, 0, u8::try_from(index).unwrap()])),
        mtu: 1500,
        up: true,
        carrier: true,
        forwarding: true,
    }
}

pub(super) fn attached(network: &Network, name: &str, last: u8) -> Attached {
    let mut endpoint = plan_on(network, &[]).endpoint;
    endpoint.owner_name = name.to_owned();
    endpoint.host_ifname = format!("veth{name}");
    if let Some((ip, prefix)) = endpoint.ip {
        let [a, b, c, _] = ip.octets();
        endpoint.ip = Some(([a, b, c, last].into(), prefix));
        endpoint.mac = Some(Mac([2, 0x42, a, b, c, last]));
    }
    Attached {
        endpoint,
        namespace: format!("/run/netns/rbox-{name}"),
        networks: 1,
        shared_with: Vec::new(),
        default_route: vec![Family::Ipv4],
        published: Vec::new(),
    }
}

pub(super) fn port(
    host: &str,
    host_port: u16,
    container: &str,
) -> crate::model::port::PublishedPort {
    crate::model::port::PublishedPort {
        container: container.parse().unwrap(),
        host_ip: host.parse().unwrap(),
        host_port,
    }
}

/// eth0 with a default route.
pub(super) fn kernel() -> Kernel {
    Kernel {
        links: vec![link("lo", 1, "", None), link("eth0", 2, "", None)],
        addresses: vec![AddressInfo {
            index: 2,
            address: "198.51.100.2".parse().unwrap(),
            prefix: 24,
        }],
        routes: vec![RouteInfo {
            destination: "0.0.0.0/0".parse().unwrap(),
            gateway: Some("198.51.100.1".parse().unwrap()),
            index: Some(2),
            metric: 0,
        }],
    }
}

/// The kernel has the network's bridge as interface `index`, and these ports.
pub(super) fn plug(kernel: &mut Kernel, network: &Network, index: u32, ports: &[&str]) {
    let step = bridge(network).unwrap();
    kernel.links.push(link(&step.name, index, "bridge", None));
    for (address, prefix) in &step.addresses {
        kernel.addresses.push(AddressInfo {
            index,
            address: *address,
            prefix: *prefix,
        });
    }
    for (number, name) in ports.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        kernel.links.push(link(
            &format!("veth{name}"),
            index + 1 + number,
            "veth",
            Some(index),
        ));
    }
}

/// `lan` with web and db, of which web publishes; `store`, internal, with db.
pub(super) fn two_networks() -> Graph {
    let (lan, mut store) = (
        network("lan", &["172.18.0.0/16"]),
        network("store", &["10.1.0.0/24", "fd00:1::/64"]),
    );
    store.internal = true;
    let mut kernel = kernel();
    plug(&mut kernel, &lan, 10, &["web", "db"]);
    plug(&mut kernel, &store, 20, &["db2"]);
    let mut web = attached(&lan, "web", 2);
    web.published = vec![
        port("::", 8080, "80/tcp"),
        port("0.0.0.0", 8080, "80/tcp"),
        port("127.0.0.1", 5353, "53/udp"),
    ];
    web.shared_with = vec!["guest".to_owned()];
    let mut db = attached(&lan, "db", 3);
    db.networks = 2;
    db.default_route = vec![Family::Ipv4, Family::Ipv6];
    let mut db2 = attached(&store, "db2", 2);
    db2.endpoint.owner_name = "db".to_owned();
    db2.endpoint.ifname = "eth1".to_owned();
    db2.networks = 2;
    db2.default_route = Vec::new();
    Graph::new(vec![(store, vec![db2]), (lan, vec![web, db])], &kernel)
}

/// Names that are markup, quotes and escape sequences.
pub(super) fn hostile() -> Graph {
    let mut lan = network("lan", &["172.18.0.0/16"]);
    lan.name = "<b>\"x\"&amp;\\\x1b[31m\u{202e}\n'".to_owned();
    let mut web = attached(&lan, "web", 2);
    web.endpoint.owner_name = "</text><script>\"\\".to_owned();
    web.endpoint.host_ifname = "v\x1b[2J\"\\".to_owned();
    web.endpoint.ifname = "e'\u{7f}<".to_owned();
    Graph::new(vec![(lan, vec![web])], &kernel())
}
