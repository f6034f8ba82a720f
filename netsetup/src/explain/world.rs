//! One network namespace, as the walk needs to know it.

use std::fmt;
use std::net::IpAddr;

use super::packet::Transport;
use super::ruleset::Ruleset;
use super::surroundings::{AddressType, Device, Surroundings};
use crate::kernel::netlink::{AddressInfo, RouteAnswer, RouteQuestion};
use crate::model::mac::Mac;

/// A network namespace by its owner.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Node {
    /// The host's.
    Host,
    /// A container's, by its name.
    Container(String),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Host => f.write_str("host"),
            Node::Container(name) => f.write_str(name),
        }
    }
}

/// An interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Name, index, kind.
    pub device: Device,
    /// It is up.
    pub up: bool,
    /// Index of the bridge it is a port of.
    pub master: Option<u32>,
    /// Index of a veth's other end, or of a macvlan's parent; perhaps in another namespace.
    pub peer: Option<u32>,
    /// Hardware address, where it is an Ethernet one.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: u32,
    /// As a bridge's port: no frames to other isolated ports.
    pub isolated: bool,
    /// As a bridge's port: frames may leave where they came from.
    pub hairpin: bool,
    /// As a bridge's port: it forwards.
    pub forwards: bool,
}

/// A socket that waits for packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listener {
    /// Where it is bound.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// TCP or UDP.
    pub transport: Transport,
}

/// Asks the kernel for routes; tests have a table of their own.
pub trait Routes {
    /// Which way a packet would go, or the kernel's words why it would not.
    fn look_up(&mut self, question: &RouteQuestion) -> Result<RouteAnswer, String>;
}

/// A network namespace.
pub struct World {
    /// Whose it is.
    pub node: Node,
    /// All of nf_tables in it.
    pub ruleset: Ruleset,
    /// Its interfaces.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<AddressInfo>,
    /// Frames within bridges pass the IPv4 and the IPv6 hooks (`bridge-nf-call-*`).
    pub bridge_filter: (bool, bool),
    /// IPv6 packets are forwarded at all; of IPv4 the look-up of a route says it.
    pub forwards_ipv6: bool,
    /// Tables of the old `iptables`, which nf_tables does not show.
    pub legacy: Vec<String>,
    /// Sockets that wait; `None` when they could not be listed.
    pub listeners: Option<Vec<Listener>>,
    /// Its routing tables.
    pub routes: Box<dyn Routes>,
}

impl World {
    /// The interface of this index.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.device.index == index)
    }

    /// The interface of this name.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.device.name == name)
    }

    /// Its device of this index; one that is gone has only its number.
    pub fn device(&self, index: u32) -> Device {
        self.link(index).map_or_else(
            || Device {
                index,
                name: format!("interface {index}"),
                kind: String::new(),
            },
            |link| link.device.clone(),
        )
    }

    /// Whether this address is one of an interface's.
    pub fn has_address(&self, index: u32, address: IpAddr) -> bool {
        self.addresses
            .iter()
            .any(|known| known.index == index && known.address == address)
    }

    /// Whether frames of this family pass the IP hooks within bridges.
    pub fn filters_bridged(&self, ipv6: bool) -> bool {
        if ipv6 {
            self.bridge_filter.1
        } else {
            self.bridge_filter.0
        }
    }

    /// Whether somebody waits for this; `None` when that is not known.
    pub fn listens(&self, transport: Transport, address: IpAddr, port: u16) -> Option<bool> {
        if !matches!(transport, Transport::Tcp | Transport::Udp) {
            return None;
        }
        let listeners = self.listeners.as_ref()?;
        Some(listeners.iter().any(|listener| {
            // A socket on `::` takes IPv4 too, unless it said otherwise; that is not listed.
            let any = listener.address.is_unspecified()
                && (listener.address.is_ipv6() || address.is_ipv4());
            let same = listener.address == address || mapped(listener.address) == Some(address);
            listener.transport == transport && listener.port == port && (any || same)
        }))
    }
}

fn mapped(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    }
}

/// A question without a way in.
pub fn question(destination: IpAddr) -> RouteQuestion {
    RouteQuestion {
        destination,
        source: None,
        incoming: None,
        outgoing: None,
        mark: 0,
    }
}

impl Surroundings for World {
    fn address_type(&mut self, address: IpAddr, device: Option<u32>) -> Option<AddressType> {
        if address.is_multicast() {
            return Some(AddressType::Multicast);
        }
        // The kernel looks into the local table alone: no route there is anybody's address.
        let Ok(answer) = self.routes.look_up(&question(address)) else {
            return Some(AddressType::Unicast);
        };
        let local = match answer.kind {
            2 => AddressType::Local,
            3 => AddressType::Broadcast,
            _ => return Some(AddressType::Unicast),
        };
        let here = match device {
            Some(device) => self.has_address(device, address),
            None => true,
        };
        Some(if here { local } else { AddressType::Unicast })
    }

    fn device_to(&mut self, address: IpAddr, device: Option<u32>) -> Option<Option<Device>> {
        let mut asked = question(address);
        asked.outgoing = device;
        let answer = match self.routes.look_up(&asked) {
            Ok(answer) => answer,
            Err(_) => return Some(None),
        };
        if answer.kind != 1 || device.is_some_and(|device| device != answer.device) {
            return Some(None);
        }
        Some(Some(self.device(answer.device)))
    }

    fn masquerade_address(&mut self, device: u32, destination: IpAddr) -> Option<IpAddr> {
        let mut asked = question(destination);
        asked.outgoing = Some(device);
        let answer = self.routes.look_up(&asked).ok();
        if destination.is_ipv6() {
            return answer?.source;
        }
        // As inet_select_addr: the one whose subnet the next hop is in, else the first.
        let next = answer.and_then(|a| a.gateway).unwrap_or(destination);
        let own = |info: &&AddressInfo| info.index == device && info.address.is_ipv4();
        let near = |info: &&AddressInfo| {
            ipnet::IpNet::new(info.address, info.prefix).is_ok_and(|net| net.contains(&next))
        };
        let addresses = || self.addresses.iter().filter(own);
        addresses()
            .find(near)
            .or_else(|| addresses().next())
            .map(|info| info.address)
    }

    fn own_address(&mut self, device: u32, ipv6: bool) -> Option<IpAddr> {
        self.addresses
            .iter()
            .find(|info| info.index == device && info.address.is_ipv6() == ipv6)
            .map(|info| info.address)
    }
}
