//! Mistakes about networks: each is told in Docker 28's words, with its exit code, and changes
//! nothing.

use crate::harness::Host;

#[test]
fn what_cannot_be_a_network_is_refused_with_dockers_words() {
    let host = Host::new();
    host.ok("network create --subnet 10.220.0.0/24 -o com.docker.network.bridge.name=lan0 taken");
    let overlap = "invalid pool request: Pool overlaps with other one on this address space";
    let notation = "invalid network config:\ninvalid subnet";
    let unmatched = "every ip-range or gateway must have a corresponding subnet";
    let option = "failed to parse com.docker.network";
    host.refuses(
        1,
        "network create",
        "",
        &[
            ("taken", "network with name taken already exists"),
            ("''", "invalid name: name is empty"),
            ("~", "invalid name: name is empty"),
            (
                "bridge",
                "operation is not permitted on predefined bridge network",
            ),
            (
                "host",
                "operation is not permitted on predefined host network",
            ),
            (
                "none",
                "operation is not permitted on predefined none network",
            ),
            (
                "default",
                "operation is not permitted on predefined default network",
            ),
            ("-d nosuch x", "plugin \"nosuch\" not found"),
            (
                "-d host x",
                "only one instance of \"host\" network is allowed",
            ),
            (
                "-d null x",
                "only one instance of \"null\" network is allowed",
            ),
            (
                "--scope swarm x",
                "cannot create a swarm scoped network when swarm is not active",
            ),
            ("--scope bogus x", "invalid scope: bogus"),
            ("--ipam-driver bogus x", "unsupported IPAM driver: bogus"),
            (
                "--subnet bogus x",
                &format!("{notation} bogus: invalid CIDR block notation"),
            ),
            (
                "--subnet 10.1.2.3/33 x",
                &format!("{notation} 10.1.2.3/33: invalid CIDR block notation"),
            ),
            (
                "--subnet 10.1.2.3 x",
                &format!("{notation} 10.1.2.3: invalid CIDR block notation"),
            ),
            (
                "--subnet 10.201.2.3/24 x",
                &format!("{notation} 10.201.2.3/24: it should be 10.201.2.0/24"),
            ),
            (
                "--ipv6 --subnet fd00::1/64 x",
                &format!("{notation} fd00::1/64: it should be fd00::/64"),
            ),
            ("--subnet 10.220.0.0/16 x", overlap),
            ("--subnet 10.220.0.128/25 x", overlap),
            ("--subnet 172.17.4.0/24 x", overlap),
            ("--subnet 0.0.0.0/0 x", overlap),
            (
                "--subnet 10.210.0.0/24 --gateway 10.211.0.1 x",
                "no matching subnet for gateway 10.211.0.1",
            ),
            (
                "--subnet 10.210.0.0/16 --gateway bogus x",
                "no matching subnet for gateway bogus",
            ),
            (
                "--subnet 10.210.0.0/24 --ip-range 10.211.0.0/24 x",
                "no matching subnet for range 10.211.0.0/24",
            ),
            (
                "--subnet 10.210.0.0/24 --aux-address a=10.211.0.5 x",
                "no matching subnet for aux-address 10.211.0.5",
            ),
            (
                "--subnet 10.210.0.0/24 --aux-address 10.210.0.5 x",
                "no matching subnet for aux-address ",
            ),
            ("--gateway 10.211.0.1 x", unmatched),
            ("--ip-range 10.210.0.0/24 x", unmatched),
            (
                "--subnet 10.210.0.0/24 --ip-range 10.210.0.0/16 x",
                "invalid network config:\ninvalid ip-range 10.210.0.0/16: CIDR block is bigger \
                 than its parent subnet 10.210.0.0/24",
            ),
            (
                "--subnet 10.210.0.0/24 --ip-range 10.210.0.9/28 x",
                "invalid network config:\ninvalid ip-range 10.210.0.9/28: it should be \
                 10.210.0.0/28",
            ),
            (
                "--subnet 10.210.0.1/24 --ip-range 10.210.0.9/28 x",
                "invalid network config:\n* invalid subnet 10.210.0.1/24: it should be \
                 10.210.0.0/24\n* invalid ip-range 10.210.0.9/28: it should be 10.210.0.0/28",
            ),
            (
                "--subnet 10.210.0.0/24 --gateway 10.210.0.0 x",
                "failed to allocate gateway (10.210.0.0): Address already in use",
            ),
            (
                "--subnet 10.210.0.0/24 --gateway 10.210.0.255 x",
                "failed to allocate gateway (10.210.0.255): Address already in use",
            ),
            (
                "--subnet 10.210.0.0/24 --gateway 10.210.0.1 --gateway 10.210.0.2 x",
                unmatched,
            ),
            (
                "--subnet 10.210.0.0/24 --subnet 10.212.0.0/24 --gateway 10.210.0.1 --gateway \
                 10.210.0.2 x",
                "cannot configure multiple gateways (10.210.0.2, 10.210.0.1) for the same subnet \
                 (10.210.0.0/24)",
            ),
            (
                "--subnet 10.210.0.0/16 --subnet 10.210.1.0/24 x",
                "multiple overlapping subnet configuration is not supported",
            ),
            (
                "--subnet 10.210.0.0/24 --subnet 10.211.0.0/24 x",
                "bridge driver doesn't support multiple subnets",
            ),
            (
                "--subnet 10.210.0.0/24 --aux-address a=10.210.0.1 x",
                "failed to allocate secondary ip address (a:10.210.0.1): Address already in use",
            ),
            ("--ipv4=false x", "IPv4 or IPv6 must be enabled"),
            (
                "-o com.docker.network.bridge.name=lo x",
                "existing interface lo is not a bridge",
            ),
            (
                "-o com.docker.network.bridge.name=a-very-long-name x",
                "bridge interface name a-very-long-name: numerical result out of range",
            ),
            (
                "-o com.docker.network.bridge.name=lan0 x",
                "cannot create network {} (lan0): conflicts with network {} (lan0): networks have \
                 same bridge name",
            ),
            (
                "-o com.docker.network.bridge.name=rbox0 x",
                "cannot create network {} (rbox0): conflicts with network {} (rbox0): networks \
                 have same bridge name",
            ),
            (
                "-o com.docker.network.driver.mtu=abc x",
                &format!(
                    "{option}.driver.mtu value: abc (strconv.Atoi: parsing \"abc\": invalid syntax)"
                ),
            ),
            (
                "-o com.docker.network.driver.mtu=-1 x",
                "invalid MTU number: -1",
            ),
            (
                "-o com.docker.network.driver.mtu=67 x",
                "invalid MTU number: 67",
            ),
            (
                "-o com.docker.network.bridge.enable_icc=maybe x",
                &format!(
                    "{option}.bridge.enable_icc value: maybe (strconv.ParseBool: parsing \
                     \"maybe\": invalid syntax)"
                ),
            ),
            (
                "-o com.docker.network.bridge.enable_ip_masquerade=maybe x",
                &format!(
                    "{option}.bridge.enable_ip_masquerade value: maybe (strconv.ParseBool: \
                     parsing \"maybe\": invalid syntax)"
                ),
            ),
            (
                "-o com.docker.network.bridge.gateway_mode_ipv4=isolated x",
                "gateway mode 'isolated' can only be used for an internal network",
            ),
            (
                "-o com.docker.network.bridge.gateway_mode_ipv4=bogus x",
                &format!(
                    "{option}.bridge.gateway_mode_ipv4 value: bogus (unknown gateway mode bogus)"
                ),
            ),
        ],
    );
}

#[test]
fn arguments_and_flags_that_are_wrong_show_the_usage() {
    let host = Host::new();
    let usage = |of: &str| format!("\n\nUsage:  rbox network {of}");
    let create =
        usage("create [OPTIONS] NETWORK\n\nRun 'rbox network create --help' for more information");
    let count = "'rbox network create' requires 1 argument";
    host.refuses(1, "network create", &create, &[("", count), ("a b", count)]);
    for (line, text) in [
        ("--bogus a", "unknown flag: --bogus"),
        ("-z a", "unknown shorthand flag: 'z' in -z"),
        (
            "--ipv4=maybe a",
            "invalid argument \"maybe\" for \"--ipv4\" flag: strconv.ParseBool: parsing \
             \"maybe\": invalid syntax",
        ),
        (
            "--internal=maybe a",
            "invalid argument \"maybe\" for \"--internal\" flag: strconv.ParseBool: parsing \
             \"maybe\": invalid syntax",
        ),
        ("a --subnet", "flag needs an argument: --subnet"),
    ] {
        let said = host.fails(125, &format!("network create {line}"));
        assert_eq!(said, format!("{text}{create}"));
    }
    for flag in ["--config-only", "--config-from=a", "--ingress"] {
        let name = flag.split('=').next().unwrap();
        let said = host.fails(125, &format!("network create {flag} a"));
        assert!(
            said.starts_with(&format!("rbox: unsupported flag: {name}\n")),
            "{said}"
        );
    }
    let see = |command: &str, rest: &str| {
        usage(&format!(
            "{command} {rest}\n\nSee 'rbox network {command} --help' for more information"
        ))
    };
    for (command, rest) in [
        ("rm", "NETWORK [NETWORK...]"),
        ("inspect", "[OPTIONS] NETWORK [NETWORK...]"),
    ] {
        let text = format!("'rbox network {command}' requires at least 1 argument");
        let prefix = format!("network {command}");
        host.refuses(1, &prefix, &see(command, rest), &[("", &text)]);
    }
    for command in ["connect", "disconnect"] {
        let help = usage(&format!(
            "{command} [OPTIONS] NETWORK CONTAINER\n\nRun 'rbox network {command} --help' for \
             more information"
        ));
        let text = format!("'rbox network {command}' requires 2 arguments");
        let prefix = format!("network {command}");
        host.refuses(1, &prefix, &help, &[("a", &text), ("a b c", &text)]);
    }
    assert_eq!(
        host.fails(1, "network bogus"),
        "rbox: unknown command: rbox network bogus\n\nUsage:  rbox network\n\nRun 'rbox network \
         --help' for more information"
    );
}

#[test]
fn filters_that_nobody_knows_are_named() {
    let host = Host::new();
    host.refuses(
        1,
        "network ls",
        "",
        &[
            ("-f bogus=1", "Invalid filter 'bogus'"),
            ("-f type=bogus", "invalid filter: 'type'='bogus'"),
            ("-f dangling=maybe", "Invalid filter 'dangling=maybe'"),
        ],
    );
    host.refuses(
        1,
        "network prune -f",
        "",
        &[("--filter bogus=1", "Invalid filter 'bogus'")],
    );
    let said = host.fails(125, "network ls -f bogus");
    assert!(
        said.starts_with(
            "invalid argument \"bogus\" for \"-f, --filter\" flag: bad format of filter (expected \
             name=value)\n\nUsage:  rbox network ls [OPTIONS]"
        ),
        "{said}"
    );
}

#[test]
fn predefined_and_unknown_networks_are_not_removed() {
    let host = Host::new();
    host.ok("network create lan");
    host.refuses(
        1,
        "network rm",
        "",
        &[
            (
                "bridge",
                "bridge is a pre-defined network and cannot be removed",
            ),
            (
                "host",
                "host is a pre-defined network and cannot be removed",
            ),
            (
                "none",
                "none is a pre-defined network and cannot be removed",
            ),
            ("nosuch", "network nosuch not found"),
            ("default", "network default not found"),
            (
                "bridge nosuch host",
                "bridge is a pre-defined network and cannot be removed\nrbox: network nosuch not \
                 found\nrbox: host is a pre-defined network and cannot be removed",
            ),
        ],
    );
    assert_eq!(host.ok("network rm -f nosuch"), "");
}
