//! What the kernel holds after each change.

use crate::kernel::netns;
use crate::kernel::nft::{NetworkEntry, Nft, NftError};
use crate::kernel::testing::{apart, network, output, published};
use crate::model::port::Protocol;

fn ready(test: &str) -> Option<Nft> {
    apart(test).then(|| {
        let mut nft = Nft::open().unwrap();
        nft.ensure_table().unwrap();
        nft
    })
}

fn ruleset() -> String {
    output("nft", &["list", "ruleset"])
}

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

/// The chains as documentation; the sets are looked at in other tests.
const CHAINS: &str = r#"
	chain published {
		dnat ip to ip daddr . meta l4proto . th dport map @published4
		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @published4-any
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6
		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @published6-any
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

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr . oifname @own4 ct status dnat masquerade comment "hairpin"
		ip6 saddr . oifname @own6 ct status dnat masquerade comment "hairpin"
		oifname @bridges return comment "containers see the client"
		ip saddr . ip daddr @masquerade4 masquerade
		ip6 saddr . ip6 daddr @masquerade6 masquerade
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
		iifname . oifname @icc accept comment "within a network"
		iifname @internal drop
		oifname @internal drop
		oifname @bridges ct status dnat accept comment "published ports"
		oifname @bridges drop comment "unpublished ports, other networks"
	}
"#;

#[test]
fn the_table_is_what_the_documentation_says() {
    if ready("the_table_is_what_the_documentation_says").is_none() {
        return;
    }
    let listed = ruleset();
    assert!(listed.contains("comment \"rbox layout 1\""), "{listed}");
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
fn an_older_layout_is_replaced_and_keeps_its_elements() {
    let Some(mut nft) = ready("an_older_layout_is_replaced_and_keeps_its_elements") else {
        return;
    };
    nft.network_add(&network("br-a", &["172.18.0.1/16", "fd00::1/64"]))
        .unwrap();
    let port = published("0.0.0.0", 8080, 80, Protocol::Tcp);
    nft.ports_add(std::slice::from_ref(&port), ip("172.18.0.2"), "owner")
        .unwrap();
    let (ports, networks) = (nft.ports().unwrap(), nft.networks().unwrap());

    let old = ruleset()
        .replace("rbox layout 1", "rbox layout 0")
        .replace("\t\tiifname @internal drop\n", "");
    assert!(!old.contains("iifname @internal"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("flush ruleset\n{old}")).unwrap();
    output("nft", &["-f", file.path().to_str().unwrap()]);
    nft.ensure_table().unwrap();

    assert!(ruleset().contains(CHAINS.trim_start_matches('\n')));
    assert_eq!(nft.ports().unwrap(), ports);
    assert_eq!(nft.networks().unwrap(), networks);
    assert!(ruleset().contains("172.18.0.0/16 . \"br-a\""));
}

#[test]
fn a_newer_layout_is_left_alone() {
    if !apart("a_newer_layout_is_left_alone") {
        return;
    }
    output(
        "nft",
        &["add table inet rbox { comment \"rbox layout 99\"; }"],
    );
    let error = Nft::open().unwrap().ensure_table().unwrap_err();
    assert!(
        matches!(error, NftError::Newer { found: 99, .. }),
        "{error}"
    );
    assert!(ruleset().contains("rbox layout 99"));
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
    nft.ports_add(&all, ip("172.18.0.2"), &owner).unwrap();
    nft.ports_add(&all, ip("fd00::2"), &owner).unwrap();
    let listed = ruleset();
    for element in [
        format!("tcp . 8080 comment \"{owner}\" : 172.18.0.2 . 80"),
        format!("198.51.100.2 . udp . 5353 comment \"{owner}\" : 172.18.0.2 . 53"),
        format!("tcp . 8080 comment \"{owner}\" : fd00::2 . 80"),
    ] {
        assert!(listed.contains(&element), "{element} in {listed}");
    }
    assert_eq!(nft.ports().unwrap().len(), 3, "loopback has none");
    nft.ports_remove(&all, &owner).unwrap();
    assert_eq!(ruleset(), empty);
    nft.ports_remove(&all, &owner).unwrap();
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
    nft.ports_add(&one, ip("172.18.0.2"), "dead").unwrap();
    nft.ports_add(&two, ip("172.18.0.3"), "living").unwrap();
    nft.ports_add(&two, ip("172.18.0.3"), "living").unwrap();
    nft.ports_remove(&two, "dead").unwrap();
    let ports = nft.ports().unwrap();
    assert_eq!(ports.len(), 2);
    assert!(
        ports
            .iter()
            .all(|p| p.owner == "living" && p.to.ip() == ip("172.18.0.3"))
    );
}

#[test]
fn thousands_of_ports_go_in_and_out_at_once() {
    let Some(mut nft) = ready("thousands_of_ports_go_in_and_out_at_once") else {
        return;
    };
    let all: Vec<_> = (10_000..13_000)
        .map(|port| published("2001:db8::1", port, port, Protocol::Tcp))
        .collect();
    nft.ports_add(&all, ip("fd00::2"), &"a".repeat(64)).unwrap();
    assert_eq!(nft.ports().unwrap().len(), 3000);
    nft.ports_remove(&all, &"a".repeat(64)).unwrap();
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
                    nft.ports_add(&ports, ip("172.18.0.2"), &owner).unwrap();
                    nft.ports_remove(&ports, &owner).unwrap();
                }
                nft.ports_add(&ports, ip("172.18.0.2"), &owner).unwrap();
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
    nft.ports_remove(&ports, "me").unwrap();
    let error = nft.ports_add(&ports, ip("172.18.0.2"), "me").unwrap_err();
    assert_eq!(
        error.to_string(),
        "add to published4-any for me: No such file or directory"
    );
}
