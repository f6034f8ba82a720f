//! UDP through the relay.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;

use super::{HOME, publish, relay};
use crate::model::port::Protocol::Udp;
use crate::relay::limits::Limits;
use crate::relay::{Socket, Target, udp};
use crate::resolver::tests::namespace::run;

/// A container that answers each datagram with itself and the source it saw.
async fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65535];
        loop {
            let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
            let mut answer = buffer[..length].to_vec();
            answer.extend_from_slice(format!(" {}", client.port()).as_bytes());
            let _ = socket.send_to(&answer, client).await;
        }
    });
    address
}

/// Asks from a connected socket: only an answer from the very address asked arrives.
async fn ask(socket: &UdpSocket, text: &str) -> (String, u16) {
    socket.send(text.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 65535];
    let length = socket.recv(&mut buffer).await.unwrap();
    let answer = String::from_utf8(buffer[..length].to_vec()).unwrap();
    let (text, source) = answer.rsplit_once(' ').unwrap();
    (text.to_owned(), source.parse().unwrap())
}

async fn client(to: impl Into<SocketAddr>) -> UdpSocket {
    let to = to.into();
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.unwrap();
    socket.connect(to).await.unwrap();
    socket
}

#[test]
fn each_client_has_its_own_session() {
    run("each_client_has_its_own_session", || async {
        let (_relay, port) = relay(Udp, echo().await);
        let (one, two) = (
            client(([127, 0, 0, 1], port)).await,
            client(([127, 0, 0, 1], port)).await,
        );
        let (text, first) = ask(&one, "one").await;
        assert_eq!(text, "one");
        let (text, second) = ask(&two, "two").await;
        assert_eq!(text, "two");
        assert_ne!(first, second);
        // The same client is the same session.
        assert_eq!(ask(&one, "again").await, ("again".into(), first));
    });
}

#[test]
fn answers_come_from_the_address_that_was_asked() {
    run("answers_come_from_the_address_that_was_asked", || async {
        let (_relay, port) = relay(Udp, echo().await);
        for ip in ["127.0.0.1", "127.0.0.5", "127.9.9.9", "::1"] {
            let to: SocketAddr = (ip.parse::<std::net::IpAddr>().unwrap(), port).into();
            assert_eq!(ask(&client(to).await, ip).await.0, ip);
        }
    });
}

#[test]
fn large_datagrams_pass_whole() {
    run("large_datagrams_pass_whole", || async {
        let (_relay, port) = relay(Udp, echo().await);
        let text = "x".repeat(60_000);
        assert_eq!(
            ask(&client(([127, 0, 0, 1], port)).await, &text).await.0,
            text
        );
    });
}

#[test]
fn sessions_are_bounded_and_end_when_idle() {
    run("sessions_are_bounded_and_end_when_idle", || async {
        let server = echo().await;
        let mut ports = publish(Udp, server);
        let port = ports[0].published.host_port;
        let Socket::Udp(socket) = ports.swap_remove(0).socket else {
            panic!("not UDP")
        };
        let (_sender, to) = watch::channel(HOME);
        let limits = Limits::new(1, 4);
        let tasks = limits.sessions.clone();
        let target = Target {
            address: to,
            port: server.port(),
        };
        tokio::spawn(udp::serve(
            UdpSocket::from_std(socket).unwrap(),
            target,
            limits,
        ));
        for n in 0..20 {
            let client = client(([127, 0, 0, 1], port)).await;
            assert_eq!(ask(&client, &n.to_string()).await.0, n.to_string());
            assert!(tasks.len() <= 4);
        }
        while tasks.len() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(
            ask(&client(([127, 0, 0, 1], port)).await, "late").await.0,
            "late"
        );
    });
}

#[test]
fn a_container_that_refuses_is_tried_again() {
    run("a_container_that_refuses_is_tried_again", || async {
        let place = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = place.local_addr().unwrap();
        drop(place);
        let (_relay, port) = relay(Udp, address);
        let client = client(([127, 0, 0, 1], port)).await;
        client.send(b"nobody there").await.unwrap();
        let nothing =
            tokio::time::timeout(Duration::from_millis(50), client.recv(&mut [0; 1])).await;
        assert!(nothing.is_err());
        let server = UdpSocket::bind(address).await.unwrap();
        // The first datagrams may meet the refused session's end.
        let mut buffer = [0; 64];
        loop {
            client.send(b"now").await.unwrap();
            let wait = Duration::from_millis(50);
            if let Ok(got) = tokio::time::timeout(wait, server.recv_from(&mut buffer)).await {
                assert_eq!(got.unwrap().0, 3);
                return;
            }
        }
    });
}
