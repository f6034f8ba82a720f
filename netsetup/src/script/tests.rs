use super::*;
use crate::model::network::tests::network;
use crate::plan::endpoint::tests::plan_on;

fn lines(steps: &[Step], present: &mut Present) -> String {
    let groups: Vec<Group> = steps
        .iter()
        .flat_map(|step| group(step, "rbox-web", present))
        .collect();
    text(&groups)
}

fn there() -> Present {
    Present {
        table: true,
        forwarding: (true, true),
        ..Present::default()
    }
}

const ENDPOINT: &str = r#"# what the firewall must know of bridge br0
# (where another engine's or a firewall's rules would stop it, a way in is added there, too)
nft -f - <<'EOF'
add element inet rbox bridges { "br0" comment "172.18.0.0/16 masquerade icc" }
add element inet rbox icc { "br0" . "br0" comment "br0" }
add element inet rbox own4 { 172.18.0.0-172.18.255.255 . "br0" comment "br0" }
add element inet rbox masquerade4 { 172.18.0.0-172.18.255.255 . 0.0.0.0-255.255.255.255 comment "br0" }
add element inet rbox closed4 { 0.0.0.0-255.255.255.255 . 172.18.0.0-172.18.255.255 comment "br0" }
EOF

# bridge br0, with the containers' gateways
ip link add br0 mtu 1500 address MAC type bridge stp_state 0 forward_delay 0
ip address add fe80::1/64 dev br0 nodad
ip link set br0 addrgenmode none
ip link set br0 up
ip address add 172.18.0.1/16 brd + dev br0

# a veth pair: eth0 inside, veth0 a port of br0
ip link add veth0 mtu 1500 type veth peer name eth0 mtu 1500 address 02:42:ac:12:00:02 netns rbox-web
ip link set veth0 addrgenmode none
ip link set veth0 master br0
ip link set veth0 up
ip netns exec rbox-web sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6'
ip netns exec rbox-web sh -c 'echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify'
ip -n rbox-web link set lo up
ip -n rbox-web link set eth0 addrgenmode none
ip -n rbox-web address add 172.18.0.2/16 brd + dev eth0
ip -n rbox-web link set eth0 up

"#;

#[test]
fn an_endpoint_is_a_bridge_a_pair_and_names() {
    let network = network("h4n", &["172.18.0.0/16"]);
    let mut steps = plan_on(&network, &[]).steps;
    let publish = steps.pop().unwrap();
    let Step::Bridge { bridge, .. } = &mut steps[0] else {
        panic!("{steps:?}");
    };
    bridge.name = "br0".to_owned();
    let mac = bridge.mac.to_string();
    let Step::Veth(veth) = &mut steps[1] else {
        panic!("{steps:?}");
    };
    (veth.bridge, veth.host_ifname) = ("br0".to_owned(), "veth0".to_owned());
    assert_eq!(lines(&steps, &mut there()), ENDPOINT.replace("MAC", &mac));
    let names = lines(&[publish], &mut there());
    let zone = "cat >> /run/x/hosts <<'EOF'\n172.18.0.2\th4a 09703cb2d9fb\nEOF\n";
    assert!(names.contains(zone), "{names}");
}

#[test]
fn what_is_there_is_not_made_again() {
    let network = network("h4n", &["172.18.0.0/16"]);
    let steps = &plan_on(&network, &[]).steps[..1];
    let mut present = Present::default();
    let first = lines(steps, &mut present);
    for part in ["table inet rbox {\n", "ip_forward=1", "type bridge"] {
        assert!(first.contains(part), "{part}\n{first}");
    }
    assert_eq!(
        lines(steps, &mut present),
        format!(
            "# bridge br-{} and its elements of the firewall are there\n\n",
            &network.id[..12]
        )
    );
}

#[test]
fn names_do_not_run() {
    let mut network = network("h4n", &["172.18.0.0/16"]);
    let name = crate::model::network_options::BRIDGE_NAME.to_owned();
    network.options.insert(name, "a;$(b)'\"\\".to_owned());
    let drawn = lines(&plan_on(&network, &[]).steps, &mut there());
    assert!(
        drawn.contains("ip link set 'a;$(b)'\\''\"\\' up\n"),
        "{drawn}"
    );
    let element = "add element inet rbox bridges { \"a;$(b)'?\\\" comment";
    assert!(drawn.contains(element), "{drawn}");
}
