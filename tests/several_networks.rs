//! A container on several networks: interfaces in the order given, names and kernel parameters
//! that were asked for, one default route a family.

use crate::harness::dns::{Type, resolve};
use crate::harness::{Host, wait_until};

const HELP: &str = "\n\nRun 'rbox run --help' for more information";
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

fn three_networks(host: &Host) {
    host.ok("network create --subnet 10.220.0.0/24 lan");
    host.ok("network create --ipv6 --subnet 10.221.0.0/24 --subnet fd00:21::/64 far");
    host.ok("network create --ipv4=false --ipv6 --subnet fd00:22::/64 six");
}

/// Interfaces with their global addresses, as `ip` shows them in a new container.
fn interfaces(host: &Host, flags: &str) -> Vec<String> {
    let text = host.ok(&format!("run --rm {flags} alpine ip -o addr"));
    text.lines()
        .filter(|line| line.contains("scope global"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|words| format!("{} {}", words[1], words[3]))
        .collect()
}

/// The default routes of both families in a new container.
fn defaults(host: &Host, flags: &str) -> Vec<String> {
    let output = host.shell(flags, "ip route; ip -6 route").ok();
    output
        .lines()
        .filter_map(|line| line.strip_prefix("default via "))
        .map(|line| line.trim_end().trim_end_matches(" metric 1024").trim_end())
        .map(str::to_owned)
        .collect()
}

#[test]
fn interfaces_come_in_the_order_of_the_flags() {
    let host = Host::new();
    three_networks(&host);
    assert_eq!(
        interfaces(&host, "--network six --network lan --network far"),
        [
            "eth0 fd00:22::2/64",
            "eth1 10.220.0.2/24",
            "eth2 10.221.0.2/24",
            "eth2 fd00:21::2/64",
        ]
    );
}

#[test]
fn interfaces_have_the_names_that_were_asked_for() {
    let host = Host::new();
    three_networks(&host);
    assert_eq!(
        interfaces(
            &host,
            "--network lan --network name=far,ifname=eth0 --network \
             name=six,driver-opt=com.docker.network.endpoint.ifname=wan.5"
        ),
        [
            // eth0 is promised to another.
            "eth1 10.220.0.2/24",
            "eth0 10.221.0.2/24",
            "eth0 fd00:21::2/64",
            "wan.5 fd00:22::2/64",
        ]
    );
    for (flags, text) in [
        (
            "--network name=lan,ifname=x0 --network name=far,ifname=x0",
            "conflicting options: interface name \"x0\" is given to more than one network",
        ),
        (
            "--network name=lan,ifname=lo",
            "invalid config for network lan: invalid endpoint settings:\n\
             invalid interface name \"lo\"",
        ),
        (
            "--network name=lan,driver-opt=com.docker.network.endpoint.bogus=1",
            "invalid config for network lan: invalid endpoint settings:\n\
             endpoint option com.docker.network.endpoint.bogus is not supported",
        ),
    ] {
        assert_eq!(
            host.fails(125, &format!("run --rm {flags} alpine true")),
            format!("rbox: {text}{HELP}")
        );
    }
    host.ok("run -d --name box --network lan alpine sleep 1000");
    assert_eq!(
        host.fails(
            1,
            "network connect --driver-opt com.docker.network.endpoint.ifname=eth0 far box"
        ),
        "rbox: invalid config for network far: the container has an interface \"eth0\" already"
    );
    host.ok("network connect --driver-opt com.docker.network.endpoint.ifname=wan0 far box");
    host.ok("exec box ip link show wan0");
}

#[test]
fn an_interface_gets_the_lowest_free_number() {
    let host = Host::new();
    three_networks(&host);
    host.ok("run -d --name box --network lan --network far alpine sleep 1000");
    host.ok("network disconnect lan box");
    host.ok("network connect six box");
    host.ok("network connect lan box");
    let shown = host.ok("exec box ip -o addr");
    let on = |ifname: &str, address: &str| {
        let found = |line: &str| line.contains(&format!(": {ifname} ")) && line.contains(address);
        assert!(shown.lines().any(found), "{ifname} {address}: {shown}");
    };
    on("eth0", "fd00:22::2/64");
    on("eth1", "10.221.0.2/24");
    on("eth2", "10.220.0.3/24");
    // The record's order counts at the next start.
    host.ok("restart -t 0 box");
    let shown = host.ok("exec box ip -o -4 addr");
    assert!(
        shown.contains(": eth0    inet 10.221.0.2/24")
            && shown.contains(": eth2    inet 10.220.0.3/24"),
        "{shown}"
    );
}

#[test]
fn the_default_routes_are_those_of_the_first_name_unless_a_priority_says_otherwise() {
    let host = Host::new();
    three_networks(&host);
    host.ok("network create --internal --subnet 10.219.0.0/24 aside");
    let all = "--network lan --network aside --network six";
    for (flags, expected) in [
        (
            "--network lan --network far",
            &["10.221.0.1 dev eth1", "fd00:21::1 dev eth1"][..],
        ),
        // The families are apart.
        (
            "--network six --network lan",
            &["10.220.0.1 dev eth1", "fd00:22::1 dev eth0"],
        ),
        (
            "--network name=six,gw-priority=1 --network far",
            &["10.221.0.1 dev eth1", "fd00:22::1 dev eth0"],
        ),
        (
            "--network far --network name=lan,gw-priority=1",
            &["10.220.0.1 dev eth1", "fd00:21::1 dev eth0"],
        ),
        (
            "--network name=far,gw-priority=-1 --network lan",
            &["10.220.0.1 dev eth1", "fd00:21::1 dev eth0"],
        ),
        // An internal network is never the way out, whatever its name and priority.
        (all, &["10.220.0.1 dev eth0", "fd00:22::1 dev eth2"]),
        (
            "--network lan --network name=aside,gw-priority=9",
            &["10.220.0.1 dev eth0"],
        ),
    ] {
        assert_eq!(defaults(&host, flags), expected, "{flags}");
    }
}

#[test]
fn each_interface_has_the_kernel_parameters_that_were_asked_for() {
    let host = Host::new();
    three_networks(&host);
    let sysctls = format!(
        "name=far,ifname=wan0,\"driver-opt={SYSCTLS}=net.ipv4.conf.IFNAME.log_martians=1,\
         net.ipv6.conf.ifname.accept_ra=2,net.ipv4.neigh.IFNAME.gc_stale_time=33\""
    );
    let script = "cd /proc/sys/net; cat ipv4/conf/eth0/log_martians ipv4/conf/wan0/log_martians \
                  ipv6/conf/wan0/accept_ra ipv4/neigh/wan0/gc_stale_time";
    let run = |network: &str, script: &str| {
        let line = ["run", "--rm", "--network", "lan", "--network", network];
        host.rbox(&[&line[..], &["alpine", "sh", "-c", script]].concat())
    };
    assert_eq!(run(&sysctls, script).ok(), "0\n1\n2\n33");

    // Without IPv6 on the interface there is no address of it anywhere.
    let off = format!("name=far,driver-opt={SYSCTLS}=net.ipv6.conf.IFNAME.disable_ipv6=1");
    let shown = run(&off, "ip -6 addr show eth1; ip -6 route; cat /etc/hosts").ok();
    assert!(
        !shown.contains("fd00:21") && shown.contains("10.221.0."),
        "{shown}"
    );

    // What ran before goes on ending.
    let ended = |left: &[String]| !left.iter().any(|one| one.contains("rbox-monitor"));
    assert!(wait_until(5, || ended(&host.left_behind())));
    let before = host.left_behind();
    let option = format!("name=far,driver-opt={SYSCTLS}");
    let unrecognised = "unrecognised network interface sysctl 'net.ipv4.conf.eth0.x=1'; represent \
                        'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or \
                        'mpls'";
    for (sysctl, text) in [
        (
            "net.ipv4.conf.IFNAME.nosuch=1",
            "failed to set up container networking: /proc/sys/net/ipv4/conf/eth1/nosuch is not a \
             sysctl file"
                .to_owned(),
        ),
        (
            "net.ipv4.conf.eth0.x=1",
            format!("invalid config for network far: invalid endpoint settings:\n{unrecognised}"),
        ),
        (
            "net.ipv4.conf.IFNAME.log_martians",
            "invalid config for network far: invalid endpoint settings:\nexpected sysctl \
             'net.ipv4.conf.IFNAME.log_martians' to have format name=value"
                .to_owned(),
        ),
    ] {
        let said = run(&format!("{option}={sysctl}"), "true").fails(125);
        assert_eq!(said, format!("rbox: {text}{HELP}"));
    }
    wait_until(5, || host.left_behind() == before);
    assert_eq!(host.left_behind(), before);
}

#[test]
fn parameters_of_an_interface_are_not_taken_from_sysctl() {
    let host = Host::new();
    let said = host.fails(
        125,
        "run --rm --sysctl net.ipv4.conf.eth0.log_martians=1 alpine true",
    );
    assert!(
        said.starts_with(
            "rbox: interface specific sysctl setting \"net.ipv4.conf.eth0.log_martians\" must be \
             supplied using driver option 'com.docker.network.endpoint.sysctls'\n"
        ) && said.contains(
            "hint: --network name=NETWORK,driver-opt=com.docker.network.endpoint.sysctls=\
             net.ipv4.conf.IFNAME.log_martians=1"
        ),
        "{said}"
    );
    host.ok("run --rm --sysctl net.ipv4.conf.all.log_martians=1 alpine true");
}

#[test]
fn settings_of_each_network_are_its_own() {
    let host = Host::new();
    three_networks(&host);
    host.ok("run -d --name peer --network lan --network far alpine sleep 1000");
    host.ok(
        "run -d --name box --network name=lan,alias=inner,ip=10.220.0.77,\
         mac-address=02:42:0a:00:00:77 --network \
         name=far,alias=outer,ip=10.221.0.88,ip6=fd00:21::88,driver-opt=mine=1 alpine sleep 1000",
    );
    let shown = host.ok("exec box ip addr");
    for part in [
        "link/ether 02:42:0a:00:00:77 ",
        "inet 10.220.0.77/24",
        "link/ether 02:42:0a:dd:00:58 ",
        "inet 10.221.0.88/24",
        "inet6 fd00:21::88/64",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let pid = host.pid("peer").try_into().unwrap();
    assert_eq!(resolve(pid, "inner", Type::A).records, ["10.220.0.77"]);
    assert_eq!(resolve(pid, "outer", Type::A).records, ["10.221.0.88"]);
    assert_eq!(resolve(pid, "outer", Type::Aaaa).records, ["fd00:21::88"]);
    assert_eq!(resolve(pid, "inner.far", Type::A).records, [""; 0]);
    let format = "{{json .NetworkSettings.Networks.far}}";
    let text = host.rbox(&["inspect", "-f", format, "box"]).ok();
    let far: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(far["DriverOpts"]["mine"], "1");
    assert_eq!(far["GlobalIPv6Address"], "fd00:21::88");
    assert_eq!(far["IPAMConfig"]["IPv6Address"], "fd00:21::88");
}
