//! rbox beside Docker, whose policy is to drop what it does not forward itself.

use std::io::ErrorKind::TimedOut;
use std::io::Read;
use std::net::TcpStream;

use crate::harness::{Dockerd, HOST_ADDRESS, Host, Neighbour, ask, eventually, inside, skip};

const NEIGHBOUR: &str = "198.51.100.1";
const RULE: &str = "-A DOCKER-USER -m mark --mark 0x20000000/0x20000000 -m comment --comment \
                    \"rbox: accepted by table inet rbox\" -j ACCEPT";

/// How often our rule is in Docker's chain.
fn rules(host: &Host) -> usize {
    let listed = host.sh("iptables -S DOCKER-USER").ok();
    assert!(!listed.contains("incompatible"), "{listed}");
    listed.lines().filter(|line| *line == RULE).count()
}

/// A container that says `rbox` to whoever connects to its port 7000.
fn talker(host: &Host, name: &str, flags: &[&str]) {
    let mut words = vec!["run", "-d", "--name", name];
    words.extend(flags);
    words.extend([
        "alpine",
        "sh",
        "-c",
        "while :; do echo rbox | nc -l -p 7000; done",
    ]);
    host.rbox(&words).ok();
}

fn reaches_outside(host: &Host, name: &str) -> bool {
    host.rbox(&["exec", name, "ping", "-c", "1", "-W", "1", NEIGHBOUR])
        .code
        == 0
}

/// What a container hears at an address; nothing when nobody answers.
fn hears(host: &Host, name: &str, address: &str, port: &str) -> String {
    let script = format!("nc -w 2 {address} {port} </dev/null");
    host.rbox(&["exec", name, "sh", "-c", &script])
        .stdout
        .trim()
        .to_owned()
}

#[test]
fn both_work_and_neither_opens_the_other() {
    const TEST: &str = "both_work_and_neither_opens_the_other";
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    let Some(mut docker) = Dockerd::start(&host, TEST) else {
        return;
    };
    let policy = host.sh("iptables -S FORWARD").ok();
    assert!(policy.starts_with("-P FORWARD DROP"), "{policy}");
    let theirs = docker.talker("theirs", &[]);
    docker.talker("shown", &["-p", "9000:7000"]);
    host.ok("network create --subnet 10.241.0.0/24 lan");
    host.ok("network create --subnet 10.242.0.0/24 far");
    talker(&host, "ours", &["--network", "lan"]);
    talker(&host, "other", &["--network", "lan", "-p", "9100:7000"]);
    host.who_server("web", "--network far -p 8080:80");
    let ours = host.address("ours", "lan");

    // Out, in, and from the host itself.
    assert!(reaches_outside(&host, "ours"));
    let seen = |peer: &str| Ok(format!("server=web peer={peer}"));
    inside(neighbour.pid(), || {
        assert_eq!(ask("198.51.100.2:8080"), seen(NEIGHBOUR));
    });
    assert_eq!(ask("127.0.0.1:8080"), seen("10.242.0.1"));
    // Their containers, too.
    docker.ok(&["exec", "theirs", "ping", "-c", "1", "-W", "2", NEIGHBOUR]);
    let heard = inside(neighbour.pid(), || {
        let mut text = String::new();
        let mut stream = TcpStream::connect((HOST_ADDRESS, 9000)).unwrap();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    assert_eq!(heard, "docker\n");
    // Published ports are for everybody, others for nobody.
    assert_eq!(hears(&host, "ours", HOST_ADDRESS, "9000"), "docker");
    assert_eq!(hears(&host, "ours", &theirs, "7000"), "");
    let docker_hears = |address: &str, port: &str| {
        let script = format!("nc -w 2 {address} {port} </dev/null");
        let heard = docker.run(&["exec", "theirs", "sh", "-c", &script]);
        heard.stdout.trim().to_owned()
    };
    assert_eq!(docker_hears(HOST_ADDRESS, "9100"), "rbox");
    assert_eq!(docker_hears(&ours, "7000"), "");
    // One rule for all networks, at the end but for Docker's own.
    assert_eq!(rules(&host), 1);
    let listed = host.sh("iptables -S DOCKER-USER").ok();
    assert!(listed.ends_with("-A DOCKER-USER -j RETURN"), "{listed}");

    // With frames within bridges filtered.
    let filtered = host.sh("echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables");
    if filtered.code == 0 {
        assert_eq!(hears(&host, "ours", "other", "7000"), "rbox");
        assert!(reaches_outside(&host, "ours"));
    } else {
        skip(
            TEST,
            "no br_netfilter: frames within bridges are not filtered",
        );
    }

    docker.restart();
    assert_eq!(rules(&host), 1);
    assert!(reaches_outside(&host, "ours"));

    // The user's own rules come first.
    host.sh("iptables -I DOCKER-USER -s 10.241.0.0/24 -d 198.51.100.1 -j DROP")
        .ok();
    assert!(!reaches_outside(&host, "ours"));
    host.sh("iptables -D DOCKER-USER -s 10.241.0.0/24 -d 198.51.100.1 -j DROP")
        .ok();
    assert!(reaches_outside(&host, "ours"));

    // It is the rule that lets us through; gone, it is made again; and it goes with the last network.
    host.sh(&format!("iptables {}", RULE.replacen("-A", "-D", 1)))
        .ok();
    assert!(!reaches_outside(&host, "ours"));
    let mended = host.ok("network reload");
    assert_eq!(mended.lines().count(), 1, "{mended}");
    assert!(mended.starts_with("network "), "{mended}");
    assert!(reaches_outside(&host, "ours"));
    host.ok("rm -f ours other web");
    host.ok("network rm lan");
    assert_eq!(rules(&host), 1);
    host.ok("network rm far");
    assert_eq!(rules(&host), 0);
    docker.ok(&[
        "run", "--rm", "alpine", "ping", "-c", "1", "-W", "2", NEIGHBOUR,
    ]);
}

#[test]
fn docker_may_come_later() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    host.ok("run -d --name ours alpine sleep 1000");
    assert!(reaches_outside(&host, "ours"));
    let Some(_docker) = Dockerd::start(&host, "docker_may_come_later") else {
        return;
    };
    let policy = host.sh("iptables -S FORWARD").ok();
    assert!(policy.starts_with("-P FORWARD DROP"), "{policy}");
    assert!(!reaches_outside(&host, "ours"));
    // Any start tells it for all; so does a reload.
    host.ok("run --rm alpine true");
    assert!(reaches_outside(&host, "ours"));
    assert_eq!(rules(&host), 1);
    // On the default bridge, which stays, the rule goes with the last container.
    host.ok("rm -f ours");
    eventually("the rule to be taken out", || {
        (rules(&host) == 0).then_some(())
    });
    drop(neighbour);
}

/// What Docker has, as far as we see it.
fn chains_of_docker(host: &Host) {
    host.sh(
        "set -e; iptables -P FORWARD DROP; iptables -N DOCKER-USER; \
         iptables -A FORWARD -j DOCKER-USER; iptables -A DOCKER-USER -j RETURN",
    )
    .ok();
}

#[test]
fn the_hosts_own_bridge_leads_out_and_bridges_of_others_do_not() {
    let host = Host::new();
    if host.sh("iptables --version").code != 0 {
        skip(
            "the_hosts_own_bridge_leads_out_and_bridges_of_others_do_not",
            "there is no iptables",
        );
        return;
    }
    let neighbour = Neighbour::new(&host);
    chains_of_docker(&host);
    host.sh(&format!(
        "set -e; ip link add wired type bridge; ip link set wired up; \
         ip addr del {HOST_ADDRESS}/24 dev uplink; ip link set uplink master wired; \
         ip addr add {HOST_ADDRESS}/24 dev wired; ip route add default via {NEIGHBOUR}"
    ))
    .ok();
    host.ok("run -d --name ours -p 8080:7000 alpine sleep 1000");
    assert!(reaches_outside(&host, "ours"));
    // The same bridge without a way out is somebody's: theirs to open.
    host.sh("ip route del default").ok();
    let mended = host.ok("network reload");
    assert_eq!(mended, "network bridge");
    assert!(!reaches_outside(&host, "ours"));
    assert_eq!(
        inside(neighbour.pid(), || ask("198.51.100.2:8080")),
        Err(TimedOut)
    );
    host.ok("rm -f ours");
    eventually("the rule to be taken out", || {
        (rules(&host) == 0).then_some(())
    });
    host.sh("ip link del wired; nft delete table ip filter")
        .ok();
}
