//! What stands between a network and the outside: `gateway_mode_ipv4|6` and what goes with it.

use std::io::ErrorKind::{ConnectionRefused, TimedOut};
use std::net::TcpListener;

use crate::harness::{Host, Neighbour, ask, ask_udp, inside};

const MODE4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
const MODE6: &str = "com.docker.network.bridge.gateway_mode_ipv6";

/// A neighbour that sends what is for our networks to the host.
fn router(host: &Host) -> Neighbour<'_> {
    let neighbour = Neighbour::new(host);
    neighbour
        .sh("ip route add 10.0.0.0/8 via 198.51.100.2; \
             ip -6 route add fd00::/16 via 2001:db8:100::2")
        .ok();
    neighbour
}

fn seen(server: &str, peer: &str) -> Result<String, std::io::ErrorKind> {
    Ok(format!("server={server} peer={peer}"))
}

/// With which address a container goes out to the neighbour.
fn goes_out_as(host: &Host, neighbour: &Neighbour<'_>, network: &str, to: &str) -> String {
    let listener = inside(neighbour.pid(), || TcpListener::bind((to, 7000)).unwrap());
    let mut client = host.spawn(&format!("run --rm --network {network} alpine nc {to} 7000"));
    let (stream, peer) = listener.accept().unwrap();
    drop(stream);
    client.wait().unwrap();
    peer.ip().to_string()
}

#[test]
fn routed_ports_are_at_the_containers_own_address() {
    let host = Host::new();
    let neighbour = router(&host);
    host.ok(&format!(
        "network create --subnet 10.243.0.0/24 -o {MODE4}=routed routed"
    ));
    host.ok("network create --subnet 10.242.0.0/24 far");
    host.who_server("web", "--network routed -p 8087:80 -p 8087:80/udp");
    host.who_server("hidden", "--network routed");
    host.ok("run -d --name other --network far alpine sleep 1000");

    assert_eq!(
        host.rbox(&["ps", "--filter", "name=web", "--format", "{{.Ports}}"])
            .ok(),
        "0.0.0.0:0->80/tcp, 0.0.0.0:0->80/udp, [::]:8087->80/tcp, [::]:8087->80/udp"
    );
    assert_eq!(host.ok("port web 80/tcp"), "0.0.0.0:\n[::]:8087");
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .NetworkSettings.Ports}}", "web"])
            .ok(),
        "{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"},{\"HostIp\":\"::\",\"HostPort\":\"8087\"}],\
         \"80/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"},{\"HostIp\":\"::\",\"HostPort\":\"8087\"}]}"
    );
    inside(neighbour.pid(), || {
        assert_eq!(ask("10.243.0.2:80"), seen("web", "198.51.100.1"));
        assert_eq!(ask_udp("10.243.0.2:80"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.243.0.3:80"), Err(TimedOut), "not published");
        assert_eq!(ask("198.51.100.2:8087"), Err(ConnectionRefused));
    });
    neighbour.sh("ping -c 1 -W 2 10.243.0.3").ok();
    // From other networks, too: it is as if they were routed from elsewhere.
    inside(host.pid("other").try_into().unwrap(), || {
        assert_eq!(ask("10.243.0.2:80"), seen("web", "10.242.0.2"));
        assert_eq!(ask("10.243.0.3:80"), Err(TimedOut));
    });
    assert_eq!(ask("10.243.0.2:80"), seen("web", "10.243.0.1"));
    assert_eq!(
        goes_out_as(&host, &neighbour, "routed", "198.51.100.1"),
        "10.243.0.4"
    );

    host.ok("stop -t 0 web");
    let rules = host.sh("nft list set inet rbox reachable4").ok();
    assert!(!rules.contains("10.243.0.2"), "{rules}");
}

#[test]
fn the_families_have_modes_of_their_own() {
    let host = Host::new();
    let neighbour = router(&host);
    host.ok(&format!(
        "network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 -o {MODE6}=routed lan"
    ));
    host.who_server("web", "--network lan -p 8080:80");
    host.who_server("hidden", "--network lan");
    assert_eq!(
        host.ok("port web"),
        "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:"
    );
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8080"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.241.0.2:80"), Err(TimedOut));
        assert_eq!(ask("[fd00:aa::2]:80"), seen("web", "2001:db8:100::1"));
        assert_eq!(ask("[fd00:aa::3]:80"), Err(TimedOut));
        assert_eq!(ask("[2001:db8:100::2]:8080"), Err(ConnectionRefused));
    });
    neighbour.sh("ping -c 1 -W 2 fd00:aa::3").ok();
    neighbour.sh("! ping -c 1 -W 1 10.241.0.3").ok();
    let as_ = |to: &str| goes_out_as(&host, &neighbour, "lan", to);
    assert_eq!(as_("198.51.100.1"), "198.51.100.2");
    assert!(as_("2001:db8:100::1").starts_with("fd00:aa::"));
}

#[test]
fn unprotected_ports_are_published_and_open() {
    let host = Host::new();
    let neighbour = router(&host);
    host.ok(&format!(
        "network create --subnet 10.241.0.0/24 -o {MODE4}=nat-unprotected lan"
    ));
    host.who_server("web", "--network lan -p 8080:80");
    host.who_server("open", "--network lan");
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8080"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.241.0.2:80"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.241.0.3:80"), seen("open", "198.51.100.1"));
        assert_eq!(ask_udp("10.241.0.3:80"), seen("open", "198.51.100.1"));
    });
    assert_eq!(
        goes_out_as(&host, &neighbour, "lan", "198.51.100.1"),
        "198.51.100.2"
    );
}

#[test]
fn ports_follow_between_routed_and_translated_networks() {
    let host = Host::new();
    let neighbour = router(&host);
    host.ok(&format!(
        "network create --subnet 10.243.0.0/24 -o {MODE4}=routed routed"
    ));
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.who_server("web", "--network routed -p 8087:80");
    // "lan" comes before "routed".
    host.ok("network connect lan web");
    assert_eq!(
        host.ok("port web"),
        "80/tcp -> 0.0.0.0:8087\n80/tcp -> [::]:8087"
    );
    assert_eq!(ask("127.0.0.1:8087"), seen("web", "10.241.0.1"));
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8087"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.243.0.2:80"), Err(TimedOut));
    });
    host.ok("network disconnect lan web");
    inside(neighbour.pid(), || {
        assert_eq!(ask("10.243.0.2:80"), seen("web", "198.51.100.1"));
    });
    host.ok("network connect lan web");
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8087"), seen("web", "198.51.100.1"));
    });
}

#[test]
fn a_container_that_joins_its_first_outer_network_publishes_then() {
    let host = Host::new();
    host.ok("network create --internal --subnet 10.252.0.0/24 inner");
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.who_server("web", "--network inner -p 8085:80");
    assert_eq!(host.ok("port web"), "");
    host.ok("network connect lan web");
    assert_eq!(
        host.ok("port web"),
        "80/tcp -> 0.0.0.0:8085\n80/tcp -> [::]:8085"
    );
    assert_eq!(ask("127.0.0.1:8085"), seen("web", "10.241.0.1"));
    assert_eq!(ask("10.241.0.1:8085"), seen("web", "10.241.0.1"));
}

#[test]
fn trusted_interfaces_reach_published_ports_without_translation() {
    let host = Host::new();
    let neighbour = router(&host);
    host.ok("network create --subnet 10.241.0.0/24 \
         -o com.docker.network.bridge.trusted_host_interfaces=vxlan9:uplink lan");
    host.ok("network create --subnet 10.242.0.0/24 far");
    host.who_server("web", "--network lan -p 8080:80");
    // Bound to loopback it is for this host alone.
    host.who_server("hidden", "--network lan -p 127.0.0.1:8081:80");
    host.ok("run -d --name other --network far alpine sleep 1000");
    inside(neighbour.pid(), || {
        assert_eq!(ask("10.241.0.2:80"), seen("web", "198.51.100.1"));
        assert_eq!(ask("198.51.100.2:8080"), seen("web", "198.51.100.1"));
        assert_eq!(ask("10.241.0.3:80"), Err(TimedOut));
    });
    inside(host.pid("other").try_into().unwrap(), || {
        assert_eq!(ask("10.241.0.2:80"), Err(TimedOut));
    });
}

#[test]
fn what_leaves_takes_the_address_that_was_chosen_for_it() {
    let host = Host::new();
    let neighbour = router(&host);
    host.sh("ip addr add 198.51.100.7/24 dev uplink").ok();
    host.ok(
        "network create --subnet 10.241.0.0/24 -o com.docker.network.host_ipv4=198.51.100.7 lan",
    );
    assert_eq!(
        goes_out_as(&host, &neighbour, "lan", "198.51.100.1"),
        "198.51.100.7"
    );
    assert_eq!(
        host.fails(
            1,
            "network create -o com.docker.network.host_ipv6=198.51.100.7 bad"
        ),
        "rbox: failed to parse com.docker.network.host_ipv6 value: 198.51.100.7 (nil ip)"
    );
}

#[test]
fn the_gateway_may_be_somebody_elses() {
    let host = Host::new();
    host.ok(
        "network create --subnet 10.241.0.0/24 -o com.docker.network.bridge.name=lanbr \
         -o com.docker.network.bridge.inhibit_ipv4=true lan",
    );
    assert_eq!(host.sh("ip -o -4 addr show dev lanbr").ok(), "");
    host.ok("run -d --name box --network lan alpine sleep 1000");
    assert_eq!(host.sh("ip -o -4 addr show dev lanbr").ok(), "");
    let routes = host.ok("exec box ip route");
    assert!(
        routes.contains("default via 10.241.0.1 dev eth0"),
        "{routes}"
    );
    assert_eq!(host.address("box", "lan"), "10.241.0.2");
}

#[test]
fn ports_of_a_network_may_be_bound_to_ipv6_alone() {
    let host = Host::new();
    host.ok("network create --subnet 10.241.0.0/24 \
         -o com.docker.network.bridge.host_binding_ipv4=:: lan");
    host.who_server("web", "--network lan -p 8087:80");
    assert_eq!(host.ok("port web"), "80/tcp -> [::]:8087");
    assert_eq!(ask("[::1]:8087"), seen("web", "10.241.0.1"));
    assert_eq!(ask("127.0.0.1:8087"), Err(ConnectionRefused));
}
