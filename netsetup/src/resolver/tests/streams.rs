//! Queries by TCP.

use std::collections::BTreeMap;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType::{A, TXT};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::namespace::run;
use super::upstream::Server;
use super::{Reply, World, question};
use crate::resolver::tcp::IDLE;
use crate::resolver::{MAX_CONNECTIONS, Transport};

fn framed(message: &Message) -> Vec<u8> {
    let message = message.to_vec().unwrap();
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

async fn receive(stream: &mut TcpStream) -> Reply {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    Reply::read(&message)
}

#[test]
fn queries_by_tcp_are_answered_and_forwarded_by_tcp() {
    run(
        "queries_by_tcp_are_answered_and_forwarded_by_tcp",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            world.zone("h4n", "10.0.0.2\tweb\n");
            world.forward_to(&[server.addr]);
            let mut stream = world.connect().await;
            stream
                .write_all(&framed(&question("web", A)))
                .await
                .unwrap();
            assert_eq!(receive(&mut stream).await.shown(), "NOERROR 10.0.0.2");
            stream
                .write_all(&framed(&question("rude.test", TXT)))
                .await
                .unwrap();
            assert_eq!(receive(&mut stream).await.message.answers.len(), 1);
            assert_eq!(server.seen()[0].1, Transport::Tcp);
        },
    );
}

#[test]
fn all_addresses_of_a_large_alias_come_by_tcp() {
    run("all_addresses_of_a_large_alias_come_by_tcp", || async {
        let world = World::new().await;
        let zone: String = (0..1000)
            .map(|n| format!("10.0.{}.{}\tc{n} shared\n", n / 250, n % 250 + 1))
            .collect();
        world.zone("h4n", &zone);
        let mut stream = world.connect().await;
        stream
            .write_all(&framed(&question("shared", A)))
            .await
            .unwrap();
        assert_eq!(receive(&mut stream).await.message.answers.len(), 1000);
    });
}

#[test]
fn many_queries_on_one_connection_are_all_answered() {
    run(
        "many_queries_on_one_connection_are_all_answered",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            world.zone("h4n", "10.0.0.2\tweb\n");
            world.forward_to(&[server.addr]);
            let mut stream = world.connect().await;
            let (mut bytes, mut wanted) = (Vec::new(), BTreeMap::new());
            for n in 0..100 {
                let (name, answer) = match n % 3 {
                    0 => ("web", "NOERROR 10.0.0.2"),
                    1 => ("example.test", "NOERROR 198.51.100.80"),
                    _ => ("nosuch", "NXDOMAIN"),
                };
                let message = question(name, A);
                wanted.insert(message.metadata.id, answer.to_owned());
                bytes.extend(framed(&message));
            }
            // In two parts, with a message cut in the middle; then no more.
            let (first, second) = bytes.split_at(bytes.len() / 2 + 7);
            stream.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(second).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut got = BTreeMap::new();
            for _ in 0..wanted.len() {
                let reply = receive(&mut stream).await;
                got.insert(reply.message.metadata.id, reply.shown());
            }
            assert_eq!(got, wanted);
            assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
        },
    );
}

#[test]
fn a_slow_server_holds_up_no_other_query_of_the_connection() {
    run("a_slow_server_holds_up_no_other_query", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.zone("h4n", "10.0.0.2\tweb\n");
        world.forward_to(&[server.addr]);
        let mut stream = world.connect().await;
        let (slow, quick) = (question("silent.test", A), question("web", A));
        let bytes = [framed(&slow), framed(&quick)].concat();
        stream.write_all(&bytes).await.unwrap();
        let first = receive(&mut stream).await;
        assert_eq!(first.message.metadata.id, quick.metadata.id);
        let second = receive(&mut stream).await;
        assert_eq!(second.message.metadata.id, slow.metadata.id);
        assert_eq!(second.shown(), "SERVFAIL");
    });
}

#[test]
fn a_client_that_reads_nothing_loses_its_connection_and_holds_up_nobody() {
    run("a_client_that_reads_nothing", || async {
        let world = World::new().await;
        let zone: String = (0..1000)
            .map(|n| format!("10.0.{}.{}\tc{n} shared\n", n / 250, n % 250 + 1))
            .collect();
        world.zone("h4n", &zone);
        let mut deaf = world.connect().await;
        let query = framed(&question("shared", A));
        // 16 kB each: soon more than the sockets' buffers hold. Ends when the connection does.
        let deaf = tokio::spawn(async move { while deaf.write_all(&query).await.is_ok() {} });
        let mut stream = world.connect().await;
        stream.write_all(&framed(&question("c7", A))).await.unwrap();
        assert_eq!(receive(&mut stream).await.shown(), "NOERROR 10.0.0.8");
        assert!(!deaf.is_finished());
        let ended = tokio::time::timeout(10 * IDLE, deaf).await;
        ended.expect("the connection is closed").unwrap();
    });
}

#[test]
fn an_idle_connection_is_closed() {
    run("an_idle_connection_is_closed", || async {
        let world = World::new().await;
        let mut stream = world.connect().await;
        stream.write_all(&[0]).await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    });
}

#[test]
fn a_message_too_long_closes_the_connection() {
    run("a_message_too_long_closes_the_connection", || async {
        let world = World::new().await;
        let mut stream = world.connect().await;
        stream.write_all(&[0xff, 0xff, 0, 1]).await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    });
}

#[test]
fn two_thousand_connections_that_say_nothing_leave_room_for_one_that_asks() {
    run("two_thousand_connections_that_say_nothing", || async {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                ..limit
            },
        )
        .unwrap();
        let world = World::new().await;
        world.zone("h4n", "10.0.0.2\tweb\n");
        let mut idle = Vec::new();
        for _ in 0..2000 {
            let mut stream = world.connect().await;
            stream.write_all(&[0, 40, 1]).await.unwrap();
            idle.push(stream);
        }
        let mut stream = world.connect().await;
        stream
            .write_all(&framed(&question("web", A)))
            .await
            .unwrap();
        assert_eq!(receive(&mut stream).await.shown(), "NOERROR 10.0.0.2");
        // The oldest were closed while the youngest are still open.
        let mut closed = 0;
        for stream in &mut idle[..2000 - MAX_CONNECTIONS] {
            closed += usize::from(stream.read(&mut [0; 1]).await.unwrap_or(0) == 0);
        }
        assert_eq!(closed, 2000 - MAX_CONNECTIONS);
    });
}
