//! A small server of the outside world.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::super::Transport;

/// What was asked of a server: name, transport, id.
type Seen = Arc<Mutex<Vec<(String, Transport, u16)>>>;

/// A server on one port of 127.0.0.1, UDP and TCP.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    seen: Seen,
}

impl Server {
    /// Knows `example.test`; other names steer it: see [`reply`].
    pub(super) async fn start() -> Server {
        Server::at("127.0.0.1:0").await
    }

    /// The same at a certain address.
    pub(super) async fn at(address: &str) -> Server {
        let udp = UdpSocket::bind(address).await.unwrap();
        let addr = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(addr).await.unwrap();
        let seen = Seen::default();
        tokio::spawn(serve_udp(udp, Arc::clone(&seen)));
        tokio::spawn(serve_tcp(tcp, Arc::clone(&seen)));
        Server { addr, seen }
    }

    pub(super) fn seen(&self) -> Vec<(String, Transport, u16)> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn serve_udp(socket: UdpSocket, seen: Seen) {
    let mut buffer = [0u8; 4096];
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        for reply in replies(&buffer[..length], Transport::Udp, &seen) {
            let _ = socket.send_to(&reply, client).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, seen: Seen) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut query = vec![0; usize::from(length)];
                if stream.read_exact(&mut query).await.is_err() {
                    return;
                }
                for reply in replies(&query, Transport::Tcp, &seen) {
                    let _ = stream.write_u16(reply.len() as u16).await;
                    let _ = stream.write_all(&reply).await;
                }
            }
        });
    }
}

/// The datagrams that go back: none for `silent.test`, forgeries first for `forged.test`.
fn replies(query: &[u8], transport: Transport, seen: &Seen) -> Vec<Vec<u8>> {
    let query = Message::from_vec(query).unwrap();
    let name = query.queries[0].name().to_ascii().to_ascii_lowercase();
    seen.lock()
        .unwrap()
        .push((name.clone(), transport, query.metadata.id));
    let right = reply(&query, &name, transport);
    match name.as_str() {
        "silent.test." => vec![],
        "forged.test." => {
            let forged = |change: fn(&mut Message)| {
                let mut message = reply(&query, &name, transport);
                message.answers[0].data = RData::A(A::new(6, 6, 6, 6));
                change(&mut message);
                message.to_vec().unwrap()
            };
            vec![
                vec![0; 3],
                forged(|message| message.metadata.id ^= 1),
                forged(|message| message.queries.clear()),
                forged(|message| {
                    let other = super::question("other.test", message.queries[0].query_type());
                    message.queries = other.queries;
                }),
                right.to_vec().unwrap(),
            ]
        }
        _ => vec![right.to_vec().unwrap()],
    }
}

fn reply(query: &Message, name: &str, transport: Transport) -> Message {
    let mut reply = Message::response(query.metadata.id, OpCode::Query);
    reply.metadata.recursion_desired = true;
    reply.metadata.recursion_available = true;
    reply.queries = query.queries.clone();
    // Some servers do not keep the case.
    if name == "lower.test." {
        let name = reply.queries[0].name().to_lowercase();
        reply.queries[0].set_name(name);
    }
    let owner = query.queries[0].name().clone();
    let mut add = |data| {
        reply
            .answers
            .push(Record::from_rdata(owner.clone(), 60, data));
    };
    match name {
        "example.test." | "forged.test." | "lower.test." => add(RData::A(A::new(198, 51, 100, 80))),
        // Cut by UDP however much the client takes.
        "long.test." if transport == Transport::Tcp => {
            for last in 0..60 {
                add(RData::A(A::new(10, 0, 0, last)));
            }
        }
        "long.test." => reply.metadata.truncation = true,
        // More than the client said it takes.
        "rude.test." => add(RData::TXT(TXT::new(vec!["x".repeat(250); 4]))),
        "servfail.test." => reply.metadata.response_code = ResponseCode::ServFail,
        "refused.test." => reply.metadata.response_code = ResponseCode::Refused,
        _ => reply.metadata.response_code = ResponseCode::NXDomain,
    }
    reply
}
