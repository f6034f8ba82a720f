//! IPv4, IPv6, TCP and UDP in a few words.
//!
//! Sources: RFC 791 (IPv4), RFC 8200 (IPv6 and its extension headers), RFC 9293 (TCP), RFC 768.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::summary::half;
use super::{dns, icmp};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const FRAGMENT: u8 = 44;
const NO_NEXT_HEADER: u8 = 59;
/// Hop-by-hop, routing and destination options: a next header, and a length in eights.
const EXTENSIONS: [u8; 3] = [0, 43, 60];
/// Port of DNS.
const DOMAIN: u16 = 53;
/// Where the embedded resolver answers: behind a redirection its port is any.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// What all protocols above need.
struct Header {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    /// Bytes behind the header, by the header's own length.
    length: usize,
}

/// An IPv4 packet.
pub(super) fn v4(bytes: &[u8]) -> Option<String> {
    let head = usize::from(bytes.first()? & 0xf) * 4;
    let total = usize::from(half(bytes, 2)?);
    let fragment = half(bytes, 6)?;
    let address = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets).into())
    };
    let header = Header {
        from: address(12)?,
        to: address(16)?,
        protocol: *bytes.get(9)?,
        length: total.saturating_sub(head),
    };
    let offset = usize::from(fragment & 0x1fff) * 8;
    if offset > 0 {
        return Some(header.fragment(offset));
    }
    header.tell(bytes.get(head..)?)
}

/// An IPv6 packet.
pub(super) fn v6(bytes: &[u8]) -> Option<String> {
    let address = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
        Some(Ipv6Addr::from(octets).into())
    };
    let mut header = Header {
        from: address(8)?,
        to: address(24)?,
        protocol: *bytes.get(6)?,
        length: usize::from(half(bytes, 4)?),
    };
    let mut body = bytes.get(40..)?;
    loop {
        let size = match header.protocol {
            FRAGMENT => {
                let offset = usize::from(half(body, 2)? & 0xfff8);
                if offset > 0 {
                    return Some(header.fragment(offset));
                }
                8
            }
            kind if EXTENSIONS.contains(&kind) => usize::from(*body.get(1)?) * 8 + 8,
            _ => return header.tell(body),
        };
        header.protocol = *body.first()?;
        header.length = header.length.saturating_sub(size);
        body = body.get(size..)?;
    }
}

impl Header {
    fn fragment(&self, offset: usize) -> String {
        let Header {
            from, to, length, ..
        } = self;
        format!("{from} > {to} fragment at {offset} length {length}")
    }

    fn tell(&self, body: &[u8]) -> Option<String> {
        let Header {
            from,
            to,
            protocol,
            length,
        } = *self;
        let ends = |body: &[u8]| -> Option<(SocketAddr, SocketAddr)> {
            let (source, target) = (half(body, 0)?, half(body, 2)?);
            Some((SocketAddr::new(from, source), SocketAddr::new(to, target)))
        };
        Some(match protocol {
            TCP => {
                let (from, to) = ends(body)?;
                let head = usize::from(body.get(12)? >> 4) * 4;
                let flags = flags(*body.get(13)?);
                let length = length.saturating_sub(head);
                format!("{from} > {to} TCP [{flags}] length {length}")
            }
            UDP => {
                let (from, to) = ends(body)?;
                let payload = body.get(8..)?;
                let asked = from.port() == DOMAIN || to.port() == DOMAIN;
                let name = if asked || self.from == RESOLVER || self.to == RESOLVER {
                    dns::told(payload)
                } else {
                    None
                };
                let name = name.map(|told| format!(" DNS {told}")).unwrap_or_default();
                let length = length.saturating_sub(8);
                format!("{from} > {to} UDP{name} length {length}")
            }
            ICMP => format!("{from} > {to} ICMP {}", icmp::v4(body)?),
            ICMPV6 => format!("{from} > {to} ICMPv6 {}", icmp::v6(body)?),
            NO_NEXT_HEADER => format!("{from} > {to} nothing"),
            other => format!("{from} > {to} protocol {other} length {length}"),
        })
    }
}

fn flags(bits: u8) -> String {
    const NAMES: [(u8, &str); 8] = [
        (0x02, "SYN"),
        (0x01, "FIN"),
        (0x04, "RST"),
        (0x08, "PSH"),
        (0x10, "ACK"),
        (0x20, "URG"),
        (0x40, "ECE"),
        (0x80, "CWR"),
    ];
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    names.join(" ")
}
