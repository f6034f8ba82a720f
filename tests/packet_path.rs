//! docs/packet-path.md says what the rules do. Its boxes are made by running the cases and asking
//! the kernel, so that code and document cannot differ.

mod trace;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::{Host, Neighbour, inside};
use trace::Tracer;

const TEMPLATE: &str = include_str!("packet_path/template.md");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/packet-path.md");
/// Set by the command that writes the document anew.
const WRITE: &str = "RBOX_WRITE_DOCUMENTS";

const COMMANDS: [&str; 14] = [
    "run -d --name db alpine sleep 1000",
    "network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan",
    "run -d --name web --network lan -p 8080:80 alpine sleep 1000",
    "run -d --name hidden --network lan alpine sleep 1000",
    "network create --subnet 10.242.0.0/24 zone",
    "run -d --name both --network lan --network zone -p 8081:80 alpine sleep 1000",
    "run -d --name client --network zone alpine sleep 1000",
    "network create --subnet 10.244.0.0/24 -o com.docker.network.bridge.enable_icc=false quiet",
    "run -d --name shy --network quiet -p 8082:80 alpine sleep 1000",
    "run -d --name peer --network quiet alpine sleep 1000",
    "network create --internal --subnet 10.252.0.0/24 inner",
    "run -d --name secret --network inner alpine sleep 1000",
    "network create --subnet 10.243.0.0/24 \
     -o com.docker.network.bridge.gateway_mode_ipv4=routed routed",
    "run -d --name open --network routed -p 8083:80 alpine sleep 1000",
];

const NETWORKS: [&str; 5] = ["lan", "zone", "quiet", "inner", "routed"];
const CONTAINERS: [&str; 9] = [
    "db", "web", "hidden", "both", "client", "shy", "peer", "secret", "open",
];

/// Who sends the first packet.
#[derive(Clone, Copy)]
enum From {
    Neighbour,
    Host,
    Container(&'static str),
}

/// Packets whose way is shown: from whom, to where.
const PATHS: [(&str, From, &str); 13] = [
    ("out", From::Container("db"), "198.51.100.1:7000"),
    ("published", From::Neighbour, "198.51.100.2:8080"),
    ("published6", From::Neighbour, "[2001:db8:100::2]:8080"),
    ("straight", From::Neighbour, "10.241.0.2:80"),
    ("hairpin", From::Container("hidden"), "10.241.0.1:8080"),
    ("across", From::Container("db"), "10.241.0.2:80"),
    ("across-published", From::Container("db"), "172.17.0.1:8080"),
    ("shortcut", From::Container("client"), "10.242.0.1:8081"),
    ("quiet", From::Container("peer"), "10.244.0.1:8082"),
    ("host", From::Host, "198.51.100.2:8080"),
    ("inner", From::Container("secret"), "198.51.100.1:7000"),
    ("routed", From::Neighbour, "10.243.0.2:80"),
    ("routed-shut", From::Neighbour, "10.243.0.2:81"),
];

/// Elements that are shown, by their owner: a container or a bridge.
const ELEMENTS: [(&str, &[&str]); 6] = [
    ("default", &["rbox0"]),
    ("lan", &["br-lan", "web"]),
    ("both", &["both"]),
    ("quiet", &["br-quiet", "shy"]),
    ("inner", &["br-inner"]),
    ("routed", &["br-routed", "open"]),
];

#[test]
fn the_document_shows_what_the_kernel_does() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    for command in COMMANDS {
        host.ok(command);
    }
    neighbour
        .sh("ip route add 10.0.0.0/8 via 198.51.100.2")
        .ok();
    let secret = host.pid("secret");
    host.sh(&format!(
        "nsenter -t {secret} -n ip route add default via 10.252.0.1"
    ))
    .ok();

    let names = names(&host);
    let table = named(&names, &host.sh("nft list table inet rbox").ok());
    let mut text = TEMPLATE.to_owned();
    let mut fill = |place: String, content: &str| {
        let place = format!("{{{{{place}}}}}");
        assert!(text.contains(&place), "the template has no {place}");
        text = text.replace(&place, &format!("```text\n{}\n```", content.trim_end()));
    };
    fill("chains".to_owned(), &chains(&table));
    fill(
        "commands".to_owned(),
        &COMMANDS.map(|line| format!("rbox {line}\n")).concat(),
    );
    for (name, owners) in ELEMENTS {
        fill(format!("elements {name}"), &elements(&table, owners));
    }
    let tracer = Tracer::new(&host, move |line| named(&names, line));
    for (name, from, to) in PATHS {
        let to: SocketAddr = to.parse().unwrap();
        let pid = match from {
            From::Neighbour => neighbour.pid(),
            From::Host => std::process::id(),
            From::Container(name) => host.pid(name).try_into().unwrap(),
        };
        let connect = || drop(TcpStream::connect_timeout(&to, Duration::from_millis(50)));
        let path = tracer.path(to, || match from {
            From::Host => connect(),
            _ => inside(pid, connect),
        });
        fill(format!("path {name}"), &path);
    }
    assert!(!text.contains("{{"), "nothing fills this: {text}");

    if std::env::var_os(WRITE).is_some() {
        std::fs::write(DOCUMENT, text).unwrap();
    } else {
        let written = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
        let differs = text
            .lines()
            .zip(written.lines())
            .find(|(new, old)| new != old);
        assert!(
            text == written,
            "docs/packet-path.md is not what the kernel does now, first at {differs:?}: \
             `cargo xtask documents` writes it anew"
        );
    }
}

/// What to show instead of what: names instead of ids.
fn names(host: &Host) -> Vec<(String, String)> {
    let networks = NETWORKS.map(|network| {
        let id = host
            .rbox(&["network", "inspect", "-f", "{{.Id}}", network])
            .ok();
        (format!("br-{}", &id[..12]), format!("br-{network}"))
    });
    let containers = CONTAINERS.map(|container| (host.id(container), container.to_owned()));
    networks.into_iter().chain(containers).collect()
}

fn named(names: &[(String, String)], text: &str) -> String {
    let replace = |text: String, (id, name): &(String, String)| text.replace(id, name);
    names.iter().fold(text.to_owned(), replace)
}

/// The part of the table that is always the same.
fn chains(table: &str) -> String {
    let from = table.find("\tchain ").unwrap();
    let chains = table[from..].trim_end().strip_suffix('}').unwrap();
    let line = |line: &str| {
        line.strip_prefix('\t')
            .unwrap_or(line)
            .replace('\t', "    ")
            + "\n"
    };
    chains.lines().map(line).collect()
}

/// Elements as lines of set, element and, for a map, where it leads; in order, because
/// in a set they have none.
fn elements(table: &str, owners: &[&str]) -> String {
    let mut lines = Vec::new();
    let sets = table.find("\tset ").unwrap();
    for block in table[sets..].split("\n\t}\n") {
        let mut words = block.trim_start().split(' ');
        let (Some("set" | "map"), Some(set)) = (words.next(), words.next()) else {
            continue;
        };
        let Some((_, list)) = block.split_once("elements = {") else {
            continue;
        };
        for element in list.trim_end_matches(['}', ' ', '\n']).split(',') {
            let (key, behind) = element.split_once(" comment \"").unwrap();
            let (comment, value) = behind.split_once('"').unwrap();
            let key = key.trim().replace('"', "");
            // A bridge's own element says in its comment what holds for the network.
            let (owner, note) = match set {
                "bridges" => (key.as_str(), format!("  ({comment})")),
                _ => (comment, value.replace(" :", " ─▶").trim_end().to_owned()),
            };
            if owners.contains(&owner) {
                lines.push(format!("{set:<16} {key}{note}"));
            }
        }
    }
    lines.sort();
    lines.join("\n")
}
