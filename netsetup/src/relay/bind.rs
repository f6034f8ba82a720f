//! Reserves host ports by binding them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

use super::pktinfo;
use crate::model::port::{ContainerPort, HostPort, PortBinding, Protocol, PublishedPort};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// How often another ephemeral port is tried when the second family's is taken.
const EPHEMERAL_ATTEMPTS: usize = 64;

/// A host port that is held by its socket.
#[derive(Debug)]
pub struct BoundPort {
    /// As bound: what `ps`, `port` and inspect show.
    pub published: PublishedPort,
    pub(super) socket: Socket,
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Udp(UdpSocket),
    /// Nothing at the host: the container is reached at its own address.
    Nothing,
}

/// What the ports of a container are bound for, and where.
#[derive(Clone, Debug)]
pub struct Place {
    /// The container's address.
    pub to: IpAddr,
    /// Where a binding without host address is bound (the network's `host_binding` option);
    /// `None` is every address of both families.
    pub default_ip: Option<IpAddr>,
    /// IPv4 has no host ports (gateway mode `routed`).
    pub unbound4: bool,
    /// Nor has IPv6.
    pub unbound6: bool,
}

impl Place {
    /// Every address of both families.
    pub fn of(to: IpAddr) -> Place {
        Place {
            to,
            default_ip: None,
            unbound4: false,
            unbound6: false,
        }
    }

    fn is_unbound(&self, host_ip: IpAddr) -> bool {
        match host_ip {
            IpAddr::V4(_) => self.unbound4,
            IpAddr::V6(_) => self.unbound6,
        }
    }
}

/// Publishing a port failed; nothing is bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The kernel refused: taken by anyone, not an address of this host, not permitted.
    #[error(
        "failed to bind host port for {}:{}/{}: {}",
        SocketAddr::new(*.host_ip, *.host_port),
        SocketAddr::new(*.to, .container.port),
        .container.protocol,
        reason(*.errno)
    )]
    Refused {
        /// Host address.
        host_ip: IpAddr,
        /// Host port; 0 for any.
        host_port: u16,
        /// Container's address.
        to: IpAddr,
        /// Container's side.
        container: ContainerPort,
        /// Why.
        errno: Errno,
    },
    /// A container of ours has it.
    #[error("Bind for {host_ip}:{host_port} failed: port is already allocated")]
    Allocated {
        /// Host address of the port that has it.
        host_ip: IpAddr,
        /// Host port.
        host_port: u16,
    },
}

impl BindError {
    /// The port that is taken, when that is the reason: the caller can look whose it is and,
    /// if a container of ours has it, report [`BindError::Allocated`] instead.
    pub fn taken(&self) -> Option<(Protocol, IpAddr, u16)> {
        match *self {
            BindError::Refused {
                host_ip,
                host_port,
                container,
                errno: Errno::ADDRINUSE,
                ..
            } => Some((container.protocol, host_ip, host_port)),
            _ => None,
        }
    }
}

/// Binds every port, or none. A binding without host address takes the place's, or else every
/// address of both families, the same number in each; only `::` when the container has no IPv4
/// address. Where the place has no host ports the result says port 0 of any address, as
/// Docker shows it.
///
/// Runs in the host's network namespace.
///
/// # Errors
/// The first port that cannot be had, with Docker's texts.
pub fn bind(bindings: &[PortBinding], place: &Place) -> Result<Vec<BoundPort>, BindError> {
    let mut bound: Vec<BoundPort> = Vec::new();
    for binding in bindings {
        let request = Request {
            binding,
            place,
            addresses: addresses(binding, place.to, place.default_ip),
        };
        let ports = request.bind(&bound)?;
        bound.extend(ports);
    }
    Ok(bound)
}

/// Host addresses of a binding, and whether a missing IPv6 may be passed over.
fn addresses(binding: &PortBinding, to: IpAddr, default_ip: Option<IpAddr>) -> Vec<(IpAddr, bool)> {
    let any4 = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), false);
    let any6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match binding.host_ip.or(default_ip) {
        Some(ip) => vec![(ip, false)],
        None if to.is_ipv4() => vec![any4, (any6, true)],
        None => vec![(any6, false)],
    }
}

struct Request<'a> {
    binding: &'a PortBinding,
    place: &'a Place,
    addresses: Vec<(IpAddr, bool)>,
}

impl Request<'_> {
    fn bind(&self, ours: &[BoundPort]) -> Result<Vec<BoundPort>, BindError> {
        match self.binding.host_port {
            HostPort::Fixed(port) => self.bind_all(port, ours),
            HostPort::FirstOf(first, last) => {
                let mut result = self.bind_all(first, ours);
                for port in first.saturating_add(1)..=last {
                    match &result {
                        Err(error) if error.means_busy() => result = self.bind_all(port, ours),
                        _ => break,
                    }
                }
                result
            }
            HostPort::Ephemeral => {
                let mut result = self.bind_all(0, ours);
                for _ in 1..EPHEMERAL_ATTEMPTS {
                    match &result {
                        Err(error) if error.means_busy() => result = self.bind_all(0, ours),
                        _ => break,
                    }
                }
                result
            }
        }
    }

    /// One number on all addresses.
    fn bind_all(&self, port: u16, ours: &[BoundPort]) -> Result<Vec<BoundPort>, BindError> {
        let mut number = port;
        let mut bound = Vec::with_capacity(self.addresses.len());
        for (ip, optional) in &self.addresses {
            if self.place.is_unbound(*ip) {
                bound.push(self.unbound(*ip));
                continue;
            }
            match open(
                self.binding.container.protocol,
                SocketAddr::new(*ip, number),
            ) {
                Ok((socket, port)) => {
                    number = port;
                    bound.push(BoundPort {
                        published: PublishedPort {
                            container: self.binding.container,
                            host_ip: *ip,
                            host_port: number,
                        },
                        socket,
                    });
                }
                // A kernel without IPv6.
                Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if *optional => {}
                Err(errno) => return Err(self.refused(*ip, number, errno, ours)),
            }
        }
        Ok(bound)
    }

    fn unbound(&self, family: IpAddr) -> BoundPort {
        let host_ip = match family {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        BoundPort {
            published: PublishedPort {
                container: self.binding.container,
                host_ip,
                host_port: 0,
            },
            socket: Socket::Nothing,
        }
    }

    fn refused(&self, ip: IpAddr, port: u16, errno: Errno, ours: &[BoundPort]) -> BindError {
        let container = self.binding.container;
        let own = ours.iter().map(|bound| &bound.published).find(|published| {
            published.host_port == port
                && published.container.protocol == container.protocol
                && overlap(published.host_ip, ip)
        });
        match own {
            Some(own) if errno == Errno::ADDRINUSE => BindError::Allocated {
                host_ip: own.host_ip,
                host_port: port,
            },
            _ => BindError::Refused {
                host_ip: ip,
                host_port: port,
                to: self.place.to,
                container,
                errno,
            },
        }
    }
}

impl BindError {
    fn means_busy(&self) -> bool {
        matches!(self, BindError::Allocated { .. }) || self.taken().is_some()
    }
}

/// Two host addresses cannot both have one port.
fn overlap(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4() && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// A bound socket and its port.
fn open(protocol: Protocol, address: SocketAddr) -> Result<(Socket, u16), Errno> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let kind = match protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket = socket_with(
        family,
        kind,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    match protocol {
        Protocol::Tcp => {
            // Connections in TIME_WAIT do not block a restart; two listeners still exclude
            // each other. On a UDP socket the option would let others in.
            sockopt::set_socket_reuseaddr(&socket, true)?;
            rustix::net::bind(&socket, &address)?;
            rustix::net::listen(&socket, BACKLOG)?;
            let listener = TcpListener::from(socket);
            let port = listener.local_addr().map_err(errno)?.port();
            Ok((Socket::Tcp(listener), port))
        }
        Protocol::Udp => {
            pktinfo::enable(&socket, address.is_ipv6()).map_err(errno)?;
            rustix::net::bind(&socket, &address)?;
            let socket = UdpSocket::from(socket);
            let port = socket.local_addr().map_err(errno)?.port();
            Ok((Socket::Udp(socket), port))
        }
    }
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// The kernel's reason in Docker's words: the C library's text without a capital letter.
fn reason(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_dockers_words() {
        let mut error = BindError::Refused {
            host_ip: "0.0.0.0".parse().unwrap(),
            host_port: 8099,
            to: "172.17.0.7".parse().unwrap(),
            container: ContainerPort {
                port: 80,
                protocol: Protocol::Tcp,
            },
            errno: Errno::ADDRINUSE,
        };
        assert_eq!(
            error.to_string(),
            "failed to bind host port for 0.0.0.0:8099:172.17.0.7:80/tcp: address already in use"
        );
        assert_eq!(
            error.taken(),
            Some((Protocol::Tcp, "0.0.0.0".parse().unwrap(), 8099))
        );
        if let BindError::Refused { host_ip, errno, .. } = &mut error {
            *host_ip = "::".parse().unwrap();
            *errno = Errno::ADDRNOTAVAIL;
        }
        assert_eq!(
            error.to_string(),
            "failed to bind host port for [::]:8099:172.17.0.7:80/tcp: cannot assign requested address"
        );
        assert_eq!(error.taken(), None);
        let error = BindError::Allocated {
            host_ip: "0.0.0.0".parse().unwrap(),
            host_port: 8080,
        };
        assert_eq!(
            error.to_string(),
            "Bind for 0.0.0.0:8080 failed: port is already allocated"
        );
    }
}
