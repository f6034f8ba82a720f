//! Mistakes about how a container joins networks, by `run` and by `network connect`: each is
//! told in Docker 28's words, with its exit code, and changes nothing.

use crate::harness::Host;

/// What `run` adds to a refusal.
const HELP: &str = "\n\nRun 'rbox run --help' for more information";

fn three_networks(host: &Host) {
    host.ok("network create --subnet 10.220.0.0/24 lan");
    host.ok("network create auto");
    host.ok("network create --ipv6 --subnet 10.232.0.0/24 --subnet fd00:aa::/64 six");
}

const ONLY_USER: &str = "user specified IP address is supported on user defined networks only";
const ONLY_CONFIGURED: &str = "user specified IP address is supported only when connecting to \
                               networks with user configured subnets";

#[test]
fn what_run_cannot_attach_is_refused() {
    let host = Host::new();
    three_networks(&host);
    host.ok("run -d --name box --network lan --ip 10.220.0.5 alpine sleep 1000");
    host.ok("create --name idle alpine true");
    let mixed =
        "conflicting options: cannot attach both user-defined and non-user-defined network-modes";
    let aliases = "network-scoped aliases are only supported for user-defined networks";
    let settings = |network: &str| {
        format!("invalid config for network {network}: invalid endpoint settings:\n")
    };
    let outside = |network: &str, address: &str| {
        let settings = settings(network);
        format!("{settings}no configured subnet or ip-range contain the IP address {address}")
    };
    let both = |network: &str| {
        let settings = settings(network);
        format!("{settings}* {ONLY_USER}\n* {ONLY_CONFIGURED}")
    };
    let in_use = "failed to set up container networking: Address already in use";
    host.refuses(
        125,
        "run --rm",
        HELP,
        &[
            ("--network lan --ip 10.220.0.5 alpine true", in_use),
            ("--network lan --ip 10.220.0.1 alpine true", in_use),
            ("--network lan --ip 10.220.0.0 alpine true", in_use),
            ("--network lan --ip 10.220.0.255 alpine true", in_use),
            (
                "--network lan --ip 10.9.0.1 alpine true",
                &outside("lan", "10.9.0.1"),
            ),
            (
                "--network six --ip6 fd00:bb::1 alpine true",
                &outside("six", "fd00:bb::1"),
            ),
            (
                "--network lan --ip bogus alpine true",
                &format!(
                    "{}* invalid IPv4 address: bogus\n* no configured subnet or ip-range contain \
                     the IP address bogus",
                    settings("lan")
                ),
            ),
            (
                "--network name=lan,ip=bogus alpine true",
                &format!(
                    "{}* invalid IPv4 address: bogus\n* no configured subnet or ip-range contain \
                     the IP address bogus",
                    settings("lan")
                ),
            ),
            ("--ip 172.17.0.50 alpine true", &both("bridge")),
            ("--network host --ip 10.220.0.9 alpine true", &both("host")),
            ("--network none --ip 10.220.0.9 alpine true", &both("none")),
            (
                "--network auto --ip 172.18.0.50 alpine true",
                &format!("{}{ONLY_CONFIGURED}", settings("auto")),
            ),
            (
                "--network lan --ip6 fd00::5 alpine true",
                &format!("{}{ONLY_CONFIGURED}", settings("lan")),
            ),
            (
                "--network nosuch alpine true",
                "failed to set up container networking: network nosuch not found",
            ),
            ("--network-alias foo alpine true", aliases),
            ("--network host --network-alias foo alpine true", aliases),
            ("--network name=bridge,alias=foo alpine true", aliases),
            ("--network bridge --network lan alpine true", mixed),
            ("--network host --network lan alpine true", mixed),
            ("--network lan --network none alpine true", mixed),
            (
                "--network lan --network lan alpine true",
                "network \"lan\" is specified multiple times",
            ),
            (
                "--network name=lan,ip=10.220.0.7 --ip 10.220.0.8 alpine true",
                "conflicting options: cannot specify both --ip and per-network IPv4 address",
            ),
            (
                "--network name=lan,alias=a --network-alias b alpine true",
                "conflicting options: cannot specify both --network-alias and per-network alias",
            ),
            (
                "--network name=lan,bogus=1 alpine true",
                "invalid field key bogus",
            ),
            (
                "--network name=lan,bogus alpine true",
                "invalid field bogus",
            ),
            (
                "--network ip=1.2.3.4 alpine true",
                "network name/id is not specified",
            ),
            (
                "--network name=lan,driver-opt=bogus alpine true",
                "invalid key value pair format in driver options",
            ),
            (
                "--network name=lan,gw-priority=abc alpine true",
                "invalid gw-priority: strconv.Atoi: parsing \"abc\": invalid syntax",
            ),
            (
                "--network lan --mac-address bogus alpine true",
                "bogus is not a valid mac address",
            ),
            (
                "--network lan --mac-address 01:00:5e:00:00:01 alpine true",
                "01:00:5e:00:00:01 is not a valid mac address",
            ),
            (
                "--network container: alpine true",
                "invalid network mode: invalid container format container:<name|id>",
            ),
            (
                "--network container:nosuch alpine true",
                "joining network namespace of container: No such container: nosuch",
            ),
        ],
    );
    let conflict = |what: &str| format!("conflicting options: {what}");
    host.refuses(
        125,
        "run --rm --network container:box",
        HELP,
        &[
            (
                "--hostname h alpine true",
                &conflict("hostname and the network mode"),
            ),
            (
                "-p 80:80 alpine true",
                &conflict("port publishing and the container type network mode"),
            ),
            (
                "-P alpine true",
                &conflict("port publishing and the container type network mode"),
            ),
            (
                "--expose 80 alpine true",
                &conflict("port exposing and the container type network mode"),
            ),
            (
                "--dns 9.9.9.9 alpine true",
                &conflict("dns and the network mode"),
            ),
            (
                "--add-host a:1.2.3.4 alpine true",
                &conflict("custom host-to-IP mapping and the network mode"),
            ),
            (
                "--mac-address 02:42:00:00:00:01 alpine true",
                &conflict("mac-address and the network mode"),
            ),
            (
                "--link box alpine true",
                &conflict(
                    "container type network can't be used with links. This would result in \
                     undefined behavior",
                ),
            ),
        ],
    );
}

#[test]
fn what_cannot_be_connected_is_refused() {
    let host = Host::new();
    three_networks(&host);
    host.ok("run -d --name box --network lan alpine sleep 1000");
    host.ok("run -d --name plain alpine sleep 1000");
    host.ok("run -d --name on-host --network host alpine sleep 1000");
    host.ok("run -d --name on-none --network none alpine sleep 1000");
    host.ok("run -d --name guest --network container:box alpine sleep 1000");
    let private = "container cannot be connected to multiple networks with one of the networks in \
                   private (none) mode";
    let shared = "container sharing network namespace with another container or host cannot be \
                  connected to any other network";
    let settings = "invalid endpoint settings:\n";
    let in_use = "Address already in use";
    host.refuses(
        1,
        "network connect",
        "",
        &[
            (
                "lan box",
                "endpoint with name box already exists in network lan",
            ),
            ("nosuch box", "network nosuch not found"),
            ("lan nosuch", "No such container: nosuch"),
            (
                "host box",
                "cannot connect container to host network - container must be created in host \
                 network mode",
            ),
            ("none box", private),
            ("lan on-none", private),
            ("bridge on-none", private),
            ("lan on-host", shared),
            ("bridge on-host", shared),
            ("lan guest", shared),
            (
                "--ip 10.9.9.9 lan plain",
                &format!(
                    "{settings}no configured subnet or ip-range contain the IP address 10.9.9.9"
                ),
            ),
            (
                "--ip bogus lan plain",
                &format!(
                    "{settings}* invalid IPv4 address: bogus\n* no configured subnet or ip-range \
                     contain the IP address bogus"
                ),
            ),
            (
                "--ip bogus bridge box",
                &format!(
                    "{settings}* {ONLY_USER}\n* invalid IPv4 address: bogus\n* no configured \
                     subnet or ip-range contain the IP address bogus"
                ),
            ),
            (
                "--alias foo bridge box",
                &format!(
                    "{settings}network-scoped alias is supported only for containers in user \
                     defined networks"
                ),
            ),
            (
                "--ip 172.18.0.9 auto plain",
                &format!("{settings}{ONLY_CONFIGURED}"),
            ),
            (
                "--ip6 fd00:bb::9 six plain",
                &format!(
                    "{settings}no configured subnet or ip-range contain the IP address fd00:bb::9"
                ),
            ),
            (
                "--driver-opt bogus lan plain",
                "invalid key value pair format in driver options",
            ),
        ],
    );
    // These are refused by the monitor, which takes back what it had begun.
    let before = host
        .sh("ip -o link; nft list ruleset; ls /run/netns")
        .stdout;
    for address in ["10.220.0.1", "10.220.0.0", "10.220.0.255", "10.220.0.2"] {
        let line = format!("network connect --ip {address} lan plain");
        let said = host.fails(1, &line);
        assert_eq!(said, format!("rbox: {in_use}"), "{address}");
    }
    assert_eq!(
        host.sh("ip -o link; nft list ruleset; ls /run/netns")
            .stdout,
        before
    );
    let said = host.fails(125, "network connect --gw-priority abc lan plain");
    assert!(
        said.starts_with(
            "invalid argument \"abc\" for \"--gw-priority\" flag: strconv.ParseInt: parsing \
             \"abc\": invalid syntax\n\nUsage:  rbox network connect"
        ),
        "{said}"
    );
    let id = host.id("box");
    host.refuses(
        1,
        "network disconnect",
        "",
        &[
            (
                "bridge box",
                &format!("container {id} is not connected to network bridge"),
            ),
            (
                "host box",
                &format!("container {id} is not connected to network host"),
            ),
            ("nosuch box", "network nosuch not found"),
            ("lan nosuch", "No such container: nosuch"),
            (
                "host on-host",
                "cannot disconnect container from host network - container was created in host \
                 network mode",
            ),
        ],
    );
}
