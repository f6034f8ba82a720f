//! What `container inspect` and `ps` say of a container's network: Docker 28's JSON key by key,
//! and the host's ends of the interfaces, which Docker does not tell.

use serde_json::Value;

use crate::harness::Host;

/// A part of a container's inspect as one line: keys in their order, `null` told from `{}`.
fn part(host: &Host, container: &str, path: &str) -> String {
    let format = format!("{{{{json {path}}}}}");
    host.rbox(&["inspect", "-f", &format, container]).ok()
}

fn text(host: &Host, container: &str, path: &str) -> String {
    let format = format!("{{{{{path}}}}}");
    host.rbox(&["inspect", "-f", &format, container]).ok()
}

fn network_id(host: &Host, name: &str) -> String {
    host.rbox(&["network", "inspect", "-f", "{{.Id}}", name])
        .ok()
}

/// Docker 28's `NetworkSettings` but for `Networks`.
fn settings(id: &str, key: &str, ports: &str, top: &[&str; 7], networks: &str) -> String {
    let [endpoint, gateway, ip6, ip, prefix, gateway6, mac] = top;
    format!(
        "{{\"Bridge\":\"\",\"SandboxID\":{id:?},\"SandboxKey\":{key:?},\"Ports\":{ports},\
         \"HairpinMode\":false,\"LinkLocalIPv6Address\":\"\",\"LinkLocalIPv6PrefixLen\":0,\
         \"SecondaryIPAddresses\":null,\"SecondaryIPv6Addresses\":null,\"EndpointID\":{endpoint:?},\
         \"Gateway\":{gateway:?},\"GlobalIPv6Address\":{ip6:?},\"GlobalIPv6PrefixLen\":0,\
         \"IPAddress\":{ip:?},\"IPPrefixLen\":{prefix},\"IPv6Gateway\":{gateway6:?},\
         \"MacAddress\":{mac:?},\"Networks\":{networks}}}"
    )
}

/// What is true of no network in particular.
const NOTHING: [&str; 7] = ["", "", "", "", "0", "", ""];

#[test]
fn a_published_container_on_a_network_of_ones_own() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok(
        "run -d --name web --network lan --network-alias www --hostname bh --domainname bd.test \
         -p 8080:80 --expose 5353/udp alpine sleep 1000",
    );
    let id = host.id("web");
    let networks = format!(
        "{{\"lan\":{{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":[\"www\"],\
         \"MacAddress\":\"02:42:ac:12:00:02\",\"DriverOpts\":null,\"GwPriority\":0,\
         \"NetworkID\":{:?},\"EndpointID\":{:?},\"Gateway\":\"172.18.0.1\",\
         \"IPAddress\":\"172.18.0.2\",\"IPPrefixLen\":16,\"IPv6Gateway\":\"\",\
         \"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\
         \"DNSNames\":[\"web\",\"www\",{:?},\"bh\"],\"HostInterface\":{:?}}}}}",
        network_id(&host, "lan"),
        text(&host, "web", ".NetworkSettings.Networks.lan.EndpointID"),
        &id[..12],
        text(&host, "web", ".NetworkSettings.Networks.lan.HostInterface"),
    );
    let ports = "{\"5353/udp\":null,\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},\
                 {\"HostIp\":\"::\",\"HostPort\":\"8080\"}]}";
    let sandbox = text(&host, "web", ".NetworkSettings.SandboxID");
    assert_eq!(sandbox.len(), 64);
    assert_eq!(
        part(&host, "web", ".NetworkSettings"),
        settings(&sandbox, "/run/netns/rbox-web", ports, &NOTHING, &networks)
    );
    for (path, shown) in [
        (".HostConfig.NetworkMode", "\"lan\""),
        (
            ".HostConfig.PortBindings",
            r#"{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}"#,
        ),
        (".HostConfig.PublishAllPorts", "false"),
        (".HostConfig.Dns", "[]"),
        (".HostConfig.DnsOptions", "[]"),
        (".HostConfig.DnsSearch", "[]"),
        (".HostConfig.ExtraHosts", "null"),
        (".HostConfig.Links", "null"),
        (".Config.Hostname", "\"bh\""),
        (".Config.Domainname", "\"bd.test\""),
        (".Config.ExposedPorts", r#"{"5353/udp":{},"80/tcp":{}}"#),
    ] {
        assert_eq!(part(&host, "web", path), shown, "{path}");
    }
    // Ended, it keeps what was asked and what it was called, and nothing that others may have.
    host.ok("stop -t 0 web");
    let networks = format!(
        "{{\"lan\":{{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":[\"www\"],\"MacAddress\":\"\",\
         \"DriverOpts\":null,\"GwPriority\":0,\"NetworkID\":{:?},\"EndpointID\":\"\",\
         \"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\",\
         \"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\
         \"DNSNames\":[\"web\",\"www\",{:?},\"bh\"],\"HostInterface\":\"\"}}}}",
        network_id(&host, "lan"),
        &id[..12],
    );
    assert_eq!(
        part(&host, "web", ".NetworkSettings"),
        settings("", "", "{}", &NOTHING, &networks)
    );
}

#[test]
fn the_default_bridge_is_told_at_the_top_too() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    let endpoint = text(&host, "box", ".NetworkSettings.EndpointID");
    let networks = format!(
        "{{\"bridge\":{{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":null,\
         \"MacAddress\":\"02:42:ac:11:00:02\",\"DriverOpts\":null,\"GwPriority\":0,\
         \"NetworkID\":{:?},\"EndpointID\":{endpoint:?},\"Gateway\":\"172.17.0.1\",\
         \"IPAddress\":\"172.17.0.2\",\"IPPrefixLen\":16,\"IPv6Gateway\":\"\",\
         \"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\"DNSNames\":null,\
         \"HostInterface\":{:?}}}}}",
        network_id(&host, "bridge"),
        text(
            &host,
            "box",
            ".NetworkSettings.Networks.bridge.HostInterface"
        ),
    );
    let top = [
        &endpoint,
        "172.17.0.1",
        "",
        "172.17.0.2",
        "16",
        "",
        "02:42:ac:11:00:02",
    ];
    let sandbox = text(&host, "box", ".NetworkSettings.SandboxID");
    assert_eq!(
        part(&host, "box", ".NetworkSettings"),
        settings(&sandbox, "/run/netns/rbox-box", "{}", &top, &networks)
    );
    assert_eq!(part(&host, "box", ".HostConfig.NetworkMode"), "\"bridge\"");
    assert_eq!(part(&host, "box", ".HostConfig.PortBindings"), "{}");
}

#[test]
fn host_none_and_shared_namespaces_have_little_to_tell() {
    let host = Host::new();
    for (mode, key) in [
        ("host", "/proc/1/ns/net"),
        ("none", "/run/netns/rbox-on-none"),
    ] {
        let name = format!("on-{mode}");
        host.ok(&format!(
            "run -d --name {name} --expose 80 --network {mode} alpine sleep 1000"
        ));
        let networks = format!(
            "{{\"{mode}\":{{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":null,\"MacAddress\":\"\",\
             \"DriverOpts\":null,\"GwPriority\":0,\"NetworkID\":{:?},\"EndpointID\":{:?},\
             \"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\",\
             \"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,\"DNSNames\":null,\
             \"HostInterface\":\"\"}}}}",
            network_id(&host, mode),
            text(
                &host,
                &name,
                &format!(".NetworkSettings.Networks.{mode}.EndpointID")
            ),
        );
        let sandbox = text(&host, &name, ".NetworkSettings.SandboxID");
        assert_eq!(
            part(&host, &name, ".NetworkSettings"),
            settings(&sandbox, key, "{}", &NOTHING, &networks),
            "{mode}"
        );
    }
    host.ok("run -d --name guest --network container:on-none alpine sleep 1000");
    assert_eq!(
        part(&host, "guest", ".NetworkSettings"),
        settings("", "", "{}", &NOTHING, "{}")
    );
    assert_eq!(
        text(&host, "guest", ".HostConfig.NetworkMode"),
        format!("container:{}", host.id("on-none"))
    );
    assert_eq!(
        host.rbox(&["ps", "--format", "{{.Ports}}{{.HostInterfaces}}"])
            .stdout,
        "\n\n\n"
    );
}

#[test]
fn networks_are_sorted_and_say_how_they_were_joined() {
    let host = Host::new();
    host.ok("network create --subnet 10.220.0.0/24 --internal inner");
    host.ok("network create --ipv6 --subnet 10.221.0.0/24 --subnet fd00:aa::/64 far");
    host.ok("run -d --name box --network inner --expose 80 alpine sleep 1000");
    // Nothing leads out of it, so nothing is exposed.
    assert_eq!(part(&host, "box", ".NetworkSettings.Ports"), "{}");
    assert_eq!(host.ok("ps --format {{.Ports}}."), ".");
    host.ok("network connect --gw-priority 10 bridge box");
    host.ok("network connect --ip 10.221.0.9 --ip6 fd00:aa::9 --alias nine --link web:www far box");
    let names = "{{range $name, $it := .NetworkSettings.Networks}}{{$name}} {{end}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", names, "box"]).ok(),
        "bridge far inner "
    );
    for (network, key, shown) in [
        ("bridge", "IPAMConfig", "{}"),
        ("bridge", "Aliases", "[]"),
        ("bridge", "DriverOpts", "{}"),
        ("bridge", "GwPriority", "10"),
        ("bridge", "Links", "null"),
        ("bridge", "DNSNames", "null"),
        (
            "far",
            "IPAMConfig",
            r#"{"IPv4Address":"10.221.0.9","IPv6Address":"fd00:aa::9"}"#,
        ),
        ("far", "Aliases", r#"["nine"]"#),
        ("far", "Links", r#"["web:www"]"#),
        ("far", "GlobalIPv6Address", "\"fd00:aa::9\""),
        ("far", "GlobalIPv6PrefixLen", "64"),
        ("far", "IPv6Gateway", "\"fd00:aa::1\""),
        ("far", "GwPriority", "0"),
        ("inner", "IPAMConfig", "null"),
        ("inner", "Aliases", "null"),
        ("inner", "Gateway", "\"\""),
    ] {
        let path = format!("(index .NetworkSettings.Networks \"{network}\").{key}");
        assert_eq!(part(&host, "box", &path), shown, "{network} {key}");
    }
    assert_eq!(
        part(&host, "box", ".NetworkSettings.Ports"),
        r#"{"80/tcp":null}"#
    );
    host.ok("stop -t 0 box");
    for (key, shown) in [
        (
            "IPAMConfig",
            r#"{"IPv4Address":"10.221.0.9","IPv6Address":"fd00:aa::9"}"#.to_owned(),
        ),
        ("Aliases", r#"["nine"]"#.to_owned()),
        ("IPAddress", "\"\"".to_owned()),
        ("NetworkID", format!("{:?}", network_id(&host, "far"))),
    ] {
        let path = format!(".NetworkSettings.Networks.far.{key}");
        assert_eq!(part(&host, "box", &path), shown, "{key}");
    }
}

#[test]
fn before_its_first_start_a_container_has_only_what_was_asked() {
    let host = Host::new();
    host.ok("network create --subnet 10.220.0.0/24 lan");
    host.ok("network create far");
    host.ok("create --name box --network lan --ip 10.220.0.9 --network-alias web alpine true");
    host.ok("network connect far box");
    let id = host.id("box");
    let empty = "\"EndpointID\":\"\",\"Gateway\":\"\",\"IPAddress\":\"\",\"IPPrefixLen\":0,\
                 \"IPv6Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0";
    assert_eq!(
        part(&host, "box", ".NetworkSettings.Networks"),
        format!(
            "{{\"far\":{{\"IPAMConfig\":{{}},\"Links\":null,\"Aliases\":[],\"MacAddress\":\"\",\
             \"DriverOpts\":{{}},\"GwPriority\":0,\"NetworkID\":\"\",{empty},\
             \"DNSNames\":[\"box\",{:?}],\"HostInterface\":\"\"}},\
             \"lan\":{{\"IPAMConfig\":{{\"IPv4Address\":\"10.220.0.9\"}},\"Links\":null,\
             \"Aliases\":[\"web\"],\"MacAddress\":\"\",\"DriverOpts\":null,\"GwPriority\":0,\
             \"NetworkID\":\"\",{empty},\"DNSNames\":null,\"HostInterface\":\"\"}}}}",
            &id[..12]
        )
    );
}

#[test]
fn the_hosts_end_of_an_interface_has_a_name() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name box --network lan alpine sleep 1000");
    host.ok("network connect bridge box");
    let of = |network: &str| {
        let path = format!(".NetworkSettings.Networks.{network}.HostInterface");
        text(&host, "box", &path)
    };
    for network in ["lan", "bridge"] {
        let link = host.sh(&format!("ip -o link show {}", of(network))).ok();
        assert!(link.contains(" master "), "{link}");
    }
    assert_eq!(
        host.ok("ps --format {{.HostInterfaces}}"),
        format!("{},{}", of("lan"), of("bridge"))
    );
    assert_eq!(
        host.rbox(&["ps", "--format", "table {{.Names}}\\t{{.HostInterfaces}}"])
            .ok(),
        format!(
            "NAMES     HOST INTERFACES\nbox       {},{}",
            of("lan"),
            of("bridge")
        )
    );
    // Docker's keys and no other.
    let line = host.ok("ps --format json");
    let row: Value = serde_json::from_str(&line).unwrap();
    assert!(row.get("HostInterfaces").is_none(), "{line}");
}

#[test]
fn links_are_told_where_they_belong() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:database --link db alpine sleep 1000");
    let links = part(&host, "app", ".HostConfig.Links");
    assert_eq!(links, r#"["/db:/app/database","/db:/app/db"]"#);
    assert_eq!(
        part(&host, "app", ".NetworkSettings.Networks.bridge.Links"),
        "null"
    );
    host.ok("run -d --name user --network lan --link db:database alpine sleep 1000");
    assert_eq!(part(&host, "user", ".HostConfig.Links"), "null");
    assert_eq!(
        part(&host, "user", ".NetworkSettings.Networks.lan.Links"),
        r#"["db:database"]"#
    );
}
