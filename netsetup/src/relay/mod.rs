//! Published ports: the bound socket that reserves each and relays loopback traffic.
//!
//! Traffic from outside and from other containers is led to the container by
//! the firewall's DNAT and never comes here. What does come is what DNAT does
//! not serve: 127.0.0.1 and ::1, and IPv6 clients of an IPv4 container. The
//! socket is also the reservation of the port: it goes with the process that
//! holds it, so "port is already allocated" cannot be stale.
//!
//! ```text
//!  client ──▶ [host port] accept ──▶ connect ──▶ container     TCP: splice both ways, half-close kept
//!  client ──▶ [host port] session per client ──▶ container     UDP: ends when idle for 90 s
//! ```
//!
//! An idle relay holds its sockets and no buffers.

mod bind;
mod limits;
mod pktinfo;
mod tcp;
mod udp;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use bind::{BindError, BoundPort, Place, bind};

use bind::Socket;
use limits::Limits;

/// Relays what comes in on the ports to `to`, for as long as the future is polled; dropping it
/// closes the ports and all connections. Must run on a tokio runtime with I/O and time.
pub async fn serve(ports: Vec<BoundPort>, to: IpAddr) -> ! {
    let (_sender, to) = watch::channel(to);
    serve_following(ports, to).await;
    // The sender is here: that never ends.
    std::future::pending().await
}

/// [`serve`] for a container whose address can change: new connections and datagrams go to the
/// latest one. When the sender of `to` is gone it closes the ports and all connections, and
/// only then returns: from then on somebody else can have the ports.
pub async fn serve_following(ports: Vec<BoundPort>, mut to: watch::Receiver<IpAddr>) {
    let limits = Limits::for_this_process();
    let mut running = JoinSet::new();
    for port in ports {
        let target = Target {
            address: to.clone(),
            port: port.published.container.port,
        };
        match port.socket {
            // A socket that cannot be registered still reserves the port, but the runtime
            // has no reactor then, and nothing would be served at all.
            Socket::Tcp(listener) => {
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    running.spawn(tcp::serve(listener, target, limits.clone()));
                }
            }
            Socket::Udp(socket) => {
                if let Ok(socket) = tokio::net::UdpSocket::from_std(socket) {
                    running.spawn(udp::serve(socket, target, limits.clone()));
                }
            }
            Socket::Nothing => {}
        }
    }
    // They never end by themselves.
    while to.changed().await.is_ok() {}
    running.shutdown().await;
}

/// Where a port leads.
#[derive(Clone, Debug)]
struct Target {
    address: watch::Receiver<IpAddr>,
    port: u16,
}

impl Target {
    fn current(&self) -> std::net::SocketAddr {
        (*self.address.borrow(), self.port).into()
    }
}
