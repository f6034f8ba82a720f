//! `run --dry-run`: it changes nothing, and its lines do what a run does.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::Host;

/// All files below a directory, with what is in them.
fn tree(directory: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(directory) else {
        return all;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_symlink() {
            let to = std::fs::read_link(&path).unwrap();
            all.insert(name, format!("link to {}", to.display()));
        } else if kind.is_dir() {
            all.extend(tree(&path));
            all.insert(name, "directory".to_owned());
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        } else {
            all.insert(name, "socket".to_owned());
        }
    }
    all
}

/// State on disk, links, rules, namespaces, mounts.
fn everything(host: &Host) -> BTreeMap<String, String> {
    let mut all = tree(&host.root());
    all.extend(tree(&host.run_root()));
    for line in [
        "ip addr",
        "ip route show table all",
        "nft list ruleset",
        "ls /run/netns",
        "cat /proc/self/mountinfo",
        "cat /proc/sys/net/ipv4/ip_forward",
        "ss -Hltnu",
    ] {
        all.insert(line.to_owned(), host.sh(line).stdout);
    }
    all
}

#[track_caller]
fn unchanged(host: &Host, before: &BTreeMap<String, String>, line: &str) {
    let now = everything(host);
    for name in now.keys().chain(before.keys()) {
        assert_eq!(now.get(name), before.get(name), "{name} after {line}");
    }
}

#[test]
fn nothing_at_all_is_changed() {
    let host = Host::new();
    // Before there are any records of networks.
    let before = everything(&host);
    let text = host.ok("run --dry-run --rm alpine true");
    assert!(text.contains("\nip netns add rbox-"), "{text}");
    unchanged(&host, &before, "the first");
    host.ok("network create --ipv6 lan");
    host.ok("run -d --name other --network lan -p 8081:80 alpine sleep 1000");
    let before = everything(&host);
    for line in [
        "run --dry-run -d --name web --network lan -p 8080:80 -p 80 -v /nosuch/here:/x alpine true",
        "run --dry-run --network host alpine true",
        "run --dry-run --network none alpine true",
        "run --dry-run --network container:other alpine true",
        "create --dry-run --name web alpine true",
    ] {
        host.ok(line);
        unchanged(&host, &before, line);
    }
    for (line, text) in [
        (
            "--name other alpine true",
            "rbox: Conflict. The container name \"/other\" is already in use",
        ),
        ("-p 8081:80 alpine true", "port is already allocated"),
        ("--network nosuch alpine true", "network nosuch not found"),
        ("nosuchimage true", "No such image: nosuchimage:latest"),
        (
            "--userns auto alpine true",
            "in a user namespace of its own is not supported",
        ),
    ] {
        let said = host.fails(125, &format!("run --dry-run {line}"));
        assert!(said.contains(text), "{line}: {said}");
        unchanged(&host, &before, line);
    }
    assert!(!Path::new("/nosuch").exists());
}

#[test]
fn the_address_is_the_one_that_a_run_gets() {
    let host = Host::new();
    host.ok("network create lan");
    for name in ["one", "two"] {
        let text = host.ok(&format!(
            "run --dry-run --name {name} --network lan alpine true"
        ));
        host.ok(&format!(
            "run -d --name {name} --network lan alpine sleep 1000"
        ));
        let address = host.address(name, "lan");
        assert!(
            text.contains(&format!("# {address} is leased: ")),
            "{address}\n{text}"
        );
    }
}

/// What is told of links, addresses, routes and rules, in this host's view or the sandbox's.
const LOOK: &str = "\
    ip -j -d addr > $OUT/host-links; ip -j route > $OUT/host-routes; \
    ip -j -6 route > $OUT/host-routes6; nft -s list ruleset > $OUT/host-rules; \
    ip -n rbox-web -j -d addr > $OUT/links; ip -n rbox-web -j route > $OUT/routes; \
    ip -n rbox-web -j -6 route > $OUT/routes6; \
    ip netns exec rbox-web nft -s list ruleset > $OUT/rules; \
    ip netns exec rbox-web sh -c 'cat /proc/sys/net/ipv6/conf/*/disable_ipv6' > $OUT/switches; \
    cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding > $OUT/forwarding";

/// What [`LOOK`] saw, without what differs each time.
fn seen(directory: &Path, id: &str, ends: &[String]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut text = std::fs::read_to_string(&path).unwrap().replace(id, "ID");
        for (number, end) in ends.iter().enumerate() {
            text = text.replace(end, &format!("END{number}"));
        }
        let value = if name.ends_with("links") {
            links(&text)
        } else if name.contains("routes") {
            routes(&text)
        } else {
            let mut lines: Vec<String> = text
                .replace("elements = {", "")
                .split(['\n', ','])
                .map(|part| part.trim().trim_end_matches('}').trim().to_owned())
                .filter(|part| !part.is_empty())
                .map(|part| match part.contains("addr 127.0.0.11 ") {
                    true => without_random_ports(&part),
                    false => part,
                })
                .collect();
            lines.sort();
            json!(lines)
        };
        all.insert(name, value);
    }
    all
}

/// A rule about the resolver, whose own ports are random.
fn without_random_ports(rule: &str) -> String {
    let random = |word: &&str| word.parse::<u16>().is_ok_and(|port| port != 53);
    let words = rule.split(' ').map(|word| match random(&word) {
        true => "PORT",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn links(text: &str) -> Value {
    let list: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut links: Vec<Value> = list
        .iter()
        .map(|link| {
            let name = link["ifname"].as_str().unwrap();
            let mut addresses: Vec<Value> = link["addr_info"]
                .as_array()
                .unwrap()
                .iter()
                .map(|info| {
                    json!([
                        info["local"],
                        info["prefixlen"],
                        info["broadcast"],
                        info["scope"],
                        info["nodad"],
                        info["tentative"]
                    ])
                })
                .collect();
            addresses.sort_by_key(ToString::to_string);
            let slave = &link["linkinfo"]["info_slave_data"];
            json!({
                "name": name,
                // The kernel makes the one of a host end up.
                "mac": if name.starts_with("END") { &Value::Null } else { &link["address"] },
                "mtu": link["mtu"],
                "up": link["flags"].as_array().unwrap().contains(&json!("UP")),
                "kind": link["linkinfo"]["info_kind"],
                "master": link["master"],
                "hairpin": slave["hairpin"],
                "isolated": slave["isolated"],
                "generated": link["inet6_addr_gen_mode"],
                "addresses": addresses,
            })
        })
        .collect();
    links.sort_by_key(|link| link["name"].to_string());
    json!(links)
}

fn routes(text: &str) -> Value {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let mut routes: Vec<String> = list
        .iter()
        .map(|route| {
            json!([
                route["dst"],
                route["gateway"],
                route["dev"],
                route["prefsrc"]
            ])
            .to_string()
        })
        .collect();
    routes.sort();
    json!(routes)
}

/// Runs the lines in namespaces of their own, with nothing where the state is, and compares
/// with a container that rbox runs.
#[track_caller]
fn the_same(host: &Host, flags: &str) {
    let id_of = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("ln -s "))
            .unwrap();
        line.split(' ').nth(2).unwrap().to_owned()
    };
    let text = host.ok(&format!(
        "run --dry-run --name web {flags} alpine echo it runs"
    ));
    let dry_ends: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("ip link add veth"))
        .map(|line| line.split(' ').nth(3).unwrap().to_owned())
        .collect();
    let lines = host.write("lines.sh", &text);
    let out = |name: &str| {
        let path = host.scratch().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let (dry, real) = (out("dry"), out("real"));
    let script = format!(
        "set -e; mount -t tmpfs tmpfs /run/netns; ip link set lo up; mkdir -p $RBOX_RUN_ROOT; \
         mount -t tmpfs tmpfs $RBOX_RUN_ROOT; \
         for part in names containers networks; do \
           mkdir -p $RBOX_ROOT/$part; mount -t tmpfs tmpfs $RBOX_ROOT/$part; \
         done; sh -e {lines}; OUT={}; {LOOK}",
        dry.display()
    );
    let script = host.write("all.sh", &script);
    let output = host.sh(&format!(
        "unshare --net --mount --propagation private sh -e {script}"
    ));
    assert_eq!(output.clone().ok(), "it runs", "{output:?}");

    let id = host.ok(&format!("run -d --name web {flags} alpine sleep 1000"));
    host.sh(&format!("OUT={}; {LOOK}", real.display())).ok();
    let graph: Value = serde_json::from_str(&host.ok("network graph --format json")).unwrap();
    let mut ends: Vec<(String, String)> = graph["networks"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|network| network["endpoints"].as_array().unwrap())
        .filter(|endpoint| !endpoint["host_end"].is_null())
        .map(|endpoint| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&endpoint["interface"]),
                text(&endpoint["host_end"]["name"]),
            )
        })
        .collect();
    ends.sort();
    let ends: Vec<String> = ends.into_iter().map(|(_, end)| end).collect();
    let (dry, real) = (
        seen(&dry, &id_of(&text), &dry_ends),
        seen(&real, &id, &ends),
    );
    assert_eq!((dry.len(), real.len()), (10, 10), "all was looked at");
    for (name, expected) in real {
        assert_eq!(dry[&name], expected, "{name}\n{text}");
    }
}

#[test]
fn the_lines_make_what_a_run_makes_on_the_default_bridge() {
    let host = Host::new();
    host.ok("network ls");
    the_same(
        &host,
        "-p 8080:80 -p 5300:53/udp -p 127.0.0.1:8081:80 --hostname webhost --read-only",
    );
}

#[test]
fn the_lines_make_what_a_run_makes_on_networks_of_all_kinds() {
    let host = Host::new();
    host.ok("network create --ipv6 lan");
    host.ok("network create --internal -o com.docker.network.bridge.enable_icc=false store");
    // As after a reboot: all of it is to be made.
    host.sh("for link in $(ip -o link show type bridge | cut -d: -f2); do ip link del $link; done; nft delete table inet rbox").ok();
    host.sh("sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        .ok();
    the_same(
        &host,
        "--network lan --network store -p 8080:80 -p 9000:9000/udp",
    );
}

#[test]
fn the_lines_make_what_a_run_makes_without_a_network() {
    let host = Host::new();
    the_same(&host, "--network none");
}
