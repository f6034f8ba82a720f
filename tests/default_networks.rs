//! The networks that are always there: `bridge`, `host` and `none`.

use crate::harness::{Host, Neighbour};

#[test]
fn a_fresh_host_has_three_networks() {
    let host = Host::new();
    let table = host.ok("network ls");
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("NETWORK ID     NAME      DRIVER    SCOPE")
    );
    for expected in [
        "bridge    bridge    local",
        "host      host      local",
        "none      null      local",
    ] {
        let (id, rest) = lines.next().unwrap().split_once("   ").unwrap();
        assert!(
            id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        assert_eq!(rest, expected);
    }
    assert_eq!(lines.next(), None);
    assert_eq!(
        host.rbox(&[
            "network",
            "ls",
            "--format",
            "{{.Name}} v4={{.IPv4}} v6={{.IPv6}}"
        ])
        .ok(),
        "bridge v4=true v6=false\nhost v4=true v6=false\nnone v4=true v6=false"
    );
    assert_eq!(host.ok("network ls -q --no-trunc --filter type=custom"), "");
}

#[test]
fn inspect_shows_them_in_dockers_order_of_keys() {
    let host = Host::new();
    let text = host.ok("network inspect bridge host none");
    let networks: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let keys: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("        \""))
        .take(15)
        .map(|line| line.trim().split('"').nth(1).unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "Name",
            "Id",
            "Created",
            "Scope",
            "Driver",
            "EnableIPv4",
            "EnableIPv6",
            "IPAM",
            "Internal",
            "Attachable",
            "Ingress",
            "ConfigFrom",
            "ConfigOnly",
            "Containers",
            "Options",
        ]
    );
    let bridge = &networks[0];
    assert_eq!(
        bridge["IPAM"].to_string(),
        r#"{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]}"#
    );
    let options = &bridge["Options"];
    for (key, value) in [
        ("com.docker.network.bridge.default_bridge", "true"),
        ("com.docker.network.bridge.enable_icc", "true"),
        ("com.docker.network.bridge.enable_ip_masquerade", "true"),
        ("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),
        ("com.docker.network.bridge.name", "rbox0"),
        ("com.docker.network.driver.mtu", "1500"),
    ] {
        assert_eq!(options[key], value, "{key}");
    }
    for (network, driver) in [(&networks[1], "host"), (&networks[2], "null")] {
        assert_eq!(network["Driver"], driver);
        assert_eq!(
            network["IPAM"].to_string(),
            r#"{"Driver":"default","Options":null,"Config":null}"#
        );
        assert_eq!(network["Options"].to_string(), "{}");
    }
}

#[test]
fn a_container_on_the_default_bridge_has_an_address_and_a_route() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    let ip = host.address("box", "bridge");
    assert_eq!(ip, "172.17.0.2");
    assert_eq!(
        host.ok("exec box ip route"),
        "default via 172.17.0.1 dev eth0 \n172.17.0.0/16 dev eth0 scope link  src 172.17.0.2 "
    );
    let link = host.ok("exec box ip addr show eth0");
    for part in [
        "mtu 1500",
        "state UP",
        "172.17.0.2/16 brd 172.17.255.255 scope global eth0",
    ] {
        assert!(link.contains(part), "{link}");
    }
    assert!(link.contains("link/ether 02:42:ac:11:00:02 "), "{link}");
    assert_eq!(host.ok("exec box ip -6 route"), "");
    assert_eq!(
        host.ok(
            "exec box sysctl -n net.ipv6.conf.eth0.disable_ipv6 net.ipv6.conf.lo.disable_ipv6 \
             net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range"
        ),
        "1\n0\n0\n0\t2147483647"
    );
    host.sh(&format!("ping -c 1 -W 2 {ip}")).ok();
    host.ok("exec box ping -c 1 172.17.0.1");
}

#[test]
fn on_the_default_bridge_containers_know_each_other_by_address_only() {
    let host = Host::new();
    host.ok("run -d --name one alpine sleep 1000");
    host.ok("run -d --name two alpine sleep 1000");
    let two = host.address("two", "bridge");
    host.ok(&format!("exec one ping -c 1 {two}"));
    assert_eq!(
        host.fails(1, "exec one ping -c 1 two"),
        "ping: bad address 'two'"
    );
    assert!(
        !host
            .ok("exec one cat /etc/resolv.conf")
            .contains("127.0.0.11")
    );
}

#[test]
fn a_container_on_the_host_network_sees_the_hosts_interfaces() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    host.ok("run -d --name box alpine sleep 1000");
    let inside = host.ok("run --rm --network host alpine ls /sys/class/net");
    // The fourth is the container's veth.
    assert_eq!(inside.lines().count(), 4, "{inside}");
    for name in ["lo", "rbox0", "uplink"] {
        assert!(inside.lines().any(|line| line == name), "{inside}");
    }
    let addresses = host.ok("run --rm --net=host alpine ip -o addr");
    assert!(
        addresses.contains("uplink    inet 198.51.100.2/24"),
        "{addresses}"
    );
    let _hosts = host.file_instead("/etc/hosts", "127.0.0.1\tlocalhost\n192.0.2.9\tprinter\n");
    assert_eq!(
        host.ok("run --rm --net=host alpine cat /etc/hosts"),
        "127.0.0.1\tlocalhost\n192.0.2.9\tprinter"
    );
    assert_eq!(
        host.ok("run --rm --net=host alpine hostname"),
        host.sh("hostname").ok()
    );
}

#[test]
fn settings_that_mean_nothing_on_the_host_network_are_said_to_be_so() {
    let host = Host::new();
    let output = host.rbox(&[
        "run",
        "--rm",
        "--net=host",
        "-p",
        "80:80",
        "alpine",
        "echo",
        "hi",
    ]);
    assert_eq!(
        output.stderr,
        "WARNING: Published ports are discarded when using host network mode\n"
    );
    assert_eq!(output.ok(), "hi");
    let help = "\n\nRun 'rbox run --help' for more information";
    assert_eq!(
        host.fails(
            125,
            "run --rm --net=host --sysctl net.ipv4.ip_forward=1 alpine true"
        ),
        format!("rbox: sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace{help}")
    );
    assert_eq!(
        host.fails(125, "run --rm --net=host --ip 10.220.0.9 alpine true"),
        format!(
            "rbox: invalid config for network host: invalid endpoint settings:\n\
             * user specified IP address is supported on user defined networks only\n\
             * user specified IP address is supported only when connecting to networks with user \
             configured subnets{help}"
        )
    );
}

#[test]
fn a_container_without_network_has_loopback_alone() {
    let host = Host::new();
    assert_eq!(
        host.ok("run --rm --network none alpine ip -o addr"),
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
         1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever"
    );
    assert_eq!(host.ok("run --rm --network none alpine ip route"), "");
    let hosts = host.ok("run --rm --network none alpine cat /etc/hosts");
    assert_eq!(hosts.lines().count(), 6);
    assert_eq!(
        host.ok("run --rm --network none -p 80:80 alpine echo hi"),
        "hi"
    );
    host.fails(
        1,
        "run --rm --network none alpine ping -c 1 -W 1 172.17.0.1",
    );
}
