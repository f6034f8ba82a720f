//! Tracked connections that lead to the wrong place, over NETLINK_NETFILTER (ctnetlink).
//!
//! NAT is decided with a connection's first packet. For UDP a "connection" lasts as long as the
//! client goes on sending, so one that keeps its socket is led to where the port led when it
//! began, even if that container is long gone. Such entries are deleted; the next packet is
//! a first one again.
//!
//! ```text
//! the entry of a published port      original: client → host:8080       what was asked for
//!                                    reply:    container:80 → client    who answers
//! ```
//!
//! The kernel filters what it lists (CTA_FILTER, since Linux 5.8); older ones ignore the filter,
//! so everything is looked at here once more.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;
use rustix::net::netlink::NETFILTER;

use super::netlink::{ACK, Attributes, Batch, Encoder, NetlinkError, Socket};
use crate::model::port::{Protocol, PublishedPort};

const NFNL_SUBSYS_CTNETLINK: u16 = 1;
const IPCTNL_MSG_CT_NEW: u16 = 0;
const IPCTNL_MSG_CT_GET: u16 = 1;
const IPCTNL_MSG_CT_DELETE: u16 = 2;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;
const CTA_FILTER_F_CTA_IP_SRC: u32 = 1 << 0;
const CTA_FILTER_F_CTA_PROTO_NUM: u32 = 1 << 3;
const CTA_FILTER_F_CTA_PROTO_DST_PORT: u32 = 1 << 5;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_SRC_PORT: u16 = 2;
const CTA_PROTO_DST_PORT: u16 = 3;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;

/// So many deletions go into one batch.
const DELETIONS: usize = 256;

/// A ctnetlink socket of one network namespace.
#[derive(Debug)]
pub struct Conntrack {
    socket: Socket,
}

/// One direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Direction {
    protocol: u8,
    from: SocketAddr,
    to: SocketAddr,
}

/// A tracked connection, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    original: Direction,
    reply: Direction,
    /// Its original tuple as the kernel wrote it, its number and zone: they name it.
    tuple: Vec<u8>,
    id: Option<Vec<u8>>,
    zone: Option<Vec<u8>>,
}

impl Conntrack {
    /// Opens a socket in the thread's current network namespace.
    ///
    /// # Errors
    /// The kernel refuses the socket (no netfilter).
    pub fn open() -> io::Result<Conntrack> {
        Ok(Conntrack {
            socket: Socket::open(Some(NETFILTER))?,
        })
    }

    /// Forgets UDP connections to published ports that lead elsewhere than to `to`; how many.
    /// `here` are the host's addresses, which a binding to every address means.
    ///
    /// # Errors
    /// The kernel refuses, or tracks no connections.
    pub fn forget_datagrams(
        &mut self,
        ports: &[PublishedPort],
        to: IpAddr,
        here: &[IpAddr],
    ) -> Result<usize, NetlinkError> {
        let udp = |port: &&PublishedPort| port.container.protocol == Protocol::Udp;
        let ports: Vec<&PublishedPort> = ports.iter().filter(udp).collect();
        let Some(first) = ports.first().map(|port| port.host_port) else {
            return Ok(0);
        };
        let only = ports.iter().all(|port| port.host_port == first);
        let entries = self.list(to, |e| {
            let mut flags = CTA_FILTER_F_CTA_PROTO_NUM;
            e.nest(CTA_TUPLE_ORIG, |e| {
                e.nest(CTA_TUPLE_PROTO, |e| {
                    e.u8(CTA_PROTO_NUM, IPPROTO_UDP);
                    if only {
                        flags |= CTA_FILTER_F_CTA_PROTO_DST_PORT;
                        e.bytes(CTA_PROTO_DST_PORT, &first.to_be_bytes());
                    }
                });
            });
            e.nest(CTA_FILTER, |e| e.u32(CTA_FILTER_ORIG_FLAGS, flags));
        })?;
        self.delete(
            entries
                .into_iter()
                .filter(|entry| ports.iter().any(|port| leads_astray(entry, port, to, here))),
        )
    }

    /// Forgets connections of every kind that are led to an address which is no more; how many.
    ///
    /// # Errors
    /// The kernel refuses, or tracks no connections.
    pub fn forget_target(&mut self, target: IpAddr) -> Result<usize, NetlinkError> {
        let entries = self.list(target, |e| {
            e.nest(CTA_TUPLE_REPLY, |e| {
                e.nest(CTA_TUPLE_IP, |e| {
                    let kind = match target {
                        IpAddr::V4(_) => CTA_IP_V4_SRC,
                        IpAddr::V6(_) => CTA_IP_V6_SRC,
                    };
                    e.address(kind, target);
                });
            });
            e.nest(CTA_FILTER, |e| {
                e.u32(CTA_FILTER_REPLY_FLAGS, CTA_FILTER_F_CTA_IP_SRC);
            });
        })?;
        let led_there =
            |entry: &Entry| entry.reply.from.ip() == target && entry.original.to.ip() != target;
        self.delete(entries.into_iter().filter(led_there))
    }

    /// Entries of an address's family.
    fn list(
        &mut self,
        family: IpAddr,
        filter: impl FnOnce(&mut Encoder),
    ) -> Result<Vec<Entry>, NetlinkError> {
        let mut header = Encoder::default();
        header.raw(&[address_family(family), 0, 0, 0]);
        filter(&mut header);
        let label = "list tracked connections";
        let kind = message_type(IPCTNL_MSG_CT_GET);
        self.socket.dump(label, kind, header.as_slice(), parse)
    }

    fn delete(&mut self, entries: impl Iterator<Item = Entry>) -> Result<usize, NetlinkError> {
        let entries: Vec<Entry> = entries.collect();
        for chunk in entries.chunks(DELETIONS) {
            let mut batch = Batch::default();
            for entry in chunk {
                let label = format!("forget the connection from {}", entry.original.from);
                let kind = message_type(IPCTNL_MSG_CT_DELETE);
                // It may have ended by itself.
                batch.tolerant(label, kind, ACK, &[Errno::NOENT], |e| {
                    e.raw(&[address_family(entry.original.to.ip()), 0, 0, 0]);
                    e.nest(CTA_TUPLE_ORIG, |e| e.raw(&entry.tuple));
                    for (kind, value) in [(CTA_ID, &entry.id), (CTA_ZONE, &entry.zone)] {
                        if let Some(value) = value {
                            e.bytes(kind, value);
                        }
                    }
                });
            }
            self.socket.execute(batch)?;
        }
        Ok(entries.len())
    }
}

/// It was led by an earlier rule of this port, or by none when there was none yet.
fn leads_astray(entry: &Entry, port: &PublishedPort, to: IpAddr, here: &[IpAddr]) -> bool {
    let asked = entry.original.to;
    let at = match port.host_ip.is_unspecified() {
        true => here.contains(&asked.ip()),
        false => asked.ip() == port.host_ip,
    };
    entry.original.protocol == number(port.container.protocol)
        && asked.port() == port.host_port
        && at
        && entry.reply.from != SocketAddr::new(to, port.container.port)
}

fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => IPPROTO_TCP,
        Protocol::Udp => IPPROTO_UDP,
    }
}

fn message_type(message: u16) -> u16 {
    NFNL_SUBSYS_CTNETLINK << 8 | message
}

fn address_family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    }
}

/// An entry; `None` for what is none, or of a transport without ports.
fn parse(kind: u16, body: &[u8]) -> Option<Entry> {
    if kind != message_type(IPCTNL_MSG_CT_NEW) {
        return None;
    }
    let attributes = Attributes::after(body, 4);
    let own = |kind| attributes.get(kind).map(<[u8]>::to_vec);
    Some(Entry {
        original: direction(attributes.nested(CTA_TUPLE_ORIG))?,
        reply: direction(attributes.nested(CTA_TUPLE_REPLY))?,
        tuple: own(CTA_TUPLE_ORIG)?,
        id: own(CTA_ID),
        zone: own(CTA_ZONE),
    })
}

fn direction(tuple: Attributes<'_>) -> Option<Direction> {
    let (ip, proto) = (tuple.nested(CTA_TUPLE_IP), tuple.nested(CTA_TUPLE_PROTO));
    let address = |v4: u16, v6: u16| {
        let v4 = ip.get(v4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let v6 = ip
            .get(v6)
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        v4.map(IpAddr::from).or(v6.map(IpAddr::from))
    };
    let port = |kind| Some(u16::from_be_bytes(proto.get(kind)?.try_into().ok()?));
    Some(Direction {
        protocol: *proto.get(CTA_PROTO_NUM)?.first()?,
        from: SocketAddr::new(
            address(CTA_IP_V4_SRC, CTA_IP_V6_SRC)?,
            port(CTA_PROTO_SRC_PORT)?,
        ),
        to: SocketAddr::new(
            address(CTA_IP_V4_DST, CTA_IP_V6_DST)?,
            port(CTA_PROTO_DST_PORT)?,
        ),
    })
}

#[cfg(test)]
mod tests;
