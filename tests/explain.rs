//! `network explain` against real packets: whatever it says is tried.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::Value;

use crate::harness::{Host, Neighbour, ask, inside, skip};

/// Who sends.
#[derive(Clone, Copy)]
enum Sender<'a> {
    Container(&'a str),
    Host,
    Outside(&'a Neighbour<'a>),
}

impl Sender<'_> {
    /// Asks a server over TCP.
    fn ask(self, host: &Host, address: &str) -> Result<String, ErrorKind> {
        match self {
            Sender::Container(name) => inside(host.pid(name).try_into().unwrap(), || ask(address)),
            Sender::Host => ask(address),
            Sender::Outside(neighbour) => inside(neighbour.pid(), || ask(address)),
        }
    }

    /// What explain says about that, where `target` is whom it is about.
    #[track_caller]
    fn explain(self, host: &Host, target: &str, destination: &str) -> Value {
        let mut words = vec!["network", "explain", "--format", "json"];
        match self {
            Sender::Container(name) => words.extend([name, destination]),
            Sender::Host => words.extend(["--from", "host", target, destination]),
            Sender::Outside(_) => words.extend(["--from", "outside", target, destination]),
        }
        story(&host.rbox(&words).ok())
    }
}

/// The only story in what explain printed.
#[track_caller]
fn story(text: &str) -> Value {
    let stories: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(stories.len(), 1, "{text}");
    stories.into_iter().next().unwrap()
}

/// Makes the connection, and compares it with what explain says: whether it arrives, how it fails,
/// and whom the server sees.
#[track_caller]
fn agrees(host: &Host, sender: Sender<'_>, address: &str) -> Value {
    agrees_by(host, sender, address, address)
}

/// The same where explain is asked in other words than the connection.
#[track_caller]
fn agrees_by(host: &Host, sender: Sender<'_>, address: &str, destination: &str) -> Value {
    let story = sender.explain(host, "web", destination);
    let real = sender.ask(host, address);
    let said = match (story["verdict"].as_str().unwrap(), &story["listening"]) {
        ("arrives", Value::Bool(false)) => Err(ErrorKind::ConnectionRefused),
        // It gets there, and nothing comes back.
        ("arrives", _) if answers_are_dropped(&story) => Err(ErrorKind::TimedOut),
        ("arrives", _) => Ok(format!(
            "server=web peer={}",
            story["source"].as_str().unwrap()
        )),
        ("dropped", _) => Err(ErrorKind::TimedOut),
        ("rejected", _) => Err(ErrorKind::ConnectionRefused),
        ("unreachable", _) => Err(ErrorKind::NetworkUnreachable),
        (other, _) => panic!("{other}: {story:#}"),
    };
    assert_eq!(real, said, "{address}: {story:#}");
    story
}

fn answers_are_dropped(story: &Value) -> bool {
    let answers = story["answers"].as_str().unwrap();
    answers.starts_with("dropped in ")
}

#[track_caller]
fn ends(story: &Value, verdict: &str, words: &str) {
    assert_eq!(story["verdict"], verdict, "{story:#}");
    let end = story["end"].as_str().unwrap();
    assert!(end.contains(words), "{words:?} in {end:?}");
}

/// Bridged frames pass the firewall, or do not; false where the kernel cannot.
fn filter_bridged(host: &Host, on: bool) -> bool {
    let value = u8::from(on);
    let set = host.sh(&format!(
        "for key in iptables ip6tables; do \
         echo {value} > /proc/sys/net/bridge/bridge-nf-call-$key || exit 1; done"
    ));
    set.code == 0 || !on
}

fn two_networks(host: &Host) {
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.ok("network create --subnet 10.242.0.0/24 far");
    host.who_server("web", "--network lan --network-alias www -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    host.ok("run -d --name other --network far alpine sleep 1000");
}

#[test]
fn between_containers_as_packets_go() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    two_networks(&host);
    for bridged in [false, true] {
        if !filter_bridged(&host, bridged) {
            skip(
                "between_containers_as_packets_go, filtered",
                "no br_netfilter",
            );
            continue;
        }
        let same = agrees_by(&host, Sender::Container("peer"), "10.241.0.2:80", "www:80");
        ends(&same, "arrives", "arrives at web (10.241.0.2:80)");
        assert_eq!(same["hops"][0]["kind"], "name");
        agrees(&host, Sender::Container("peer"), "10.241.0.2:81");
        // Published ports, from the same network, from another, and from the server itself.
        for sender in ["peer", "other", "web"] {
            for address in ["10.241.0.1:8080", "10.242.0.1:8080", "198.51.100.2:8080"] {
                let story = agrees(&host, Sender::Container(sender), address);
                ends(&story, "arrives", "arrives at web (10.241.0.2:80)");
            }
            agrees(&host, Sender::Container(sender), "198.51.100.2:8081");
        }
        let apart = agrees_by(&host, Sender::Container("other"), "10.241.0.2:80", "web:80");
        ends(&apart, "dropped", "web is on lan, the sender on far");
        let hint = apart["hint"].as_str().unwrap();
        assert!(hint.contains("rbox network connect far web"), "{hint}");
    }
    // What the hint says helps.
    host.ok("network connect far web");
    let address = format!("{}:80", host.address("web", "far"));
    agrees_by(&host, Sender::Container("other"), &address, "web:80");
}

#[test]
fn from_the_host_and_from_outside_as_packets_come() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    host.ok("rm -f peer");
    neighbour
        .sh("ip route add 10.241.0.0/24 via 198.51.100.2")
        .ok();
    let outside = Sender::Outside(&neighbour);
    let story = agrees(&host, outside, "198.51.100.2:8080");
    ends(&story, "arrives", "arrives at web");
    let rules = story["hops"][0]["rules"].as_array().unwrap();
    assert_eq!(
        rules.last().unwrap()["effect"],
        "destination 198.51.100.2:8080 → 10.241.0.2:80"
    );
    agrees(&host, outside, "198.51.100.2:8081");
    let story = agrees(&host, outside, "10.241.0.2:80");
    ends(
        &story,
        "dropped",
        "only published ports of web are reachable",
    );
    // By IPv6 the relay answers, for the container has none.
    let story = agrees(&host, outside, "[2001:db8:100::2]:8080");
    assert!(
        story["hops"]
            .to_string()
            .contains("relay: the monitor of web")
    );
    for address in [
        "127.0.0.1:8080",
        "[::1]:8080",
        "198.51.100.2:8080",
        "10.242.0.1:8080",
        "10.241.0.2:80",
        "127.0.0.1:8081",
    ] {
        agrees(&host, Sender::Host, address);
    }
}

#[test]
fn loopback_bindings_are_the_relays_alone() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.who_server("web", "--network lan -p 127.0.0.1:8081:80");
    let story = agrees(&host, Sender::Host, "127.0.0.1:8081");
    assert!(
        story["hops"]
            .to_string()
            .contains("the monitor of web holds 127.0.0.1:8081")
    );
    agrees(&host, Sender::Host, "198.51.100.2:8081");
    agrees(&host, Sender::Outside(&neighbour), "198.51.100.2:8081");
}

#[test]
fn internal_and_no_networks_lead_nowhere() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --internal --subnet 10.252.0.0/24 inner");
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.who_server("web", "--network inner");
    host.ok("run -d --name peer --network inner alpine sleep 1000");
    host.ok("run -d --name other --network lan alpine sleep 1000");
    host.ok("run -d --name lone --network none alpine sleep 1000");
    let story = agrees(&host, Sender::Container("peer"), "198.51.100.1:80");
    ends(
        &story,
        "unreachable",
        "Network is unreachable: peer has no route",
    );
    assert!(
        story["hint"]
            .as_str()
            .unwrap()
            .contains("network inner is internal")
    );
    agrees(&host, Sender::Container("lone"), "198.51.100.1:80");
    agrees(&host, Sender::Container("peer"), "10.252.0.2:80");
    let story = agrees(&host, Sender::Container("other"), "10.252.0.2:80");
    ends(&story, "dropped", "network inner is internal");
    neighbour
        .sh("ip route add 10.252.0.0/24 via 198.51.100.2")
        .ok();
    agrees(&host, Sender::Outside(&neighbour), "10.252.0.2:80");
    agrees(&host, Sender::Host, "10.252.0.2:80");
}

#[test]
fn without_icc_ports_are_isolated() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    host.ok(
        "network create -o com.docker.network.bridge.enable_icc=false --subnet 10.241.0.0/24 lan",
    );
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    let story = agrees_by(&host, Sender::Container("peer"), "10.241.0.2:80", "web:80");
    ends(&story, "dropped", "isolated from each other");
    let story = agrees(&host, Sender::Container("peer"), "10.241.0.1:8080");
    ends(&story, "arrives", "arrives at web");
    agrees(&host, Sender::Container("peer"), "198.51.100.2:8080");
}

#[test]
fn by_ipv6_as_by_ipv4() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --ipv6 --subnet 10.242.0.0/24 --subnet fd00:bb::/64 far");
    host.who_server("web", "--network lan -p 8080:80");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    host.ok("run -d --name other --network far alpine sleep 1000");
    neighbour
        .sh("ip -6 route add fd00:aa::/64 via 2001:db8:100::2")
        .ok();
    agrees(&host, Sender::Container("peer"), "[fd00:aa::2]:80");
    agrees(&host, Sender::Container("other"), "[fd00:aa::2]:80");
    agrees(&host, Sender::Container("peer"), "[2001:db8:100::2]:8080");
    agrees(&host, Sender::Container("other"), "[2001:db8:100::2]:8080");
    agrees(&host, Sender::Outside(&neighbour), "[2001:db8:100::2]:8080");
    agrees(&host, Sender::Outside(&neighbour), "[fd00:aa::2]:80");
    agrees(&host, Sender::Host, "[2001:db8:100::2]:8080");
    agrees(&host, Sender::Host, "[fd00:aa::2]:80");
}

#[test]
fn what_leaves_has_the_source_that_others_see() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("network create --ipv6 --subnet 10.241.0.0/24 --subnet fd00:aa::/64 lan");
    host.ok("network create --subnet 10.242.0.0/24 -o com.docker.network.bridge.enable_ip_masquerade=false plain");
    neighbour
        .sh("ip route add 10.242.0.0/24 via 198.51.100.2")
        .ok();
    host.ok("run -d --name web --network lan alpine sleep 1000");
    host.ok("run -d --name plain --network plain alpine sleep 1000");
    for (name, address) in [
        ("web", "198.51.100.1:7000"),
        ("web", "[2001:db8:100::1]:7000"),
        ("plain", "198.51.100.1:7000"),
    ] {
        let listener = inside(neighbour.pid(), || TcpListener::bind(address).unwrap());
        let story = Sender::Container(name).explain(&host, "web", address);
        ends(&story, "leaves", "leaves by uplink");
        let peer = inside(host.pid(name).try_into().unwrap(), || {
            let _stream = std::net::TcpStream::connect(address).unwrap();
            listener.accept().unwrap().1.ip().to_string()
        });
        assert_eq!(story["source"], peer, "{story:#}");
    }
}

#[test]
fn rules_of_others_are_read() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    let outside = Sender::Outside(&neighbour);
    let peer = Sender::Container("peer");
    filter_bridged(&host, true);
    // What is before and behind the rule that counts does not.
    let around = "ct state invalid drop; iifname \"nobody\" accept; udp dport 80 drop; \
                  tcp dport { 1-79, 81-1000 } drop; ip daddr 10.9.0.0/16 drop; meta mark 7 drop;";
    let rules = [
        ("inet", "tcp dport 80 drop", "dropped"),
        ("inet", "meta l4proto tcp reject with tcp reset", "rejected"),
        (
            "ip",
            "ip daddr 10.241.0.2 tcp dport 80 counter drop",
            "dropped",
        ),
        ("inet", "ip daddr @servers drop", "dropped"),
        ("inet", "ip daddr . tcp dport @pairs drop", "dropped"),
        ("inet", "tcp dport vmap @ports", "dropped"),
        ("inet", "iifname != \"lo\" jump deeper", "dropped"),
        ("ip", "ip daddr 10.241.0.0-10.241.0.9 drop", "dropped"),
        ("ip", "ct state new ct direction original drop", "dropped"),
        ("inet", "tcp flags syn / syn,ack drop", "dropped"),
        ("inet", "ip daddr != @servers drop", "arrives"),
        ("inet", "ct state established drop", "arrives"),
        ("ip", "ip saddr 192.0.2.0/24 drop", "arrives"),
        ("ip6", "drop", "arrives"),
    ];
    for (family, rule, verdict) in rules {
        let table = format!(
            "table {family} theirs {{
                set servers {{ type ipv4_addr; flags interval; elements = {{ 10.241.0.0/28 }} }}
                set pairs {{ type ipv4_addr . inet_service; elements = {{ 10.241.0.2 . 80 }} }}
                map ports {{ type inet_service : verdict; elements = {{ 80 : jump deeper, 22 : accept }} }}
                chain deeper {{ tcp dport 80 drop; }}
                chain first {{ type filter hook forward priority -5; {around} {rule}; }}
            }}"
        );
        let table = if family == "ip6" {
            format!(
                "table ip6 theirs {{ chain first {{ type filter hook forward priority -5; {rule}; }}; }}"
            )
        } else {
            table
        };
        let path = host.write("theirs.nft", &table);
        host.sh(&format!("nft -f {path}")).ok();
        for (sender, address) in [(outside, "198.51.100.2:8080"), (peer, "10.241.0.2:80")] {
            let story = agrees(&host, sender, address);
            assert_eq!(story["verdict"], verdict, "{rule}: {story:#}");
            if rule.contains("established") {
                assert!(answers_are_dropped(&story), "{rule}: {story:#}");
            }
        }
        host.sh(&format!("nft delete table {family} theirs")).ok();
    }
}

#[test]
fn what_cannot_be_known_is_not_guessed() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    let outside = Sender::Outside(&neighbour);
    for (rule, uses) in [
        ("tcp sport 1024-40000 drop", "tcp sport"),
        ("meta cpu 0 drop", "meta cpu"),
        ("ip ttl < 5 drop", "ip ttl"),
    ] {
        let table = format!(
            "table inet theirs {{ chain first {{ type filter hook forward priority -5; \
             tcp dport 22 drop; {rule}; }}; }}"
        );
        let path = host.write("theirs.nft", &table);
        host.sh(&format!("nft -f {path}")).ok();
        let story = outside.explain(&host, "web", "198.51.100.2:8080");
        ends(&story, "cannot-tell", "rule 2 of chain inet theirs first");
        ends(&story, "cannot-tell", &format!("uses {uses}"));
        host.sh("nft delete table inet theirs").ok();
    }
    // Where both ways end the same, it does not matter.
    let path = host.write(
        "theirs.nft",
        "table inet theirs { chain first { type filter hook forward priority -5; \
         meta cpu 0 accept; accept; }; }",
    );
    host.sh(&format!("nft -f {path}")).ok();
    agrees(&host, outside, "198.51.100.2:8080");
    host.sh("nft delete table inet theirs").ok();
}

#[test]
fn rules_of_iptables_are_read() {
    let host = Host::new();
    if host.sh("iptables-nft --version").code != 0 {
        skip("rules_of_iptables_are_read", "no iptables-nft");
        return;
    }
    let neighbour = Neighbour::new(&host);
    two_networks(&host);
    filter_bridged(&host, true);
    let outside = Sender::Outside(&neighbour);
    let peer = Sender::Container("peer");
    let both = |rules: &str, verdict: &str| {
        host.sh(&format!("set -e; {rules}")).ok();
        for (sender, address) in [(outside, "198.51.100.2:8080"), (peer, "10.241.0.2:80")] {
            let story = agrees(&host, sender, address);
            assert_eq!(story["verdict"], verdict, "{rules}: {story:#}");
        }
        host.sh("iptables-nft -P FORWARD ACCEPT; iptables-nft -F; iptables-nft -X")
            .ok();
    };
    let story = "iptables-nft -P FORWARD DROP";
    both(story, "dropped");
    both(
        "iptables-nft -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; \
         iptables-nft -A FORWARD -p tcp -m multiport --dports 79:90 -m comment --comment 'to us' \
         -j ACCEPT; iptables-nft -P FORWARD DROP",
        "arrives",
    );
    both(
        "iptables-nft -N MORE; iptables-nft -A MORE -m addrtype --dst-type LOCAL -j RETURN; \
         iptables-nft -A MORE -m conntrack --ctstate NEW -j DROP; \
         iptables-nft -A FORWARD -p tcp --syn --dport 80 -j MORE",
        "dropped",
    );
    both(
        "iptables-nft -A FORWARD -m iprange --dst-range 10.241.0.1-10.241.0.5 -j REJECT \
         --reject-with tcp-reset -p tcp",
        "rejected",
    );
    both(
        "iptables-nft -A FORWARD -m mark --mark 1 -j DROP; \
         iptables-nft -A FORWARD -p udp -j DROP; \
         iptables-nft -A FORWARD -m conntrack ! --ctstate NEW,ESTABLISHED -j DROP",
        "arrives",
    );
    // Translations of theirs: another way to the same server.
    host.sh("iptables-nft -t nat -A PREROUTING -p tcp --dport 9090 -j DNAT --to 10.241.0.2:80")
        .ok();
    agrees(&host, outside, "198.51.100.2:9090");
    host.sh("iptables-nft -t nat -F; iptables-nft -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE")
        .ok();
    agrees(&host, outside, "198.51.100.2:8080");
    // One that is not decoded, where it counts.
    host.sh("iptables-nft -t nat -F; iptables-nft -A FORWARD -m statistic --mode random --probability 0.5 -j DROP")
        .ok();
    let story = outside.explain(&host, "web", "198.51.100.2:8080");
    ends(&story, "cannot-tell", "match statistic");
    host.sh("nft delete table ip filter; nft delete table ip nat")
        .ok();
}

#[test]
fn the_overview_says_what_there_is() {
    let host = Host::new();
    let _neighbour = Neighbour::new(&host);
    host.sh("ip route add default via 198.51.100.1").ok();
    two_networks(&host);
    let text = host.ok("network explain web");
    for words in [
        "eth0  10.241.0.2/24",
        "(network lan)",
        "IPv4  eth0 ═ ",
        "source 10.241.0.2 → 198.51.100.2",
        "leaves by uplink to 198.51.100.1, from 198.51.100.2",
        "IPv6  Network is unreachable",
        "0.0.0.0:8080 → 80/tcp, from outside (198.51.100.1, by uplink)",
        "on lan: web, www, ",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let json: Value = serde_json::from_str(&host.ok("network explain --format json web")).unwrap();
    assert_eq!(json["interfaces"][1]["name"], "eth0");
    let veth = json["interfaces"][1]["host_interface"].as_str().unwrap();
    host.sh(&format!("ip link show {veth}")).ok();
    assert_eq!(json["ports"][0]["story"]["verdict"], "arrives");
    host.sh("ip route del default").ok();
}

#[test]
fn what_stays_within_a_machine_passes_the_rules_of_its_lo() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    let rules = "add table netdev own; \
                 add chain netdev own c { type filter hook ingress device \"lo\" priority 0; }; \
                 add rule netdev own c tcp dport 81 drop";
    host.sh(&format!("ip netns exec rbox-web nft '{rules}'"))
        .ok();
    let dropped = host.ok("network explain web 127.0.0.1:81");
    let told = dropped.lines().any(|line| line.starts_with("dropped: "));
    assert!(told && dropped.contains("netdev own"), "{dropped}");
    let other = host.ok("network explain web 127.0.0.1:82");
    assert!(!other.contains("dropped: "), "{other}");
    // The kernel is of the same opinion: nobody listens at either, and only one is told so.
    let refused = |port: u16| {
        let line = format!("wget -T 1 -O - http://127.0.0.1:{port}/ 2>&1");
        let said = host.rbox(&["exec", "web", "sh", "-c", &line]).stdout;
        said.contains("refused")
    };
    assert!(!refused(81) && refused(82));
}

#[test]
fn the_story_is_told_in_order() {
    let host = Host::new();
    two_networks(&host);
    let text = host.ok("network explain other web:80");
    let last = text.lines().rev().take(2).collect::<Vec<_>>();
    assert!(
        last[0].starts_with("hint: connect both to one network"),
        "{text}"
    );
    assert!(last[1].starts_with("dropped: "), "{text}");
    assert!(
        text.starts_with("other to web:80, tcp\n\n  1  other  name: web is not known here"),
        "{text}"
    );
    assert!(text.contains("inet rbox "), "{text}");
    let text = host.ok("network explain --proto udp web 127.0.0.11:53");
    assert!(
        text.contains("arrives at the resolver of web (127.0.0.11:"),
        "{text}"
    );
    host.ok("run -d --name beside --network container:web alpine sleep 1000");
    let text = host.ok("network explain beside 10.241.0.3");
    assert!(text.ends_with("arrives at peer (10.241.0.3)"), "{text}");
    host.ok("run -d --name same --network host alpine sleep 1000");
    let text = host.ok("network explain same 10.241.0.2:80");
    assert!(text.ends_with("arrives at web (10.241.0.2:80)"), "{text}");
    let text = host.ok("network explain web host");
    assert!(text.ends_with("arrives at the host (10.241.0.1)"), "{text}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let host = Host::new();
    host.ok("create --name still alpine true");
    host.ok("run -d --name web alpine sleep 1000");
    for (line, words) in [
        ("network explain still", "container still is not running"),
        ("network explain nobody", "No such container: nobody"),
        ("network explain web http://x/", "invalid destination"),
        (
            "network explain web unknown.example:80",
            "nobody here is called unknown.example",
        ),
        (
            "network explain --proto tcp web 10.0.0.1",
            "tcp needs a port",
        ),
        (
            "network explain --proto icmp web 10.0.0.1:80",
            "icmp has no ports",
        ),
        (
            "network explain --from outside web",
            "no interface to the outside",
        ),
    ] {
        let said = host.fails(1, line);
        assert!(said.contains(words), "{line}: {said}");
    }
    let said = host.fails(125, "network explain --proto gre web 10.0.0.1");
    assert!(
        said.contains("must be one of tcp, udp, icmp, sctp"),
        "{said}"
    );
}
