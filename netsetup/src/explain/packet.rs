//! The simulated packet: the first of a connection, as far as it is known without being sent.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::bits::Bytes;

/// What is above IP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A connection's first segment.
    Tcp,
    /// A datagram.
    Udp,
    /// An association's first chunk.
    Sctp,
    /// An echo request.
    Icmp,
}

impl Transport {
    /// IP protocol number.
    pub fn number(self, ipv6: bool) -> u8 {
        match self {
            Transport::Tcp => 6,
            Transport::Udp => 17,
            Transport::Sctp => 132,
            Transport::Icmp if ipv6 => 58,
            Transport::Icmp => 1,
        }
    }

    /// It has ports.
    pub fn has_ports(self) -> bool {
        self != Transport::Icmp
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Sctp => "sctp",
            Transport::Icmp => "icmp",
        })
    }
}

/// What connection tracking knows of a packet, in one network namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tracking {
    /// `NF_CT_STATE_BIT`s: 2 established, 8 new, 64 untracked.
    pub state: u32,
    /// It is an answer.
    pub reply: bool,
    /// `IPS_*` bits.
    pub status: u32,
    /// Connection mark; `None` when something not decoded may have set it.
    pub mark: Option<u32>,
    /// Addresses of the connection's first packet, before any translation.
    pub original: Option<(End, End)>,
    /// The destination is settled.
    pub destination_done: bool,
    /// The source is settled.
    pub source_done: bool,
}

/// `ct state established`.
pub const ESTABLISHED: u32 = 2;
/// `ct state new`.
pub const NEW: u32 = 8;
/// `ct state untracked`.
pub const UNTRACKED: u32 = 64;
/// `ct status snat`.
pub const STATUS_SNAT: u32 = 0x10;
/// `ct status dnat`.
pub const STATUS_DNAT: u32 = 0x20;
const STATUS_SEEN_REPLY: u32 = 0x2;
const STATUS_CONFIRMED: u32 = 0x8;

impl Default for Tracking {
    fn default() -> Tracking {
        Tracking {
            state: NEW,
            reply: false,
            status: 0,
            mark: Some(0),
            original: None,
            destination_done: false,
            source_done: false,
        }
    }
}

/// An address and, where there is one and it is known, a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: Option<u16>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.address, port).fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// A packet that is not sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// From where; the port of a connection's opener is any.
    pub source: End,
    /// To where.
    pub destination: End,
    /// What is above IP.
    pub transport: Transport,
    /// Mark; `None` when something not decoded may have set it.
    pub mark: Option<u32>,
    /// What connection tracking knows.
    pub tracking: Tracking,
}

impl Packet {
    /// The first packet of a connection.
    pub fn new(source: IpAddr, destination: End, transport: Transport) -> Packet {
        let source = End {
            address: source,
            port: None,
        };
        Packet {
            source,
            destination,
            transport,
            mark: Some(0),
            tracking: Tracking::default(),
        }
    }

    /// It is of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.destination.address.is_ipv6()
    }

    /// In another network namespace nothing is known of what happened in this one.
    pub fn cross(&mut self) {
        self.mark = Some(0);
        self.tracking = Tracking::default();
    }

    /// Connection tracking sees it for the first time.
    pub fn track(&mut self) {
        if self.tracking.original.is_none() {
            self.tracking.original = Some((self.source, self.destination));
        }
    }

    /// An answer to it, as a filter sees it at the same place.
    pub fn answer(&self) -> Packet {
        let mut answer = self.clone();
        std::mem::swap(&mut answer.source, &mut answer.destination);
        answer.mark = Some(0);
        if answer.tracking.state != UNTRACKED {
            answer.tracking.state = ESTABLISHED;
            answer.tracking.reply = true;
            answer.tracking.status |= STATUS_SEEN_REPLY | STATUS_CONFIRMED;
        }
        answer.tracking.destination_done = true;
        answer.tracking.source_done = true;
        answer
    }

    /// The Ethernet header.
    pub fn link_header(&self) -> Bytes {
        let mut header = Bytes::unknown(12);
        header.extend(&Bytes::known(&self.ether_type().to_be_bytes()));
        header
    }

    /// `ETH_P_IP` or `ETH_P_IPV6`.
    pub fn ether_type(&self) -> u16 {
        if self.is_ipv6() { 0x86dd } else { 0x0800 }
    }

    /// The IP header, without options.
    pub fn network_header(&self) -> Bytes {
        let protocol = self.transport.number(self.is_ipv6());
        match (self.source.address, self.destination.address) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = Bytes::unknown(20);
                header.put(0, &Bytes::known(&[0x45]));
                // No fragment; whether it may be fragmented is not known.
                header.put(6, &Bytes::unknown(1).masked(&[0x40], &[0]));
                header.put(7, &Bytes::known(&[0]));
                header.put(9, &Bytes::known(&[protocol]));
                header.put(12, &Bytes::known(&source.octets()));
                header.put(16, &Bytes::known(&destination.octets()));
                header
            }
            (source, destination) => {
                let mut header = Bytes::unknown(40);
                header.put(0, &Bytes::unknown(1).masked(&[0x0f], &[0x60]));
                header.put(6, &Bytes::known(&[protocol]));
                header.put(8, &octets(source));
                header.put(24, &octets(destination));
                header
            }
        }
    }

    /// The header above IP.
    pub fn transport_header(&self) -> Bytes {
        let port = |end: &End| Bytes::maybe(end.port.map(u16::to_be_bytes));
        let mut header = Bytes::unknown(20);
        if self.transport.has_ports() {
            header.put(0, &port(&self.source));
            header.put(2, &port(&self.destination));
        }
        match self.transport {
            Transport::Tcp => {
                let flags = if self.tracking.reply { 0x10 } else { 0x02 };
                // The two bits for congestion may be set.
                header.put(13, &Bytes::unknown(1).masked(&[0xc0], &[flags]));
            }
            Transport::Icmp => {
                let kind = match (self.is_ipv6(), self.tracking.reply) {
                    (false, false) => 8,
                    (false, true) => 0,
                    (true, false) => 128,
                    (true, true) => 129,
                };
                header.put(0, &Bytes::known(&[kind, 0]));
            }
            Transport::Udp | Transport::Sctp => {}
        }
        header
    }
}

/// An address as bytes in network order.
pub fn octets(address: IpAddr) -> Bytes {
    match address {
        IpAddr::V4(v4) => Bytes::known(&v4.octets()),
        IpAddr::V6(v6) => Bytes::known(&v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::bits::Answer;

    fn packet(to: &str, transport: Transport) -> Packet {
        let to: SocketAddr = to.parse().unwrap();
        let source = if to.is_ipv4() { "10.0.0.1" } else { "fd00::1" };
        let end = End {
            address: to.ip(),
            port: Some(to.port()),
        };
        Packet::new(source.parse().unwrap(), end, transport)
    }

    #[test]
    fn headers_say_what_is_known() {
        let header = packet("10.0.0.2:80", Transport::Tcp).network_header();
        assert_eq!(
            header.part(9, 1).unwrap().values(),
            Some(vec![6]),
            "protocol"
        );
        assert_eq!(
            header.part(16, 4).unwrap().values(),
            Some(vec![10, 0, 0, 2])
        );
        assert_eq!(header.part(8, 1).unwrap().values(), None, "time to live");
        let fragment = header.part(6, 2).unwrap().masked(&[0x1f, 0xff], &[0, 0]);
        assert_eq!(fragment.equal(&[0, 0]), Answer::Yes, "no fragment");
        let header = packet("[fd00::2]:80", Transport::Udp).network_header();
        assert_eq!(header.part(6, 1).unwrap().values(), Some(vec![17]));
        assert_eq!(header.len(), 40);
    }

    #[test]
    fn the_openers_port_is_any() {
        let header = packet("10.0.0.2:80", Transport::Tcp).transport_header();
        assert_eq!(header.part(0, 2).unwrap().values(), None);
        assert_eq!(header.part(2, 2).unwrap().values(), Some(vec![0, 80]));
        let flags = header.part(13, 1).unwrap().masked(&[0x17], &[0]);
        assert_eq!(flags.equal(&[0x02]), Answer::Yes, "syn alone");
    }

    #[test]
    fn an_answer_goes_back_and_is_established() {
        let answer = packet("10.0.0.2:80", Transport::Tcp).answer();
        assert_eq!(answer.source.to_string(), "10.0.0.2:80");
        assert_eq!(answer.destination.to_string(), "10.0.0.1");
        assert_eq!(answer.tracking.state, ESTABLISHED);
    }
}
