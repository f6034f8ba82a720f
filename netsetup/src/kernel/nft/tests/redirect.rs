//! The resolver's redirection inside a sandbox.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use crate::kernel::netlink::{LOOPBACK, Route};
use crate::kernel::nft::Nft;
use crate::kernel::testing::{Lab, Machine, apart, output, reaches, udp, udp_round_trip};

fn sandbox(test: &str) -> Option<Machine> {
    apart(test).then(|| {
        let machine = Machine::new();
        Route::open_in(machine.fd())
            .unwrap()
            .set_up(LOOPBACK)
            .unwrap();
        machine
    })
}

fn resolver(machine: &Machine) -> (UdpSocket, TcpListener) {
    let (udp, tcp) = (machine.udp("127.0.0.11:0"), machine.listen("127.0.0.11:0"));
    let ports = (
        udp.local_addr().unwrap().port(),
        tcp.local_addr().unwrap().port(),
    );
    let mut nft = Nft::open_in(machine.fd()).unwrap();
    nft.resolver_redirect(ports.0, ports.1).unwrap();
    (udp, tcp)
}

#[test]
fn port_53_leads_to_the_resolver_over_udp_and_tcp() {
    let Some(machine) = sandbox("port_53_leads_to_the_resolver_over_udp_and_tcp") else {
        return;
    };
    let (by_udp, by_tcp) = resolver(&machine);
    machine.inside(|| {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(reaches("127.0.0.11:53", &by_tcp), Some(loopback));
        for bound in ["0.0.0.0:0", "127.0.0.1:0", "127.0.0.11:0", "127.0.0.1:4053"] {
            udp_round_trip(&udp(bound), "127.0.0.11:53", &by_udp);
        }
    });
}

#[test]
fn a_socket_that_is_not_connected_hears_the_answer_from_port_53() {
    let test = "a_socket_that_is_not_connected_hears_the_answer_from_port_53";
    let Some(machine) = sandbox(test) else { return };
    let (by_udp, _) = resolver(&machine);
    let client = machine.udp("0.0.0.0:0");
    client.send_to(b"q", "127.0.0.11:53").unwrap();
    let mut buffer = [0; 8];
    let (_, peer) = by_udp.recv_from(&mut buffer).unwrap();
    by_udp.send_to(b"a", peer).unwrap();
    let (_, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(from, "127.0.0.11:53".parse::<SocketAddr>().unwrap());
}

#[test]
fn the_container_may_have_its_own_server_on_port_53() {
    let Some(mut lab) = Lab::new("the_container_may_have_its_own_server_on_port_53") else {
        return;
    };
    lab.lan("br0", &["172.18.0.1/16"]);
    let machine = lab.attach("br0", &["172.18.0.2/16"], &[]);
    let (by_udp, by_tcp) = resolver(&machine);
    let own = (machine.udp("0.0.0.0:53"), machine.listen("0.0.0.0:53"));
    machine.inside(|| {
        udp_round_trip(&udp("0.0.0.0:0"), "127.0.0.1:53", &own.0);
        udp_round_trip(&udp("0.0.0.0:0"), "172.18.0.2:53", &own.0);
        udp_round_trip(&udp("172.18.0.2:0"), "127.0.0.11:53", &by_udp);
        assert!(reaches("127.0.0.11:53", &by_tcp).is_some());
        assert!(reaches("172.18.0.2:53", &own.1).is_some());
    });
}

#[test]
fn a_second_redirection_replaces_the_first() {
    let Some(machine) = sandbox("a_second_redirection_replaces_the_first") else {
        return;
    };
    let (_, first) = resolver(&machine);
    let (by_udp, second) = resolver(&machine);
    drop(first);
    machine.inside(|| {
        udp_round_trip(&udp("0.0.0.0:0"), "127.0.0.11:53", &by_udp);
        assert!(reaches("127.0.0.11:53", &second).is_some());
        let listed = output("nft", &["list", "ruleset"]);
        let (udp, tcp) = (
            by_udp.local_addr().unwrap().port(),
            second.local_addr().unwrap().port(),
        );
        let expected = format!(
            "table ip rbox-resolver {{\n\tchain queries {{\n\
             \t\ttype filter hook output priority raw; policy accept;\n\
             \t\tip daddr 127.0.0.11 udp dport 53 udp dport set {udp}\n\
             \t\tip daddr 127.0.0.11 tcp dport 53 tcp dport set {tcp}\n\t}}\n\n\
             \tchain answers {{\n\
             \t\ttype filter hook output priority 100; policy accept;\n\
             \t\tip saddr 127.0.0.11 udp sport {udp} udp sport set 53\n\
             \t\tip saddr 127.0.0.11 tcp sport {tcp} tcp sport set 53\n\t}}\n}}\n"
        );
        assert_eq!(listed, expected);
        let other = TcpStream::connect("127.0.0.11:54").unwrap_err();
        assert_eq!(other.kind(), std::io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn rules_of_the_containers_own_that_track_connections_let_answers_through() {
    let test = "rules_of_the_containers_own_that_track_connections_let_answers_through";
    let Some(machine) = sandbox(test) else { return };
    let (by_udp, by_tcp) = resolver(&machine);
    machine.inside(|| {
        let rules = "table ip own {
            chain in { type filter hook input priority 0; policy drop;
                ct state established accept
                ct state new ip daddr 127.0.0.11 accept
            }
            chain out { type filter hook output priority 0; policy drop;
                ct state established accept
                ct state new ip daddr 127.0.0.11 accept
            }
        }";
        output("nft", &[rules]);
        udp_round_trip(&udp("0.0.0.0:0"), "127.0.0.11:53", &by_udp);
        assert!(reaches("127.0.0.11:53", &by_tcp).is_some());
    });
}

#[test]
fn connections_of_the_container_are_not_tracked() {
    let Some(machine) = sandbox("connections_of_the_container_are_not_tracked") else {
        return;
    };
    let (by_udp, _) = resolver(&machine);
    machine.inside(|| {
        udp_round_trip(&udp("0.0.0.0:0"), "127.0.0.11:53", &by_udp);
        let Ok(tracked) = std::fs::read_to_string("/proc/thread-self/net/stat/nf_conntrack") else {
            return;
        };
        // A line a processor, after the header; the first field is the number of entries.
        let entries = tracked.lines().nth(1).unwrap().split(' ').next().unwrap();
        assert_eq!(entries, "00000000", "{tracked}");
    });
}
