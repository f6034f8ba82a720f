//! Networks with `--internal`: names resolve and peers talk, and nothing else goes in or out.

use std::io::ErrorKind::TimedOut;

use crate::harness::dns::{SERVFAIL, Type, resolve};
use crate::harness::{Host, Neighbour, ask, inside};

fn pid(host: &Host, name: &str) -> u32 {
    host.pid(name).try_into().unwrap()
}

/// `inner` is internal with both families, `lan` is not.
fn networks(host: &Host) {
    host.ok("network create --internal --ipv6 --subnet 10.252.0.0/24 --subnet fd00:52::/64 inner");
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:41::/64 lan");
}

#[test]
fn an_internal_network_has_no_way_out_or_in() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    networks(&host);
    host.who_server("web", "--network inner -p 8085:80");
    host.ok("run -d --name peer --network inner alpine sleep 1000");
    host.ok("run -d --name other --network lan alpine sleep 1000");
    assert_eq!(
        host.ok("exec peer ip route"),
        "10.252.0.0/24 dev eth0 scope link  src 10.252.0.3 "
    );
    assert!(!host.ok("exec peer ip -6 route").contains("default"));
    for address in ["198.51.100.1", "2001:db8:100::1"] {
        assert_eq!(
            host.fails(1, &format!("exec peer ping -c 1 -W 1 {address}")),
            "ping: sendto: Network unreachable"
        );
    }
    host.ok("exec peer ping -c 1 web");
    host.ok("exec peer ping -6 -c 1 web");
    host.ok("exec peer ping -c 1 10.252.0.1");
    assert_eq!(
        resolve(pid(&host, "peer"), "example.test", Type::A).code,
        SERVFAIL
    );
    // A route made by hand does not help.
    let peer = pid(&host, "peer");
    host.sh(&format!(
        "set -e; nsenter -t {peer} -n ip route add default via 10.252.0.1; \
         nsenter -t {peer} -n ip route add default via fd00:52::1"
    ))
    .ok();
    host.fails(1, "exec peer ping -c 1 -W 1 198.51.100.1");
    host.fails(1, "exec peer ping -c 1 -W 1 2001:db8:100::1");
    neighbour
        .sh("set -e; ip route add 10.252.0.0/24 via 198.51.100.2; \
             ip route add fd00:52::/64 via 2001:db8:100::2")
        .ok();
    let silent = || {
        for address in ["10.252.0.2:80", "[fd00:52::2]:80"] {
            assert_eq!(ask(address), Err(TimedOut), "{address}");
        }
    };
    inside(neighbour.pid(), silent);
    inside(pid(&host, "other"), silent);
    // The host itself is on it; no port is published.
    assert_eq!(ask("10.252.0.2:80").unwrap(), "server=web peer=10.252.0.1");
    assert_eq!(host.ok("port web"), "");
    assert!(ask("127.0.0.1:8085").is_err());
}

#[test]
fn a_second_network_leads_out_and_publishes_until_it_goes() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    networks(&host);
    host.who_server("web", "--network inner -p 8085:80");
    host.ok("run -d --name peer --network inner alpine sleep 1000");
    let shown =
        |container: &str| host.ok(&format!("ps --format {{{{.Ports}}}} -f name={container}"));
    assert!(!shown("web").contains("8085"));

    host.ok("network connect lan web");
    assert_eq!(
        host.ok("port web"),
        "80/tcp -> 0.0.0.0:8085\n80/tcp -> [::]:8085"
    );
    assert_eq!(shown("web"), "0.0.0.0:8085->80/tcp, [::]:8085->80/tcp");
    host.ok("exec web ping -c 1 -W 2 198.51.100.1");
    host.ok("exec web ping -c 1 -W 2 2001:db8:100::1");
    assert_eq!(ask("127.0.0.1:8085").unwrap(), "server=web peer=10.241.0.1");
    inside(neighbour.pid(), || {
        let seen = |peer: &str| Ok(format!("server=web peer={peer}"));
        assert_eq!(ask("198.51.100.2:8085"), seen("198.51.100.1"));
        assert_eq!(ask("[2001:db8:100::2]:8085"), seen("2001:db8:100::1"));
    });
    // Peers of the internal network know it as before.
    host.ok("exec peer ping -c 1 web");
    host.fails(1, "exec peer ping -c 1 -W 1 198.51.100.1");

    host.ok("network disconnect lan web");
    assert_eq!(host.ok("port web"), "");
    let routes = host
        .rbox(&["exec", "web", "sh", "-c", "ip route; ip -6 route"])
        .ok();
    assert!(!routes.contains("default"), "{routes}");
    // The port is anybody's.
    host.ok("run -d --name next -p 8085:80 alpine sleep 1000");
    let said = host.fails(1, "network connect lan web");
    assert!(
        said.ends_with("Bind for 0.0.0.0:8085 failed: port is already allocated"),
        "{said}"
    );
    assert!(!host.ok("exec web ip addr").contains("10.241."));
    host.ok("rm -f next");
    host.ok("network connect lan web");
    assert_eq!(ask("127.0.0.1:8085").unwrap(), "server=web peer=10.241.0.1");
}

#[test]
fn a_container_on_both_from_its_start_goes_out_by_the_other() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    networks(&host);
    host.ok("run -d --name box --network inner --network lan alpine sleep 1000");
    let routes = host
        .rbox(&["exec", "box", "sh", "-c", "ip route; ip -6 route"])
        .ok();
    assert!(
        routes.contains("default via 10.241.0.1 dev eth1")
            && routes.contains("default via fd00:41::1 dev eth1"),
        "{routes}"
    );
    host.ok("exec box ping -c 1 -W 2 198.51.100.1");
}
