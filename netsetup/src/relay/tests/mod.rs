//! The relay over real sockets, in a network namespace of the test's own.

mod datagrams;
mod reservation;
mod streams;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::task::JoinHandle;

use super::{BoundPort, Place, bind, serve};
use crate::model::port::{ContainerPort, HostPort, PortBinding, Protocol};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn binding(protocol: Protocol, host_ip: Option<&str>, host: HostPort, port: u16) -> PortBinding {
    PortBinding {
        container: ContainerPort { port, protocol },
        host_ip: host_ip.map(|ip| ip.parse().unwrap()),
        host_port: host,
    }
}

/// One port on every address, leading to `server`.
fn publish(protocol: Protocol, server: SocketAddr) -> Vec<BoundPort> {
    let binding = binding(protocol, None, HostPort::Ephemeral, server.port());
    bind(&[binding], &Place::of(server.ip())).unwrap()
}

/// A relay to `server`, and its port.
fn relay(protocol: Protocol, server: SocketAddr) -> (JoinHandle<()>, u16) {
    let ports = publish(protocol, server);
    let port = ports[0].published.host_port;
    (
        tokio::spawn(async move { serve(ports, server.ip()).await }),
        port,
    )
}
