//! The embedded resolver at 127.0.0.11: what it knows and whom it asks.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::harness::dns::{NO_ERROR, NXDOMAIN, NameServer, SERVFAIL, Type, resolve};
use crate::harness::{Host, Neighbour};

const HOSTS_OWN: &str = "nameserver 198.51.100.1\nsearch example.test\n";

fn pid(host: &Host, name: &str) -> u32 {
    host.pid(name).try_into().unwrap()
}

/// Containers `one` (alias web, shared) and `two` (alias shared, hostname bhost) on a network.
fn pair(host: &Host) -> u32 {
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.ok("run -d --name one --network lan --network-alias web --network-alias shared alpine sleep 1000");
    host.ok("run -d --name two --network lan --network-alias shared --hostname bhost --domainname bdom.test alpine sleep 1000");
    pid(host, "two")
}

#[test]
fn names_aliases_short_ids_and_hostnames_are_known() {
    let host = Host::new();
    let pid = pair(&host);
    let short = host.id("one")[..12].to_owned();
    for name in [
        "one",
        "ONE",
        "web",
        &short,
        "one.lan",
        "web.lan",
        &format!("{short}.lan"),
    ] {
        let answer = resolve(pid, name, Type::A);
        assert_eq!(
            (answer.code, answer.records),
            (NO_ERROR, vec!["10.241.0.2".to_owned()]),
            "{name}"
        );
        assert_eq!(answer.ttl, Some(0), "{name}");
    }
    assert_eq!(resolve(pid, "bhost", Type::A).records, ["10.241.0.3"]);
    assert_eq!(
        resolve(pid, "shared", Type::A).records,
        ["10.241.0.2", "10.241.0.3"]
    );
    let inspect = |name: &str| {
        let format = "{{json .NetworkSettings.Networks.lan.Aliases}} {{json .NetworkSettings.Networks.lan.DNSNames}}";
        host.rbox(&["inspect", "-f", format, name]).ok()
    };
    assert_eq!(
        inspect("one"),
        format!(r#"["web","shared"] ["one","web","shared","{short}"]"#)
    );
    let two = &host.id("two")[..12];
    assert_eq!(
        inspect("two"),
        format!(r#"["shared"] ["two","shared","{two}","bhost"]"#)
    );
}

#[test]
fn other_types_of_a_known_name_are_empty_and_addresses_lead_back_to_names() {
    let host = Host::new();
    let pid = pair(&host);
    for kind in [Type::Aaaa, Type::Mx] {
        let answer = resolve(pid, "one", kind);
        assert_eq!(
            (answer.code, answer.records.len()),
            (NO_ERROR, 0),
            "{kind:?}"
        );
    }
    assert_eq!(
        resolve(pid, "2.0.241.10.in-addr.arpa", Type::Ptr).records,
        ["one.lan"]
    );
    assert_eq!(
        resolve(pid, "3.0.241.10.in-addr.arpa", Type::Ptr).records,
        ["two.lan"]
    );
}

#[test]
fn names_go_with_their_containers_and_change_with_them() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let _server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    let pid = pair(&host);
    host.ok("rename one first");
    assert_eq!(resolve(pid, "first", Type::A).records, ["10.241.0.2"]);
    assert_eq!(resolve(pid, "one", Type::A).code, NXDOMAIN);
    assert_eq!(
        resolve(pid, "2.0.241.10.in-addr.arpa", Type::Ptr).records,
        ["first.lan"]
    );
    host.ok("stop -t 0 first");
    for name in ["first", "web"] {
        assert_eq!(resolve(pid, name, Type::A).code, NXDOMAIN, "{name}");
    }
    assert_eq!(resolve(pid, "shared", Type::A).records, ["10.241.0.3"]);
    assert_eq!(
        resolve(pid, "2.0.241.10.in-addr.arpa", Type::Ptr).code,
        NXDOMAIN
    );
    host.ok("start first");
    assert_eq!(resolve(pid, "web", Type::A).records.len(), 1);
}

#[test]
fn a_container_on_two_networks_knows_both_and_others_know_none_of_the_other() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let _server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    let two = pair(&host);
    host.ok("network create --subnet 10.242.0.0/24 far");
    host.ok("run -d --name both --network lan --network far alpine sleep 1000");
    host.ok("run -d --name other --network far alpine sleep 1000");
    let both = pid(&host, "both");
    assert_eq!(resolve(both, "one", Type::A).records, ["10.241.0.2"]);
    assert_eq!(resolve(both, "other", Type::A).records, ["10.242.0.3"]);
    assert_eq!(resolve(both, "both.far", Type::A).records, ["10.242.0.2"]);
    assert_eq!(resolve(two, "other", Type::A).code, NXDOMAIN);
    assert_eq!(resolve(two, "other.far", Type::A).code, NXDOMAIN);
    assert_eq!(resolve(two, "both.far", Type::A).code, NXDOMAIN);
}

#[test]
fn other_names_are_asked_of_the_hosts_resolver_from_the_host() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    let pid = pair(&host);
    let answer = resolve(pid, "example.test", Type::A);
    assert_eq!(
        (answer.records, answer.ttl),
        (vec!["198.51.100.80".to_owned()], Some(60))
    );
    assert_eq!(
        server.askers("example.test"),
        ["198.51.100.2".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        resolve(pid, "example.test", Type::Aaaa).records,
        ["2001:db8::80"]
    );
    assert_eq!(resolve(pid, "nosuch", Type::A).code, NXDOMAIN);
    assert_eq!(resolve(pid, "servfail.test", Type::A).code, SERVFAIL);
    let text = host.ok("exec two nslookup example.test");
    assert!(text.contains("Address: 198.51.100.80"), "{text}");
}

#[test]
fn a_resolver_on_the_hosts_loopback_is_asked_too() {
    let host = Host::new();
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    let _server = NameServer::start(own.try_into().unwrap(), "127.0.0.53");
    let _file = host.file_instead("/etc/resolv.conf", "nameserver 127.0.0.53\n");
    let pid = pair(&host);
    assert_eq!(
        resolve(pid, "example.test", Type::A).records,
        ["198.51.100.80"]
    );
}

#[test]
fn servers_of_the_container_are_asked_from_the_container() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let server = NameServer::start(neighbour.pid(), "198.51.100.1");
    neighbour
        .sh("ip route add 10.243.0.0/24 via 198.51.100.2")
        .ok();
    host.ok("network create --subnet 10.243.0.0/24 -o com.docker.network.bridge.enable_ip_masquerade=false plain");
    host.ok("run -d --name box --network plain --dns 198.51.100.1 alpine sleep 1000");
    assert_eq!(
        resolve(pid(&host, "box"), "example.test", Type::A).records,
        ["198.51.100.80"]
    );
    assert_eq!(
        server.askers("example.test"),
        ["10.243.0.2".parse::<IpAddr>().unwrap()]
    );
}

#[test]
fn internal_networks_know_their_own_names_and_ask_nobody() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    host.ok("network create --internal --subnet 10.252.0.0/24 inner");
    host.ok("run -d --name box --network inner alpine sleep 1000");
    let pid = pid(&host, "box");
    assert_eq!(resolve(pid, "box", Type::A).records, ["10.252.0.2"]);
    let begin = Instant::now();
    assert_eq!(resolve(pid, "example.test", Type::A).code, SERVFAIL);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(server.askers("example.test").is_empty());
}

#[test]
fn the_default_bridge_has_no_resolver_of_ours() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    host.fails(1, "exec box nslookup box 127.0.0.11");
}

#[test]
fn a_container_may_run_a_name_server_itself() {
    let host = Host::new();
    let pid = pair(&host);
    let _own = NameServer::start(pid, "0.0.0.0");
    assert_eq!(resolve(pid, "one", Type::A).records, ["10.241.0.2"]);
    let text = host.ok("exec two nslookup example.test 127.0.0.1");
    assert!(text.contains("198.51.100.80"), "{text}");
}

#[test]
fn long_answers_and_short_ones_come_over_tcp() {
    let host = Host::new();
    let pid = pair(&host);
    let text = crate::harness::inside(pid, || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect("127.0.0.11:53").unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let question =
            b"\x00\x15\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03one\x00\x00\x01\x00\x01";
        stream.write_all(question).unwrap();
        let mut length = [0u8; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0u8; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).unwrap();
        answer
    });
    assert!(text.ends_with(&[10, 241, 0, 2]), "{text:?}");
}

#[test]
fn a_server_inside_an_internal_network_is_asked() {
    let host = Host::new();
    host.ok("network create --internal --subnet 10.252.0.0/24 inner");
    host.ok("run -d --name names --network inner --ip 10.252.0.53 alpine sleep 1000");
    let server = NameServer::start(pid(&host, "names"), "10.252.0.53");
    host.ok("run -d --name box --network inner --dns 10.252.0.53 alpine sleep 1000");
    let box_pid = pid(&host, "box");
    assert_eq!(
        resolve(box_pid, "example.test", Type::A).records,
        ["198.51.100.80"]
    );
    assert_eq!(server.askers("example.test").len(), 1);
    assert_eq!(
        resolve(box_pid, "names", Type::A).records,
        ["10.252.0.53"],
        "own names are not asked of it"
    );
    // One that cannot be reached from there is known to be so at once.
    host.ok("run -d --name lost --network inner --dns 203.0.113.1 alpine sleep 1000");
    let begin = Instant::now();
    assert_eq!(
        resolve(pid(&host, "lost"), "example.test", Type::A).code,
        SERVFAIL
    );
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_first_thing_that_a_container_does_can_be_to_resolve() {
    let host = Host::new();
    pair(&host);
    for _ in 0..5 {
        let text = host.ok("run --rm --name self --network lan alpine getent hosts one self");
        let addresses: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert!(
            matches!(addresses[..], ["10.241.0.2", own] if own.starts_with("10.241.0.")),
            "{text}"
        );
    }
}

#[test]
fn names_are_there_when_start_returns_and_gone_when_stop_does() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let _server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    let pid = pair(&host);
    for _ in 0..5 {
        host.ok("stop -t 0 one");
        assert_eq!(resolve(pid, "one", Type::A).code, NXDOMAIN);
        host.ok("start one");
        let begin = Instant::now();
        assert_eq!(resolve(pid, "one", Type::A).records.len(), 1);
        // What is measured is one question, asked once; the machine may be busy.
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn the_hosts_servers_are_followed_while_a_container_runs() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    neighbour
        .sh("ip address add 198.51.100.5/24 dev eth0 2>/dev/null || ip address add 198.51.100.5/24 dev $(ip -o route show 198.51.100.0/24 | sed 's/.* dev //; s/ .*//')")
        .ok();
    let (first, second) = (
        NameServer::start(neighbour.pid(), "198.51.100.1"),
        NameServer::start(neighbour.pid(), "198.51.100.5"),
    );
    let _file = host.file_instead("/etc/resolv.conf", HOSTS_OWN);
    let pid = pair(&host);
    let ask = || resolve(pid, "example.test", Type::A).records;
    assert_eq!(ask(), ["198.51.100.80"]);
    std::fs::write("/etc/resolv.conf", "nameserver 198.51.100.5\n").unwrap();
    assert_eq!(ask(), ["198.51.100.80"]);
    assert_eq!(first.askers("example.test").len(), 1);
    assert_eq!(second.askers("example.test").len(), 1);
}

/// What a C library makes of it: search domains, `ndots`, both families at once.
#[test]
fn musl_and_glibc_find_names() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let server = NameServer::start(neighbour.pid(), "198.51.100.1");
    let _file = host.file_instead("/etc/resolv.conf", "nameserver 198.51.100.1\n");
    let _pair = pair(&host);
    // With Docker's `ndots:0` musl never looks into search domains.
    host.ok(
        "run -d --name box --network lan --dns-search test --dns-option ndots:1 alpine sleep 1000",
    );
    let box_pid = pid(&host, "box");
    let conf = host.rbox(&["inspect", "-f", "{{.ResolvConfPath}}", "box"]);
    let conf = conf.ok();
    let musl = |name: &str| host.ok(&format!("exec box getent ahosts {name}"));
    // The host's own glibc, with the container's network and resolv.conf.
    let glibc = |name: &str| {
        let script = format!("mount --bind {conf} /etc/resolv.conf && getent ahosts {name}");
        host.sh(&format!(
            "nsenter --net=/proc/{box_pid}/ns/net unshare --mount sh -c '{script}'"
        ))
        .ok()
    };
    for (name, address) in [
        ("one", "10.241.0.2"),
        ("one.lan", "10.241.0.2"),
        ("example", "198.51.100.80"),
        ("example.test", "198.51.100.80"),
    ] {
        for (library, text) in [("musl", musl(name)), ("glibc", glibc(name))] {
            assert!(text.contains(address), "{library} {name}: {text}");
        }
    }
    // Nobody outside was told about the names of the network.
    assert!(server.askers("one").is_empty());
    for (name, address) in [("one", "10.241.0.2"), ("example.test", "198.51.100.80")] {
        let text = host.ok(&format!("exec two getent ahosts {name}"));
        assert!(text.contains(address), "musl with ndots:0, {name}: {text}");
    }
}
