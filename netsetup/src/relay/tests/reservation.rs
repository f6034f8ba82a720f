//! What can be bound, and what is said when it cannot.

use std::net::{TcpListener, UdpSocket};

use rustix::io::Errno;

use super::{HOME, binding};
use crate::model::port::HostPort::{Ephemeral, FirstOf, Fixed};
use crate::model::port::Protocol::{Tcp, Udp};
use crate::relay::{BindError, BoundPort, Place, bind};
use crate::resolver::tests::namespace::isolate;

fn shown(ports: &[BoundPort]) -> Vec<String> {
    let shown = |port: &BoundPort| {
        let port = &port.published;
        format!("{} {}->{}", port.host_ip, port.host_port, port.container)
    };
    ports.iter().map(shown).collect()
}

#[test]
fn without_host_ports_nothing_is_bound_in_that_family() {
    if !isolate("without_host_ports_nothing_is_bound_in_that_family") {
        return;
    }
    let bindings = [
        binding(Tcp, None, Fixed(8080), 80),
        // The address is nobody's: it would be refused.
        binding(Udp, Some("198.51.100.2"), Fixed(8080), 80),
    ];
    let place = Place {
        unbound4: true,
        ..Place::of(HOME)
    };
    let bound = bind(&bindings, &place).unwrap();
    assert_eq!(
        shown(&bound),
        ["0.0.0.0 0->80/tcp", ":: 8080->80/tcp", "0.0.0.0 0->80/udp"]
    );
    assert!(TcpListener::bind("0.0.0.0:8080").is_ok());
}

#[test]
fn a_port_without_address_is_bound_in_both_families() {
    if !isolate("a_port_without_address_is_bound_in_both_families") {
        return;
    }
    let ports = bind(&[binding(Tcp, None, Fixed(8080), 80)], &Place::of(HOME)).unwrap();
    assert_eq!(shown(&ports), ["0.0.0.0 8080->80/tcp", ":: 8080->80/tcp"]);
    // UDP has ports of its own.
    let udp = bind(&[binding(Udp, None, Fixed(8080), 80)], &Place::of(HOME)).unwrap();
    assert_eq!(shown(&udp), ["0.0.0.0 8080->80/udp", ":: 8080->80/udp"]);
}

#[test]
fn an_address_given_or_set_for_the_network_is_the_only_one() {
    if !isolate("an_address_given_or_set_for_the_network_is_the_only_one") {
        return;
    }
    let bindings = [
        binding(Tcp, Some("127.0.0.2"), Fixed(80), 80),
        binding(Tcp, None, Fixed(80), 81),
    ];
    let ports = bind(
        &bindings,
        &Place {
            default_ip: Some(HOME),
            ..Place::of(HOME)
        },
    )
    .unwrap();
    assert_eq!(
        shown(&ports),
        ["127.0.0.2 80->80/tcp", "127.0.0.1 80->81/tcp"]
    );
    let v6 = bind(
        &[binding(Tcp, None, Fixed(81), 80)],
        &Place::of("fd00::2".parse().unwrap()),
    )
    .unwrap();
    assert_eq!(shown(&v6), [":: 81->80/tcp"]);
}

#[test]
fn a_random_port_has_one_number_in_both_families() {
    if !isolate("a_random_port_has_one_number_in_both_families") {
        return;
    }
    for protocol in [Tcp, Udp] {
        for _ in 0..50 {
            let ports = bind(&[binding(protocol, None, Ephemeral, 80)], &Place::of(HOME)).unwrap();
            assert_eq!(ports.len(), 2);
            assert_ne!(ports[0].published.host_port, 0);
            assert_eq!(ports[0].published.host_port, ports[1].published.host_port);
        }
    }
}

#[test]
fn a_range_gives_its_first_free_port() {
    if !isolate("a_range_gives_its_first_free_port") {
        return;
    }
    let _other = TcpListener::bind("0.0.0.0:9100").unwrap();
    let _sixth = TcpListener::bind("[::1]:9101").unwrap();
    let bindings = [
        binding(Tcp, None, FirstOf(9100, 9103), 80),
        binding(Tcp, None, FirstOf(9100, 9103), 81),
    ];
    let ports = bind(&bindings, &Place::of(HOME)).unwrap();
    assert_eq!(shown(&ports)[0], "0.0.0.0 9102->80/tcp");
    assert_eq!(shown(&ports)[2], "0.0.0.0 9103->81/tcp");
    let full = bind(
        &[binding(Tcp, None, FirstOf(9100, 9103), 82)],
        &Place::of(HOME),
    )
    .unwrap_err();
    assert!(full.taken().is_some());
}

#[test]
fn a_taken_port_is_named_and_nothing_stays_bound() {
    if !isolate("a_taken_port_is_named_and_nothing_stays_bound") {
        return;
    }
    let to = "172.17.0.7".parse().unwrap();
    let other = TcpListener::bind("127.0.0.1:8099").unwrap();
    let bindings = [
        binding(Tcp, None, Fixed(8098), 80),
        binding(Tcp, None, Fixed(8099), 80),
    ];
    let error = bind(&bindings, &Place::of(to)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to bind host port for 0.0.0.0:8099:172.17.0.7:80/tcp: address already in use"
    );
    drop(TcpListener::bind("0.0.0.0:8098").unwrap());
    drop(other);
    assert!(bind(&bindings, &Place::of(to)).is_ok());
    let foreign = [binding(Tcp, Some("203.0.113.9"), Fixed(8088), 80)];
    assert_eq!(
        bind(&foreign, &Place::of(to)).unwrap_err().to_string(),
        "failed to bind host port for 203.0.113.9:8088:172.17.0.7:80/tcp: cannot assign requested address"
    );
    let other = UdpSocket::bind("[::]:8099").unwrap();
    let error = bind(&[binding(Udp, None, Fixed(8099), 53)], &Place::of(to)).unwrap_err();
    let BindError::Refused { errno, host_ip, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (errno, host_ip.is_ipv6() || host_ip.is_ipv4()),
        (Errno::ADDRINUSE, true)
    );
    drop(other);
}

#[test]
fn two_listeners_exclude_each_other() {
    if !isolate("two_listeners_exclude_each_other") {
        return;
    }
    for protocol in [Tcp, Udp] {
        let first = bind(&[binding(protocol, None, Fixed(80), 80)], &Place::of(HOME)).unwrap();
        for ip in [None, Some("127.0.0.1"), Some("::1")] {
            let second = bind(&[binding(protocol, ip, Fixed(80), 80)], &Place::of(HOME));
            assert!(second.unwrap_err().taken().is_some(), "{protocol} {ip:?}");
        }
        drop(first);
    }
}

#[test]
fn one_container_cannot_have_a_port_twice() {
    if !isolate("one_container_cannot_have_a_port_twice") {
        return;
    }
    let bindings = [
        binding(Tcp, None, Fixed(8080), 80),
        binding(Tcp, Some("127.0.0.1"), Fixed(8080), 81),
    ];
    let error = bind(&bindings, &Place::of(HOME)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Bind for 0.0.0.0:8080 failed: port is already allocated"
    );
}
