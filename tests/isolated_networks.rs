//! What keeps networks apart from each other and from the outside, and what
//! goes out all the same.

use std::io::ErrorKind::{HostUnreachable, TimedOut};
use std::io::Read;
use std::net::{TcpListener, UdpSocket};

use crate::harness::{Host, Neighbour, ask, ask_udp, eventually, inside};

fn pid(host: &Host, name: &str) -> u32 {
    host.pid(name).try_into().unwrap()
}

#[test]
fn containers_go_out_with_the_hosts_address() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --subnet 10.242.0.0/24 -o com.docker.network.bridge.enable_ip_masquerade=false plain");
    neighbour
        .sh("ip route add 10.242.0.0/24 via 198.51.100.2")
        .ok();
    let listeners = inside(neighbour.pid(), || {
        ["198.51.100.1:7000", "[2001:db8:100::1]:7000"].map(|at| TcpListener::bind(at).unwrap())
    });
    let peers: Vec<_> = listeners
        .iter()
        .flat_map(|listener| {
            let at = listener.local_addr().unwrap();
            let networks: &[&str] = if at.is_ipv4() {
                &["bridge", "lan", "plain"]
            } else {
                &["lan"]
            };
            networks.iter().map(move |network| (listener, at, *network))
        })
        .map(|(listener, at, network)| {
            let mut client = host.spawn(&format!(
                "run --rm --network {network} alpine nc {} {}",
                at.ip(),
                at.port()
            ));
            let (stream, peer) = listener.accept().unwrap();
            drop(stream);
            client.wait().unwrap();
            peer.ip().to_string()
        })
        .collect();
    assert_eq!(
        peers,
        [
            "198.51.100.2",
            "198.51.100.2",
            "10.242.0.2",
            "2001:db8:100::2"
        ]
    );
    host.ok("run --rm alpine ping -c 1 -W 2 198.51.100.1");
}

#[test]
fn networks_do_not_reach_each_other() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --ipv6 --subnet 10.242.0.0/24 --subnet fd00:bb::/64 far");
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name other --network far alpine sleep 1000");
    host.ok("run -d --name third alpine sleep 1000");
    for name in ["other", "third"] {
        inside(pid(&host, name), || {
            assert_eq!(ask("10.241.0.2:80"), Err(TimedOut), "{name}");
            assert_eq!(ask_udp("10.241.0.2:80"), Err(TimedOut), "{name}");
        });
        host.fails(1, &format!("exec {name} ping -c 1 -W 1 10.241.0.2"));
        // A gateway is the host itself.
        host.ok(&format!("exec {name} ping -c 1 -W 2 10.241.0.1"));
    }
    inside(pid(&host, "other"), || {
        assert_eq!(ask("[fd00:aa::2]:80"), Err(TimedOut))
    });
    assert!(ask("10.241.0.2:80").is_ok());
    assert!(ask("[fd00:aa::2]:80").is_ok());
}

#[test]
fn the_outside_reaches_published_ports_only_even_by_a_route() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.who_server("web", "--network lan -p 8080:80");
    host.who_server("hidden", "--network lan");
    neighbour
        .sh("ip route add 10.241.0.0/24 via 198.51.100.2; \
             ip -6 route add fd00:aa::/64 via 2001:db8:100::2")
        .ok();
    inside(neighbour.pid(), || {
        assert_eq!(
            ask("198.51.100.2:8080").unwrap(),
            "server=web peer=198.51.100.1"
        );
        for address in [
            "10.241.0.2:80",
            "10.241.0.3:80",
            "[fd00:aa::2]:80",
            "[fd00:aa::3]:80",
        ] {
            assert_eq!(ask(address), Err(TimedOut), "{address}");
        }
        assert_eq!(ask_udp("10.241.0.3:80"), Err(TimedOut));
    });
    neighbour.sh("! ping -c 1 -W 1 10.241.0.3").ok();
}

/// Sends a datagram to 127.0.0.1:9000 as a frame to the host's interface.
const SPOOF: &str = r#"
import socket, struct, sys
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
checksum = lambda data: ~(lambda s: (s & 0xffff) + (s >> 16))(sum(struct.unpack("!10H", data))) & 0xffff
udp = struct.pack("!HHHH", 4000, 9000, 13, 0) + b"spoof"
ends = socket.inet_aton("198.51.100.1") + socket.inet_aton("127.0.0.1")
head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends
head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("wire", 0x0800))
wire.send(mac + wire.getsockname()[4] + b"\x08\x00" + head + udp)
"#;

#[test]
fn frames_for_loopback_from_the_wire_are_dropped() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    // As some tools leave it; otherwise the kernel drops them by itself.
    host.sh("echo 1 > /proc/sys/net/ipv4/conf/uplink/route_localnet; \
             echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; \
             echo 0 > /proc/sys/net/ipv4/conf/uplink/rp_filter")
        .ok();
    let listener = UdpSocket::bind("127.0.0.1:9000").unwrap();
    listener
        .set_read_timeout(Some(std::time::Duration::from_millis(500)))
        .unwrap();
    let script = host.write("spoof.py", SPOOF);
    let to = host
        .sh("ip -o link show dev uplink | sed 's,.*link/ether \\([^ ]*\\).*,\\1,'")
        .ok();
    let arrives = || {
        neighbour.sh(&format!("python3 {script} {to}")).ok();
        listener.recv(&mut [0; 16]).is_ok()
    };
    assert!(arrives(), "without rules it arrives");
    host.ok("network create lan");
    assert!(!arrives());
    // The host itself reaches its loopback as ever.
    let own = UdpSocket::bind("127.0.0.1:0").unwrap();
    own.send_to(b"own", "127.0.0.1:9000").unwrap();
    assert_eq!(listener.recv(&mut [0; 16]).unwrap(), 3);
}

#[test]
fn a_loopback_binding_is_out_of_reach_from_the_wire_over_both_families() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.who_server("web", "--network lan -p 127.0.0.1:8081:80 -p [::1]:8081:80");
    neighbour
        .sh("ip route add 10.241.0.0/24 via 198.51.100.2; \
             ip -6 route add fd00:aa::/64 via 2001:db8:100::2")
        .ok();
    inside(neighbour.pid(), || {
        for gateway in [
            "198.51.100.2",
            "10.241.0.1",
            "[2001:db8:100::2]",
            "[fd00:aa::1]",
        ] {
            let refused = Err(std::io::ErrorKind::ConnectionRefused);
            assert_eq!(ask(format!("{gateway}:8081")), refused, "{gateway}");
        }
        for address in ["10.241.0.2:80", "[fd00:aa::2]:80"] {
            assert_eq!(ask(address), Err(TimedOut), "{address}");
        }
    });
    assert!(ask("127.0.0.1:8081").is_ok() && ask("[::1]:8081").is_ok());
}

/// Nobody answers, be it that nobody answers who asks for the address on the wire.
fn is_silent(address: &str) -> bool {
    matches!(ask(address), Err(TimedOut | HostUnreachable))
}

#[test]
fn without_icc_peers_are_silent_and_published_ports_are_not() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok(
        "network create -o com.docker.network.bridge.enable_icc=false --subnet 10.241.0.0/24 lan",
    );
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    host.fails(1, "exec peer ping -c 1 -W 1 web");
    inside(pid(&host, "peer"), || {
        assert!(is_silent("10.241.0.2:80"));
        assert_eq!(
            ask("10.241.0.1:8080").unwrap(),
            "server=web peer=10.241.0.1"
        );
    });
    host.ok("exec peer ping -c 1 -W 2 10.241.0.1");
    host.ok("exec peer ping -c 1 -W 2 198.51.100.1");
    inside(neighbour.pid(), || {
        assert_eq!(
            ask("198.51.100.2:8080").unwrap(),
            "server=web peer=198.51.100.1"
        );
    });
}

#[test]
fn without_icc_ipv6_peers_are_silent_as_well() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok(
        "network create -o com.docker.network.bridge.enable_icc=false --ipv6 \
         --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan",
    );
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    inside(pid(&host, "peer"), || {
        assert!(is_silent("[fd00:aa::2]:80"));
        // By the gateway: the relay connects to the container over IPv4.
        assert_eq!(
            ask("[fd00:aa::1]:8080").unwrap(),
            "server=web peer=10.241.0.1"
        );
    });
    host.ok("exec peer ping -c 1 -W 2 fd00:aa::1");
    host.ok("exec peer ping -c 1 -W 2 2001:db8:100::1");
    inside(neighbour.pid(), || {
        assert_eq!(
            ask("[2001:db8:100::2]:8080").unwrap(),
            "server=web peer=2001:db8:100::1"
        );
    });
}

#[test]
fn foreign_tables_and_the_forward_policy_of_others_stay_as_they_are() {
    let host = Host::new();
    let table = "table inet mine {\n\tchain forward {\n\t\ttype filter hook forward priority \
                 filter; policy accept;\n\t\tip saddr 192.0.2.1 drop\n\t}\n}";
    let path = host.write("mine.nft", table);
    host.sh(&format!("nft -f {path}")).ok();
    host.ok("network create lan");
    host.ok("run -d --name web --network lan -p 8080:80 alpine sleep 1000");
    host.ok("rm -f web");
    host.ok("network rm lan");
    assert_eq!(host.sh("nft list table inet mine").ok(), table);
    host.sh("nft delete table inet mine").ok();
    let tables = host.sh("nft list tables").ok();
    assert_eq!(tables, "table inet rbox");
}

#[test]
fn datagrams_from_a_container_keep_their_way_back() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let echo = inside(neighbour.pid(), || {
        UdpSocket::bind("198.51.100.1:7001").unwrap()
    });
    let mut client = host.spawn("run --rm -i alpine nc -u 198.51.100.1 7001");
    use std::io::Write;
    client
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"hello\n")
        .unwrap();
    let mut buffer = [0u8; 64];
    let (length, peer) = echo.recv_from(&mut buffer).unwrap();
    assert_eq!(
        (&buffer[..length], peer.ip().to_string().as_str()),
        (&b"hello\n"[..], "198.51.100.2")
    );
    echo.send_to(b"back\n", peer).unwrap();
    let mut back = [0u8; 5];
    client
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut back)
        .unwrap();
    assert_eq!(&back, b"back\n");
    let name = eventually("the container", || {
        Some(host.ok("ps --format {{.Names}}")).filter(|name| !name.is_empty())
    });
    host.ok(&format!("kill {name}"));
    client.wait().unwrap();
}
