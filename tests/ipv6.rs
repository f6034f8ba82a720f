//! IPv6 beside IPv4, and alone: addresses that work at once, routes, names, ports; and none of
//! it where it was not asked for.

use std::net::TcpListener;

use crate::harness::dns::{NO_ERROR, Type, resolve};
use crate::harness::{Host, Neighbour, ask, ask_udp, inside};

fn pid(host: &Host, name: &str) -> u32 {
    host.pid(name).try_into().unwrap()
}

/// The v6 pool of a network: `subnet gateway`.
fn pool(host: &Host, network: &str) -> String {
    let format = "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}};{{end}}";
    let text = host
        .rbox(&["network", "inspect", "-f", format, network])
        .ok();
    let found = text.split(';').find(|pool| pool.contains(':'));
    found.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn an_automatic_subnet_is_a_unique_local_64_of_this_host() {
    let host = Host::new();
    host.ok("network create --ipv6 one");
    host.ok("network create --ipv6 two");
    let (one, two) = (pool(&host, "one"), pool(&host, "two"));
    for pool in [&one, &two] {
        let (subnet, gateway) = pool.split_once(' ').unwrap();
        let prefix = subnet.strip_suffix("::/64").unwrap();
        assert!(prefix.starts_with("fd"), "{pool}");
        assert_eq!(gateway, format!("{prefix}::1"));
    }
    assert_ne!(one, two);
    // One prefix a host, a subnet of it each.
    assert_eq!(
        one.split(':').take(2).collect::<Vec<_>>(),
        two.split(':').take(2).collect::<Vec<_>>()
    );
}

#[test]
fn an_address_works_before_the_first_instruction() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet fd00:aa::/64 lan");
    // The bridge's own address is usable before the first container too.
    let _listener = TcpListener::bind("[fd00:aa::1]:7000").unwrap();
    let text = host
        .shell(
            "--network lan",
            "cat /proc/net/if_inet6; nc -z -w 1 fd00:aa::1 7000 && echo connected",
        )
        .ok();
    let flags: Vec<u8> = text
        .lines()
        .filter(|line| line.ends_with(" eth0"))
        .map(|line| u8::from_str_radix(line.split_whitespace().nth(4).unwrap(), 16).unwrap())
        .collect();
    // IFA_F_TENTATIVE is 0x40; both the global and the link-local address are there.
    assert_eq!(flags.len(), 2, "{text}");
    assert!(flags.iter().all(|flags| flags & 0x40 == 0), "{text}");
    assert!(text.ends_with("connected"), "{text}");
}

#[test]
fn a_peer_is_reached_at_once_by_its_link_local_address_too() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet fd00:aa::/64 lan");
    host.ok("run -d --name box --network lan --mac-address 02:42:00:00:00:77 alpine sleep 1000");
    host.ok("run --rm --network lan alpine ping -c 1 -W 1 -I eth0 fe80::42:ff:fe00:77");
}

#[test]
fn without_ipv6_an_interface_has_none_and_loopback_has() {
    let host = Host::new();
    host.ok("network create plain");
    for network in ["bridge", "plain"] {
        let text = host
            .shell(
                &format!("--network {network}"),
                "ip -6 addr show eth0; cd /proc/sys/net/ipv6/conf; \
                 cat eth0/disable_ipv6 lo/disable_ipv6; ip -6 addr show lo | grep -c ::1/128; \
                 cat /etc/hosts",
            )
            .ok();
        assert!(text.starts_with("1\n0\n1\n"), "{text}");
    }
    // The bridges have no address that the kernel made, and no container is their router.
    let bridges = host.sh("ip -o link show type bridge").ok();
    for line in bridges.lines() {
        let name = line.split(": ").nth(1).unwrap();
        let accept = format!("/proc/sys/net/ipv6/conf/{name}/accept_ra");
        assert_eq!(host.sh(&format!("cat {accept}")).ok(), "0", "{name}");
        let addresses = host.sh(&format!("ip -6 -o addr show dev {name}")).ok();
        assert_eq!(addresses.lines().count(), 1, "{addresses}");
        assert!(addresses.contains("fe80::1/64"), "{addresses}");
    }
}

#[test]
fn a_container_may_do_without_ipv6_on_a_network_that_has_it() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --ipv4=false --ipv6 six");
    let flags = "--network lan --hostname box --sysctl net.ipv6.conf.all.disable_ipv6=1";
    // Its process and its network are made at the same time: whoever is first, it is the same.
    for last in 2..8 {
        let script = "ip -6 addr; ip -6 route; tail -n +7 /etc/hosts; ip route | grep default";
        assert_eq!(
            host.shell(flags, script).ok(),
            format!("10.241.0.{last}\tbox\ndefault via 10.241.0.1 dev eth0 ")
        );
    }
    let said = host.fails(
        125,
        "run --rm --network six --sysctl net.ipv6.conf.all.disable_ipv6=1 alpine true",
    );
    assert!(
        said.starts_with(
            "rbox: invalid config for network six: invalid endpoint settings:\n\
             IPv6 cannot be disabled on a network without IPv4"
        ),
        "{said}"
    );
}

#[test]
fn nobody_on_the_network_becomes_a_router_by_saying_so() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet fd00:aa::/64 lan");
    let shown = host
        .shell(
            "--network lan",
            "cat /proc/sys/net/ipv6/conf/eth0/accept_ra",
        )
        .ok();
    assert_eq!(shown, "0");
}

#[test]
fn a_container_with_both_has_both_everywhere() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.who_server(
        "web",
        "--network lan --ip6 fd00:aa::77 -p 8080:80 -p 8080:80/udp",
    );
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    let peer = pid(&host, "peer");
    assert_eq!(resolve(peer, "web", Type::Aaaa).records, ["fd00:aa::77"]);
    let reverse = "7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.a.0.0.0.0.d.f.ip6.arpa";
    assert_eq!(resolve(peer, reverse, Type::Ptr).records, ["web.lan"]);
    let hosts = host.ok("exec web cat /etc/hosts");
    assert!(
        hosts.ends_with("10.241.0.2\tweb\nfd00:aa::77\tweb"),
        "{hosts}"
    );
    inside(peer, || {
        let answer = ask("[fd00:aa::77]:80").unwrap();
        assert!(answer.starts_with("server=web peer=fd00:aa::"), "{answer}");
    });
    inside(neighbour.pid(), || {
        let seen = |peer: &str| Ok(format!("server=web peer={peer}"));
        assert_eq!(ask("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
        assert_eq!(ask_udp("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
        assert_eq!(ask("198.51.100.2:8080"), seen("198.51.100.1"));
    });
    // Kept over a restart.
    host.ok("restart -t 0 web");
    host.until_ready("web");
    assert!(
        host.ok("exec web ip -6 addr show eth0")
            .contains("fd00:aa::77/64")
    );
}

#[test]
fn a_container_with_ipv6_alone_lacks_nothing() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv4=false --ipv6 --subnet fd00:66::/64 six");
    host.who_server("web", "--network six -p 8080:80 -p 8080:80/udp");
    let text = host
        .rbox(&[
            "exec",
            "web",
            "sh",
            "-c",
            "ip -4 -o addr show eth0; ip route; ip -6 route; cat /etc/hosts /etc/resolv.conf",
        ])
        .ok();
    assert!(
        !text.contains("inet ")
            && text.contains("default via fd00:66::1 dev eth0")
            && text.contains("fd00:66::2\tweb\n")
            && text.contains("nameserver 127.0.0.11\n"),
        "{text}"
    );
    let web = pid(&host, "web");
    assert_eq!(resolve(web, "web", Type::Aaaa).records, ["fd00:66::2"]);
    let a = resolve(web, "web", Type::A);
    assert_eq!((a.code, a.records.len()), (NO_ERROR, 0));
    // Out, with the host's address.
    let listener = inside(neighbour.pid(), || {
        TcpListener::bind("[2001:db8:100::1]:7000").unwrap()
    });
    host.ok("exec web nc -w 2 2001:db8:100::1 7000");
    let (_, from) = listener.accept().unwrap();
    assert_eq!(from.ip().to_string(), "2001:db8:100::2");
    // In, with the client's; by IPv4 through the relay.
    inside(neighbour.pid(), || {
        let seen = |peer: &str| Ok(format!("server=web peer={peer}"));
        assert_eq!(ask("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
        assert_eq!(ask_udp("[2001:db8:100::2]:8080"), seen("2001:db8:100::1"));
    });
    assert!(ask("[::1]:8080").unwrap().starts_with("server=web "));
    assert!(host.ok("port web").contains("80/tcp -> [::]:8080"));
}

#[test]
fn the_default_route_of_each_family_follows_the_networks_that_have_it() {
    let host = Host::new();
    host.ok("network create --subnet 10.1.0.0/24 a4");
    host.ok("network create --ipv6 --subnet 10.2.0.0/24 --subnet fd00:2::/64 b46");
    host.ok("network create --ipv4=false --ipv6 --subnet fd00:3::/64 c6");
    host.ok("run -d --name box --network a4 alpine sleep 1000");
    let defaults = || -> Vec<String> {
        let text = host
            .rbox(&["exec", "box", "sh", "-c", "ip route; ip -6 route"])
            .ok();
        text.lines()
            .filter_map(|line| line.strip_prefix("default via "))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(defaults(), ["10.1.0.1"]);
    host.ok("network connect c6 box");
    assert_eq!(defaults(), ["10.1.0.1", "fd00:3::1"]);
    host.ok("network connect b46 box");
    assert_eq!(defaults(), ["10.1.0.1", "fd00:2::1"]);
    host.ok("network disconnect a4 box");
    assert_eq!(defaults(), ["10.2.0.1", "fd00:2::1"]);
    host.ok("network disconnect b46 box");
    assert_eq!(defaults(), ["fd00:3::1"]);
    host.ok("network connect a4 box");
    host.ok("network disconnect c6 box");
    assert_eq!(defaults(), ["10.1.0.1"]);
}
