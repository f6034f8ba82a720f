//! Interfaces: bridges made and removed, links found, listed, raised.

use std::net::Ipv6Addr;

use rustix::io::Errno;

use crate::model::mac::Mac;

use super::attr::{Attributes, Encoder};
use super::error::NetlinkError;
use super::message::{ACK, Batch, CREATE, EXCL};
use super::{Reply, Route};

pub(super) const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
pub(super) const GETLINK: u16 = 18;
pub(super) const SETLINK: u16 = 19;

pub(super) const IFLA_ADDRESS: u16 = 1;
pub(super) const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_MTU: u16 = 4;
pub(super) const IFLA_LINK: u16 = 5;
pub(super) const IFLA_MASTER: u16 = 10;
pub(super) const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_AF_SPEC: u16 = 26;
pub(super) const IFLA_NUM_TX_QUEUES: u16 = 31;
pub(super) const IFLA_NUM_RX_QUEUES: u16 = 32;
pub(super) const IFLA_INFO_KIND: u16 = 1;
pub(super) const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BRPORT_STATE: u16 = 1;
const BR_STATE_FORWARDING: u8 = 3;
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const ADDR_GEN_MODE_NONE: u8 = 1;
const AF_INET6: u16 = 10;

/// Length of `struct ifinfomsg`.
pub(super) const IFINFO: usize = 16;
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 0x1_0000;

/// The link-local address of every bridge.
pub const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Index of the loopback interface, the same in every network namespace.
pub const LOOPBACK: u32 = 1;

/// One interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkInfo {
    /// Interface name.
    pub name: String,
    /// Interface index.
    pub index: u32,
    /// `bridge`, `veth`, …; empty for physical ones and loopback.
    pub kind: String,
    /// Index of the bridge it is a port of.
    pub master: Option<u32>,
    /// Index of the interface it is bound to; a veth's other end, perhaps in another namespace.
    pub peer: Option<u32>,
    /// Hardware address, where it is an Ethernet one.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: u32,
    /// IFF_UP is set.
    pub up: bool,
    /// IFF_LOWER_UP is set: of a veth, the other end is up.
    pub carrier: bool,
    /// A bridge port that passes frames: its other end is up, and the bridge has seen it.
    pub forwarding: bool,
}

/// `struct ifinfomsg`; `raise` also sets IFF_UP.
pub(super) fn ifinfo(index: u32, raise: bool) -> [u8; IFINFO] {
    let mut header = [0u8; IFINFO];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    if raise {
        header[8..12].copy_from_slice(&IFF_UP.to_ne_bytes());
        header[12..16].copy_from_slice(&IFF_UP.to_ne_bytes());
    }
    header
}

/// No IPv6 link-local address is made when the interface comes up (so no DAD either).
pub(super) fn no_link_local(e: &mut Encoder) {
    e.nest(IFLA_AF_SPEC, no_link_local_spec);
}

/// The same inside an `IFLA_AF_SPEC`, for a request that says more there.
pub(super) fn no_link_local_spec(e: &mut Encoder) {
    e.nest(AF_INET6, |e| {
        e.u8(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)
    });
}

pub(super) fn get_by_name(batch: &mut Batch, name: &str) {
    ask_for(batch, name, &[]);
}

/// As [`get_by_name`]; that there is none is no error.
pub(super) fn find_by_name(batch: &mut Batch, name: &str) {
    ask_for(batch, name, &[Errno::NODEV]);
}

fn ask_for(batch: &mut Batch, name: &str, tolerated: &'static [Errno]) {
    let label = format!("find interface {name}");
    batch.tolerant(label, GETLINK, ACK, tolerated, |e| {
        e.raw(&ifinfo(0, false));
        e.text(IFLA_IFNAME, name);
    });
}

pub(super) fn raise(batch: &mut Batch, index: u32, name: &str) {
    batch.request(format!("set {name} up"), SETLINK, ACK, |e| {
        e.raw(&ifinfo(index, true))
    });
}

pub(super) fn parse(kind: u16, body: &[u8]) -> Option<LinkInfo> {
    if kind != NEWLINK {
        return None;
    }
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(body.get(at..at + 4)?.try_into().ok()?))
    };
    let (index, flags) = (word(4)?, word(8)?);
    let attributes = Attributes::after(body, IFINFO);
    Some(LinkInfo {
        name: attributes.get_text(IFLA_IFNAME)?,
        index,
        kind: attributes
            .nested(IFLA_LINKINFO)
            .get_text(IFLA_INFO_KIND)
            .unwrap_or_default(),
        master: attributes.get_u32(IFLA_MASTER),
        peer: attributes.get_u32(IFLA_LINK),
        mac: attributes
            .get(IFLA_ADDRESS)
            .and_then(|mac| mac.try_into().ok())
            .map(Mac),
        mtu: attributes.get_u32(IFLA_MTU).unwrap_or(0),
        up: flags & IFF_UP != 0,
        carrier: flags & IFF_LOWER_UP != 0,
        forwarding: attributes
            .nested(IFLA_LINKINFO)
            .nested(IFLA_INFO_SLAVE_DATA)
            .get(IFLA_BRPORT_STATE)
            == Some(&[BR_STATE_FORWARDING]),
    })
}

/// The link that request number `request` of a batch asked for.
pub(super) fn found(replies: &[Reply], request: usize) -> Option<LinkInfo> {
    replies
        .iter()
        .find(|r| r.request == request)
        .and_then(|r| parse(r.kind, &r.body))
}

impl Route {
    /// The interface of this name, `None` when there is none.
    ///
    /// # Errors
    /// The name is too long for an interface, or the kernel refuses.
    pub fn link(&mut self, name: &str) -> Result<Option<LinkInfo>, NetlinkError> {
        let mut batch = Batch::default();
        get_by_name(&mut batch, name);
        let replies = match self.socket.execute(batch) {
            Ok(replies) => replies,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let link = found(&replies, 0).ok_or_else(|| NetlinkError::Answer {
            request: format!("find interface {name}"),
            problem: "unreadable",
        })?;
        self.remember(link.index, name);
        Ok(Some(link))
    }

    /// The interface with this index, `None` when there is none.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn link_at(&mut self, index: u32) -> Result<Option<LinkInfo>, NetlinkError> {
        let mut batch = Batch::default();
        let label = format!("find {}", self.name_of(index));
        batch.request(label, GETLINK, ACK, |e| e.raw(&ifinfo(index, false)));
        match self.socket.execute(batch) {
            Ok(replies) => Ok(found(&replies, 0)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Index of the interface of this name, `None` when there is none.
    ///
    /// # Errors
    /// As [`Route::link`].
    pub fn link_index(&mut self, name: &str) -> Result<Option<u32>, NetlinkError> {
        Ok(self.link(name)?.map(|link| link.index))
    }

    /// Makes a bridge that is up, without spanning tree and forward delay; returns its index.
    ///
    /// Its IPv6 link-local address is fe80::1, usable at once: with one of the kernel's own
    /// making, duplicate address detection would keep the host from asking for containers'
    /// link addresses, and so from forwarding to them, for its first two seconds.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when the name is taken, by whatever kind of interface. On
    /// errors nothing is left behind.
    pub fn create_bridge(&mut self, name: &str, mac: Mac, mtu: u32) -> Result<u32, NetlinkError> {
        let label = format!("create bridge {name}");
        let mut batch = Batch::default();
        batch.request(label.clone(), NEWLINK, ACK | CREATE | EXCL, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, name);
            e.bytes(IFLA_ADDRESS, &mac.0);
            e.nest(IFLA_LINKINFO, |e| {
                e.text(IFLA_INFO_KIND, "bridge");
                e.nest(IFLA_INFO_DATA, |e| {
                    e.u32(IFLA_BR_STP_STATE, 0);
                    e.u32(IFLA_BR_FORWARD_DELAY, 0);
                });
            });
        });
        get_by_name(&mut batch, name);
        let replies = self.socket.execute(batch)?;
        let index = match found(&replies, 1) {
            Some(link) => link.index,
            None => {
                let _ = self.delete_link(name);
                return Err(NetlinkError::Answer {
                    request: label,
                    problem: "unreadable",
                });
            }
        };
        self.remember(index, name);
        match self.raise_bridge(index, name, mtu) {
            Ok(()) => Ok(index),
            Err(error) => {
                let _ = self.delete_link(name);
                Err(error)
            }
        }
    }

    fn raise_bridge(&mut self, index: u32, name: &str, mtu: u32) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        match self.add_address(index, LINK_LOCAL.into(), 64, false, true) {
            Ok(()) => batch.request(
                format!("disable IPv6 autoconfiguration on {name}"),
                SETLINK,
                ACK,
                |e| {
                    e.raw(&ifinfo(index, false));
                    no_link_local(e);
                },
            ),
            // No IPv6 here; should it be switched on later, the kernel makes an address.
            Err(error) if matches!(error.errno(), Some(Errno::ACCESS | Errno::OPNOTSUPP)) => {}
            Err(error) => return Err(error),
        }
        // Not at its making: then the kernel would take it for a default, and change it when the
        // last port leaves.
        batch.request(format!("set mtu {mtu} on {name}"), SETLINK, ACK, |e| {
            e.raw(&ifinfo(index, false));
            e.u32(IFLA_MTU, mtu);
        });
        raise(&mut batch, index, name);
        self.socket.execute(batch).map(drop)
    }

    /// Deletes an interface by name; a veth takes its other end along.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is none.
    pub fn delete_link(&mut self, name: &str) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        batch.request(format!("delete interface {name}"), DELLINK, ACK, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, name);
        });
        self.socket.execute(batch).map(drop)
    }

    /// Raises an interface.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is none.
    pub fn set_up(&mut self, index: u32) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        raise(&mut batch, index, &self.name_of(index));
        self.socket.execute(batch).map(drop)
    }

    /// Sets an interface's MAC address to the one it has, which makes the kernel send a
    /// gratuitous ARP (RFC 826; `arp_notify`) and unsolicited neighbour advertisements
    /// (RFC 4861, 7.2.6; `ndisc_notify`) for its addresses: neighbours that know another MAC
    /// for one of them learn this one.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is no such interface.
    pub fn announce(&mut self, index: u32, mac: Mac) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        let label = format!("announce the addresses of {}", self.name_of(index));
        batch.request(label, SETLINK, ACK, |e| {
            e.raw(&ifinfo(index, false));
            e.bytes(IFLA_ADDRESS, &mac.0);
        });
        self.socket.execute(batch).map(drop)
    }

    /// Sets an interface's MTU in bytes.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is none; the device does not take the value.
    pub fn set_mtu(&mut self, index: u32, mtu: u32) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        let label = format!("set mtu {mtu} on {}", self.name_of(index));
        batch.request(label, SETLINK, ACK, |e| {
            e.raw(&ifinfo(index, false));
            e.u32(IFLA_MTU, mtu);
        });
        self.socket.execute(batch).map(drop)
    }

    /// All interfaces of the namespace.
    ///
    /// # Errors
    /// The kernel refuses or answers nonsense.
    pub fn links(&mut self) -> Result<Vec<LinkInfo>, NetlinkError> {
        let links = self
            .socket
            .dump("list interfaces", GETLINK, &ifinfo(0, false), parse)?;
        for link in &links {
            self.remember(link.index, &link.name);
        }
        Ok(links)
    }
}
