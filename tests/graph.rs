//! `network graph`: what it shows is what `ip` and `bridge` see.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Host, Neighbour, skip};

/// A host with a way out, an internal network, and containers on one or both.
fn furnished(host: &Host) -> Neighbour<'_> {
    let neighbour = Neighbour::new(host);
    host.sh("ip route add default via 198.51.100.1").ok();
    host.ok("network create lan");
    host.ok("network create --ipv6 --internal store");
    host.ok("run -d --name web --network lan -p 8080:80 alpine sleep 1000");
    host.ok("run -d --name db --network lan --network store alpine sleep 1000");
    host.ok("run -d --name guest --network container:web alpine sleep 1000");
    neighbour
}

fn json(host: &Host, networks: &str) -> Value {
    serde_json::from_str(&host.ok(&format!("network graph --format json {networks}"))).unwrap()
}

fn ip(host: &Host, line: &str) -> Vec<Value> {
    serde_json::from_str(&host.sh(line).ok()).unwrap()
}

/// The addresses of an interface as `ip -j addr` has them, without those of the link itself.
fn addresses(link: &Value) -> Vec<String> {
    let mut all: Vec<String> = link["addr_info"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|info| info["scope"] != "link")
        .map(|info| format!("{}/{}", info["local"].as_str().unwrap(), info["prefixlen"]))
        .collect();
    all.sort_by_key(|text| text.contains(':'));
    all
}

#[test]
fn the_picture_agrees_with_the_kernel() {
    let host = Host::new();
    let _neighbour = furnished(&host);
    let graph = json(&host, "");
    let routes = ip(&host, "ip -j route show default");
    let way = &graph["host"]["routes"][0];
    assert_eq!(way["device"], routes[0]["dev"]);
    assert_eq!(way["gateway"], routes[0]["gateway"]);
    let ports = ip(&host, "bridge -j link");
    let names: Vec<&str> = graph["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|network| network["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["lan", "store"], "the default bridge is not used");
    let mut seen = 0;
    for network in graph["networks"].as_array().unwrap() {
        let bridge = &network["bridge"];
        let name = bridge["name"].as_str().unwrap();
        let link = ip(&host, &format!("ip -j addr show {name}")).remove(0);
        assert_eq!(bridge["state"], "up");
        assert_eq!(bridge["mac"], link["address"]);
        assert_eq!(bridge["mtu"], link["mtu"]);
        let shown: Vec<&str> = bridge["addresses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|address| address["address"].as_str().unwrap())
            .collect();
        assert_eq!(shown, addresses(&link));
        for endpoint in network["endpoints"].as_array().unwrap() {
            seen += 1;
            let end = &endpoint["host_end"];
            let port = ports
                .iter()
                .find(|port| port["ifname"] == end["name"])
                .unwrap();
            assert_eq!(port["master"], name);
            let outer = ip(
                &host,
                &format!("ip -j link show {}", end["name"].as_str().unwrap()),
            );
            assert_eq!(end["mac"], outer[0]["address"]);
            assert_eq!(end["state"], "up");
            let inner = ip(
                &host,
                &format!(
                    "ip -n rbox-{} -j addr show {}",
                    endpoint["container"].as_str().unwrap(),
                    endpoint["interface"].as_str().unwrap()
                ),
            )
            .remove(0);
            // The other end of one is the other.
            assert_eq!(outer[0]["link_index"], inner["ifindex"]);
            assert_eq!(endpoint["mac"], inner["address"]);
            assert_eq!(endpoint["mtu"], inner["mtu"]);
            let shown: Vec<&str> = endpoint["addresses"]
                .as_array()
                .unwrap()
                .iter()
                .map(|address| address.as_str().unwrap())
                .collect();
            assert_eq!(shown, addresses(&inner));
        }
    }
    assert_eq!(seen, 3);
    let lan = &graph["networks"][0];
    assert_eq!(
        (&lan["leaving"], &lan["internal"]),
        (&"masqueraded".into(), &false.into())
    );
    assert_eq!(graph["networks"][1]["leaving"], "internal");
    let web = &lan["endpoints"][1];
    assert_eq!(web["shared_with"][0], "guest");
    assert_eq!(web["published"][0]["host_port"], 8080);
    assert_eq!(web["published"][0]["container"], "80/tcp");
    let db = &lan["endpoints"][0];
    assert_eq!(
        (&db["networks"], &db["default_route"][0]),
        (&2.into(), &"ipv4".into())
    );
}

#[test]
fn the_text_is_for_80_columns_and_one_network_can_be_had_alone() {
    let host = Host::new();
    let _neighbour = furnished(&host);
    let all = host.ok("network graph");
    for line in all.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for text in [
        "uplink  198.51.100.2/24  default via 198.51.100.1\n│\n├─ lan  172.18.0.0/16  masqueraded\n",
        " ── eth0  web  172.18.0.2/16  02:42:ac:12:00:02\n",
        " 8080 → 80/tcp\n",
        " shared with guest\n",
        "\n└╳ store  172.19.0.0/16, fd",
        "  internal: no way out\n",
    ] {
        assert!(all.contains(text), "{text}\n{all}");
    }
    assert_eq!(all, host.ok("network graph"), "the same twice");
    let one = host.ok("network graph store");
    assert!(one.contains("└╳ store") && !one.contains("lan"), "{one}");
    assert_eq!(
        host.fails(1, "network graph nosuch"),
        "rbox: network nosuch not found"
    );
    assert_eq!(
        host.fails(1, "network graph --format png"),
        "rbox: invalid format \"png\": must be one of text, dot, json or svg"
    );
}

#[test]
fn what_somebody_deleted_is_missing() {
    let host = Host::new();
    host.ok("network create lan");
    for name in ["a", "b", "c"] {
        host.ok(&format!(
            "run -d --name c{name} --network lan alpine sleep 1000"
        ));
    }
    let end = |number: usize| {
        let graph = json(&host, "lan");
        let end = &graph["networks"][0]["endpoints"][number]["host_end"];
        let text = |key: &str| end[key].as_str().unwrap().to_owned();
        (text("name"), text("state"))
    };
    host.sh(&format!("ip link del {}", end(0).0)).ok();
    host.sh(&format!("ip link set {} nomaster", end(1).0)).ok();
    host.sh("ip -n rbox-cc link set eth0 down").ok();
    assert_eq!(
        [end(0).1, end(1).1, end(2).1],
        ["missing", "unplugged", "no-carrier"]
    );
    let text = host.ok("network graph");
    for words in [
        "missing: no such interface",
        "unplugged: no port of br-",
        "no carrier: down",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let bridge = json(&host, "")["networks"][0]["bridge"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    host.sh(&format!("ip addr flush dev {bridge}")).ok();
    let bridge_now = || json(&host, "")["networks"][0]["bridge"].clone();
    assert_eq!(bridge_now()["addresses"][0]["missing"], true);
    host.sh(&format!("ip link del {bridge}")).ok();
    assert_eq!(bridge_now()["state"], "missing");
    assert_eq!(bridge_now()["mac"], Value::Null);
}

#[test]
fn graphviz_reads_the_dot_form() {
    let test = "graphviz_reads_the_dot_form";
    let host = Host::new();
    let _neighbour = furnished(&host);
    let text = host.ok("network graph --format dot");
    let dot = Command::new("dot")
        .arg("-Tplain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut dot) = dot else {
        return skip(test, "no graphviz");
    };
    dot.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = dot.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    let plain = String::from_utf8(output.stdout).unwrap();
    // The host, two bridges, three endpoints.
    assert_eq!(
        plain
            .lines()
            .filter(|line| line.starts_with("node "))
            .count(),
        6,
        "{plain}"
    );
    assert_eq!(
        plain
            .lines()
            .filter(|line| line.starts_with("edge "))
            .count(),
        4,
        "{plain}"
    );
}
