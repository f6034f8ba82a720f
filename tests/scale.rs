//! Many containers on one network, and many that come and go: at the kernel's limit a clear
//! error, and at the end nothing of them is left in the kernel.

use std::collections::BTreeMap;

use crate::harness::{Host, wait_until};

/// Ports that the kernel gives one bridge: BR_MAX_PORTS less the reserved one.
const PORTS: usize = 1023;

/// Makes all but `left` of a bridge's ports taken, by pairs whose other ends are in a namespace
/// `fill`: with it they all go at once.
fn fill(host: &Host, bridge: &str, left: usize) {
    let pair = |number| {
        format!(
            "link add fill{number} master {bridge} type veth peer name end{number} netns fill\n"
        )
    };
    let batch: String = (0..PORTS - left).map(pair).collect();
    let path = host.write("fill", &batch);
    host.sh(&format!("ip netns add fill && ip -batch {path}"))
        .ok();
}

#[test]
fn a_full_bridge_is_told_by_the_name_of_its_network() {
    let host = Host::new();
    host.ok("network create -o com.docker.network.bridge.name=lan0 lan");
    fill(&host, "lan0", 1);
    host.ok("run -d --name last --network lan alpine sleep 1000");
    let before = host.state();
    let full = "network lan is full: bridge lan0 has 1023 ports, which is the kernel's limit";
    let hint = "hint: put the container on another network: `rbox network create`";
    assert_eq!(
        host.fails(125, "run --rm --network lan alpine true"),
        format!(
            "rbox: failed to set up container networking: {full}\n{hint}\n\nRun 'rbox run --help' \
             for more information"
        )
    );
    let mut changed = host.changed_since(&before);
    // The hint of the next address may have moved on.
    changed.retain(|line| !line.contains("/last "));
    assert_eq!(changed, [""; 0]);
    // A container that runs is not harmed by the attempt to join.
    host.ok("run -d --name box alpine sleep 1000");
    let addresses = host.ok("exec box ip -o addr");
    let said = host.fails(1, "network connect lan box");
    assert_eq!(said, format!("rbox: {full}\n{hint}"));
    assert_eq!(host.ok("exec box ip -o addr"), addresses);
    host.ok("exec box ping -c 1 172.17.0.1");
    // One goes, and there is room for one.
    host.ok("rm -f last");
    host.ok("network connect lan box");
    host.ok("rm -f box");
    host.ok("network rm lan");
    host.sh("ip netns del fill").ok();
    // The kernel takes its time with a thousand interfaces.
    let left = || host.sh("ip -o link | grep -c fill; true").ok();
    assert!(wait_until(60, || left() == "0"), "{} are left", left());
}

#[test]
fn a_network_without_a_free_address_is_told_by_its_name() {
    let host = Host::new();
    let id = host.ok("network create --subnet 10.9.0.0/29 lan");
    for number in 0..5 {
        host.ok(&format!(
            "run -d --name box{number} --network lan alpine sleep 1000"
        ));
    }
    let before = host.state();
    let full = format!("no available IPv4 addresses on this network's address pools: lan ({id})");
    assert_eq!(
        host.fails(125, "run --rm --network lan alpine true"),
        format!(
            "rbox: failed to set up container networking: {full}\n\nRun 'rbox run --help' for more \
             information"
        )
    );
    assert_eq!(host.changed_since(&before), [""; 0]);
    host.ok("run -d --name plain alpine sleep 1000");
    assert_eq!(
        host.fails(1, "network connect lan plain"),
        format!("rbox: {full}")
    );
    host.ok("rm -f box3");
    host.ok("network connect lan plain");
    assert_eq!(host.address("plain", "lan"), "10.9.0.5");
}

/// What the kernel has of us, by kind.
fn kernel(host: &Host) -> BTreeMap<&'static str, String> {
    [
        ("links", "ip -o link | grep -v rbox0 | sed 's/^[0-9]*: //'"),
        ("addresses", "ip -o addr | grep -v rbox0"),
        ("routes", "ip route show table all | grep -v rbox0"),
        ("rules", "nft list ruleset"),
        ("names of namespaces", "ls /run/netns"),
        ("mounts", "wc -l < /proc/self/mountinfo"),
        ("connections", "wc -l < /proc/net/nf_conntrack 2>/dev/null || true"),
        ("cgroups", "find /sys/fs/cgroup -path '*/rbox/*' -name '????????????????????????????????????????????????????????????????' | while read g; do test -e $RBOX_RUN_ROOT/containers/${g##*/} && echo $g; done; true"),
        ("files", "find $RBOX_ROOT $RBOX_RUN_ROOT | sort"),
    ]
    .map(|(kind, script)| (kind, host.sh(script).stdout))
    .into()
}

/// How often networks and containers come and go: RBOX_TEST_CYCLES.
fn cycles() -> usize {
    std::env::var("RBOX_TEST_CYCLES").map_or(40, |count| count.parse().unwrap())
}

#[test]
fn networks_and_containers_that_came_and_went_leave_the_kernel_as_it_was() {
    let host = Host::new();
    let once = |number: usize| {
        host.ok(&format!("network create --ipv6 --label n={number} lan"));
        host.ok("run -d --name web --network lan -p 8080:80 -p 5353:53/udp alpine sleep 1000");
        host.ok("run --rm --network lan alpine ping -c 3 -i 0.1 web");
        host.ok("network connect bridge web");
        host.ok("network disconnect lan web");
        host.ok("rm -f web");
        host.ok("network rm lan");
    };
    // The first one makes what stays: the table, the default bridge, the directories.
    once(0);
    let before = kernel(&host);
    for number in 1..=cycles() {
        once(number);
    }
    assert_eq!(kernel(&host), before);
}
