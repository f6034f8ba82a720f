//! The resolver of a container that does all it can to bring it down. What the monitor holds
//! afterwards is what it held before, and names are still answered.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{Host, Neighbour, eventually, inside};

const SERVER: (&str, u16) = ("127.0.0.11", 53);

/// How much more memory the monitor may hold after all of this, kB. It is a bound, not a rate: the
/// floods are many times larger.
const SLACK: u64 = 2_000;

/// What the monitor itself allocated, kB: proc_pid_smaps(5). Not its whole share: the program's own
/// pages are divided among all who run it, and weigh more on it each time that another one ends.
fn memory(monitor: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{monitor}/smaps_rollup")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("Pss_Anon:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(monitor: i32) -> usize {
    std::fs::read_dir(format!("/proc/{monitor}/fd"))
        .unwrap()
        .count()
}

fn query(name: &str) -> Vec<u8> {
    let mut message = vec![0x77, 0x77, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.push(u8::try_from(name.len()).unwrap());
    message.extend(name.as_bytes());
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}

/// Asks as clients do: again each second, for the kernel drops datagrams of a full socket.
fn answers(after: &str) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let wait = Duration::from_secs(1);
    socket.set_read_timeout(Some(wait)).unwrap();
    socket.connect(SERVER).unwrap();
    eventually(&format!("an answer after {after}"), || {
        socket.send(&query("one")).ok()?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).ok()?;
        answer[..length].ends_with(&[10, 241, 0, 2]).then_some(())
    });
}

fn forwarded(round: usize) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    for n in 0..20_000 {
        let _ = socket.send_to(&query(&format!("x{round}-{n}")), SERVER);
    }
}

fn forwarded_by_tcp() {
    let mut stream = TcpStream::connect(SERVER).unwrap();
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let flood: Vec<u8> = (0..5_000)
        .flat_map(|n| framed(&query(&format!("t{n}"))))
        .collect();
    let _ = stream.write_all(&flood);
}

fn garbage() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..20_000 {
        let mut bytes = vec![0; n % 5_000];
        for byte in &mut bytes {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            *byte = noise as u8;
        }
        let _ = socket.send_to(&bytes, SERVER);
    }
}

/// Connections with the beginning of a query, all open at once.
fn half_open(count: usize) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(SERVER).ok()?;
        stream.write_all(&[0x0f, 0xff, 1]).ok()?;
        Some(stream)
    };
    (0..count).filter_map(connect).collect()
}

/// Connections that ask for a lot and read nothing.
fn deaf(count: usize) -> Vec<TcpStream> {
    let question = framed(&query("many"));
    let connect = |_| {
        let mut stream = TcpStream::connect(SERVER).ok()?;
        stream.set_nonblocking(true).ok()?;
        for _ in 0..2_000 {
            if stream.write(&question).ok()? < question.len() {
                break;
            }
        }
        Some(stream)
    };
    (0..count).filter_map(connect).collect()
}

#[test]
fn floods_do_not_stop_the_resolver_nor_make_it_grow() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    // A server that takes every question and answers none.
    let _silent = inside(neighbour.pid(), || {
        UdpSocket::bind("198.51.100.1:53").unwrap()
    });
    let _file = host.file_instead("/etc/resolv.conf", "nameserver 198.51.100.1\n");
    host.ok("network create --subnet 10.241.0.0/24 lan");
    let aliases = "--network-alias many";
    host.ok(&format!(
        "run -d --name one --network lan {aliases} alpine sleep 1000"
    ));
    host.ok(&format!(
        "run -d --name two --network lan {aliases} alpine sleep 1000"
    ));
    let pid = u32::try_from(host.pid("two")).unwrap();
    let monitor = host.monitor("two");
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let still_there = |what: &str| inside(pid, || answers(what));
    still_there("nothing");
    // Once, so that what is kept for reuse is there.
    inside(pid, || forwarded(0));
    still_there("a flood");
    let (before, open) = (memory(monitor), descriptors(monitor));
    for round in 1..3 {
        inside(pid, || forwarded(round));
        still_there("queries that nobody answers");
        inside(pid, forwarded_by_tcp);
        still_there("the same by TCP");
        inside(pid, garbage);
        still_there("garbage");
        let idle = inside(pid, || half_open(2_000));
        still_there("half-open connections");
        let by_tcp = inside(pid, || {
            let mut stream = TcpStream::connect(SERVER).unwrap();
            stream.write_all(&framed(&query("one"))).unwrap();
            let mut answer = [0; 2 + 12];
            stream.read_exact(&mut answer).unwrap();
            answer
        });
        assert_eq!(by_tcp[9], 1, "one answer by TCP among them");
        drop(idle);
        let deaf = inside(pid, || deaf(200));
        still_there("connections that read nothing");
        let grown = memory(monitor).saturating_sub(before);
        assert!(grown < SLACK, "{grown} kB more in round {round}");
        drop(deaf);
    }
    eprintln!("{before} kB before, {} kB after", memory(monitor));
    // All that was open for them is closed.
    eventually("the end of all connections and forwards", || {
        (descriptors(monitor) <= open + 1).then_some(())
    });
    still_there("all of it");
}
