//! Real packets between namespaces as machines: a host, its containers, a neighbour.

use std::net::{IpAddr, TcpListener};

use crate::kernel::testing::{
    Lab, Machine, filter_bridged, is_shut_out, reaches, udp, udp_round_trip,
};

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A host at 198.51.100.2 with networks br-a (172.18) and br-b (172.19), a container on each,
/// and a neighbour at 198.51.100.9. The container on br-a publishes 80 as 8080.
pub(super) struct Scene {
    pub lab: Lab,
    pub a: Machine,
    pub b: Machine,
    pub neighbour: Machine,
    pub server: TcpListener,
}

pub(super) const HOST: [&str; 2] = ["198.51.100.2/24", "2001:db8::2/64"];

pub(super) fn scene(test: &str) -> Option<Scene> {
    scene_with(test, false)
}

fn scene_with(test: &str, hairpin: bool) -> Option<Scene> {
    let mut lab = Lab::new(test)?;
    lab.lan("lan", &HOST);
    lab.network("br-a", &["172.18.0.1/16", "fd00:18::1/64"], |_| {});
    lab.network("br-b", &["172.19.0.1/16", "fd00:19::1/64"], |_| {});
    let gateways = ["172.18.0.1", "fd00:18::1"];
    let a = lab.attach_with(
        "br-a",
        &["172.18.0.2/16", "fd00:18::2/64"],
        &gateways,
        |request| {
            request.hairpin = hairpin;
        },
    );
    let gateways = ["172.19.0.1", "fd00:19::1"];
    let b = lab.attach("br-b", &["172.19.0.2/16", "fd00:19::2/64"], &gateways);
    let neighbour = lab.attach("lan", &["198.51.100.9/24", "2001:db8::9/64"], &[]);
    let server = a.listen("[::]:80");
    lab.publish("0.0.0.0", 8080, "172.18.0.2:80", "a");
    lab.publish("::", 8080, "[fd00:18::2]:80", "a");
    Some(Scene {
        lab,
        a,
        b,
        neighbour,
        server,
    })
}

/// A dual-stack server sees IPv4 clients as mapped addresses.
pub(super) fn seen(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| address.to_canonical())
}

#[test]
fn a_neighbour_reaches_a_published_port_and_is_seen_as_itself() {
    let Some(s) = scene("a_neighbour_reaches_a_published_port_and_is_seen_as_itself") else {
        return;
    };
    let v4 = seen(s.neighbour.reaches("198.51.100.2:8080", &s.server));
    assert_eq!(v4, Some(ip("198.51.100.9")));
    let v6 = seen(s.neighbour.reaches("[2001:db8::2]:8080", &s.server));
    assert_eq!(v6, Some(ip("2001:db8::9")));
    let server = s.a.udp("0.0.0.0:80");
    let client = s.neighbour.udp("0.0.0.0:0");
    assert_eq!(
        udp_round_trip(&client, "198.51.100.2:8080", &server),
        ip("198.51.100.9")
    );
}

#[test]
fn the_host_itself_reaches_it_by_its_own_addresses() {
    let Some(s) = scene("the_host_itself_reaches_it_by_its_own_addresses") else {
        return;
    };
    assert_eq!(
        seen(reaches("198.51.100.2:8080", &s.server)),
        Some(ip("198.51.100.2"))
    );
    assert_eq!(
        seen(reaches("172.18.0.1:8080", &s.server)),
        Some(ip("172.18.0.1"))
    );
    assert_eq!(
        seen(reaches("172.19.0.1:8080", &s.server)),
        Some(ip("172.19.0.1"))
    );
    assert_eq!(
        seen(reaches("[2001:db8::2]:8080", &s.server)),
        Some(ip("2001:db8::2"))
    );
    // Loopback is the relay's: without one nobody listens.
    for loopback in ["127.0.0.1:8080", "127.0.0.2:8080", "[::1]:8080"] {
        let error = std::net::TcpStream::connect(loopback).unwrap_err();
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::ConnectionRefused,
            "{loopback}"
        );
    }
    let server = s.a.udp("0.0.0.0:80");
    let client = udp("0.0.0.0:0");
    assert_eq!(
        udp_round_trip(&client, "198.51.100.2:8080", &server),
        ip("198.51.100.2")
    );
}

#[test]
fn a_container_of_another_network_reaches_it_and_keeps_its_address() {
    let Some(s) = scene("a_container_of_another_network_reaches_it_and_keeps_its_address") else {
        return;
    };
    for host in ["172.19.0.1:8080", "172.18.0.1:8080", "198.51.100.2:8080"] {
        assert_eq!(
            seen(s.b.reaches(host, &s.server)),
            Some(ip("172.19.0.2")),
            "{host}"
        );
    }
    let v6 = seen(s.b.reaches("[fd00:19::1]:8080", &s.server));
    assert_eq!(v6, Some(ip("fd00:19::2")));
}

#[test]
fn networks_are_apart_and_unpublished_ports_shut() {
    let Some(mut s) = scene("networks_are_apart_and_unpublished_ports_shut") else {
        return;
    };
    let _open = s.a.listen("0.0.0.0:81");
    assert!(
        s.b.is_shut_out("172.18.0.2:80"),
        "by address even a published port is shut"
    );
    assert!(s.b.is_shut_out("172.18.0.2:81"));
    assert!(s.b.is_shut_out("[fd00:18::2]:80"));
    // The neighbour routes to the container's subnet through the host.
    s.neighbour.inside(|| {
        let mut route = crate::kernel::netlink::Route::open().unwrap();
        let eth0 = route.link_index("eth0").unwrap().unwrap();
        for (net, via) in [
            ("172.18.0.0/16", "198.51.100.2"),
            ("fd00:18::/64", "2001:db8::2"),
        ] {
            route
                .add_route(eth0, net.parse().unwrap(), Some(ip(via)))
                .unwrap();
        }
    });
    for address in ["172.18.0.2:80", "172.18.0.2:81", "[fd00:18::2]:80"] {
        assert!(s.neighbour.is_shut_out(address), "{address}");
    }
    // From the host itself it is open, as with Docker.
    assert_eq!(
        seen(reaches("172.18.0.2:80", &s.server)),
        Some(ip("172.18.0.1"))
    );
    // Withdrawn, the published port is shut too: nobody else listens there.
    let port = crate::kernel::testing::published("0.0.0.0", 8080, 80, Default::default());
    s.lab
        .nft
        .ports_remove(&[port], ip("172.18.0.2"), &[], "a")
        .unwrap();
    let refused = s
        .neighbour
        .inside(|| std::net::TcpStream::connect("198.51.100.2:8080"));
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}

#[test]
fn traffic_out_is_masqueraded_unless_switched_off() {
    let Some(mut lab) = Lab::new("traffic_out_is_masqueraded_unless_switched_off") else {
        return;
    };
    lab.lan("lan", &HOST);
    lab.network("br-a", &["172.18.0.1/16", "fd00:18::1/64"], |_| {});
    lab.network("br-b", &["172.19.0.1/16"], |step| step.masquerade = false);
    let a = lab.attach(
        "br-a",
        &["172.18.0.2/16", "fd00:18::2/64"],
        &["172.18.0.1", "fd00:18::1"],
    );
    let b = lab.attach("br-b", &["172.19.0.2/16"], &["172.19.0.1"]);
    let routes = ["198.51.100.2"];
    let neighbour = lab.attach("lan", &["198.51.100.9/24", "2001:db8::9/64"], &routes);
    let server = neighbour.listen("[::]:80");
    assert_eq!(
        seen(a.reaches("198.51.100.9:80", &server)),
        Some(ip("198.51.100.2"))
    );
    assert_eq!(
        seen(a.reaches("[2001:db8::9]:80", &server)),
        Some(ip("2001:db8::2"))
    );
    assert_eq!(
        seen(b.reaches("198.51.100.9:80", &server)),
        Some(ip("172.19.0.2"))
    );
    let (server, client) = (neighbour.udp("0.0.0.0:80"), a.udp("0.0.0.0:0"));
    assert_eq!(
        udp_round_trip(&client, "198.51.100.9:80", &server),
        ip("198.51.100.2")
    );
}

#[test]
fn an_internal_network_neither_leaves_nor_lets_in() {
    let Some(mut s) = scene("an_internal_network_neither_leaves_nor_lets_in") else {
        return;
    };
    s.lab
        .network("br-i", &["172.20.0.1/16"], |step| step.internal = true);
    let i = s.lab.attach("br-i", &["172.20.0.2/16"], &["172.20.0.1"]);
    let j = s.lab.attach("br-i", &["172.20.0.3/16"], &["172.20.0.1"]);
    let inner = j.listen("0.0.0.0:80");
    let outer = s.neighbour.listen("0.0.0.0:80");
    assert_eq!(i.reaches("172.20.0.3:80", &inner), Some(ip("172.20.0.2")));
    assert!(i.is_shut_out("198.51.100.9:80"));
    assert!(
        i.is_shut_out("198.51.100.2:8080"),
        "published ports of others"
    );
    assert!(i.is_shut_out("172.20.0.1:8080"));
    assert!(s.a.is_shut_out("172.20.0.3:80"));
    // Even DNAT leads nowhere.
    s.lab.publish("0.0.0.0", 9090, "172.20.0.3:80", "j");
    assert!(s.neighbour.is_shut_out("198.51.100.2:9090"));
    assert_eq!(reaches("172.20.0.3:80", &inner), Some(ip("172.20.0.1")));
    drop(outer);
}

fn same_network(test: &str, bridge_filter: bool) {
    let Some(mut s) = scene_with(test, bridge_filter) else {
        return;
    };
    if !filter_bridged(test, bridge_filter) {
        return;
    }
    let gateways = ["172.18.0.1", "fd00:18::1"];
    let peer = s
        .lab
        .attach("br-a", &["172.18.0.3/16", "fd00:18::3/64"], &gateways);
    // Directly.
    assert_eq!(
        seen(peer.reaches("172.18.0.2:80", &s.server)),
        Some(ip("172.18.0.3"))
    );
    assert_eq!(
        seen(peer.reaches("[fd00:18::2]:80", &s.server)),
        Some(ip("fd00:18::3"))
    );
    // Through the host: the reply must come back through it, hence the bridge's address.
    for host in ["172.18.0.1:8080", "198.51.100.2:8080"] {
        assert_eq!(
            seen(peer.reaches(host, &s.server)),
            Some(ip("172.18.0.1")),
            "{host}"
        );
        assert_eq!(
            seen(s.a.reaches(host, &s.server)),
            Some(ip("172.18.0.1")),
            "itself, {host}"
        );
    }
    assert!(seen(peer.reaches("[fd00:18::1]:8080", &s.server)).is_some());
    assert!(seen(s.a.reaches("[fd00:18::1]:8080", &s.server)).is_some());
    let (server, client) = (s.a.udp("0.0.0.0:80"), peer.udp("0.0.0.0:0"));
    assert_eq!(
        udp_round_trip(&client, "172.18.0.1:8080", &server),
        ip("172.18.0.1")
    );
}

#[test]
fn the_same_network_works_directly_and_by_hairpin() {
    same_network("the_same_network_works_directly_and_by_hairpin", false);
}

#[test]
fn the_same_network_works_when_bridged_frames_are_filtered() {
    same_network(
        "the_same_network_works_when_bridged_frames_are_filtered",
        true,
    );
}

#[test]
fn without_icc_peers_are_apart_and_published_ports_are_the_relays() {
    let test = "without_icc_peers_are_apart_and_published_ports_are_the_relays";
    for bridge_filter in [false, true] {
        let Some(mut lab) = Lab::new(test) else {
            return;
        };
        if !filter_bridged(test, bridge_filter) {
            return;
        }
        lab.network("br-a", &["172.18.0.1/16"], |step| step.icc = false);
        let mut attach = |address: &str, isolated: bool| {
            lab.attach_with("br-a", &[address], &["172.18.0.1"], |r| {
                r.isolated = isolated
            })
        };
        let (a, b) = (attach("172.18.0.2/16", true), attach("172.18.0.3/16", true));
        let _server = a.listen("0.0.0.0:80");
        assert!(b.is_shut_out("172.18.0.2:80"));
        if bridge_filter {
            // Then the firewall alone would do.
            let c = attach("172.18.0.4/16", false);
            assert!(c.is_shut_out("172.18.0.2:80"));
        }
        lab.publish("0.0.0.0", 8080, "172.18.0.2:80", "a");
        let relay = TcpListener::bind("0.0.0.0:8080").unwrap();
        assert_eq!(b.reaches("172.18.0.1:8080", &relay), Some(ip("172.18.0.3")));
    }
}

#[test]
fn hairpin_mode_is_needed_only_for_oneself_under_bridge_filtering() {
    let test = "hairpin_mode_is_needed_only_for_oneself_under_bridge_filtering";
    let Some(mut s) = scene(test) else {
        return;
    };
    if !filter_bridged(test, true) {
        return;
    }
    assert!(s.a.is_shut_out("172.18.0.1:8080"));
    let end = s
        .lab
        .host
        .links()
        .unwrap()
        .into_iter()
        .find(|l| l.name == "veth4")
        .unwrap();
    s.lab.host.set_hairpin(end.index, true).unwrap();
    assert_eq!(
        seen(s.a.reaches("172.18.0.1:8080", &s.server)),
        Some(ip("172.18.0.1"))
    );
    s.lab.host.set_hairpin(end.index, false).unwrap();
    assert!(s.a.is_shut_out("172.18.0.1:8080"));
}

#[test]
fn ports_bound_to_one_address_answer_only_there() {
    let Some(mut s) = scene("ports_bound_to_one_address_answer_only_there") else {
        return;
    };
    s.lab.publish("198.51.100.2", 9000, "172.18.0.2:80", "a");
    assert!(
        s.neighbour
            .reaches("198.51.100.2:9000", &s.server)
            .is_some()
    );
    let refused =
        s.b.inside(|| std::net::TcpStream::connect("172.19.0.1:9000"));
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    // The address wins over any.
    let other = s.b.listen("0.0.0.0:80");
    s.lab.publish("198.51.100.2", 8080, "172.19.0.2:80", "b");
    assert!(s.neighbour.reaches("198.51.100.2:8080", &other).is_some());
    assert!(!is_shut_out("172.18.0.1:8080"));
}
