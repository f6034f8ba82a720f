//! From where a published port is reached, and whom the container sees then.

use std::io::ErrorKind::{ConnectionRefused, TimedOut};
use std::net::UdpSocket;
use std::time::Duration;

use crate::harness::{HOST_ADDRESS, Host, Neighbour, ask, ask_udp, inside};

/// Networks with known addresses: the server's gateway is 10.241.0.1, the other's 10.242.0.1.
fn two_networks(host: &Host) {
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.ok("network create --subnet 10.242.0.0/24 far");
}

fn seen(peer: &str) -> Result<String, std::io::ErrorKind> {
    Ok(format!("server=web peer={peer}"))
}

#[test]
fn from_the_host_by_every_address_over_tcp_and_udp() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.who_server("web", "--network lan -p 8080:80 -p 8080:80/udp");
    // Loopback and IPv6 come through the relay, so that the container sees its gateway;
    // by DNAT it sees the address that the host used.
    for (address, peer) in [
        ("127.0.0.1:8080", "10.241.0.1"),
        ("127.0.0.2:8080", "10.241.0.1"),
        ("[::1]:8080", "10.241.0.1"),
        ("198.51.100.2:8080", HOST_ADDRESS),
        ("[2001:db8:100::2]:8080", "10.241.0.1"),
        ("10.241.0.1:8080", "10.241.0.1"),
        ("10.242.0.1:8080", "10.242.0.1"),
        ("10.241.0.2:80", "10.241.0.1"),
    ] {
        assert_eq!(ask(address), seen(peer), "{address} tcp");
        assert_eq!(ask_udp(address), seen(peer), "{address} udp");
    }
}

#[test]
fn from_another_host_with_the_clients_own_address() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.who_server("web", "--network lan -p 8080:80 -p 8080:80/udp");
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8080"), seen("198.51.100.1"));
        assert_eq!(ask_udp("198.51.100.2:8080"), seen("198.51.100.1"));
        // The container has no IPv6.
        assert_eq!(ask("[2001:db8:100::2]:8080"), seen("10.241.0.1"));
        assert_eq!(ask_udp("[2001:db8:100::2]:8080"), seen("10.241.0.1"));
    });
}

#[test]
fn from_another_host_to_a_container_with_ipv6_with_the_clients_own_address() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.who_server("web", "--network lan -p 8080:80 -p 8080:80/udp");
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8080"), seen("198.51.100.1"));
        assert_eq!(ask("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
        assert_eq!(ask_udp("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
    });
    assert_eq!(ask("[2001:db8:100::2]:8080"), seen("2001:db8:100::2"));
    assert_eq!(
        ask("[::1]:8080").map(|answer| answer.starts_with("server=web ")),
        Ok(true)
    );
}

#[test]
fn from_containers_by_their_gateway_and_by_the_hosts_addresses() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.who_server("web", "--network lan -p 8080:80 -p 8080:80/udp");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    host.ok("run -d --name other --network far alpine sleep 1000");
    let from = |name: &str, address: &str, peer: &str| {
        inside(host.pid(name).try_into().unwrap(), || {
            assert_eq!(ask(address), seen(peer), "{name} to {address} tcp");
            assert_eq!(ask_udp(address), seen(peer), "{name} to {address} udp");
        });
    };
    from("peer", "10.241.0.2:80", "10.241.0.3");
    for address in ["10.241.0.1:8080", "10.242.0.1:8080", "198.51.100.2:8080"] {
        // On the same network the reply must come back through the host.
        from("peer", address, "10.241.0.1");
        from("web", address, "10.241.0.1");
        from("other", address, "10.242.0.2");
    }
}

#[test]
fn from_a_network_that_the_server_is_on_as_well() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --ipv6 --subnet 10.242.0.0/24 --subnet fd00:bb::/64 zone");
    host.ok("run -d --name peer --network zone alpine sleep 1000");
    host.who_server(
        "web",
        "--network lan --network zone -p 8080:80 -p 8080:80/udp",
    );
    // Its ports lead to its address on "lan", which comes first; to a client on "zone" it would
    // answer with that of "zone".
    let from_peer = |peer: &str, peer6: &str| {
        inside(host.pid("peer").try_into().unwrap(), || {
            assert_eq!(ask("10.242.0.1:8080"), seen(peer));
            assert_eq!(ask_udp("10.242.0.1:8080"), seen(peer));
            assert_eq!(ask("[fd00:bb::1]:8080"), seen(peer6));
        });
    };
    from_peer("10.241.0.1", "fd00:aa::1");
    host.ok("network disconnect zone web");
    from_peer("10.242.0.2", "fd00:bb::2");
    host.ok("network connect zone web");
    from_peer("10.241.0.1", "fd00:aa::1");
    host.ok("stop -t 0 web");
    let shortcuts = host.sh("nft list set inet rbox shortcut4").ok();
    assert!(!shortcuts.contains("elements"), "{shortcuts}");
}

/// What a client hears that goes on with the socket it has.
fn hears(client: &UdpSocket) -> String {
    let mut buffer = [0; 256];
    client.send(b"who").unwrap();
    let length = client.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length])
        .trim_end()
        .to_owned()
}

#[test]
fn a_udp_client_reaches_the_next_container_with_the_same_socket() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let client = inside(neighbour.pid(), || {
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("198.51.100.2:8080").unwrap();
        client
    });
    client
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let own = "peer=198.51.100.1";
    host.who_server("one", "-p 8080:80/udp");
    assert_eq!(hears(&client), format!("server=one {own}"));
    host.ok("rm -f one");
    host.who_server("two", "-p 8080:80/udp");
    assert_ne!(host.address("two", "bridge"), "172.17.0.2");
    assert_eq!(hears(&client), format!("server=two {own}"));
    host.ok("rm -f two");
    // Asked while there is no container it is told so, and led to none from then on.
    client.send(b"who").unwrap();
    let refused = client.recv(&mut [0; 8]).unwrap_err();
    assert_eq!(refused.kind(), ConnectionRefused);
    host.who_server("three", "-p 8080:80/udp");
    assert_eq!(hears(&client), format!("server=three {own}"));
}

#[test]
fn a_udp_client_follows_a_container_to_another_network() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    let client = inside(neighbour.pid(), || {
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("198.51.100.2:8080").unwrap();
        client
    });
    client
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    host.who_server("web", "--network lan -p 8080:80/udp");
    let web = "server=web peer=198.51.100.1";
    assert_eq!(hears(&client), web);
    host.ok("network connect far web");
    assert_eq!(hears(&client), web);
    host.ok("network disconnect far web");
    assert_eq!(hears(&client), web);
    host.ok("network connect far web");
    host.ok("network disconnect lan web");
    assert_eq!(hears(&client), web);
}

#[test]
fn nothing_is_remembered_of_connections_to_a_container_that_is_gone() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.who_server("web", "-p 8080:80");
    let stream = inside(neighbour.pid(), || {
        std::net::TcpStream::connect("198.51.100.2:8080").unwrap()
    });
    let tracked = || std::fs::read_to_string("/proc/thread-self/net/nf_conntrack").unwrap();
    assert!(tracked().contains("src=172.17.0.2"), "{}", tracked());
    host.ok("rm -f web");
    crate::harness::eventually("the connection to be forgotten", || {
        (!tracked().contains("src=172.17.0.2")).then_some(())
    });
    drop(stream);
}

#[test]
fn a_loopback_binding_is_for_this_host_alone() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.who_server("web", "--network lan -p 127.0.0.1:8081:80 -p [::1]:8082:80");
    host.ok("run -d --name other --network far alpine sleep 1000");
    assert_eq!(ask("127.0.0.1:8081"), seen("10.241.0.1"));
    assert_eq!(ask("[::1]:8082"), seen("10.241.0.1"));
    assert_eq!(ask("198.51.100.2:8081"), Err(ConnectionRefused));
    inside(host.pid("other").try_into().unwrap(), || {
        assert_eq!(ask("10.242.0.1:8081"), Err(ConnectionRefused));
    });
    neighbour.sh("ip route add 127.0.0.1/32 via 198.51.100.2 table 9; ip rule add to 127.0.0.1 table 9 pref 1; ip rule del pref 0; ip rule add pref 2 table local").ok();
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8081"), Err(ConnectionRefused));
        assert_ne!(ask("127.0.0.1:8081"), seen("10.241.0.1"));
        assert_eq!(ask("[2001:db8:100::2]:8082"), Err(ConnectionRefused));
    });
}

#[test]
fn a_network_may_bind_to_one_address_by_default() {
    let host = Host::new();
    host.ok("network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 --subnet 10.241.0.0/24 lan");
    host.who_server("web", "--network lan -p 8087:80");
    assert_eq!(host.ok("port web"), "80/tcp -> 127.0.0.1:8087");
    assert_eq!(ask("127.0.0.1:8087"), seen("10.241.0.1"));
    assert_eq!(ask("[::1]:8087"), Err(ConnectionRefused));
}

#[test]
fn ports_follow_the_container_to_another_network() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.who_server("web", "--network lan -p 8080:80");
    let both = |peer: &str| {
        assert_eq!(ask("127.0.0.1:8080"), seen(peer));
        inside(neighbour.pid(), || {
            assert_eq!(ask("198.51.100.2:8080"), seen("198.51.100.1"))
        });
    };
    both("10.241.0.1");
    host.ok("network connect far web");
    both("10.242.0.1");
    host.ok("network disconnect lan web");
    both("10.242.0.1");
    host.ok("network disconnect far web");
    inside(neighbour.pid(), || {
        assert!(ask("198.51.100.2:8080").is_err())
    });
    host.ok("network connect lan web");
    both("10.241.0.1");
}

#[test]
fn a_range_leads_each_port_to_its_own() {
    let host = Host::new();
    host.who_server("web", "-p 8079-8081:79-81");
    assert_eq!(ask("127.0.0.1:8080"), seen("172.17.0.1"));
    assert_eq!(ask_udp("127.0.0.1:8080"), Err(ConnectionRefused));
    // Nobody listens at 79 in the container.
    assert!(ask("127.0.0.1:8079").is_err_and(|error| error != TimedOut));
}
