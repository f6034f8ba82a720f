//! Real packets that are addressed straight to containers: shut, and what opens.

use super::packets::{HOST, ip, scene, seen};
use crate::kernel::testing::{Lab, Machine};
use crate::model::network_options::GatewayMode;

/// The neighbour sends what is for our networks to the host.
fn route_there(neighbour: &Machine) {
    neighbour.inside(|| {
        let mut route = crate::kernel::netlink::Route::open().unwrap();
        let eth0 = route.link_index("eth0").unwrap().unwrap();
        for (net, via) in [
            ("172.16.0.0/12", "198.51.100.2"),
            ("fd00::/16", "2001:db8::2"),
        ] {
            let (net, via) = (net.parse().unwrap(), Some(ip(via)));
            route.add_route(eth0, net, via).unwrap();
        }
    });
}

/// How many packets a rule has seen; its line is known by `text`.
fn counted(text: &str) -> u64 {
    let listed = crate::kernel::testing::output("nft", &["list", "table", "inet", "probe"]);
    let line = listed.lines().find(|line| line.contains(text)).unwrap();
    let number = line.split("packets ").nth(1).unwrap();
    number.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn straight_to_a_container_is_dropped_before_connections_are_tracked() {
    let test = "straight_to_a_container_is_dropped_before_connections_are_tracked";
    let Some(s) = scene(test) else { return };
    route_there(&s.neighbour);
    crate::kernel::testing::output(
        "nft",
        &[
            "add table inet probe { chain c { type filter hook prerouting priority mangle; \
           ip daddr 172.18.0.2 ip saddr 198.51.100.9 counter; \
           ip6 daddr fd00:18::2 ip6 saddr 2001:db8::9 counter; }; }",
        ],
    );
    assert!(s.neighbour.is_shut_out("172.18.0.2:80"));
    assert!(s.neighbour.is_shut_out("[fd00:18::2]:80"));
    assert_eq!((counted("ip daddr"), counted("ip6 daddr")), (0, 0));
    // All the same it reaches the gateways, which are the host, and what is published there.
    let v4 = seen(s.neighbour.reaches("172.18.0.1:8080", &s.server));
    assert_eq!(v4, Some(ip("198.51.100.9")));
    let v6 = seen(s.neighbour.reaches("[fd00:18::1]:8080", &s.server));
    assert_eq!(v6, Some(ip("2001:db8::9")));
}

#[test]
fn a_routed_network_is_reached_at_its_own_addresses_and_only_at_published_ports() {
    let test = "a_routed_network_is_reached_at_its_own_addresses_and_only_at_published_ports";
    let Some(mut s) = scene(test) else { return };
    route_there(&s.neighbour);
    s.lab
        .network("br-r", &["172.20.0.1/16", "fd00:20::1/64"], |step| {
            step.gateway4 = GatewayMode::Routed;
        });
    let gateways = ["172.20.0.1", "fd00:20::1"];
    let r = s
        .lab
        .attach("br-r", &["172.20.0.2/16", "fd00:20::2/64"], &gateways);
    let (server, _closed) = (r.listen("[::]:80"), r.listen("[::]:81"));
    let (bridge, ports) = (["br-r".to_owned()], ["80/tcp".parse().unwrap()]);
    s.lab
        .nft
        .reach_add(&ports, ip("172.20.0.2"), &bridge, "r")
        .unwrap();
    let from = seen(s.neighbour.reaches("172.20.0.2:80", &server));
    assert_eq!(from, Some(ip("198.51.100.9")));
    assert!(s.neighbour.is_shut_out("172.20.0.2:81"));
    // From another network, too; its own address is seen.
    assert_eq!(
        seen(s.b.reaches("172.20.0.2:80", &server)),
        Some(ip("172.19.0.2"))
    );
    assert!(s.b.is_shut_out("172.20.0.2:81"));
    // The other family is as ever.
    assert!(s.neighbour.is_shut_out("[fd00:20::2]:80"));
    // What leaves keeps its address in one family.
    let outside = s.neighbour.listen("[::]:80");
    assert_eq!(
        seen(r.reaches("198.51.100.9:80", &outside)),
        Some(ip("172.20.0.2"))
    );
    assert_eq!(
        seen(r.reaches("[2001:db8::9]:80", &outside)),
        Some(ip("2001:db8::2"))
    );
    // Neither does it reach into others.
    assert!(r.is_shut_out("172.18.0.2:80"));
}

#[test]
fn an_unprotected_network_is_open_and_translated() {
    let Some(mut s) = scene("an_unprotected_network_is_open_and_translated") else {
        return;
    };
    route_there(&s.neighbour);
    s.lab.network("br-u", &["172.20.0.1/16"], |step| {
        step.gateway4 = GatewayMode::NatUnprotected;
    });
    let u = s.lab.attach("br-u", &["172.20.0.2/16"], &["172.20.0.1"]);
    let server = u.listen("0.0.0.0:81");
    let from = s.neighbour.reaches("172.20.0.2:81", &server);
    assert_eq!(from, Some(ip("198.51.100.9")));
    let outside = s.neighbour.listen("0.0.0.0:80");
    assert_eq!(
        u.reaches("198.51.100.9:80", &outside),
        Some(ip("198.51.100.2"))
    );
}

#[test]
fn a_trusted_interface_reaches_published_ports_at_the_containers_address() {
    let test = "a_trusted_interface_reaches_published_ports_at_the_containers_address";
    let Some(mut s) = scene(test) else { return };
    route_there(&s.neighbour);
    s.lab.network("br-t", &["172.20.0.1/16"], |step| {
        step.trusted = vec!["lan".to_owned()];
    });
    let t = s.lab.attach("br-t", &["172.20.0.2/16"], &["172.20.0.1"]);
    let (server, _closed) = (t.listen("0.0.0.0:80"), t.listen("0.0.0.0:81"));
    assert!(s.neighbour.is_shut_out("172.20.0.2:80"));
    let (trusted, ports) = (["lan".to_owned()], ["80/tcp".parse().unwrap()]);
    s.lab
        .nft
        .reach_add(&ports, ip("172.20.0.2"), &trusted, "t")
        .unwrap();
    let from = s.neighbour.reaches("172.20.0.2:80", &server);
    assert_eq!(from, Some(ip("198.51.100.9")));
    assert!(s.neighbour.is_shut_out("172.20.0.2:81"));
    // Other networks are not trusted.
    assert!(s.b.is_shut_out("172.20.0.2:80"));
    assert!(s.neighbour.is_shut_out("172.18.0.2:80"));
}

#[test]
fn what_leaves_may_have_an_address_of_its_own() {
    let Some(mut lab) = Lab::new("what_leaves_may_have_an_address_of_its_own") else {
        return;
    };
    lab.lan(
        "lan",
        &[HOST[0], HOST[1], "198.51.100.7/24", "2001:db8::7/64"],
    );
    lab.network("br-a", &["172.18.0.1/16", "fd00:18::1/64"], |step| {
        step.host_addresses = vec![ip("198.51.100.7"), ip("2001:db8::7")];
    });
    let gateways = ["172.18.0.1", "fd00:18::1"];
    let a = lab.attach("br-a", &["172.18.0.2/16", "fd00:18::2/64"], &gateways);
    let neighbour = lab.attach("lan", &["198.51.100.9/24", "2001:db8::9/64"], &[]);
    let server = neighbour.listen("[::]:80");
    let v4 = seen(a.reaches("198.51.100.9:80", &server));
    assert_eq!(v4, Some(ip("198.51.100.7")));
    let v6 = seen(a.reaches("[2001:db8::9]:80", &server));
    assert_eq!(v6, Some(ip("2001:db8::7")));
}
