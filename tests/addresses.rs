//! Addresses that containers get: asked for, leased, kept, refused.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn an_address_and_a_mac_that_are_asked_for_are_given() {
    let host = Host::new();
    host.ok("network create --subnet 10.220.0.0/24 lan");
    let text = host.ok(
        "run --rm --network lan --ip 10.220.0.5 --mac-address 02:42:0a:00:00:98 alpine \
         ip addr show eth0",
    );
    assert!(text.contains("link/ether 02:42:0a:00:00:98 "), "{text}");
    assert!(
        text.contains("inet 10.220.0.5/24 brd 10.220.0.255 "),
        "{text}"
    );
    // Free again at once, and again.
    for _ in 0..5 {
        host.ok("run --rm --network lan --ip 10.220.0.5 alpine true");
    }
    host.ok("run -d --name box --network lan --ip 10.220.0.5 alpine sleep 1000");
    let networks = host
        .rbox(&[
            "inspect",
            "-f",
            "{{json .NetworkSettings.Networks.lan}}",
            "box",
        ])
        .ok();
    let network: serde_json::Value = serde_json::from_str(&networks).unwrap();
    for (key, value) in [
        ("IPAMConfig", r#"{"IPv4Address":"10.220.0.5"}"#),
        ("MacAddress", r#""02:42:0a:dc:00:05""#),
        ("Gateway", r#""10.220.0.1""#),
        ("IPAddress", r#""10.220.0.5""#),
        ("IPPrefixLen", "24"),
        ("GlobalIPv6Address", r#""""#),
    ] {
        assert_eq!(network[key].to_string(), value, "{key}");
    }
}

#[test]
fn addresses_that_cannot_be_had_are_refused_and_nothing_is_left() {
    let host = Host::new();
    host.ok("network create --subnet 10.220.0.0/24 lan");
    host.ok("network create auto");
    host.ok("run -d --name box --network lan alpine sleep 1000");
    let before = host.left_behind();
    let settings = "invalid endpoint settings:";
    for (flags, text) in [
        (
            "--network lan --ip 10.220.0.2",
            "failed to set up container networking: Address already in use".to_owned(),
        ),
        (
            "--network lan --ip 10.220.0.1",
            "failed to set up container networking: Address already in use".to_owned(),
        ),
        (
            "--network lan --ip 10.220.0.255",
            "failed to set up container networking: Address already in use".to_owned(),
        ),
        (
            "--network lan --ip 10.9.0.1",
            format!(
                "invalid config for network lan: {settings}\n\
                 no configured subnet or ip-range contain the IP address 10.9.0.1"
            ),
        ),
        (
            "--network lan --ip bogus",
            format!(
                "invalid config for network lan: {settings}\n* invalid IPv4 address: bogus\n\
                 * no configured subnet or ip-range contain the IP address bogus"
            ),
        ),
        (
            "--ip 172.17.0.50",
            format!(
                "invalid config for network bridge: {settings}\n\
                 * user specified IP address is supported on user defined networks only\n\
                 * user specified IP address is supported only when connecting to networks with \
                 user configured subnets"
            ),
        ),
        (
            "--network nosuch",
            "failed to set up container networking: network nosuch not found".to_owned(),
        ),
        (
            "--network-alias foo",
            "network-scoped aliases are only supported for user-defined networks".to_owned(),
        ),
        (
            "--network bridge --network lan",
            "conflicting options: cannot attach both user-defined and non-user-defined \
             network-modes"
                .to_owned(),
        ),
    ] {
        assert_eq!(
            host.fails(125, &format!("run --rm {flags} alpine true")),
            format!("rbox: {text}{HELP}"),
            "{flags}"
        );
    }
    assert_eq!(host.left_behind(), before);
}

#[test]
fn a_full_network_says_so_and_has_room_again_when_one_leaves() {
    let host = Host::new();
    let id = host.ok("network create --subnet 10.210.0.0/30 tiny");
    host.ok("run -d --name one --network tiny alpine sleep 1000");
    assert_eq!(host.address("one", "tiny"), "10.210.0.2");
    assert_eq!(
        host.fails(125, "run --rm --network tiny alpine true"),
        format!(
            "rbox: failed to set up container networking: no available IPv4 addresses on this \
             network's address pools: tiny ({id}){HELP}"
        )
    );
    host.ok("rm -f one");
    for _ in 0..5 {
        host.ok("run --rm --network tiny alpine true");
    }
}

#[test]
fn a_restart_keeps_the_address_and_a_newcomer_does_not_inherit_one() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name one --network lan alpine sleep 1000");
    host.ok("run -d --name two --network lan alpine sleep 1000");
    let (one, two) = (host.address("one", "lan"), host.address("two", "lan"));
    host.ok("restart -t 0 one");
    assert_eq!(host.address("one", "lan"), one);
    host.ok("stop -t 0 one two");
    host.ok("run -d --name three --network lan alpine sleep 1000");
    let three = host.address("three", "lan");
    assert!(three != one && three != two, "{three}");
    host.ok("start two one");
    assert_eq!(
        (host.address("one", "lan"), host.address("two", "lan")),
        (one, two)
    );
}

#[test]
fn parallel_starts_never_share_an_address() {
    let host = Host::new();
    host.ok("network create lan");
    let children: Vec<_> = (0..20)
        .map(|number| {
            host.spawn(&format!(
                "run -d --name c{number} --network lan alpine sleep 1000"
            ))
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let mut addresses: Vec<String> = (0..20)
        .map(|number| host.address(&format!("c{number}"), "lan"))
        .collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 20);
    assert!(
        addresses
            .iter()
            .all(|address| address.starts_with("172.18.0.")),
        "{addresses:?}"
    );
}

#[test]
fn a_network_with_ipv6_gives_both_and_answers_names_for_both() {
    use crate::harness::dns::{Type, resolve};
    let host = Host::new();
    host.ok("network create --ipv6 --subnet 10.230.0.0/24 --subnet fd00:aa::/64 six");
    host.ok("run -d --name one --network six alpine sleep 1000");
    host.ok("run -d --name two --network six --ip6 fd00:aa::77 alpine sleep 1000");
    host.ok("exec one ping -c 1 two");
    host.ok("exec one ping6 -c 1 two");
    let text = host.ok("exec one ip -6 route");
    assert!(text.contains("default via fd00:aa::1 dev eth0"), "{text}");
    let hosts = host.ok("exec one cat /etc/hosts");
    let short = &host.id("one")[..12];
    assert!(
        hosts.ends_with(&format!("\n10.230.0.2\t{short}\nfd00:aa::2\t{short}")),
        "{hosts}"
    );
    let pid = host.pid("one").try_into().unwrap();
    assert_eq!(resolve(pid, "two", Type::A).records, ["10.230.0.3"]);
    assert_eq!(resolve(pid, "two", Type::Aaaa).records, ["fd00:aa::77"]);
    let reverse = format!("7.7{}.a.a.0.0.0.0.d.f.ip6.arpa", ".0".repeat(22));
    assert_eq!(resolve(pid, &reverse, Type::Ptr).records, ["two.six"]);
    assert_eq!(
        host.rbox(&[
            "inspect",
            "-f",
            "{{json .NetworkSettings.Networks.six.IPAMConfig}}",
            "two"
        ])
        .ok(),
        r#"{"IPv6Address":"fd00:aa::77"}"#
    );
}

#[test]
fn a_network_may_have_ipv6_alone() {
    let host = Host::new();
    host.ok("network create --ipv4=false --ipv6 six");
    let subnet = host
        .rbox(&[
            "network",
            "inspect",
            "-f",
            "{{(index .IPAM.Config 0).Subnet}}",
            "six",
        ])
        .ok();
    assert!(
        subnet.starts_with("fd") && subnet.ends_with("::/64"),
        "{subnet}"
    );
    host.ok("run -d --name one --network six alpine sleep 1000");
    host.ok("run -d --name two --network six alpine sleep 1000");
    assert_eq!(host.ok("exec one ip route"), "");
    host.ok("exec one ping6 -c 1 two");
    host.ok("exec one ping -c 1 two");
}

#[test]
fn an_address_that_had_a_mac_of_its_own_answers_at_once_for_the_next() {
    let host = Host::new();
    host.ok("network create --subnet 10.221.0.0/24 lan");
    host.ok("run -d --name asks --network lan alpine sleep 1000");
    let foreign = "--network lan --ip 10.221.0.9 --mac-address 02:42:aa:bb:cc:dd";
    host.ok(&format!("run -d --name one {foreign} alpine sleep 1000"));
    host.ok("exec asks ping -c 1 -W 5 10.221.0.9");
    host.ok("rm -f one");
    host.ok("run -d --name two --network lan --ip 10.221.0.9 alpine sleep 1000");
    // The neighbour's entry of the first is still valid: nothing but an announcement changes it.
    host.ok("exec asks ping -c 1 -W 2 10.221.0.9");
    host.ok("rm -f asks two");
    host.ok("network rm lan");
    host.nothing_is_left();
}
