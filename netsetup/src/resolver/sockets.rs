//! The resolver's two sockets, made inside the sandbox.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::BorrowedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

use crate::files::resolv::RESOLVER_ADDRESS;
use crate::kernel::netns;

/// Listening sockets at 127.0.0.11 in a sandbox, on random ports.
#[derive(Debug)]
pub struct Sockets {
    udp: UdpSocket,
    tcp: TcpListener,
    udp_port: u16,
    tcp_port: u16,
}

/// Makes the sockets inside the network namespace `ns`. Its loopback interface need not be up
/// yet.
///
/// # Errors
/// The namespace cannot be entered, or the process is out of descriptors.
pub fn bind(ns: BorrowedFd<'_>) -> io::Result<Sockets> {
    let _inside = netns::enter(ns)?;
    let address = SocketAddrV4::new(RESOLVER_ADDRESS, 0);
    let open = |kind| -> io::Result<_> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::INET, kind, flags, None)?;
        // The address is local only once loopback is up, which may happen later.
        sockopt::set_ip_freebind(&socket, true)?;
        rustix::net::bind(&socket, &address)?;
        Ok(socket)
    };
    let udp = UdpSocket::from(open(SocketType::DGRAM)?);
    let tcp = open(SocketType::STREAM)?;
    rustix::net::listen(&tcp, 128)?;
    let tcp = TcpListener::from(tcp);
    let port = |address: io::Result<SocketAddr>| address.map(|address| address.port());
    Ok(Sockets {
        udp_port: port(udp.local_addr())?,
        tcp_port: port(tcp.local_addr())?,
        udp,
        tcp,
    })
}

impl Sockets {
    /// Port of the UDP socket.
    pub fn udp_port(&self) -> u16 {
        self.udp_port
    }

    /// Port of the TCP socket.
    pub fn tcp_port(&self) -> u16 {
        self.tcp_port
    }

    /// Gives the sockets to the current runtime.
    pub(super) fn register(self) -> io::Result<(tokio::net::UdpSocket, tokio::net::TcpListener)> {
        Ok((
            tokio::net::UdpSocket::from_std(self.udp)?,
            tokio::net::TcpListener::from_std(self.tcp)?,
        ))
    }
}
