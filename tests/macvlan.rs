//! `network create -d macvlan`: containers on a wire of the host, with addresses of their own.

use crate::harness::{Host, Neighbour, ask, eventually, inside, skip};

/// The default network of the wire that [`Neighbour`] makes: the host is .2, the peer .1.
fn lan(host: &Host, name: &str, options: &str) {
    host.ok(&format!(
        "network create -d macvlan --subnet 198.51.100.0/24 --ip-range 198.51.100.64/26 -o \
         parent=uplink {options} {name}"
    ));
}

fn inspect(host: &Host, format: &str, name: &str) -> String {
    host.rbox(&["inspect", "-f", format, name]).ok()
}

/// Gateway and interface of a container's default route.
fn default_route(host: &Host, container: &str) -> String {
    let routes = host.ok(&format!("exec {container} ip route"));
    let default = routes
        .lines()
        .find_map(|line| line.strip_prefix("default via "));
    default.unwrap_or_default().trim_end().to_owned()
}

/// Whether one container gets an answer from an address.
fn reaches(host: &Host, from: &str, to: &str) -> bool {
    host.rbox(&["exec", from, "ping", "-c1", "-W1", to]).code == 0
}

#[test]
fn a_peer_on_the_wire_reaches_the_container_and_the_container_the_peer() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    lan(&host, "lan", "");
    host.who_server("web", "--network lan -p 8080:80");
    let address = host.address("web", "lan");
    assert_eq!(address, "198.51.100.64");
    let answer = inside(peer.pid(), || ask((address.as_str(), 80)));
    assert_eq!(answer.unwrap(), "server=web peer=198.51.100.1");
    assert!(reaches(&host, "web", "198.51.100.1"));
    // There is no gateway unless one is given, and no port of the host leads anywhere.
    assert_eq!(
        host.ok("exec web ip route").trim_end(),
        "198.51.100.0/24 dev eth0 scope link  src 198.51.100.64"
    );
    assert_eq!(host.ok("port web"), "");
    assert!(ask("127.0.0.1:8080").is_err());
    // Nothing of it is on the host.
    let links = host.sh("ip -o link").ok();
    assert!(
        !links.contains("veth") && !links.contains("macvlan"),
        "{links}"
    );
    let format = "{{with index .NetworkSettings.Networks \"lan\"}}{{.IPAddress}}/{{.IPPrefixLen}} \
                  [{{.Gateway}}] {{.MacAddress}}{{end}}";
    let mac = host.ok("exec web cat /sys/class/net/eth0/address");
    assert!(mac.starts_with("02:"), "{mac}");
    assert_eq!(
        inspect(&host, format, "web"),
        format!("198.51.100.64/24 [] {mac}")
    );
    // It is the same at the next start: the wire knows it.
    host.ok("restart -t 0 web");
    assert_eq!(host.ok("exec web cat /sys/class/net/eth0/address"), mac);
}

#[test]
fn lists_and_inspect_show_the_driver_and_its_options() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    lan(
        &host,
        "lan",
        "--gateway 198.51.100.1 -o macvlan_mode=private",
    );
    assert_eq!(
        host.rbox(&[
            "network",
            "ls",
            "--filter",
            "driver=macvlan",
            "--format",
            "{{.Name}} {{.Driver}} {{.Scope}}"
        ])
        .ok(),
        "lan macvlan local"
    );
    let format = "{{.Driver}} {{json .Options}} {{json .IPAM.Config}} {{.Internal}}";
    assert_eq!(
        host.rbox(&["network", "inspect", "-f", format, "lan"]).ok(),
        "macvlan {\"macvlan_mode\":\"private\",\"parent\":\"uplink\"} \
         [{\"Subnet\":\"198.51.100.0/24\",\"IPRange\":\"198.51.100.64/26\",\
         \"Gateway\":\"198.51.100.1\"}] false"
    );
    host.ok("run -d --name web --network lan alpine sleep 1000");
    assert_eq!(default_route(&host, "web"), "198.51.100.1 dev eth0");
    let text = host.fails(1, "network rm lan");
    assert!(
        text.contains("has active endpoints (name:\"web\""),
        "{text}"
    );
}

#[test]
fn in_mode_bridge_containers_talk_by_name_and_in_mode_private_they_do_not() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    for (mode, talk) in [("bridge", true), ("private", false)] {
        let lan_of = format!("lan-{mode}");
        lan(&host, &lan_of, &format!("-o macvlan_mode={mode}"));
        for name in ["aa", "bb"] {
            host.ok(&format!(
                "run -d --name {name} --network {lan_of} alpine sleep 1000"
            ));
        }
        let b = host.address("bb", &lan_of);
        assert_eq!(reaches(&host, "aa", &b), talk, "{mode}");
        // The name is known in both; whether there is a way is another matter.
        let answer = host.ok("exec aa nslookup -type=a bb");
        assert!(answer.contains(&b), "{answer}");
        for name in ["aa", "bb"] {
            assert!(reaches(&host, name, "198.51.100.1"), "{mode}");
        }
        host.ok("rm -f aa bb");
        host.ok(&format!("network rm {lan_of}"));
    }
}

#[test]
fn in_mode_vepa_the_switch_decides() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    peer.sh(
        "ip link add switch type bridge; ip link set wire master switch; ip link set switch up",
    )
    .ok();
    lan(&host, "lan", "-o macvlan_mode=vepa");
    host.ok("run -d --name aa --network lan alpine sleep 1000");
    host.ok("run -d --name bb --network lan alpine sleep 1000");
    let b = host.address("bb", "lan");
    assert!(!reaches(&host, "aa", &b));
    peer.sh("bridge link set dev wire hairpin on").ok();
    // The neighbour that did not answer just now is asked for again after a while.
    eventually("the way by the switch", || {
        reaches(&host, "aa", &b).then_some(())
    });
}

#[test]
fn mode_passthru_takes_exactly_one_container_which_is_the_parent_on_the_wire() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    lan(&host, "lan", "-o macvlan_mode=passthru");
    let link = host.sh("ip -o link show uplink").ok();
    let parent = link.split("link/ether ").nth(1).unwrap()[..17].to_owned();
    host.ok("run -d --name aa --network lan alpine sleep 1000");
    assert_eq!(host.ok("exec aa cat /sys/class/net/eth0/address"), parent);
    let format = "{{(index .NetworkSettings.Networks \"lan\").MacAddress}}";
    assert_eq!(inspect(&host, format, "aa"), parent);
    assert!(reaches(&host, "aa", "198.51.100.1"));
    let text = host.fails(125, "run --rm --network lan alpine true");
    assert!(
        text.starts_with(
            "rbox: failed to set up container networking: failed to create the macvlan port: \
             parent interface uplink has one, and mode passthru takes exactly one"
        ),
        "{text}"
    );
    // It is free as soon as the first one is gone, however that went.
    host.ok("stop -t 0 aa");
    host.ok("run --rm --network lan alpine true");
    host.ok("start aa");
    host.kill_monitor("aa");
    host.ok("run --rm --network lan alpine true");
    host.ok("start aa");
    assert_eq!(host.ok("exec aa cat /sys/class/net/eth0/address"), parent);
}

#[test]
fn passthru_wants_its_parent_alone() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    let create = "network create -d macvlan -o parent=uplink";
    let alone = host.ok(&format!("{create} -o macvlan_mode=passthru alone"));
    assert_eq!(
        host.fails(1, &format!("{create} other")),
        format!(
            "rbox: macvlan network {alone} is already using parent interface uplink in mode \
             passthru"
        )
    );
    host.ok("network rm alone");
    let first = host.ok(&format!("{create} first"));
    host.ok(&format!("{create} -o macvlan_mode=private second"));
    let text = host.fails(1, &format!("{create} -o macvlan_mode=passthru third"));
    let start = "rbox: cannot use mode passthru, macvlan network ";
    let end = " is already using parent interface uplink";
    assert!(
        text.starts_with(start) && text.ends_with(end),
        "{text} {first}"
    );
}

#[test]
fn what_cannot_be_a_parent_is_refused_by_name() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    for (options, text) in [
        (
            "-d macvlan -o parent=nosuch",
            "invalid subinterface vlan name nosuch, example formatting is eth0.10\nhint: `ip \
             link` lists the interfaces of this host",
        ),
        (
            "-d macvlan -o parent=nosuch.5",
            "-o parent interface was not found on the host: nosuch\nhint: `ip link` lists the \
             interfaces of this host",
        ),
        (
            "-d macvlan -o parent=uplink.5000",
            "vlan id must be between 1-4094, received: 5000",
        ),
        (
            "-d macvlan -o parent=uplink.x",
            "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)",
        ),
        (
            "-d macvlan -o parent=a.b.c",
            "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead \
             received a.b.c",
        ),
        (
            "-d macvlan -o parent=lo",
            "loopback interface is not a valid macvlan parent link",
        ),
        (
            "-d macvlan -o parent=uplink -o macvlan_mode=bogus",
            "requested macvlan mode 'bogus' is not valid, 'bridge' mode is the macvlan driver \
             default",
        ),
        (
            "-d macvlan -o parent=uplink -o com.docker.network.bridge.enable_icc=false",
            "network option com.docker.network.bridge.enable_icc is for bridge networks, not for \
             macvlan",
        ),
        (
            "-d macvlan -o parent=uplink --subnet 10.1.0.0/24 --subnet 10.2.0.0/24",
            "macvlan networks with several subnets of one family are not supported",
        ),
    ] {
        let failed = host.fails(1, &format!("network create {options} lan"));
        assert_eq!(failed, format!("rbox: {text}"));
    }
    for driver in ["ipvlan", "overlay"] {
        let failed = host.fails(1, &format!("network create -d {driver} lan"));
        assert_eq!(
            failed,
            format!(
                "rbox: network driver \"{driver}\" is not supported\nhint: bridge and macvlan \
                 networks are what rbox has: -d macvlan -o parent=INTERFACE puts containers on a \
                 wire of the host"
            )
        );
    }
    assert_eq!(
        host.ok("network ls -q --filter type=custom"),
        "",
        "nothing was made"
    );
}

/// Whether the kernel has VLANs; says so if not.
fn has_vlans(host: &Host, test: &str) -> bool {
    let tried =
        host.sh("ip link add link uplink name probe type vlan id 4000 && ip link del probe");
    if tried.code != 0 {
        skip(test, "the kernel has no VLANs (8021q)");
    }
    tried.code == 0
}

#[test]
fn a_parent_with_a_dot_is_a_vlan_that_comes_and_goes_with_the_network() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    let test = "a_parent_with_a_dot_is_a_vlan_that_comes_and_goes_with_the_network";
    if !has_vlans(&host, test) {
        return;
    }
    peer.sh(
        "ip link add link wire name wire.50 type vlan id 50; ip addr add 192.0.2.1/24 dev wire.50; \
         ip link set wire.50 up",
    )
    .ok();
    let create = "network create -d macvlan --subnet 192.0.2.0/24 --gateway 192.0.2.1 -o \
                  parent=uplink.50";
    host.ok(&format!("{create} tagged"));
    let link = host.sh("ip -d link show uplink.50").ok();
    assert!(link.contains("vlan protocol 802.1Q id 50"), "{link}");
    host.ok("run -d --name web --network tagged alpine sleep 1000");
    // The peer takes these off its VLAN 50 alone: the frames carry the tag.
    assert!(reaches(&host, "web", "192.0.2.1"));
    peer.sh("ip link set wire.50 down; ip addr add 192.0.2.1/24 dev wire")
        .ok();
    assert!(!reaches(&host, "web", "192.0.2.1"));
    peer.sh("ip addr del 192.0.2.1/24 dev wire; ip link set wire.50 up")
        .ok();
    // As after a boot: the network makes it again.
    host.ok("stop -t 0 web");
    host.sh("ip link del uplink.50").ok();
    host.ok("start web");
    assert!(reaches(&host, "web", "192.0.2.1"));
    host.ok("rm -f web");
    // A second network on it inherits it.
    host.ok("network create -d macvlan -o parent=uplink.50 second");
    host.ok("network rm tagged");
    host.sh("ip link show uplink.50").ok();
    host.ok("network rm second");
    host.sh("ip link show uplink.50").fails(1);
    // One that was there before stays.
    host.sh("ip link add link uplink name uplink.50 type vlan id 50; ip link set uplink.50 up")
        .ok();
    host.ok(&format!("{create} tagged"));
    host.ok("network rm tagged");
    host.sh("ip link show uplink.50").ok();
    host.sh("ip link del uplink.50").ok();
}

#[test]
fn a_kernel_without_vlans_is_said_to_be_one_and_nothing_stays() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    let tried =
        host.sh("ip link add link uplink name probe type vlan id 4000 && ip link del probe");
    if tried.code == 0 {
        skip(
            "a_kernel_without_vlans_is_said_to_be_one_and_nothing_stays",
            "the kernel has VLANs",
        );
        return;
    }
    assert_eq!(
        host.fails(1, "network create -d macvlan -o parent=uplink.50 tagged"),
        "rbox: parent interface uplink.50 cannot be made: this kernel has no VLANs (module 8021q)"
    );
    assert_eq!(host.ok("network ls -q --filter type=custom"), "");
}

#[test]
fn without_a_parent_containers_have_only_each_other() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    let id = host.ok("network create -d macvlan --subnet 198.51.100.0/24 apart");
    host.ok("run -d --name aa --network apart --ip 198.51.100.70 alpine sleep 1000");
    host.ok("run -d --name bb --network apart --ip 198.51.100.71 alpine sleep 1000");
    assert!(reaches(&host, "aa", "bb"));
    assert!(!reaches(&host, "aa", "198.51.100.1"));
    assert!(!reaches(&host, "aa", "198.51.100.2"));
    assert!(peer.sh("ping -c1 -W1 198.51.100.70").code != 0);
    let format = "{{.Internal}} {{json .Options}}";
    assert_eq!(
        host.rbox(&["network", "inspect", "-f", format, "apart"])
            .ok(),
        "true {}"
    );
    let parent = format!("dm-{}", &id[..12]);
    host.sh(&format!("ip link show {parent}")).ok();
    // Made again where somebody took it away.
    host.ok("stop -t 0 aa bb");
    host.sh(&format!("ip link del {parent}")).ok();
    host.ok("start aa bb");
    assert!(reaches(&host, "bb", "aa"));
    host.ok("rm -f aa bb");
    host.ok("network rm apart");
    host.sh(&format!("ip link show {parent}")).fails(1);
}

#[test]
fn networks_come_and_go_while_the_container_runs_beside_a_bridge() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    lan(&host, "lan", "--gateway 198.51.100.1");
    host.ok("network create --subnet 10.60.0.0/24 zone");
    host.who_server("web", "--network zone -p 8080:80");
    assert_eq!(ask("127.0.0.1:8080").unwrap(), "server=web peer=10.60.0.1");
    host.ok("network connect --alias www --gw-priority 1 lan web");
    assert_eq!(default_route(&host, "web"), "198.51.100.1 dev eth1");
    host.ok("run -d --name other --network lan alpine sleep 1000");
    assert!(reaches(&host, "other", "www"));
    assert!(
        host.ok("exec web cat /etc/hosts")
            .contains("\n198.51.100.64\t")
    );
    host.ok("network disconnect lan web");
    assert_eq!(host.ok("exec web ls /sys/class/net"), "eth0\nlo");
    assert_eq!(default_route(&host, "web"), "10.60.0.1 dev eth0");
    assert_eq!(ask("127.0.0.1:8080").unwrap(), "server=web peer=10.60.0.1");
    // The address is free at once.
    host.ok("run --rm --network lan --ip 198.51.100.64 alpine true");
}

#[test]
fn who_knew_another_at_the_address_hears_of_the_new_one() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    lan(&host, "lan", "");
    let run = "--network lan --ip 198.51.100.70 alpine sleep 1000";
    host.ok(&format!("run -d --name aa {run}"));
    peer.sh("ping -c1 -W2 198.51.100.70").ok();
    let known = || peer.sh("ip neigh show dev wire").ok();
    let old = host.ok("exec aa cat /sys/class/net/eth0/address");
    assert!(known().contains(&old), "{}", known());
    host.ok("rm -f aa");
    host.ok(&format!("run -d --name bb {run}"));
    let new = host.ok("exec bb cat /sys/class/net/eth0/address");
    assert_ne!(old, new);
    eventually("the neighbour to know the new address", || {
        known().contains(&new).then_some(())
    });
}

#[test]
fn a_parent_that_vanishes_takes_the_interface_and_no_more() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    lan(&host, "lan", "");
    host.ok("run -d --name web --network lan alpine sleep 1000");
    host.sh("ip link del uplink").ok();
    assert_eq!(host.ok("exec web ls /sys/class/net"), "lo");
    host.ok("stop -t 0 web");
    let text = host.fails(1, "start web");
    assert!(
        text.starts_with(
            "rbox: failed to set up container networking: the requested parent interface uplink \
             was not found on the host"
        ),
        "{text}"
    );
    host.ok("rm web");
    host.ok("network rm lan");
    drop(peer);
}

#[test]
fn a_killed_monitor_leaves_neither_interface_nor_lease_also_where_the_namespace_lives_on() {
    let host = Host::new();
    let peer = Neighbour::new(&host);
    lan(&host, "lan", "");
    host.ok("run -d --name web --network lan --ip 198.51.100.70 alpine sleep 1000");
    host.ok("run -d --name guest --network container:web alpine sleep 1000");
    peer.sh("ping -c1 -W2 198.51.100.70").ok();
    host.kill_monitor("web");
    // Whoever looks undoes what the dead one left.
    host.ok("ps");
    assert_eq!(host.ok("exec guest ls /sys/class/net"), "lo");
    peer.sh("ip neigh flush dev wire").ok();
    assert!(peer.sh("ping -c1 -W1 198.51.100.70").code != 0);
    host.ok("run -d --name next --network lan --ip 198.51.100.70 alpine sleep 1000");
    peer.sh("ping -c1 -W2 198.51.100.70").ok();
}

#[test]
fn a_journal_that_cannot_be_read_is_undone_by_its_owner() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    lan(&host, "lan", "");
    host.ok("run -d --name web --network lan alpine sleep 1000");
    host.ok("run -d --name guest --network container:web alpine sleep 1000");
    let id = host.id("web");
    let journal = host.run_root().join("containers").join(&id).join("journal");
    std::fs::write(journal, "garbage\n").unwrap();
    host.kill_monitor("web");
    host.ok("ps");
    assert_eq!(host.ok("exec guest ls /sys/class/net"), "lo");
}

#[test]
fn a_given_mac_is_used_and_mtu_and_names_follow_the_options() {
    let host = Host::new();
    let _peer = Neighbour::new(&host);
    lan(
        &host,
        "lan",
        "-o com.docker.network.driver.mtu=1400 -o com.docker.network.container_iface_prefix=lan",
    );
    host.ok("run -d --name web --network lan --mac-address 02:42:0a:00:00:97 alpine sleep 1000");
    let link = host.ok("exec web ip link show lan0");
    assert!(
        link.contains("mtu 1400") && link.contains("02:42:0a:00:00:97"),
        "{link}"
    );
    // The parent's own.
    host.sh("ip link set uplink mtu 1300").ok();
    host.ok("network rm -f nosuch");
    host.ok("network create -d macvlan -o parent=uplink other");
    let link = host.ok("run --rm --network other alpine ip link show eth0");
    assert!(link.contains("mtu 1300"), "{link}");
}
