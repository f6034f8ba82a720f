//! `network create`, `ls`, `inspect`, `rm` and `prune`.

use crate::harness::{Host, Neighbour};

#[test]
fn a_new_network_has_a_bridge_a_subnet_and_a_gateway() {
    let host = Host::new();
    let id = host.ok("network create lan");
    assert!(
        id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let bridge = format!("br-{}", &id[..12]);
    let link = host.sh(&format!("ip -4 -o addr show {bridge}")).ok();
    assert!(
        link.contains("inet 172.18.0.1/16 brd 172.18.255.255 scope global"),
        "{link}"
    );
    let value: serde_json::Value = serde_json::from_str(&host.ok("network inspect lan")).unwrap();
    let network = &value[0];
    assert_eq!(network["Id"], id.as_str());
    for (key, expected) in [
        ("Scope", r#""local""#),
        ("Driver", r#""bridge""#),
        ("EnableIPv4", "true"),
        ("EnableIPv6", "false"),
        (
            "IPAM",
            r#"{"Driver":"default","Options":{},"Config":[{"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1"}]}"#,
        ),
        ("Internal", "false"),
        ("Attachable", "false"),
        ("Ingress", "false"),
        ("ConfigFrom", r#"{"Network":""}"#),
        ("ConfigOnly", "false"),
        ("Containers", "{}"),
        ("Options", "{}"),
        ("Labels", "{}"),
    ] {
        assert_eq!(network[key].to_string(), expected, "{key}");
    }
}

#[test]
fn options_are_kept_and_take_effect() {
    let host = Host::new();
    host.ok(
        "network create --subnet 10.230.4.0/22 --ip-range 10.230.5.0/24 --gateway 10.230.4.1 \
         --aux-address a=10.230.5.0 --aux-address b=10.230.5.1 --label tier=web --label c \
         --attachable -o com.docker.network.bridge.name=lan0 \
         -o com.docker.network.driver.mtu=1400 -o mine=1 lan",
    );
    let inspect = |format: &str| host.rbox(&["network", "inspect", "-f", format, "lan"]).ok();
    assert_eq!(
        inspect("{{json .IPAM.Config}}"),
        r#"[{"Subnet":"10.230.4.0/22","IPRange":"10.230.5.0/24","Gateway":"10.230.4.1","AuxiliaryAddresses":{"a":"10.230.5.0","b":"10.230.5.1"}}]"#
    );
    assert_eq!(
        inspect("{{.Attachable}} {{json .Labels}}"),
        r#"true {"c":"","tier":"web"}"#
    );
    assert_eq!(
        inspect("{{json .Options}}"),
        r#"{"com.docker.network.bridge.name":"lan0","com.docker.network.driver.mtu":"1400","mine":"1"}"#
    );
    host.ok("run -d --name box --network lan alpine sleep 1000");
    let inside = host.ok("exec box ip addr show eth0");
    assert!(
        inside.contains("mtu 1400 ") && inside.contains("inet 10.230.5.2/22 "),
        "{inside}"
    );
    let link = host.sh("ip -o link show lan0").ok();
    assert!(link.contains("mtu 1400 "), "{link}");
}

#[test]
fn the_mtu_is_that_of_the_hosts_way_out_when_the_network_is_made() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    host.ok("network create before");
    host.sh("set -e; ip link set uplink mtu 1420; ip route add default via 198.51.100.1")
        .ok();
    host.ok("network create lan");
    host.ok("network create -o com.docker.network.driver.mtu=1300 small");
    for (network, mtu) in [("before", 1500), ("lan", 1420), ("small", 1300)] {
        let inside = host.ok(&format!(
            "run --rm --network {network} alpine ip link show eth0"
        ));
        assert!(
            inside.contains(&format!("mtu {mtu} ")),
            "{network}: {inside}"
        );
        let id = host.ok(&format!("network inspect -f {{{{.Id}}}} {network}"));
        let bridge = host.sh(&format!("ip link show br-{}", &id[..12])).ok();
        assert!(bridge.contains(&format!("mtu {mtu} ")), "{bridge}");
    }
    // It stays as it was: what runs on it agrees.
    host.sh("ip link set uplink mtu 1500").ok();
    let inside = host.ok("run --rm --network lan alpine ip link show eth0");
    assert!(inside.contains("mtu 1420 "), "{inside}");
    let format = "{{json .Options}}";
    let options = host.rbox(&["network", "inspect", "-f", format, "lan"]).ok();
    assert_eq!(options, "{}");
}

#[test]
fn the_default_bridge_has_the_mtu_of_the_way_out() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    host.sh("set -e; ip link set uplink mtu 1420; ip route add default via 198.51.100.1")
        .ok();
    let inside = host.ok("run --rm alpine ip link show eth0");
    assert!(inside.contains("mtu 1420 "), "{inside}");
    let format = "{{json .Options}}";
    let options = host
        .rbox(&["network", "inspect", "-f", format, "bridge"])
        .ok();
    assert!(
        options.contains(r#""com.docker.network.driver.mtu":"1420""#),
        "{options}"
    );
}

#[test]
fn subnets_are_the_lowest_free_of_dockers_pools() {
    let host = Host::new();
    let subnet = |name: &str| {
        let format = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
        host.rbox(&["network", "inspect", "-f", format, name]).ok()
    };
    for (name, expected) in [
        ("n1", "172.18.0.0/16"),
        ("n2", "172.19.0.0/16"),
        ("n3", "172.20.0.0/16"),
    ] {
        host.ok(&format!("network create {name}"));
        assert_eq!(subnet(name), expected);
    }
    host.ok("network rm n2");
    host.ok("network create n4");
    assert_eq!(subnet("n4"), "172.19.0.0/16");
    for number in 5..=31 {
        host.ok(&format!("network create n{number}"));
    }
    assert_eq!(subnet("n31"), "192.168.240.0/20");
    assert_eq!(
        host.fails(1, "network create n32"),
        "rbox: all predefined address pools have been fully subnetted"
    );
}

#[test]
fn a_subnet_that_the_host_uses_is_not_picked() {
    let host = Host::new();
    host.sh(
        "ip link add uplink type veth peer name wire; ip link set uplink up; \
             ip addr add 172.18.3.4/24 dev uplink",
    )
    .ok();
    host.ok("network create lan");
    let format = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
    assert_eq!(
        host.rbox(&["network", "inspect", "-f", format, "lan"]).ok(),
        "172.19.0.0/16"
    );
    // What the user asks for is the user's affair.
    host.ok("network create --subnet 172.18.3.0/25 asked");
    host.sh("ip link del uplink").ok();
}

#[test]
fn almost_every_name_is_allowed() {
    let host = Host::new();
    let names = [
        "bad name",
        "bad/name",
        "_x",
        "a",
        "-",
        "..",
        "ünï",
        "container",
        "h4n9",
        "h4n10",
    ];
    for name in names {
        host.rbox(&["network", "create", "--", name]).ok();
    }
    host.rbox(&[
        "run",
        "-d",
        "--network",
        "bad/name",
        "--name",
        "box",
        "alpine",
        "sleep",
        "9",
    ])
    .ok();
    let listed = host.ok("network ls --format {{.Name}}");
    for name in names {
        assert!(
            listed.lines().any(|line| line == name),
            "{name} in {listed}"
        );
    }
    let at = |name: &str| listed.lines().position(|line| line == name);
    assert!(at("h4n9") < at("h4n10"), "{listed}");
    host.ok("rm -f box");
    let mut arguments = vec!["network", "rm", "--"];
    arguments.extend(names);
    assert_eq!(host.rbox(&arguments).ok(), names.join("\n"));
}

#[test]
fn ls_filters_and_formats() {
    let host = Host::new();
    let id = host.ok("network create --label tier=web --internal lan");
    host.ok("network create other");
    let ls = |rest: &[&str]| {
        let mut arguments = vec!["network", "ls", "--format", "{{.Name}}"];
        arguments.extend(rest);
        host.rbox(&arguments).ok()
    };
    assert_eq!(ls(&[]), "bridge\nhost\nlan\nnone\nother");
    assert_eq!(ls(&["-f", "type=custom"]), "lan\nother");
    assert_eq!(ls(&["-f", "type=builtin"]), "bridge\nhost\nnone");
    assert_eq!(ls(&["-f", "driver=null"]), "none");
    assert_eq!(ls(&["-f", "name=an"]), "lan");
    assert_eq!(ls(&["-f", "label=tier"]), "lan");
    assert_eq!(ls(&["-f", "label=tier=db"]), "");
    assert_eq!(ls(&["-f", &format!("id={}", &id[..5])]), "lan");
    assert_eq!(ls(&["-f", "scope=local", "-f", "name=oth"]), "other");
    assert_eq!(ls(&["-f", "dangling=true"]), "lan\nother");
    assert_eq!(host.ok("network ls -q -f name=lan"), id[..12]);
    assert_eq!(host.ok("network ls -q --no-trunc -f name=lan"), id);
    assert_eq!(
        host.fails(1, "network ls -f bogus=1"),
        "rbox: Invalid filter 'bogus'"
    );
    assert_eq!(
        host.ok("network ls -f name=nosuch"),
        "NETWORK ID   NAME      DRIVER    SCOPE"
    );
    let json: serde_json::Value =
        serde_json::from_str(&host.ok("network ls --format json -f name=lan")).unwrap();
    for (key, value) in [
        ("Driver", "bridge"),
        ("ID", &id[..12]),
        ("IPv4", "true"),
        ("IPv6", "false"),
        ("Internal", "true"),
        ("Labels", "tier=web"),
        ("Name", "lan"),
        ("Scope", "local"),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
}

#[test]
fn inspect_shows_running_containers_and_what_is_found() {
    let host = Host::new();
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.ok("run -d --name web --network lan alpine sleep 1000");
    host.ok("create --name idle --network lan alpine sleep 1000");
    let text = host
        .rbox(&["network", "inspect", "-f", "{{json .Containers}}", "lan"])
        .ok();
    let containers: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(containers.as_object().unwrap().len(), 1);
    let web = &containers[host.id("web")];
    assert_eq!(web["Name"], "web");
    assert_eq!(web["MacAddress"], "02:42:0a:f1:00:02");
    assert_eq!(web["IPv4Address"], "10.241.0.2/24");
    assert_eq!(web["IPv6Address"], "");
    assert_eq!(web["EndpointID"].as_str().unwrap().len(), 64);
    let output = host.rbox(&["network", "inspect", "-f", "{{.Name}}", "nosuch", "lan"]);
    assert_eq!(output.stdout, "lan\n");
    assert_eq!(output.fails(1), "rbox: network nosuch not found");
    let output = host.rbox(&["network", "inspect", "nosuch"]);
    assert_eq!(output.stdout, "[]\n");
    assert_eq!(output.fails(1), "rbox: network nosuch not found");
    let prefix = &host.ok("network ls -q -f name=lan")[..6];
    assert_eq!(
        host.ok(&format!("network inspect -f {{{{.Name}}}} {prefix}")),
        "lan"
    );
}

#[test]
fn rm_removes_what_nobody_uses() {
    let host = Host::new();
    let id = host.ok("network create lan");
    host.ok("network create other");
    host.ok("run -d --name one --network lan alpine sleep 1000");
    host.ok("run -d --name two --network lan alpine sleep 1000");
    let endpoint = |name: &str| {
        let format = "{{.NetworkSettings.Networks.lan.EndpointID}}";
        host.rbox(&["inspect", "-f", format, name]).ok()[..12].to_owned()
    };
    assert_eq!(
        host.fails(1, "network rm lan"),
        format!(
            "rbox: error while removing network: network lan has active endpoints (name:\"one\" \
             id:\"{}\", name:\"two\" id:\"{}\")",
            endpoint("one"),
            endpoint("two")
        )
    );
    assert_eq!(
        host.fails(1, "network rm nosuch"),
        "rbox: network nosuch not found"
    );
    assert_eq!(host.ok("network rm -f nosuch"), "");
    assert_eq!(
        host.fails(1, "network rm bridge"),
        "rbox: bridge is a pre-defined network and cannot be removed"
    );
    let output = host.rbox(&["network", "rm", "nosuch", "other"]);
    assert_eq!(output.stdout, "other\n");
    assert_eq!(output.fails(1), "rbox: network nosuch not found");
    host.ok("stop -t 0 one two");
    assert_eq!(host.ok("network rm lan"), "lan");
    assert_eq!(host.sh("ip -o link | grep -c br-; true").ok(), "0");
    let text = host.fails(1, "start one");
    assert!(
        text.contains("network") && text.contains("not found"),
        "{text}"
    );
    // The name is what counts: a new network of that name will do.
    assert_ne!(host.ok("network create lan"), id);
    host.ok("start one");
}

#[test]
fn prune_asks_and_keeps_what_running_containers_use() {
    let host = Host::new();
    host.ok("network create used");
    host.ok("network create --label keep unused");
    host.ok("network create stopped");
    host.ok("run -d --name one --network used alpine sleep 1000");
    host.ok("create --name two --network stopped alpine true");
    let output = host.rbox(&["network", "prune"]);
    assert_eq!(
        output.ok(),
        "WARNING! This will remove all custom networks not used by at least one container.\n\
         Are you sure you want to continue? [y/N] "
    );
    assert_eq!(
        host.ok("network prune -f --filter label!=keep"),
        "Deleted Networks:\nstopped"
    );
    assert_eq!(host.ok("network prune -f"), "Deleted Networks:\nunused");
    assert_eq!(host.ok("network prune -f"), "");
    assert_eq!(
        host.ok("network ls --format {{.Name}} -f type=custom"),
        "used"
    );
}
