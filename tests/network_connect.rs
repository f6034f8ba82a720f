//! Joining and leaving networks while a container runs, and before it does.

use crate::harness::dns::{NXDOMAIN, Type, resolve};
use crate::harness::{Host, wait_until};

/// Interfaces with their IPv4 addresses, but for loopback.
fn addresses(host: &Host, container: &str) -> Vec<String> {
    let text = host.ok(&format!("exec {container} ip -o -4 addr"));
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words[1] != "lo")
        .map(|words| format!("{} {}", words[1], words[3]))
        .collect()
}

fn own_lines(host: &Host, container: &str) -> Vec<String> {
    let text = host.ok(&format!("exec {container} cat /etc/hosts"));
    text.lines().skip(6).map(str::to_owned).collect()
}

/// The default route of `box`.
fn default_route(host: &Host) -> String {
    let routes = host.ok("exec box ip route");
    routes
        .lines()
        .filter(|line| line.starts_with("default"))
        .collect()
}

fn two_networks(host: &Host) {
    host.ok("network create --subnet 10.220.0.0/24 lan");
    host.ok("network create --subnet 10.221.0.0/24 far");
}

#[test]
fn address_route_hosts_and_names_follow() {
    let host = Host::new();
    two_networks(&host);
    host.ok(
        "run -d --name box --network lan --hostname bhost --domainname bdom.test alpine sleep 1000",
    );
    host.ok("run -d --name other --network far alpine sleep 1000");
    let pid = host.pid("box").try_into().unwrap();
    let default = || default_route(&host);
    assert_eq!(resolve(pid, "other", Type::A).records, [""; 0]);

    assert_eq!(host.ok("network connect --alias second far box"), "");
    assert_eq!(
        addresses(&host, "box"),
        ["eth0 10.220.0.2/24", "eth1 10.221.0.3/24"]
    );
    // "far" comes before "lan".
    assert_eq!(default(), "default via 10.221.0.1 dev eth1 ");
    assert_eq!(
        own_lines(&host, "box"),
        [
            "10.220.0.2\tbhost.bdom.test bhost",
            "10.221.0.3\tbhost.bdom.test bhost"
        ]
    );
    assert_eq!(resolve(pid, "other", Type::A).records, ["10.221.0.2"]);
    assert_eq!(resolve(pid, "second", Type::A).records, ["10.221.0.3"]);
    assert_eq!(resolve(pid, "box.lan", Type::A).records, ["10.220.0.2"]);
    assert_eq!(resolve(pid, "box.far", Type::A).records, ["10.221.0.3"]);
    host.ok("exec other ping -c 1 second");

    assert_eq!(host.ok("network disconnect lan box"), "");
    assert_eq!(addresses(&host, "box"), ["eth1 10.221.0.3/24"]);
    assert_eq!(
        own_lines(&host, "box"),
        ["10.221.0.3\tbhost.bdom.test bhost"]
    );
    assert_eq!(default(), "default via 10.221.0.1 dev eth1 ");

    host.ok("network disconnect far box");
    assert_eq!(addresses(&host, "box"), [""; 0]);
    assert_eq!(own_lines(&host, "box"), [""; 0]);
    host.fails(1, "exec other ping -c 1 second");
    host.ok("network connect --ip 10.220.0.44 lan box");
    assert_eq!(addresses(&host, "box"), ["eth0 10.220.0.44/24"]);
    assert_eq!(default(), "default via 10.220.0.1 dev eth0 ");
    let after = resolve(pid, "second", Type::A);
    assert!(
        after.code == NXDOMAIN || after.records.is_empty(),
        "{after:?}"
    );
}

#[test]
fn a_container_of_the_default_bridge_gets_the_resolver_when_it_joins() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name db --network lan alpine sleep 1000");
    host.ok("run -d --name box alpine sleep 1000");
    assert!(
        !host
            .ok("exec box cat /etc/resolv.conf")
            .contains("127.0.0.11")
    );
    host.ok("network connect lan box");
    assert!(
        host.ok("exec box cat /etc/resolv.conf")
            .contains("nameserver 127.0.0.11\n")
    );
    host.ok("exec box ping -c 1 db");
    host.ok("exec db ping -c 1 box");
    host.ok("network disconnect lan box");
    host.fails(1, "exec box ping -c 1 db");
    host.ok("exec box ping -c 1 172.17.0.1");
}

#[test]
fn what_is_connected_before_the_start_is_there_at_the_start() {
    let host = Host::new();
    two_networks(&host);
    host.ok("create --name box --network lan alpine sleep 1000");
    host.ok("network connect --ip 10.221.0.9 --alias nine far box");
    host.ok("start box");
    assert_eq!(
        addresses(&host, "box"),
        ["eth0 10.220.0.2/24", "eth1 10.221.0.9/24"]
    );
    host.ok("exec box ping -c 1 nine");
    host.ok("stop -t 0 box");
    host.ok("network disconnect lan box");
    host.ok("start box");
    assert_eq!(addresses(&host, "box"), ["eth0 10.221.0.9/24"]);
}

#[test]
fn a_live_connection_lasts_over_a_restart() {
    let host = Host::new();
    two_networks(&host);
    host.ok("run -d --name box --network lan alpine sleep 1000");
    host.ok("network connect far box");
    let before = addresses(&host, "box");
    host.ok("restart -t 0 box");
    assert_eq!(addresses(&host, "box"), before);
    let names = host.ok("ps --format {{.Networks}}");
    assert!(names.contains("lan") && names.contains("far"), "{names}");
}

#[test]
fn several_networks_may_be_given_to_run() {
    let host = Host::new();
    two_networks(&host);
    host.ok("run -d --name box --network far --network \
         name=lan,gw-priority=5,ip=10.220.0.77,alias=zz,mac-address=02:42:0a:00:00:77 \
         alpine sleep 1000");
    assert_eq!(
        addresses(&host, "box"),
        ["eth0 10.221.0.2/24", "eth1 10.220.0.77/24"]
    );
    assert_eq!(default_route(&host), "default via 10.220.0.1 dev eth1 ");
    assert!(
        host.ok("exec box ip link show eth1")
            .contains("02:42:0a:00:00:77")
    );
    host.ok("exec box ping -c 1 zz");
}

#[test]
fn what_cannot_be_joined_or_left_is_refused_with_dockers_words() {
    let host = Host::new();
    two_networks(&host);
    host.ok("network create auto");
    host.ok("run -d --name box --network lan alpine sleep 1000");
    host.ok("run -d --name alone --network none alpine sleep 1000");
    host.ok("run -d --name hosty --network host alpine sleep 1000");
    host.ok("run -d --name guest --network container:box alpine sleep 1000");
    let id = host.id("box");
    let sharing = "container sharing network namespace with another container or host cannot be \
                   connected to any other network";
    let private = "container cannot be connected to multiple networks with one of the networks in \
                   private (none) mode";
    for (line, text) in [
        (
            "connect lan box",
            "endpoint with name box already exists in network lan",
        ),
        ("connect nosuch box", "network nosuch not found"),
        ("connect lan nosuch", "No such container: nosuch"),
        ("disconnect nosuch box", "network nosuch not found"),
        ("disconnect lan nosuch", "No such container: nosuch"),
        (
            "connect host box",
            "cannot connect container to host network - container must be created in host network \
             mode",
        ),
        ("connect none box", private),
        ("connect lan alone", private),
        ("connect lan hosty", sharing),
        ("connect far guest", sharing),
        (
            "disconnect host hosty",
            "cannot disconnect container from host network - container was created in host \
             network mode",
        ),
        (
            "connect --ip 10.9.9.9 far box",
            "invalid endpoint settings:\n\
             no configured subnet or ip-range contain the IP address 10.9.9.9",
        ),
        (
            "connect --ip bogus bridge box",
            "invalid endpoint settings:\n\
             * user specified IP address is supported on user defined networks only\n\
             * invalid IPv4 address: bogus\n\
             * no configured subnet or ip-range contain the IP address bogus",
        ),
        (
            "connect --alias foo bridge box",
            "invalid endpoint settings:\n\
             network-scoped alias is supported only for containers in user defined networks",
        ),
        (
            "connect --ip 172.18.0.9 auto box",
            "invalid endpoint settings:\nuser specified IP address is supported only when \
             connecting to networks with user configured subnets",
        ),
        ("connect --ip 10.221.0.1 far box", "Address already in use"),
    ] {
        let said = host.fails(1, &format!("network {line}"));
        assert!(
            said == format!("rbox: {text}") || said.ends_with(&format!(": {text}")),
            "{line}: {said}"
        );
    }
    assert_eq!(
        host.fails(1, "network disconnect bridge box"),
        format!("rbox: container {id} is not connected to network bridge")
    );
    // A refused connection changed nothing.
    assert_eq!(addresses(&host, "box"), ["eth0 10.220.0.2/24"]);
    let format = "{{json .NetworkSettings.Networks}}";
    let networks = host.rbox(&["inspect", "-f", format, "box"]).ok();
    assert!(
        !networks.contains("far") && !networks.contains("bridge"),
        "{networks}"
    );
    host.ok("network disconnect none alone");
    host.ok("network connect bridge alone");
    assert_eq!(addresses(&host, "alone").len(), 1);
}

/// The MAC addresses that the host and a container have for a neighbour.
fn known(host: &Host, container: &str, address: &str) -> [String; 2] {
    let pid = host.pid(container);
    ["", &format!("nsenter -t {pid} -n ")].map(|before| {
        let shown = host.sh(&format!("{before}ip neigh show {address}")).ok();
        let mut words = shown.split_whitespace();
        words.find(|word| *word == "lladdr");
        words.next().unwrap_or_default().to_owned()
    })
}

#[test]
fn neighbours_learn_at_once_that_an_address_has_another_mac() {
    let host = Host::new();
    host.ok("network create --ipv6 --subnet 10.220.0.0/24 --subnet fd00:20::/64 lan");
    host.ok("network create far");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    let at = "--network lan --ip 10.220.0.9 --ip6 fd00:20::9";
    host.ok(&format!("run -d --name box {at} alpine sleep 1000"));
    let addresses = ["10.220.0.9", "fd00:20::9"];
    let ask = |mac: &str| {
        for address in addresses {
            host.ok(&format!("exec peer ping -c 1 {address}"));
            host.sh(&format!("ping -c 1 {address}")).ok();
            assert_eq!(known(&host, "peer", address), [mac, mac]);
        }
    };
    // Nobody asks here: what is known is what was told.
    let told = |mac: &str| {
        for address in addresses {
            let learned = || known(&host, "peer", address) == [mac, mac];
            assert!(
                wait_until(1, learned),
                "{address} is {:?}",
                known(&host, "peer", address)
            );
        }
    };
    ask("02:42:0a:dc:00:09");
    host.ok("rm -f box");
    host.ok(&format!(
        "run -d --name box {at} --mac-address 02:42:00:00:00:77 alpine sleep 1000"
    ));
    told("02:42:00:00:00:77");
    ask("02:42:00:00:00:77");
    // And when a running container comes to have the address.
    host.ok("rm -f box");
    host.ok("run -d --name late --network far alpine sleep 1000");
    host.ok("network connect --ip 10.220.0.9 --ip6 fd00:20::9 lan late");
    told("02:42:0a:dc:00:09");
}

#[test]
fn a_connection_that_fails_late_leaves_nothing() {
    let host = Host::new();
    two_networks(&host);
    host.ok("run -d --name peer --network far alpine sleep 1000");
    host.ok("run -d --name box --network lan -p 8080:80 alpine sleep 1000");
    let state = || {
        let format = "{{json .NetworkSettings}}";
        [
            host.rbox(&["inspect", "-f", format, "box"]).ok(),
            host.rbox(&[
                "exec",
                "box",
                "sh",
                "-c",
                "ip addr; ip route; cat /etc/hosts",
            ])
            .ok(),
            host.rbox(&["network", "inspect", "far"]).ok(),
            host.sh("ip -o link; ls $RBOX_RUN_ROOT/networks/far/leases; nft list table inet rbox")
                .ok(),
        ]
    };
    let before = state();
    // The kernel refuses it when the interface is there already.
    let option = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.nosuch=1";
    let said = host.fails(
        1,
        &format!("network connect --alias late --driver-opt {option} far box"),
    );
    assert!(
        said.ends_with("/conf/eth1/nosuch is not a sysctl file"),
        "{said}"
    );
    assert_eq!(state(), before);
    let peer = host.pid("peer").try_into().unwrap();
    assert_eq!(resolve(peer, "late", Type::A).records, [""; 0]);
    host.ok("network connect far box");
    host.ok("exec peer ping -c 1 box");
}

#[test]
fn a_container_that_comes_back_has_all_that_it_had() {
    let host = Host::new();
    two_networks(&host);
    host.ok("run -d --name peer --network far alpine sleep 1000");
    host.ok("run -d --name box --network lan alpine sleep 1000");
    for round in 0..3 {
        host.ok("network connect --ip 10.221.0.50 --alias again far box");
        assert_eq!(
            addresses(&host, "box"),
            ["eth0 10.220.0.2/24", "eth1 10.221.0.50/24"],
            "{round}"
        );
        host.ok("exec peer ping -c 1 again");
        host.ok("network disconnect far box");
        host.fails(1, "exec peer ping -c 1 again");
        assert_eq!(own_lines(&host, "box").len(), 1);
        assert_eq!(default_route(&host), "default via 10.220.0.1 dev eth0 ");
    }
}
