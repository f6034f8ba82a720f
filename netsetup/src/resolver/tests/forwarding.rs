//! Names that others know.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use hickory_proto::op::ResponseCode::NoError;
use hickory_proto::rr::RecordType::{A, TXT};

use super::namespace::{another, run, within};
use super::upstream::Server;
use super::{World, question, with_edns};
use crate::resolver::{Transport, Upstream};

#[test]
fn unknown_names_are_asked_of_the_upstream() {
    run("unknown_names_are_asked_of_the_upstream", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.zone("h4n", "10.0.0.2\tweb\n");
        world.forward_to(&[server.addr]);
        let reply = world.ask("Example.test", A).await;
        assert_eq!(reply.shown(), "NOERROR 198.51.100.80");
        assert_eq!(reply.message.answers[0].ttl, 60);
        assert_eq!(reply.message.queries[0].name().to_ascii(), "Example.test.");
        assert_eq!(world.ask("nosuch", A).await.shown(), "NXDOMAIN");
        assert_eq!(world.ask("web", A).await.shown(), "NOERROR 10.0.0.2");
        assert_eq!(server.count(), 2);
    });
}

#[test]
fn the_clients_question_comes_back_in_its_own_case() {
    run(
        "the_clients_question_comes_back_in_its_own_case",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            world.forward_to(&[server.addr]);
            let reply = world.ask("LoWer.Test", A).await;
            assert_eq!(reply.shown(), "NOERROR 198.51.100.80");
            assert_eq!(reply.message.queries[0].name().to_ascii(), "LoWer.Test.");
        },
    );
}

#[test]
fn forwarded_queries_have_ids_that_cannot_be_told_from_the_clients() {
    run(
        "forwarded_queries_have_ids_that_cannot_be_told_from_the_clients",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            world.forward_to(&[server.addr]);
            let mut message = question("example.test", A);
            message.metadata.id = 7;
            for _ in 0..8 {
                world.ask_message(&message).await;
            }
            assert!(server.seen().iter().any(|(_, _, id)| *id != 7));
        },
    );
}

#[test]
fn a_server_that_fails_is_followed_by_the_next() {
    run("a_server_that_fails_is_followed_by_the_next", || async {
        let world = World::new().await;
        let (first, second) = (Server::start().await, Server::start().await);
        world.forward_to(&[first.addr, second.addr]);
        for name in ["servfail.test", "refused.test"] {
            let (before, after) = (first.count(), second.count());
            let reply = world.ask(name, A).await;
            assert_eq!(reply.shown(), "SERVFAIL", "{name}");
            assert!(reply.message.metadata.recursion_desired);
            assert!(!reply.message.metadata.recursion_available);
            assert_eq!((first.count(), second.count()), (before + 1, after + 1));
        }
        assert_eq!(
            world.ask("example.test", A).await.shown(),
            "NOERROR 198.51.100.80"
        );
        assert_eq!(second.count(), 2);
    });
}

#[test]
fn a_silent_or_closed_server_is_followed_by_the_next() {
    run(
        "a_silent_or_closed_server_is_followed_by_the_next",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
            world.forward_to(&[silent.local_addr().unwrap(), server.addr]);
            assert_eq!(
                world.ask("example.test", A).await.shown(),
                "NOERROR 198.51.100.80"
            );
            let closed = silent.local_addr().unwrap();
            drop(silent);
            world.forward_to(&[closed, server.addr]);
            assert_eq!(
                world.ask("example.test", A).await.shown(),
                "NOERROR 198.51.100.80"
            );
            world.forward_to(&[closed]);
            assert_eq!(world.ask("example.test", A).await.shown(), "SERVFAIL");
        },
    );
}

#[test]
fn internal_networks_get_a_failure_at_once() {
    run("internal_networks_get_a_failure_at_once", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.forward_to(&[server.addr]);
        world.config.send_modify(|config| config.forward = false);
        let reply = world.ask("example.test", A).await;
        assert_eq!(reply.shown(), "SERVFAIL");
        assert!(!reply.message.metadata.recursion_available);
        assert_eq!(server.count(), 0);
    });
}

#[test]
fn a_server_inside_an_internal_network_is_asked() {
    run("a_server_inside_an_internal_network_is_asked", || async {
        let (world, server) = (World::new().await, Server::start().await);
        let here = crate::kernel::netns::open_current().unwrap();
        let upstream = |addr, from_sandbox| Upstream { addr, from_sandbox };
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        world.config.send_modify(|config| {
            config.forward = false;
            config.sandbox_ns = Some(Arc::new(here));
            config.upstreams = vec![
                upstream(silent.local_addr().unwrap(), false),
                upstream(server.addr, true),
            ];
        });
        assert_eq!(
            world.ask("example.test", A).await.shown(),
            "NOERROR 198.51.100.80"
        );
        // The host's server was not so much as tried.
        assert!(silent.try_recv(&mut [0; 512]).is_err());
        // There is no way out of such a network: that is known at once.
        world.config.send_modify(|config| {
            config.upstreams = vec![upstream("203.0.113.1:53".parse().unwrap(), true)];
        });
        let before = Instant::now();
        assert_eq!(world.ask("example.test", A).await.shown(), "SERVFAIL");
        assert!(before.elapsed() < Duration::from_millis(250));
    });
}

#[test]
fn only_three_servers_are_asked() {
    run("only_three_servers_are_asked", || async {
        let world = World::new().await;
        let mut servers = Vec::new();
        for _ in 0..4 {
            servers.push(Server::start().await);
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.addr).collect();
        world.forward_to(&addresses);
        assert_eq!(world.ask("servfail.test", A).await.shown(), "SERVFAIL");
        let counts: Vec<_> = servers.iter().map(Server::count).collect();
        assert_eq!(counts, [1, 1, 1, 0]);
    });
}

#[test]
fn the_hosts_servers_are_those_of_its_file_now() {
    run("the_hosts_servers_are_those_of_its_file_now", || async {
        let (world, old) = (World::new().await, Server::start().await);
        world.forward_to(&[old.addr]);
        let path = world.dir.path().join("resolv.conf");
        let given = path.clone();
        world
            .config
            .send_modify(|config| config.host_conf = Some(given));
        // Without the file what was given at the start holds.
        assert_eq!(world.ask("example.test", A).await.code(), NoError);
        let new = Server::at("127.0.0.9:53").await;
        std::fs::write(&path, "nameserver 127.0.0.9\n").unwrap();
        assert_eq!(world.ask("example.test", A).await.code(), NoError);
        assert_eq!((old.count(), new.count()), (1, 1));
        std::fs::write(&path, "nameserver 127.0.0.10\nnameserver 127.0.0.9\n").unwrap();
        assert_eq!(world.ask("example.test", A).await.code(), NoError);
        assert_eq!((old.count(), new.count()), (1, 2));
    });
}

#[test]
fn forged_answers_are_passed_over() {
    run("forged_answers_are_passed_over", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.forward_to(&[server.addr]);
        assert_eq!(
            world.ask("forged.test", A).await.shown(),
            "NOERROR 198.51.100.80"
        );
    });
}

#[test]
fn a_cut_answer_is_fetched_by_tcp_for_clients_that_take_more() {
    run(
        "a_cut_answer_is_fetched_by_tcp_for_clients_that_take_more",
        || async {
            let (world, server) = (World::new().await, Server::start().await);
            world.forward_to(&[server.addr]);
            let reply = world.ask("long.test", A).await;
            assert!(reply.message.metadata.truncation);
            assert_eq!(server.count(), 1);
            let reply = world
                .ask_message(&with_edns(question("long.test", A), 4096))
                .await;
            assert!(!reply.message.metadata.truncation);
            assert_eq!(reply.message.answers.len(), 60);
            let reply = world
                .ask_message(&with_edns(question("long.test", A), 600))
                .await;
            assert!(reply.message.metadata.truncation);
            let transports: Vec<_> = server.seen().into_iter().map(|(_, by, _)| by).collect();
            use Transport::{Tcp, Udp};
            assert_eq!(transports, [Udp, Udp, Tcp, Udp, Tcp]);
        },
    );
}

#[test]
fn an_answer_larger_than_the_client_takes_is_cut() {
    run("an_answer_larger_than_the_client_takes_is_cut", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.forward_to(&[server.addr]);
        let reply = world.ask("rude.test", TXT).await;
        assert!(reply.message.metadata.truncation && reply.message.answers.is_empty());
        assert_eq!(reply.message.queries.len(), 1);
        let reply = world
            .ask_message(&with_edns(question("rude.test", TXT), 1400))
            .await;
        assert_eq!(reply.message.answers.len(), 1);
    });
}

#[test]
fn given_servers_are_asked_from_the_sandbox() {
    run("given_servers_are_asked_from_the_sandbox", || async {
        let world = World::new().await;
        let sandbox = another();
        // The same address and port are free in both namespaces, but only one is answered.
        let inside = within(sandbox.try_clone().unwrap(), || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:5353").unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 512];
                let (length, client) = socket.recv_from(&mut buffer).unwrap();
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let mut reply = query.into_response();
                reply.metadata.recursion_available = true;
                socket.send_to(&reply.to_vec().unwrap(), client).unwrap();
            })
        });
        let server = inside.recv().unwrap();
        world.config.send_modify(|config| {
            config.forward = true;
            config.sandbox_ns = Some(Arc::new(sandbox));
            config.upstreams = vec![Upstream {
                addr: "127.0.0.1:5353".parse().unwrap(),
                from_sandbox: true,
            }];
        });
        assert_eq!(world.ask("example.test", A).await.shown(), "NOERROR");
        server.join().unwrap();
        // Without the namespace there is no way to ask.
        world.config.send_modify(|config| config.sandbox_ns = None);
        assert_eq!(world.ask("example.test", A).await.shown(), "SERVFAIL");
    });
}

#[test]
fn the_resolver_does_not_ask_itself() {
    run("the_resolver_does_not_ask_itself", || async {
        let world = World::new().await;
        let here = crate::kernel::netns::open_current().unwrap();
        world.config.send_modify(|config| {
            config.forward = true;
            config.sandbox_ns = Some(Arc::new(here));
            config.upstreams = vec![Upstream {
                addr: world.udp,
                from_sandbox: true,
            }];
        });
        let before = Instant::now();
        assert_eq!(world.ask("example.test", A).await.shown(), "SERVFAIL");
        assert!(before.elapsed() < Duration::from_millis(250));
    });
}

#[test]
fn the_sockets_are_in_the_sandbox_only() {
    run("the_sockets_are_in_the_sandbox_only", || async {
        let sandbox = another();
        let sockets = crate::resolver::bind(sandbox.as_fd()).unwrap();
        let port = sockets.udp_port();
        let taken = within(sandbox, move || {
            std::net::UdpSocket::bind(("127.0.0.11", port))
                .map(drop)
                .unwrap_err()
                .kind()
        });
        assert_eq!(taken.recv().unwrap(), std::io::ErrorKind::AddrInUse);
        drop(std::net::UdpSocket::bind(("127.0.0.11", port)).unwrap());
        assert_ne!(sockets.tcp_port(), 0);
    });
}

#[test]
fn the_sockets_can_be_made_before_loopback_is_up() {
    run("the_sockets_can_be_made_before_loopback_is_up", || async {
        let loopback = |state| {
            let set = std::process::Command::new("ip")
                .args(["link", "set", "lo", state])
                .status();
            assert!(set.unwrap().success());
        };
        loopback("down");
        let here = crate::kernel::netns::open_current().unwrap();
        let sockets = crate::resolver::bind(here.as_fd()).unwrap();
        loopback("up");
        let server = ("127.0.0.11", sockets.udp_port());
        let (_keep, config) = tokio::sync::watch::channel(Default::default());
        tokio::spawn(async move { crate::resolver::serve(sockets, config).await });
        let client = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client
            .send_to(&question("web", A).to_vec().unwrap(), server)
            .await
            .unwrap();
        assert!(client.recv(&mut [0; 512]).await.unwrap() > 12);
    });
}
