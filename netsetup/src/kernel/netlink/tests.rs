//! Against the kernel, in namespaces of the test's own.

use std::net::IpAddr;
use std::os::fd::AsFd;

use crate::kernel::netns;
use crate::kernel::testing::{Lab, Machine, apart, filter_bridged, output, split};
use crate::model::mac::Mac;

use super::{InterfaceSetup, LOOPBACK, Route, VethRequest};

const MAC: Mac = Mac([2, 0x42, 0xac, 18, 0, 1]);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn request<'a>(machine: &'a Machine, host_name: &'a str) -> VethRequest<'a> {
    VethRequest {
        host_name,
        peer_name: "eth0",
        peer_ns: machine.fd(),
        peer_mac: Mac([2, 0x42, 0xac, 18, 0, 2]),
        mtu: 1400,
        bridge: "br0",
        isolated: false,
        hairpin: false,
    }
}

#[test]
fn a_bridge_is_up_with_its_address_and_made_only_once() {
    if !apart("a_bridge_is_up_with_its_address_and_made_only_once") {
        return;
    }
    let mut route = Route::open().unwrap();
    let index = route.create_bridge("br0", MAC, 1400).unwrap();
    let link = route.link("br0").unwrap().unwrap();
    assert_eq!((link.index, link.kind.as_str()), (index, "bridge"));
    assert_eq!((link.mac, link.mtu, link.up), (Some(MAC), 1400, true));
    let details = output("ip", &["-d", "link", "show", "br0"]);
    assert!(
        details.contains("forward_delay 0 ") && details.contains("stp_state 0"),
        "{details}"
    );

    let error = route.create_bridge("br0", MAC, 1400).unwrap_err();
    assert!(error.is_exists());
    assert_eq!(error.to_string(), "create bridge br0: File exists");

    route.delete_link("br0").unwrap();
    assert_eq!(route.link_index("br0").unwrap(), None);
    let error = route.delete_link("br0").unwrap_err();
    assert!(error.is_missing(), "{error}");
    assert_eq!(error.to_string(), "delete interface br0: No such device");
}

#[test]
fn an_attachment_is_complete_on_both_sides() {
    if !apart("an_attachment_is_complete_on_both_sides") {
        return;
    }
    let mut host = Route::open().unwrap();
    let bridge = host.create_bridge("br0", MAC, 1400).unwrap();
    let machine = Machine::new();
    let veth = host.create_veth(&request(&machine, "veth1")).unwrap();

    let end = host.link("veth1").unwrap().unwrap();
    assert_eq!(
        (end.kind.as_str(), end.master, end.mtu),
        ("veth", Some(bridge), 1400)
    );
    assert_eq!(
        (end.index, end.peer, end.up),
        (veth.host_index, Some(veth.peer_index), true)
    );

    let mut inside = Route::open_in(machine.fd()).unwrap();
    let eth0 = inside.link("eth0").unwrap().unwrap();
    assert_eq!(eth0.index, veth.peer_index);
    assert_eq!(
        (eth0.mac, eth0.mtu, eth0.up),
        (Some(Mac([2, 0x42, 0xac, 18, 0, 2])), 1400, false)
    );
    let outer = output("ip", &["-d", "link", "show", "veth1"]);
    let inner = {
        let _inside = netns::enter(machine.fd()).unwrap();
        output("ip", &["-d", "link", "show", "eth0"])
    };
    for details in [outer, inner] {
        let one = "numtxqueues 1 ";
        assert!(details.contains(one), "{details}");
    }

    let addresses = [split("172.18.0.2/16"), split("fd00:18::2/64")];
    let setup = InterfaceSetup {
        index: veth.peer_index,
        name: "eth0",
        addresses: &addresses,
        gateways: &[ip("172.18.0.1"), ip("fd00:18::1")],
        mac: Mac([2, 0x42, 0xac, 18, 0, 2]),
        ipv6: true,
        arp_notify: true,
    };
    inside.configure(&setup).unwrap();
    assert!(inside.link("eth0").unwrap().unwrap().up);
    assert!(inside.link("lo").unwrap().unwrap().up);
    let listed = inside.addresses().unwrap();
    let of_it = inside.addresses_of(veth.peer_index).unwrap();
    let others = |info: &&super::AddressInfo| info.index != veth.peer_index;
    assert!(
        listed.iter().any(|info| others(&info)),
        "loopback has one, too"
    );
    assert_eq!(of_it.iter().filter(others).count(), 0);
    assert_eq!(
        of_it.len() + listed.iter().filter(others).count(),
        listed.len()
    );
    assert!(inside.addresses_of(4711).unwrap_err().is_missing());
    for (address, prefix) in addresses {
        let found = listed.iter().find(|a| a.address == address).unwrap();
        assert_eq!((found.index, found.prefix), (veth.peer_index, prefix));
    }
    let shown = machine.inside(|| output("ip", &["address", "show", "eth0"]));
    assert!(
        shown.contains("inet 172.18.0.2/16 brd 172.18.255.255 scope global eth0"),
        "{shown}"
    );
    let global = shown
        .lines()
        .find(|line| line.contains("fd00:18::2"))
        .unwrap();
    assert!(
        global.contains("nodad") && !global.contains("tentative"),
        "{shown}"
    );
    for (family, gateway) in [("-4", "172.18.0.1"), ("-6", "fd00:18::1")] {
        let routes = machine.inside(|| output("ip", &[family, "route"]));
        assert!(
            routes.contains(&format!("default via {gateway} dev eth0")),
            "{routes}"
        );
    }
}

#[test]
fn the_host_end_makes_no_ipv6_address() {
    if !apart("the_host_end_makes_no_ipv6_address") {
        return;
    }
    let mut host = Route::open().unwrap();
    host.create_bridge("br0", MAC, 1500).unwrap();
    let machine = Machine::new();
    let veth = host.create_veth(&request(&machine, "veth1")).unwrap();
    let mut inside = Route::open_in(machine.fd()).unwrap();
    let setup = InterfaceSetup {
        index: veth.peer_index,
        name: "eth0",
        addresses: &[split("172.18.0.2/16")],
        gateways: &[],
        mac: Mac([2, 0x42, 0xac, 18, 0, 2]),
        ipv6: false,
        arp_notify: false,
    };
    inside.configure(&setup).unwrap();
    let on = |index, all: Vec<super::AddressInfo>| {
        all.into_iter()
            .filter(|a| a.index == index && a.address.is_ipv6())
            .count()
    };
    assert_eq!(on(veth.host_index, host.addresses().unwrap()), 0);
    assert_eq!(on(veth.peer_index, inside.addresses().unwrap()), 0);
}

#[test]
fn a_failed_attachment_leaves_nothing_and_harms_nobody() {
    if !apart("a_failed_attachment_leaves_nothing_and_harms_nobody") {
        return;
    }
    let mut host = Route::open().unwrap();
    let machine = Machine::new();
    let error = host.create_veth(&request(&machine, "veth1")).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(error.to_string(), "find interface br0: No such device");
    assert_eq!(host.link_index("veth1").unwrap(), None);

    host.create_bridge("br0", MAC, 1500).unwrap();
    host.create_veth(&request(&machine, "veth1")).unwrap();
    let other = Machine::new();
    let before = host.link("veth1").unwrap();
    let error = host.create_veth(&request(&other, "veth1")).unwrap_err();
    assert!(error.is_exists());
    assert!(
        error
            .to_string()
            .starts_with("create veth veth1 with eth0 inside: File exists")
    );
    assert_eq!(host.link("veth1").unwrap(), before);
    // The inner name is taken.
    let error = host.create_veth(&request(&machine, "veth2")).unwrap_err();
    assert!(error.is_exists(), "{error}");
    assert_eq!(host.link_index("veth2").unwrap(), None);
    // The master is no bridge.
    let plain = VethRequest {
        bridge: "veth1",
        ..request(&other, "veth3")
    };
    let error = host.create_veth(&plain).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("make veth3 a port of veth1: "),
        "{error}"
    );
    assert_eq!(host.link_index("veth3").unwrap(), None);
    let file = std::fs::File::open("/dev/null").unwrap();
    let nonsense = VethRequest {
        peer_ns: file.as_fd(),
        ..request(&other, "veth4")
    };
    assert!(host.create_veth(&nonsense).is_err());
    assert_eq!(host.link_index("veth4").unwrap(), None);
}

#[test]
fn errors_name_address_route_and_interface() {
    if !apart("errors_name_address_route_and_interface") {
        return;
    }
    let mut route = Route::open().unwrap();
    let index = route.create_bridge("br0", MAC, 1500).unwrap();
    route
        .add_address(index, ip("172.18.0.1"), 16, true, false)
        .unwrap();
    let error = route
        .add_address(index, ip("172.18.0.1"), 16, true, false)
        .unwrap_err();
    assert!(error.is_exists());
    let text = error.to_string();
    assert!(
        text.starts_with("add address 172.18.0.1/16 to br0: File exists"),
        "{text}"
    );

    let error = route.replace_default(index, ip("10.9.9.9")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("set default route via 10.9.9.9 dev br0: "),
        "{text}"
    );
    assert!(
        text.contains("Nexthop has invalid gateway"),
        "the kernel's words: {text}"
    );

    let error = route
        .add_address(9999, ip("10.0.0.1"), 8, true, false)
        .unwrap_err();
    assert!(error.is_missing(), "{error}");
    let error = route.set_up(9999).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(error.to_string(), "set interface 9999 up: No such device");
    let error = route.link("a-name-longer-than-15-bytes").unwrap_err();
    assert!(!error.is_missing(), "{error}");
}

#[test]
fn default_routes_are_set_moved_and_removed_without_touching_others() {
    if !apart("default_routes_are_set_moved_and_removed_without_touching_others") {
        return;
    }
    let mut route = Route::open().unwrap();
    let a = route.create_bridge("a", MAC, 1500).unwrap();
    let b = route.create_bridge("b", MAC, 1500).unwrap();
    for (index, address) in [
        (a, "10.1.0.2/24"),
        (b, "10.2.0.2/24"),
        (a, "fd01::2/64"),
        (b, "fd02::2/64"),
    ] {
        let (address, prefix) = split(address);
        route
            .add_address(index, address, prefix, true, true)
            .unwrap();
    }
    route
        .add_route(a, "192.0.2.0/24".parse().unwrap(), Some(ip("10.1.0.9")))
        .unwrap();
    route
        .add_route(b, "198.51.100.0/24".parse().unwrap(), None)
        .unwrap();
    for (gateway, index) in [
        ("10.1.0.1", a),
        ("10.2.0.1", b),
        ("fd01::1", a),
        ("fd02::1", b),
    ] {
        route.replace_default(index, ip(gateway)).unwrap();
        let defaults: Vec<_> = route
            .route_table()
            .unwrap()
            .into_iter()
            .filter(|r| r.destination.prefix_len() == 0)
            .filter(|r| r.destination.addr().is_ipv4() == ip(gateway).is_ipv4())
            .collect();
        assert_eq!(defaults.len(), 1);
        assert_eq!(
            (defaults[0].gateway, defaults[0].index),
            (Some(ip(gateway)), Some(index))
        );
    }
    let nets: Vec<String> = route
        .routes()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    for net in [
        "10.1.0.0/24",
        "10.2.0.0/24",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "fd01::/64",
    ] {
        assert!(nets.iter().any(|n| n == net), "{net} in {nets:?}");
    }
    assert!(
        !nets
            .iter()
            .any(|n| n.ends_with("/0") || n.starts_with("127.")),
        "{nets:?}"
    );
    for like in ["0.0.0.0", "::"] {
        route.delete_default(ip(like)).unwrap();
        let error = route.delete_default(ip(like)).unwrap_err();
        assert!(error.is_missing(), "{error}");
    }
    assert!(
        route
            .route_table()
            .unwrap()
            .iter()
            .all(|r| r.destination.prefix_len() > 0)
    );
}

#[test]
fn long_lists_arrive_whole() {
    if !apart("long_lists_arrive_whole") {
        return;
    }
    let mut route = Route::open().unwrap();
    for number in 0..80u8 {
        let index = route
            .create_bridge(&format!("br{number}"), MAC, 1500)
            .unwrap();
        let address = IpAddr::from([10, number, 0, 1]);
        route.add_address(index, address, 24, true, false).unwrap();
    }
    let links = route.links().unwrap();
    assert_eq!(links.len(), 81);
    assert!(links.iter().any(|l| l.name == "br79" && l.kind == "bridge"));
    assert!(
        links
            .iter()
            .any(|l| l.name == "lo" && l.index == LOOPBACK && l.kind.is_empty())
    );
    let addresses = route.addresses().unwrap();
    assert_eq!(addresses.iter().filter(|a| a.address.is_ipv4()).count(), 80);
    assert_eq!(
        route
            .routes()
            .unwrap()
            .iter()
            .filter(|net| net.addr().is_ipv4())
            .count(),
        80
    );
}

#[test]
fn isolated_ports_reach_the_bridge_but_not_each_other() {
    let Some(mut lab) = Lab::new("isolated_ports_reach_the_bridge_but_not_each_other") else {
        return;
    };
    // Pure bridging is what is tested here.
    assert!(filter_bridged("isolated ports", false));
    lab.lan("br0", &["172.18.0.1/16"]);
    let mut attach = |address: &str, isolated: bool| {
        lab.attach_with("br0", &[address], &[], |request| {
            request.isolated = isolated
        })
    };
    let (a, b) = (attach("172.18.0.2/16", true), attach("172.18.0.3/16", true));
    let open = attach("172.18.0.4/16", false);
    let (server, host) = (
        b.listen("0.0.0.0:80"),
        std::net::TcpListener::bind("0.0.0.0:80"),
    );
    assert!(a.is_shut_out("172.18.0.3:80"));
    assert_eq!(
        open.reaches("172.18.0.3:80", &server),
        Some(ip("172.18.0.4"))
    );
    assert_eq!(
        a.reaches("172.18.0.1:80", &host.unwrap()),
        Some(ip("172.18.0.2"))
    );
}

#[test]
fn a_socket_stays_in_its_namespace_and_the_thread_in_its_own() {
    if !apart("a_socket_stays_in_its_namespace_and_the_thread_in_its_own") {
        return;
    }
    let machine = Machine::new();
    let mut inside = Route::open_in(machine.fd()).unwrap();
    inside.create_bridge("inner", MAC, 1500).unwrap();
    assert_eq!(Route::open().unwrap().link_index("inner").unwrap(), None);
    let mut there = machine.inside(|| Route::open().unwrap());
    assert!(there.link_index("inner").unwrap().is_some());
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(Route::open_in(file.as_fd()).is_err());
    assert!(netns::enter(file.as_fd()).is_err());
}
