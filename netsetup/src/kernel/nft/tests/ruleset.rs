//! What the kernel holds after each change.

use crate::kernel::netns;
use crate::kernel::nft::{NetworkEntry, Nft};
use crate::kernel::testing::{apart, network, output, published};
use crate::model::network_options::GatewayMode;
use crate::model::port::Protocol;

pub(super) fn ready(test: &str) -> Option<Nft> {
    apart(test).then(|| {
        let mut nft = Nft::open().unwrap();
        nft.ensure_table().unwrap();
        nft
    })
}

pub(super) fn ruleset() -> String {
    output("nft", &["list", "ruleset"])
}

pub(super) fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

/// The chains as documentation; the sets are looked at in other tests.
pub(super) const CHAINS: &str = r#"
	chain raw {
		type filter hook prerouting priority raw; policy accept;
		iif != "lo" ip daddr 127.0.0.0/8 drop comment "loopback is this host's alone"
		iif != "lo" ip6 daddr ::1 drop comment "loopback is this host's alone"
		iifname @bridges accept comment "forward decides between networks"
		ip saddr . ip daddr @closed4 jump addressed comment "to a container's address"
		ip6 saddr . ip6 daddr @closed6 jump addressed comment "to a container's address"
	}

	chain addressed {
		ip daddr . iifname @trusted4 return
		ip6 daddr . iifname @trusted6 return
		fib daddr type local return comment "the gateway is this host"
		drop comment "from outside"
	}

	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname @relayed return comment "served by the relay"
		fib daddr type local jump published
	}

	chain output {
		type nat hook output priority -100; policy accept;
		ip daddr 127.0.0.0/8 return comment "loopback is served by the relay"
		ip6 daddr ::1 return comment "loopback is served by the relay"
		fib daddr type local jump published
	}

	chain published {
		dnat ip to ip daddr . meta l4proto . th dport map @published4
		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @published4-any
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6
		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @published6-any
	}

	chain forward {
		type filter hook forward priority filter - 2; policy accept;
		ct state established,related accept
		iifname . oifname @icc accept comment "within a network"
		iifname @internal drop
		oifname @internal drop
		oifname @bridges ct status dnat accept comment "published ports"
		ip daddr . oifname . meta l4proto . th dport @reachable4 accept comment "open to everybody"
		ip daddr . iifname . meta l4proto . th dport @reachable4 accept comment "open to trusted interfaces"
		ip6 daddr . oifname . meta l4proto . th dport @reachable6 accept comment "open to everybody"
		ip6 daddr . iifname . meta l4proto . th dport @reachable6 accept comment "open to trusted interfaces"
		oifname @bridges drop comment "unpublished ports, other networks"
	}

	chain admit {
		type filter hook forward priority filter - 1; policy accept;
		iifname @bridges oifname @bridges meta mark set meta mark | 0x20000000 accept comment "within and between ours"
		iifname @bridges meta oifkind != "bridge" meta mark set meta mark | 0x20000000 accept comment "out, but not to foreign bridges"
		iifname @bridges oifname @uplinks meta mark set meta mark | 0x20000000 accept
		oifname @bridges meta iifkind != "bridge" meta mark set meta mark | 0x20000000 accept comment "in, but not from foreign bridges"
		oifname @bridges iifname @uplinks meta mark set meta mark | 0x20000000 accept
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr . oifname @own4 ct status dnat masquerade comment "hairpin"
		ip saddr . ip daddr @shortcut4 ct status dnat masquerade comment "the server is on the client's network, too"
		ip6 saddr . oifname @own6 ct status dnat masquerade comment "hairpin"
		ip6 saddr . ip6 daddr @shortcut6 ct status dnat masquerade comment "the server is on the client's network, too"
		oifname @bridges return comment "containers see the client"
		snat ip to ip saddr . ip daddr map @snat4
		ip saddr . ip daddr @masquerade4 masquerade
		snat ip6 to ip6 saddr . ip6 daddr map @snat6
		ip6 saddr . ip6 daddr @masquerade6 masquerade
	}
"#;

#[test]
fn the_table_is_what_the_documentation_says() {
    if ready("the_table_is_what_the_documentation_says").is_none() {
        return;
    }
    let listed = ruleset();
    assert!(listed.contains("comment \"rbox layout 4\""), "{listed}");
    assert!(listed.contains(CHAINS.trim_start_matches('\n')), "{listed}");
    assert!(listed.contains("map published4 {\n\t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service\n"), "{listed}");
    assert!(
        listed.contains("set own6 {\n\t\ttype ipv6_addr . ifname\n\t\tflags interval\n"),
        "{listed}"
    );
}

#[test]
fn making_the_table_again_changes_nothing() {
    let Some(mut nft) = ready("making_the_table_again_changes_nothing") else {
        return;
    };
    nft.network_add(&network("br-a", &["172.18.0.1/16"]))
        .unwrap();
    let before = output("nft", &["-a", "list", "ruleset"]);
    nft.ensure_table().unwrap();
    Nft::open().unwrap().ensure_table().unwrap();
    assert_eq!(output("nft", &["-a", "list", "ruleset"]), before);
    nft.delete_table().unwrap();
    nft.delete_table().unwrap();
    assert_eq!(ruleset(), "");
}

#[test]
fn many_make_the_table_at_once() {
    if !apart("many_make_the_table_at_once") {
        return;
    }
    let here = netns::open_current().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut nft = Nft::open_in(std::os::fd::AsFd::as_fd(&here)).unwrap();
                nft.ensure_table().unwrap();
            });
        }
    });
    assert_eq!(ruleset().matches("table inet rbox {").count(), 1);
    assert_eq!(
        ruleset()
            .matches("ct state established,related accept")
            .count(),
        1
    );
}

#[test]
fn foreign_tables_are_never_touched() {
    let Some(mut nft) = ready("foreign_tables_are_never_touched") else {
        return;
    };
    output(
        "nft",
        &["add table ip other { chain c { type filter hook forward priority 0; policy drop; }; }"],
    );
    let before = output("nft", &["list", "table", "ip", "other"]);
    nft.network_add(&network("br-a", &["172.18.0.1/16"]))
        .unwrap();
    nft.network_remove("br-a").unwrap();
    nft.delete_table().unwrap();
    assert_eq!(output("nft", &["list", "ruleset"]), before);
}

#[test]
fn a_network_is_added_changed_and_removed_whole() {
    let Some(mut nft) = ready("a_network_is_added_changed_and_removed_whole") else {
        return;
    };
    let empty = ruleset();
    nft.network_add(&network("br-keep", &["172.30.0.1/16"]))
        .unwrap();
    let others = ruleset();

    let mut step = network("br-a", &["172.18.0.1/16", "fd00:18::1/64"]);
    nft.network_add(&step).unwrap();
    let listed = ruleset();
    for element in [
        "\"br-a\" comment \"172.18.0.0/16 fd00:18::/64 masquerade icc\"",
        "\"br-a\" . \"br-a\" comment \"br-a\"",
        "172.18.0.0/16 . \"br-a\" comment \"br-a\"",
        "fd00:18::/64 . \"br-a\" comment \"br-a\"",
        "172.18.0.0/16 . 0.0.0.0/0 comment \"br-a\"",
        "fd00:18::/64 . ::/0 comment \"br-a\"",
    ] {
        assert!(listed.contains(element), "{element} in {listed}");
    }
    nft.network_add(&step).unwrap();
    assert_eq!(ruleset(), listed);

    step.internal = true;
    step.icc = false;
    nft.network_add(&step).unwrap();
    let listed = ruleset();
    assert!(
        !listed.contains("172.18.0.0/16 . 0.0.0.0/0") && !listed.contains("\"br-a\" . \"br-a\"")
    );
    assert!(listed.contains("set relayed {\n\t\ttype ifname\n\t\telements = { \"br-a\" comment"));
    let expected = NetworkEntry {
        bridge: "br-a".into(),
        settings: "172.18.0.0/16 fd00:18::/64 internal".into(),
    };
    assert!(nft.networks().unwrap().contains(&expected));

    nft.network_remove("br-a").unwrap();
    nft.network_remove("br-a").unwrap();
    assert_eq!(ruleset(), others);
    nft.network_remove("br-keep").unwrap();
    assert_eq!(ruleset(), empty);
}

#[test]
fn gateway_modes_decide_what_is_closed_translated_and_open() {
    let Some(mut nft) = ready("gateway_modes_decide_what_is_closed_translated_and_open") else {
        return;
    };
    let empty = ruleset();
    let mut step = network("br-a", &["172.18.0.1/16", "fd00:18::1/64"]);
    step.gateway6 = GatewayMode::Routed;
    step.trusted = vec!["eth7".to_owned()];
    step.host_addresses = vec![ip("198.51.100.7")];
    nft.network_add(&step).unwrap();
    let listed = ruleset();
    for element in [
        "\"br-a\" comment \"172.18.0.0/16 fd00:18::/64 masquerade icc ipv6 routed trusts eth7 as \
         198.51.100.7\"",
        "set closed4 {\n\t\ttype ipv4_addr . ipv4_addr\n\t\tflags interval\n\t\telements = { \
         0.0.0.0/0 . 172.18.0.0/16 comment \"br-a\" }",
        "172.18.0.0/16 . \"eth7\" comment \"br-a\"",
        "elements = { 172.18.0.0/16 . 0.0.0.0/0 comment \"br-a\" : 198.51.100.7 }",
        "elements = { fd00:18::/64 . \"br-a\" . ipv6-icmp . 0-65535 comment \"br-a\" }",
    ] {
        assert!(listed.contains(element), "{element} in {listed}");
    }
    assert!(!listed.contains("fd00:18::/64 . ::/0"), "{listed}");
    assert!(!listed.contains("::/0 . fd00:18::/64"), "{listed}");

    step.gateway6 = GatewayMode::Nat;
    step.gateway4 = GatewayMode::NatUnprotected;
    nft.network_add(&step).unwrap();
    let listed = ruleset();
    for element in [
        "172.18.0.0/16 . \"br-a\" . 0-255 . 0-65535 comment \"br-a\"",
        "::/0 . fd00:18::/64 comment \"br-a\"",
        "fd00:18::/64 . ::/0 comment \"br-a\"",
    ] {
        assert!(listed.contains(element), "{element} in {listed}");
    }
    assert!(!listed.contains("0.0.0.0/0 . 172.18.0.0/16"), "{listed}");
    nft.network_remove("br-a").unwrap();
    assert_eq!(ruleset(), empty);
}

#[test]
fn a_subnet_that_a_gone_bridge_left_behind_moves() {
    let Some(mut nft) = ready("a_subnet_that_a_gone_bridge_left_behind_moves") else {
        return;
    };
    nft.network_add(&network("br-dead", &["172.18.0.1/16"]))
        .unwrap();
    nft.network_add(&network("br-new", &["172.18.0.1/16"]))
        .unwrap();
    nft.network_remove("br-dead").unwrap();
    assert!(ruleset().contains("172.18.0.0/16 . 0.0.0.0/0 comment \"br-new\""));
    let error = nft
        .network_add(&network("br-x", &["172.18.4.1/24"]))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("add to masquerade4 for br-x: "),
        "{error}"
    );
    assert!(!ruleset().contains("br-x"));
}

#[test]
fn ports_carry_their_owner_and_lead_to_the_container() {
    let Some(mut nft) = ready("ports_carry_their_owner_and_lead_to_the_container") else {
        return;
    };
    let empty = ruleset();
    let owner = "5".repeat(64);
    let all = [
        published("0.0.0.0", 8080, 80, Protocol::Tcp),
        published("198.51.100.2", 5353, 53, Protocol::Udp),
        published("127.0.0.1", 8081, 80, Protocol::Tcp),
        published("::", 8080, 80, Protocol::Tcp),
    ];
    nft.ports_add(&all, ip("172.18.0.2"), &[], &owner).unwrap();
    nft.ports_add(&all, ip("fd00::2"), &[], &owner).unwrap();
    let listed = ruleset();
    for element in [
        format!("tcp . 8080 comment \"{owner}\" : 172.18.0.2 . 80"),
        format!("198.51.100.2 . udp . 5353 comment \"{owner}\" : 172.18.0.2 . 53"),
        format!("tcp . 8080 comment \"{owner}\" : fd00::2 . 80"),
    ] {
        assert!(listed.contains(&element), "{element} in {listed}");
    }
    assert_eq!(nft.ports().unwrap().len(), 3, "loopback has none");
    nft.ports_remove(&all, ip("172.18.0.2"), &[], &owner)
        .unwrap();
    assert_eq!(ruleset(), empty);
    nft.ports_remove(&all, ip("172.18.0.2"), &[], &owner)
        .unwrap();
}

#[test]
fn another_owners_port_is_replaced_by_add_but_not_removed() {
    let Some(mut nft) = ready("another_owners_port_is_replaced_by_add_but_not_removed") else {
        return;
    };
    let one = [published("0.0.0.0", 8080, 80, Protocol::Tcp)];
    let two = [
        one[0].clone(),
        published("0.0.0.0", 8081, 80, Protocol::Tcp),
    ];
    nft.ports_add(&one, ip("172.18.0.2"), &[], "dead").unwrap();
    nft.ports_add(&two, ip("172.18.0.3"), &[], "living")
        .unwrap();
    nft.ports_add(&two, ip("172.18.0.3"), &[], "living")
        .unwrap();
    nft.ports_remove(&two, ip("172.18.0.2"), &[], "dead")
        .unwrap();
    let ports = nft.ports().unwrap();
    assert_eq!(ports.len(), 2);
    assert!(
        ports
            .iter()
            .all(|p| p.owner == "living" && p.to.ip() == ip("172.18.0.3"))
    );
}

#[test]
fn open_ports_and_shortcuts_come_and_go_with_their_owner() {
    let Some(mut nft) = ready("open_ports_and_shortcuts_come_and_go_with_their_owner") else {
        return;
    };
    let empty = ruleset();
    let open = ["80/tcp", "53/udp"].map(|port| port.parse().unwrap());
    let (bridge, shortcut) = (["br-r".to_owned()], ["172.19.0.0/16".parse().unwrap()]);
    let add = |nft: &mut Nft, owner: &str| {
        nft.reach_add(&open, ip("172.18.0.2"), &bridge, owner)
            .unwrap();
        nft.reach_add(&open, ip("fd00::2"), &bridge, owner).unwrap();
        nft.ports_add(&[], ip("172.18.0.2"), &shortcut, owner)
            .unwrap();
    };
    add(&mut nft, "dead");
    add(&mut nft, "me");
    let listed = ruleset();
    for element in [
        "172.18.0.2 . \"br-r\" . tcp . 80 comment \"me\"",
        "172.18.0.2 . \"br-r\" . udp . 53 comment \"me\"",
        "fd00::2 . \"br-r\" . tcp . 80 comment \"me\"",
        "172.19.0.0/16 . 172.18.0.2 comment \"me\"",
    ] {
        assert!(listed.contains(element), "{element} in {listed}");
    }
    nft.reach_remove(&open, ip("172.18.0.2"), &bridge, "dead")
        .unwrap();
    assert_eq!(ruleset(), listed);
    nft.reach_remove(&open, ip("172.18.0.2"), &bridge, "me")
        .unwrap();
    nft.reach_remove(&open, ip("fd00::2"), &bridge, "me")
        .unwrap();
    nft.ports_remove(&[], ip("172.18.0.2"), &shortcut, "me")
        .unwrap();
    assert_eq!(ruleset(), empty);
    add(&mut nft, "me");
    nft.remove_owned("another").unwrap();
    assert_eq!(ruleset(), listed);
    nft.remove_owned("me").unwrap();
    assert_eq!(ruleset(), empty);
}

#[test]
fn thousands_of_ports_go_in_and_out_at_once() {
    let Some(mut nft) = ready("thousands_of_ports_go_in_and_out_at_once") else {
        return;
    };
    let all: Vec<_> = (10_000..13_000)
        .map(|port| published("2001:db8::1", port, port, Protocol::Tcp))
        .collect();
    nft.ports_add(&all, ip("fd00::2"), &[], &"a".repeat(64))
        .unwrap();
    assert_eq!(nft.ports().unwrap().len(), 3000);
    nft.ports_remove(&all, ip("172.18.0.2"), &[], &"a".repeat(64))
        .unwrap();
    assert_eq!(nft.ports().unwrap(), []);
}

#[test]
fn owners_come_and_go_at_once_without_harming_each_other() {
    let Some(mut nft) = ready("owners_come_and_go_at_once_without_harming_each_other") else {
        return;
    };
    let here = netns::open_current().unwrap();
    std::thread::scope(|scope| {
        for number in 0..16u16 {
            let here = &here;
            scope.spawn(move || {
                let mut nft = Nft::open_in(std::os::fd::AsFd::as_fd(here)).unwrap();
                let owner = format!("owner{number}");
                let ports = [published("0.0.0.0", 9000 + number, 80, Protocol::Tcp)];
                for _ in 0..20 {
                    nft.ports_add(&ports, ip("172.18.0.2"), &[], &owner)
                        .unwrap();
                    nft.ports_remove(&ports, ip("172.18.0.2"), &[], &owner)
                        .unwrap();
                }
                nft.ports_add(&ports, ip("172.18.0.2"), &[], &owner)
                    .unwrap();
            });
        }
    });
    assert_eq!(nft.ports().unwrap().len(), 16);
}

#[test]
fn without_the_table_errors_name_it_and_removal_is_harmless() {
    if !apart("without_the_table_errors_name_it_and_removal_is_harmless") {
        return;
    }
    let mut nft = Nft::open().unwrap();
    let ports = [published("0.0.0.0", 8080, 80, Protocol::Tcp)];
    assert_eq!(nft.ports().unwrap(), []);
    nft.network_remove("br-a").unwrap();
    nft.ports_remove(&ports, ip("172.18.0.2"), &[], "me")
        .unwrap();
    let error = nft
        .ports_add(&ports, ip("172.18.0.2"), &[], "me")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "add to published4-any for me: No such file or directory"
    );
}
