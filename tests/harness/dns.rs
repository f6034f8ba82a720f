//! Plain questions to a name server, and a small name server to be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::inside::inside;

/// Type of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    A = 1,
    Ptr = 12,
    Mx = 15,
    Aaaa = 28,
}

/// An answer: its code, and the data of its records as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub code: u8,
    pub records: Vec<String>,
    pub ttl: Option<u32>,
}

pub const NO_ERROR: u8 = 0;
pub const SERVFAIL: u8 = 2;
pub const NXDOMAIN: u8 = 3;

/// Asks the embedded resolver from the network namespace of a process.
#[track_caller]
pub fn resolve(pid: u32, name: &str, kind: Type) -> Answer {
    inside(pid, || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(super::patience(10))).unwrap();
        socket.connect("127.0.0.11:53").unwrap();
        let mut question = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, kind as u8, 0, 1]);
        socket.send(&question).unwrap();
        let mut buffer = [0u8; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        parse(&buffer[..length])
    })
}

fn parse(message: &[u8]) -> Answer {
    assert_eq!(message[..2], [0xab, 0xcd], "an answer to another question");
    let (_, after_name) = name_at(message, 12);
    let mut at = after_name + 4;
    let mut answer = Answer {
        code: message[3] & 15,
        records: Vec::new(),
        ttl: None,
    };
    for _ in 0..u16::from_be_bytes([message[6], message[7]]) {
        let (_, after_name) = name_at(message, at);
        let field = &message[after_name..];
        let length = usize::from(u16::from_be_bytes([field[8], field[9]]));
        answer.ttl = Some(u32::from_be_bytes(field[4..8].try_into().unwrap()));
        let start = after_name + 10;
        let data = &message[start..start + length];
        answer
            .records
            .push(match u16::from_be_bytes([field[0], field[1]]) {
                1 => IpAddr::from(<[u8; 4]>::try_from(data).unwrap()).to_string(),
                28 => IpAddr::from(<[u8; 16]>::try_from(data).unwrap()).to_string(),
                12 => name_at(message, start).0,
                other => format!("type {other}"),
            });
        at = start + length;
    }
    answer.records.sort();
    answer
}

/// A name and where what follows it begins.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    loop {
        match usize::from(message[at]) {
            0 => return (labels.join("."), at + 1),
            length if length < 64 => {
                labels.push(String::from_utf8_lossy(&message[at + 1..=at + length]).into_owned());
                at += length + 1;
            }
            high => {
                let target = (high & 63) << 8 | usize::from(message[at + 1]);
                labels.push(name_at(message, target).0);
                return (labels.join("."), at + 2);
            }
        }
    }
}

/// A name server that knows `example.test` (A 198.51.100.80, AAAA 2001:db8::80) and
/// answers `servfail.test` with a failure. It notes who asked.
pub struct NameServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    asked: Receiver<(IpAddr, String)>,
}

impl NameServer {
    /// Serves on port 53 of an address in the network namespace of a process.
    pub fn start(pid: u32, address: &str) -> NameServer {
        let address: IpAddr = address.parse().unwrap();
        let socket = inside(pid, || {
            UdpSocket::bind(SocketAddr::new(address, 53)).unwrap()
        });
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, asked) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0u8; 2048];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let (answer, name) = reply(&buffer[..length]);
                let _ = sender.send((peer.ip(), name));
                let _ = socket.send_to(&answer, peer);
            }
        });
        NameServer {
            stop,
            thread: Some(thread),
            asked,
        }
    }

    /// Who asked for a name since the last call, in order.
    pub fn askers(&self, wanted: &str) -> Vec<IpAddr> {
        let asked = self.asked.try_iter();
        asked
            .filter(|(_, name)| name == wanted)
            .map(|(peer, _)| peer)
            .collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn reply(question: &[u8]) -> (Vec<u8>, String) {
    let (name, end) = name_at(question, 12);
    let name = name.to_ascii_lowercase();
    let kind = question[end + 1];
    let data: Option<Vec<u8>> = match (name.as_str(), kind) {
        ("example.test", 1) => Some(Ipv4Addr::new(198, 51, 100, 80).octets().into()),
        ("example.test", 28) => Some("2001:db8::80".parse::<Ipv6Addr>().unwrap().octets().into()),
        _ => None,
    };
    let code = match name.as_str() {
        "example.test" => NO_ERROR,
        "servfail.test" => SERVFAIL,
        _ => NXDOMAIN,
    };
    let mut answer = question[..2].to_vec();
    answer.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::from(data.is_some()),
        0,
        0,
        0,
        0,
    ]);
    answer.extend(&question[12..end + 4]);
    if let Some(data) = data {
        answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
        answer.push(u8::try_from(data.len()).unwrap());
        answer.extend(data);
    }
    (answer, name)
}
