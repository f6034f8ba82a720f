//! `network reload`: what somebody took out of the kernel is there again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::harness::{Host, Neighbour, ask, inside, wait_until};

/// The server sees the client itself: by the relay alone it would see the gateway.
fn led_by_the_firewall(neighbour: &Neighbour<'_>) -> bool {
    let seen = inside(neighbour.pid(), || ask("198.51.100.2:8080"));
    seen == Ok("server=web peer=198.51.100.1".to_owned())
}

fn in_web(host: &Host, command: &str) -> bool {
    host.rbox(&["exec", "web", "sh", "-c", command]).code == 0
}

/// A server at port 8080 on `lan`, and a neighbour of it.
fn two_containers(host: &Host) {
    host.ok("network create --ipv6 -o com.docker.network.bridge.name=br-lan lan");
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
}

#[test]
fn all_is_well_and_nothing_is_done() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    assert_eq!(host.ok("network reload"), "");
    two_containers(&host);
    let before = host
        .sh("nft -a list ruleset; ip -br link; ip -br addr; ip route")
        .ok();
    for line in [
        "network reload",
        "network reload lan",
        "network reload bridge host none lan",
    ] {
        assert_eq!(host.ok(line), "", "{line}");
    }
    assert_eq!(
        host.sh("nft -a list ruleset; ip -br link; ip -br addr; ip route")
            .ok(),
        before
    );
    assert_eq!(
        host.fails(1, "network reload nowhere"),
        "rbox: network nowhere not found"
    );
}

#[test]
fn a_flushed_firewall_is_written_again() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_containers(&host);
    for flush in [
        "nft flush ruleset",
        "nft delete table inet rbox",
        "nft flush table inet rbox",
    ] {
        assert!(led_by_the_firewall(&neighbour), "before {flush}");
        host.sh(flush).ok();
        assert!(!led_by_the_firewall(&neighbour), "{flush}");
        let mended = host.ok("network reload");
        assert!(mended.starts_with("network lan"), "{flush}: {mended}");
        assert!(led_by_the_firewall(&neighbour), "after {flush}");
        assert!(
            in_web(
                &host,
                "python3 -c 'import socket; socket.create_connection((\"198.51.100.1\", 1), 2)' 2>&1 | grep -q refused"
            ),
            "{flush}"
        );
        assert_eq!(host.ok("network reload"), "", "{flush}");
    }
}

#[test]
fn bridges_addresses_ports_and_routes_come_back() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_containers(&host);
    let veth = host
        .rbox(&["exec", "web", "cat", "/sys/class/net/eth0/iflink"])
        .ok();
    let veth = host
        .sh(&format!(
            "ip -o link | sed -n 's/^{veth}: \\([^@]*\\)@.*/\\1/p'"
        ))
        .ok();
    let netns = "ip netns exec rbox-web";
    let addresses = host.sh(&format!("{netns} ip -br addr show eth0")).ok();
    for (damage, mended) in [
        (
            "ip link del br-lan",
            "network lan\ncontainer peer: eth0\ncontainer web: eth0",
        ),
        ("ip addr flush dev br-lan", "network lan"),
        ("ip link set br-lan down", "network lan"),
        (
            &format!("ip link set {veth} nomaster"),
            "container web: eth0",
        ),
        (
            &format!("ip link del {veth}"),
            "container web: eth0, default route",
        ),
        (
            &format!("{netns} ip route flush default"),
            "container web: default route",
        ),
        (
            &format!("{netns} nft flush ruleset"),
            "container web: resolver",
        ),
        (
            "umount /run/netns/rbox-web; rm /run/netns/rbox-web",
            "container web: name of the namespace",
        ),
    ] {
        host.sh(damage).ok();
        let mut lines: Vec<String> = host
            .ok("network reload")
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort_by_key(|line| (!line.starts_with("network"), line.clone()));
        // With its interface, a sandbox loses its IPv6 route, too.
        assert_eq!(lines.join("\n"), mended, "{damage}");
        assert_eq!(host.ok("network reload"), "", "{damage}");
        assert!(in_web(&host, "ping -c 1 -W 2 peer"), "{damage}");
        assert!(in_web(&host, "ping -6 -c 1 -W 2 peer"), "{damage}");
        assert!(in_web(&host, "ping -c 1 -W 2 198.51.100.1"), "{damage}");
        assert!(led_by_the_firewall(&neighbour), "{damage}");
        let now = host.sh(&format!("{netns} ip -br addr show eth0")).ok();
        let without_index = |text: &str| text.split_once(' ').map(|(_, rest)| rest.to_owned());
        assert_eq!(without_index(&now), without_index(&addresses), "{damage}");
    }
}

#[test]
fn live_connections_live_on() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create lan");
    let listener = inside(neighbour.pid(), || {
        TcpListener::bind("198.51.100.1:7000").unwrap()
    });
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "web",
        "--network",
        "lan",
        "-p",
        "8080:80",
        "alpine",
        "sh",
        "-c",
        "nc -l -p 80 -e cat & exec nc 198.51.100.1 7000 -e cat",
    ])
    .ok();
    let (mut out, _) = listener.accept().unwrap();
    let mut within = None;
    wait_until(10, || {
        within = inside(neighbour.pid(), || {
            TcpStream::connect("198.51.100.2:8080").ok()
        });
        within.is_some()
    });
    let mut within = within.unwrap();
    let mut both = |word: &[u8; 4]| {
        for stream in [&mut out, &mut within] {
            stream.write_all(word).unwrap();
            let mut heard = [0; 4];
            stream.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, word);
        }
    };
    both(b"one ");
    assert_eq!(host.ok("network reload"), "");
    both(b"two ");
    // Connections are tracked by the kernel, not by the table.
    host.sh("nft flush ruleset").ok();
    host.ok("network reload");
    both(b"more");
}

#[test]
fn a_start_after_a_flush_says_what_is_dead() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    // The first start of all makes the table, too.
    assert_eq!(host.shell("", "true").stderr, "");
    two_containers(&host);
    host.sh("nft flush ruleset").ok();
    let started = host.shell("-p 8081:80", "ping -c 1 -W 2 198.51.100.1");
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(
        started.stderr,
        "WARNING: the firewall table inet rbox was gone\nhint: `rbox network reload` gives \
         running containers their networks and published ports back\n"
    );
    assert!(!led_by_the_firewall(&neighbour));
    host.ok("network reload");
    assert!(led_by_the_firewall(&neighbour));
    host.sh("nft flush ruleset").ok();
    let created = host.rbox(&["network", "create", "other"]);
    assert!(
        created.stderr.starts_with("WARNING: the firewall table"),
        "{created:?}"
    );
}

#[test]
fn reloads_cross_starts_and_stops() {
    let host = Host::new();
    host.ok("network create lan");
    let mut children: Vec<_> = (0..8)
        .map(|number| {
            host.spawn(&format!(
                "run --rm --network lan -p {}:80 --name c{number} alpine sleep 0.{number}",
                9000 + number
            ))
        })
        .collect();
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        let output = host.rbox(&["network", "reload"]);
        assert_eq!(output.code, 0, "{output:?}");
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let listed = host.sh("nft list table inet rbox").ok();
    assert!(
        !listed.contains("9000") && !listed.contains("9007"),
        "{listed}"
    );
}
