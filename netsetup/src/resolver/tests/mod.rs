//! The resolver over real sockets, in a network namespace of the test's own.

mod answers;
mod bench;
mod forwarding;
mod hostile;
pub(crate) mod namespace;
mod streams;
mod upstream;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tempfile::TempDir;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{ResolverConfig, Upstream, Zone, bind, serve};
use crate::kernel::netns;

/// A resolver at work, and a client of it.
struct World {
    dir: TempDir,
    udp: SocketAddr,
    tcp: SocketAddr,
    config: watch::Sender<ResolverConfig>,
    server: JoinHandle<()>,
    client: UdpSocket,
}

impl World {
    /// A resolver without names or upstreams.
    async fn new() -> World {
        let here = netns::open_current().unwrap();
        let sockets = bind(here.as_fd()).unwrap();
        let at = |port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, 11), port));
        let (udp, tcp) = (at(sockets.udp_port()), at(sockets.tcp_port()));
        let (config, receiver) = watch::channel(ResolverConfig::default());
        let server = tokio::spawn(async move { serve(sockets, receiver).await });
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        World {
            dir: TempDir::new().unwrap(),
            udp,
            tcp,
            config,
            server,
            client,
        }
    }

    /// Sets a network's names; a network not seen before is joined.
    fn zone(&self, network: &str, text: &str) {
        let path = self.dir.path().join(network);
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        self.config.send_if_modified(|config| {
            let known = config.networks.iter().any(|zone| zone.name == network);
            if !known {
                config.networks.push(Zone {
                    name: network.to_owned(),
                    hosts_path: path.clone(),
                });
            }
            !known
        });
    }

    /// Forwards to these from the host's namespace.
    fn forward_to(&self, upstreams: &[SocketAddr]) {
        self.config.send_modify(|config| {
            config.forward = true;
            config.upstreams = upstreams
                .iter()
                .map(|addr| Upstream {
                    addr: *addr,
                    from_sandbox: false,
                })
                .collect();
        });
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Reply {
        self.ask_message(&question(name, kind)).await
    }

    async fn ask_message(&self, message: &Message) -> Reply {
        self.client
            .send_to(&message.to_vec().unwrap(), self.udp)
            .await
            .unwrap();
        loop {
            let reply = self.receive().await;
            if reply.message.metadata.id == message.metadata.id {
                return reply;
            }
        }
    }

    async fn receive(&self) -> Reply {
        let mut buffer = vec![0; 65535];
        let (length, from) = self.client.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from, self.udp);
        Reply::read(&buffer[..length])
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.tcp).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer, decoded by an independent library.
struct Reply {
    message: Message,
    size: usize,
}

impl Reply {
    fn read(bytes: &[u8]) -> Reply {
        let message = Message::from_vec(bytes).expect("an answer that can be decoded");
        assert_eq!(message.metadata.message_type, MessageType::Response);
        assert!(!message.metadata.authoritative);
        Reply {
            message,
            size: bytes.len(),
        }
    }

    fn code(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    /// `NOERROR a b`: the code and the answers' data.
    fn shown(&self) -> String {
        let mut shown = match self.code() {
            ResponseCode::NoError => "NOERROR".to_owned(),
            ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
            ResponseCode::ServFail => "SERVFAIL".to_owned(),
            other => format!("{other:?}"),
        };
        for data in self.sorted() {
            shown.push(' ');
            shown.push_str(&data);
        }
        shown
    }

    fn data(&self) -> Vec<String> {
        let data = |data: &RData| match data {
            RData::A(ip) => ip.to_string(),
            RData::AAAA(ip) => ip.to_string(),
            RData::PTR(name) => name.to_string(),
            other => format!("{other:?}"),
        };
        self.message
            .answers
            .iter()
            .map(|record| data(&record.data))
            .collect()
    }

    fn sorted(&self) -> Vec<String> {
        let mut data = self.data();
        data.sort();
        data
    }
}

fn question(name: &str, kind: RecordType) -> Message {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(1);
    let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    message.add_query(Query::query(name, kind));
    message
}

fn with_edns(mut message: Message, size: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(size);
    message.set_edns(edns);
    message
}
