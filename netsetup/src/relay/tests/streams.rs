//! TCP through the relay.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{HOME, binding, publish, relay};
use crate::model::port::HostPort::Fixed;
use crate::model::port::Protocol::Tcp;
use crate::relay::limits::Limits;
use crate::relay::{Place, Socket, Target, bind, serve, serve_following, tcp};
use crate::resolver::tests::namespace::run;

/// A listener in the place of a container, and where it is.
async fn container() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Bytes that do not repeat with any buffer's size.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| (n % 251) as u8 ^ (n / 251) as u8)
        .collect()
}

#[test]
fn one_side_may_end_while_the_other_goes_on() {
    run("one_side_may_end_while_the_other_goes_on", || async {
        let (listener, address) = container().await;
        let (_relay, port) = relay(Tcp, address);
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            stream.read_to_end(&mut request).await.unwrap();
            stream.write_all(&request).await.unwrap();
            stream.write_all(b" and more").await.unwrap();
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(b"request").await.unwrap();
        client.shutdown().await.unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        assert_eq!(reply, "request and more");
        server.await.unwrap();
    });
}

#[test]
fn both_directions_carry_megabytes_unchanged() {
    run("both_directions_carry_megabytes_unchanged", || async {
        let (listener, address) = container().await;
        let (_relay, port) = relay(Tcp, address);
        let bytes = pattern(8 << 20);
        let expected = bytes.clone();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            exchange(stream, expected).await;
        });
        // An IPv6 client of an IPv4 container.
        let client = TcpStream::connect(("::1", port)).await.unwrap();
        exchange(client, bytes).await;
        server.await.unwrap();
    });
}

/// Sends and receives at once; both sides send the same.
async fn exchange(stream: TcpStream, bytes: Vec<u8>) {
    let (mut reader, mut writer) = stream.into_split();
    let sent = bytes.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
        writer
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await.unwrap();
    assert!(received == bytes);
    sending.await.unwrap();
}

#[test]
fn a_refusal_by_the_container_resets_the_client() {
    run("a_refusal_by_the_container_resets_the_client", || async {
        let (listener, address) = container().await;
        drop(listener);
        let (_relay, port) = relay(Tcp, address);
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_by_the_container_resets_the_client() {
    run("a_reset_by_the_container_resets_the_client", || async {
        let (listener, address) = container().await;
        let (_relay, port) = relay(Tcp, address);
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        tcp::reset(&stream);
        drop(stream);
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn connections_beyond_the_limit_wait_for_one_to_end() {
    run(
        "connections_beyond_the_limit_wait_for_one_to_end",
        || async {
            let (listener, address) = container().await;
            let mut ports = publish(Tcp, address);
            let port = ports[0].published.host_port;
            let Socket::Tcp(socket) = ports.swap_remove(0).socket else {
                panic!("not TCP")
            };
            let (_sender, to) = watch::channel(HOME);
            let target = Target {
                address: to,
                port: address.port(),
            };
            let socket = TcpListener::from_std(socket).unwrap();
            tokio::spawn(tcp::serve(socket, target, Limits::new(2, 1)));
            let mut clients = Vec::new();
            for _ in 0..3 {
                clients.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
            }
            let first = listener.accept().await.unwrap();
            let _second = listener.accept().await.unwrap();
            let early = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
            assert!(early.is_err());
            drop((clients.remove(0), first));
            listener.accept().await.unwrap();
        },
    );
}

#[test]
fn connections_in_time_wait_do_not_block_a_restart() {
    run(
        "connections_in_time_wait_do_not_block_a_restart",
        || async {
            let (listener, address) = container().await;
            let ports = || {
                bind(
                    &[binding(Tcp, None, Fixed(8080), address.port())],
                    &Place::of(HOME),
                )
                .unwrap()
            };
            let first = ports();
            let relay = tokio::spawn(async move { serve(first, HOME).await });
            let mut client = TcpStream::connect(("127.0.0.1", 8080)).await.unwrap();
            // The container ends first, so that the relay's side waits.
            drop(listener.accept().await.unwrap());
            assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
            drop(client);
            relay.abort();
            let _ = relay.await;
            tokio::task::yield_now().await;
            drop(ports());
        },
    );
}

#[test]
fn a_new_address_of_the_container_is_followed() {
    run("a_new_address_of_the_container_is_followed", || async {
        let (old, address) = container().await;
        let new = TcpListener::bind(("127.0.0.2", address.port()))
            .await
            .unwrap();
        let ports = publish(Tcp, address);
        let port = ports[0].published.host_port;
        let (sender, to) = watch::channel(HOME);
        tokio::spawn(async move { serve_following(ports, to).await });
        let _first = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        old.accept().await.unwrap();
        sender.send("127.0.0.2".parse().unwrap()).unwrap();
        let _second = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        new.accept().await.unwrap();
    });
}

#[test]
fn once_it_is_told_to_end_and_has_ended_the_ports_are_free() {
    run(
        "once_it_is_told_to_end_and_has_ended_the_ports_are_free",
        || async {
            let (listener, address) = container().await;
            let ports = publish(Tcp, address);
            let port = ports[0].published.host_port;
            let (sender, to) = watch::channel(HOME);
            let relay = tokio::spawn(serve_following(ports, to));
            let _client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            listener.accept().await.unwrap();
            drop(sender);
            relay.await.unwrap();
            bind(&[binding(Tcp, None, Fixed(port), 80)], &Place::of(HOME)).unwrap();
        },
    );
}

#[test]
fn the_end_of_the_relay_closes_ports_and_connections() {
    run(
        "the_end_of_the_relay_closes_ports_and_connections",
        || async {
            let (listener, address) = container().await;
            let (relay, port) = relay(Tcp, address);
            let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _server = listener.accept().await.unwrap();
            relay.abort();
            let _ = relay.await;
            assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
            let refused = TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        },
    );
}
