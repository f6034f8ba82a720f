//! `capture`: packets in lines and in files that others can read.

use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::pcapng::{self, Capture};
use crate::harness::{Host, Terminal, inside, kill, skip};

/// `epb_flags` of a packet that left, and of one that came to this host.
const OUTBOUND: u32 = 2;
const UNICAST: u32 = 1 | 1 << 2;

/// A capture under way.
struct Running {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    /// The line that says that it is ready.
    ready: String,
}

impl Running {
    /// Begins one and waits until it is ready.
    fn begin(host: &Host, line: &str) -> Running {
        let mut child = host.spawn(&format!("capture {line}"));
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        errors.read_line(&mut ready).unwrap();
        assert!(ready.starts_with("capturing on "), "{ready}");
        Running {
            child,
            errors,
            ready: ready.trim_end().to_owned(),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; stdout, and what it said of itself.
    fn end(mut self) -> (Vec<u8>, String) {
        let mut out = Vec::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut out)
            .unwrap();
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        (out, said.trim_end().to_owned())
    }

    fn interrupt(self) -> (Vec<u8>, String) {
        self.signal(Signal::INT);
        self.end()
    }
}

/// web and db on lan, which know each other's link addresses.
fn pair(host: &Host) -> (String, String) {
    host.ok("network create lan");
    for name in ["web", "db"] {
        host.ok(&format!(
            "run -d --name {name} --network lan alpine sleep 1000"
        ));
    }
    host.ok("exec web ping -c 1 db");
    (host.address("web", "lan"), host.address("db", "lan"))
}

fn file(host: &Host, name: &str) -> String {
    host.scratch().join(name).to_str().unwrap().to_owned()
}

fn recorded(path: &str) -> Capture {
    pcapng::read(&std::fs::read(path).unwrap())
}

/// Type of an ICMP packet in an Ethernet frame.
fn icmp(bytes: &[u8]) -> Option<u8> {
    (bytes[12..14] == [8, 0] && bytes[23] == 1).then(|| bytes[34])
}

#[test]
fn a_container_is_recorded_with_times_directions_and_statistics() {
    let host = Host::new();
    pair(&host);
    let path = file(&host, "web.pcapng");
    let before = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    let capture = Running::begin(&host, &format!("-w {path} web"));
    assert_eq!(capture.ready, "capturing on lo, eth0 of container web");
    host.ok("exec web ping -c 3 -i 0.1 db");
    let (out, said) = capture.interrupt();
    let after = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    assert!(out.is_empty());
    let capture = recorded(&path);
    assert_eq!(capture.comment, "container web");
    let names: Vec<_> = capture
        .interfaces
        .iter()
        .map(|i| (i.name.as_str(), i.link_type, i.snap_length))
        .collect();
    assert_eq!(names, [("lo", 1, 262_144), ("eth0", 1, 262_144)]);
    let pings: Vec<(u8, u32)> = capture
        .of("eth0")
        .iter()
        .filter_map(|packet| Some((icmp(&packet.bytes)?, packet.flags)))
        .collect();
    assert_eq!(pings, [(8, OUTBOUND), (0, UNICAST)].repeat(3));
    for packet in &capture.packets {
        assert!(
            (before..=after).contains(&u128::from(packet.time)),
            "{packet:?}"
        );
        assert_eq!(packet.bytes.len(), usize::try_from(packet.length).unwrap());
    }
    // Names are asked on lo: each packet once, not when it leaves and again when it comes.
    let asked = |packet: &&&pcapng::Packet| packet.bytes.ends_with(b"\x02db\0\0\x01\0\x01");
    let count = capture.of("lo").iter().filter(asked).count();
    assert_eq!(count, 1, "{capture:?}");
    assert_eq!(capture.statistics.len(), 2);
    for (number, statistics) in capture.statistics.iter().enumerate() {
        let packets = capture
            .packets
            .iter()
            .filter(|p| p.interface == number)
            .count();
        assert_eq!(statistics.interface, number);
        assert_eq!(statistics.delivered, u64::try_from(packets).unwrap());
        assert_eq!(
            (statistics.received, statistics.dropped),
            (statistics.delivered, 0)
        );
    }
    assert_eq!(
        said,
        format!("{} packets, 0 dropped by the kernel", capture.packets.len())
    );
}

#[test]
fn tcpdump_reads_the_file() {
    let host = Host::new();
    let (web, db) = pair(&host);
    let path = file(&host, "lan.pcapng");
    let capture = Running::begin(&host, &format!("lan -w {path}"));
    host.ok("exec web ping -c 1 db");
    capture.interrupt();
    if Command::new("tcpdump")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        return skip("tcpdump_reads_the_file", "no tcpdump");
    }
    let output = host.sh(&format!("tcpdump -n -r {path} icmp"));
    assert!(!output.stderr.contains("truncated"), "{output:?}");
    let text = output.ok();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].contains(&format!("IP {web} > {db}: ICMP echo request")),
        "{text}"
    );
    assert!(
        lines[1].contains(&format!("IP {db} > {web}: ICMP echo reply")),
        "{text}"
    );
}

#[test]
fn lines_tell_protocols_addresses_and_names() {
    let host = Host::new();
    let (web, db) = pair(&host);
    host.who_server("who", "--network lan");
    let who = host.address("who", "lan");
    let capture = Running::begin(&host, "web");
    host.ok("exec web ping -c 1 db");
    host.ok("exec web wget -q -O- http://who/");
    let (out, said) = capture.interrupt();
    let text = String::from_utf8(out).unwrap();
    for words in [
        format!("eth0 out {web} > {db} ICMP echo request id "),
        format!("eth0 in  {db} > {web} ICMP echo reply id "),
        " > 127.0.0.11:".to_owned(),
        " UDP DNS query A who length ".to_owned(),
        format!(" UDP DNS answer A who {who} length "),
        format!("eth0 out ARP who has {who}? tell {web}"),
        format!(" > {who}:80 TCP [SYN] length 0"),
        format!("eth0 in  {who}:80 > {web}:"),
        " TCP [SYN ACK] length 0".to_owned(),
    ] {
        assert!(text.contains(&words), "{words}\n{text}");
    }
    let count = text.lines().count();
    assert_eq!(said, format!("{count} packets, 0 dropped by the kernel"));
}

#[test]
fn a_networks_bridge_sees_what_its_containers_say_to_each_other_and_a_port_only_its_own() {
    let host = Host::new();
    let (web, db) = pair(&host);
    host.ok("run -d --name third --network lan alpine sleep 1000");
    let format = "{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}";
    let id = host.rbox(&["inspect", "-f", format, "web"]).ok();
    let bridge = format!("br-{}", &id[..12]);
    let graph = host.ok("network graph --format json lan");
    let graph: serde_json::Value = serde_json::from_str(&graph).unwrap();
    let ports = graph["networks"][0]["endpoints"].as_array().unwrap();
    let third = ports
        .iter()
        .find(|port| port["container"] == "third")
        .unwrap();
    let third = third["host_end"]["name"].as_str().unwrap();
    let all = Running::begin(&host, "lan");
    let port = Running::begin(&host, &format!("-i {third} lan"));
    assert_eq!(all.ready, format!("capturing on {bridge} of network lan"));
    assert_eq!(port.ready, format!("capturing on {third} of network lan"));
    host.ok("exec web ping -c 1 db");
    let (all, port) = (all.interrupt().0, port.interrupt().0);
    let request = format!("{web} > {db} ICMP echo request");
    assert!(String::from_utf8(all).unwrap().contains(&request));
    assert!(!String::from_utf8(port).unwrap().contains("ICMP echo"));
}

#[test]
fn limits_end_it_and_cut_packets() {
    let host = Host::new();
    pair(&host);
    let path = file(&host, "few.pcapng");
    let capture = Running::begin(&host, &format!("-c 3 -s 40 -i eth0 -w {path} web"));
    host.ok("exec web ping -c 4 -i 0.05 db");
    assert_eq!(capture.end().1, "3 packets, 0 dropped by the kernel");
    let capture = recorded(&path);
    assert_eq!(capture.packets.len(), 3);
    for packet in &capture.packets {
        assert!(packet.bytes.len() == 40 && packet.length > 40, "{packet:?}");
    }
    assert_eq!(capture.interfaces[0].snap_length, 40);
    // It ends by itself, and what came in time is in it.
    let capture = Running::begin(&host, "--for 2s -i eth0 web");
    host.ok("exec web ping -c 1 db");
    let (out, _) = capture.end();
    assert!(String::from_utf8(out).unwrap().contains("echo reply"));
}

#[test]
fn it_ends_with_the_container_and_with_the_network() {
    let host = Host::new();
    pair(&host);
    let path = file(&host, "web.pcapng");
    let container = Running::begin(&host, &format!("-w {path} web"));
    host.ok("stop -t 0 web");
    let (_, said) = container.end();
    assert!(said.starts_with("container web has ended\n"), "{said}");
    assert_eq!(recorded(&path).statistics.len(), 2);
    host.ok("rm -f web db");
    let network = Running::begin(&host, "lan");
    host.ok("network rm lan");
    let (_, said) = network.end();
    assert!(said.ends_with(" dropped by the kernel"), "{said}");
}

#[test]
fn sigterm_closes_the_file_and_sigkill_leaves_whole_blocks() {
    let host = Host::new();
    pair(&host);
    let path = file(&host, "term.pcapng");
    let capture = Running::begin(&host, &format!("-w {path} web"));
    host.ok("exec web ping -c 1 db");
    capture.signal(Signal::TERM);
    capture.end();
    assert_eq!(recorded(&path).statistics.len(), 2);
    let path = file(&host, "kill.pcapng");
    let mut capture = Running::begin(&host, &format!("-w {path} -i eth0 web"));
    host.ok("exec web ping -c 3 -i 0.1 db");
    crate::harness::eventually("the packets in the file", || {
        (recorded(&path).packets.len() >= 6).then_some(())
    });
    kill(i32::try_from(capture.child.id()).unwrap());
    assert_eq!(capture.child.wait().unwrap().signal(), Some(9));
    assert!(recorded(&path).statistics.is_empty());
}

#[test]
fn stdout_takes_a_file_too_but_not_a_terminal() {
    let host = Host::new();
    pair(&host);
    let capture = Running::begin(&host, "-w - -i eth0 web");
    host.ok("exec web ping -c 1 db");
    let (out, _) = capture.interrupt();
    assert!(pcapng::read(&out).packets.len() >= 2);
    let mut terminal = Terminal::start(&host.command(&["capture", "-w", "-", "web"]));
    terminal.expect("packets are not written to a terminal");
    assert_eq!(terminal.wait(), 1);
}

#[test]
fn a_flood_is_recorded_whole_or_counted() {
    let host = Host::new();
    pair(&host);
    let db: std::net::SocketAddr = format!("{}:9999", host.address("db", "lan"))
        .parse()
        .unwrap();
    let web = u32::try_from(host.pid("web")).unwrap();
    let flood = |count: usize| {
        inside(web, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            for _ in 0..count {
                // A port that nobody listens at answers with ICMP now and then.
                let _ = socket.send_to(&[7; 1000], db);
            }
        });
    };
    let sent = |capture: &Capture| {
        capture
            .packets
            .iter()
            .filter(|p| p.bytes.len() == 1042)
            .count()
    };
    let path = file(&host, "flood.pcapng");
    let capture = Running::begin(&host, &format!("-w {path} -i eth0 web"));
    // More than the ring holds, in portions that a busy machine keeps up with.
    for _ in 0..20 {
        flood(1000);
        std::thread::yield_now();
    }
    let (_, said) = capture.interrupt();
    let capture = recorded(&path);
    let statistics = &capture.statistics[0];
    assert_eq!(
        statistics.delivered + statistics.dropped,
        statistics.received,
        "{said}"
    );
    assert!(
        sent(&capture) + usize::try_from(statistics.dropped).unwrap() >= 20_000,
        "{said}"
    );

    // Nobody empties the ring: what it cannot hold is counted.
    let path = file(&host, "stopped.pcapng");
    let capture = Running::begin(&host, &format!("-w {path} -i eth0 web"));
    capture.signal(Signal::STOP);
    flood(20_000);
    capture.signal(Signal::CONT);
    let (_, said) = capture.interrupt();
    let capture = recorded(&path);
    let statistics = &capture.statistics[0];
    assert!(statistics.dropped > 0, "{said}");
    assert_eq!(
        statistics.delivered,
        u64::try_from(capture.packets.len()).unwrap()
    );
    assert_eq!(
        statistics.delivered + statistics.dropped,
        statistics.received,
        "{said}"
    );
    assert!(
        sent(&capture) + usize::try_from(statistics.dropped).unwrap() >= 20_000,
        "{said}"
    );
    assert_eq!(
        said,
        format!(
            "{} packets, {} dropped by the kernel",
            statistics.delivered, statistics.dropped
        )
    );
}

#[test]
fn a_vlan_tag_is_in_the_frame_as_on_the_wire() {
    let host = Host::new();
    pair(&host);
    let line = "ip -n rbox-web link add link eth0 name eth0.5 type vlan id 5 && \
                ip -n rbox-web addr add 10.5.0.1/24 dev eth0.5 && \
                ip -n rbox-web link set eth0.5 up";
    let made = host.sh(line);
    if made.code != 0 {
        return skip(
            "a_vlan_tag_is_in_the_frame_as_on_the_wire",
            "no VLAN interfaces here",
        );
    }
    let path = file(&host, "vlan.pcapng");
    let capture = Running::begin(&host, &format!("-i eth0 -w {path} web"));
    host.rbox(&["exec", "web", "ping", "-c", "1", "-W", "1", "10.5.0.2"]);
    capture.interrupt();
    let capture = recorded(&path);
    let tagged: Vec<_> = capture
        .packets
        .iter()
        .filter(|p| p.bytes[12..14] == [0x81, 0])
        .collect();
    assert!(!tagged.is_empty(), "{capture:?}");
    // The tag, then ARP.
    assert_eq!(tagged[0].bytes[14..18], [0, 5, 8, 6]);
    assert_eq!(
        tagged[0].bytes.len(),
        usize::try_from(tagged[0].length).unwrap()
    );
}

#[test]
fn what_cannot_be_captured_is_refused() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("create --name idle alpine true");
    host.ok("run -d --name web alpine sleep 1000");
    for (line, text) in [
        ("nosuch", "rbox: No such container or network: nosuch"),
        ("idle", "rbox: container idle is not running"),
        (
            "-i eth7 web",
            "rbox: no interface eth7 in container web\nhint: there are: lo, eth0",
        ),
        (
            "host",
            "rbox: network host has no bridge to listen to\nhint: name one of its containers \
             instead",
        ),
        ("-c 0 web", "rbox: invalid count: must be at least 1"),
        (
            "-s -1 web",
            "rbox: invalid snaplen: must be between 0 and 262144",
        ),
        (
            "-w /nosuch/file web",
            "rbox: write /nosuch/file: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(host.fails(1, &format!("capture {line}")), text, "{line}");
    }
    let text = host.fails(125, "capture --for 5 web");
    assert!(
        text.contains("invalid duration \"5\": try 10s or 1m30s"),
        "{text}"
    );
}
