//! All namespaces that a packet may come through, read when it comes there; and what state on
//! disk says of containers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::packet::Transport;
use super::world::{Link, Node, World};
use crate::model::port::{Protocol, PublishedPort};

/// A running container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resident {
    /// Its name.
    pub name: String,
    /// Whose namespace it is in.
    pub node: Node,
    /// Its endpoints.
    pub wires: Vec<Wire>,
    /// Host ports that its monitor holds.
    pub ports: Vec<PublishedPort>,
}

/// One end of an endpoint, and the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wire {
    /// Name of the network.
    pub network: String,
    /// Interface on the host.
    pub host_device: String,
    /// Interface in the container.
    pub device: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A network's bridge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownBridge {
    /// The interface.
    pub device: String,
    /// The network.
    pub network: String,
    /// It has no way out.
    pub internal: bool,
}

/// Reads a namespace.
pub type Loader<'a> = Box<dyn FnMut(&Node) -> Result<World, String> + 'a>;

/// All of them.
pub struct Atlas<'a> {
    worlds: BTreeMap<Node, World>,
    load: Loader<'a>,
    /// Who runs.
    pub residents: Vec<Resident>,
    /// Our networks.
    pub bridges: Vec<KnownBridge>,
}

impl<'a> Atlas<'a> {
    /// An atlas whose pages are read by `load`.
    pub fn new(load: Loader<'a>, residents: Vec<Resident>, bridges: Vec<KnownBridge>) -> Self {
        Atlas {
            worlds: BTreeMap::new(),
            load,
            residents,
            bridges,
        }
    }

    /// A namespace.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn world(&mut self, node: &Node) -> Result<&mut World, String> {
        if !self.worlds.contains_key(node) {
            let world = (self.load)(node)?;
            self.worlds.insert(node.clone(), world);
        }
        self.worlds
            .get_mut(node)
            .ok_or_else(|| format!("read the network of {node}"))
    }

    /// The container that a host's interface leads to, and the interface there.
    pub fn behind(&mut self, link: &Link) -> Option<(Node, u32)> {
        let (node, device) = self
            .residents
            .iter()
            .flat_map(|resident| resident.wires.iter().map(move |wire| (resident, wire)))
            .find(|(_, wire)| wire.host_device == link.device.name)
            .map(|(resident, wire)| (resident.node.clone(), wire.device.clone()))?;
        // The record says it; the kernel must agree.
        let found = self.world(&node).ok()?.link_named(&device)?;
        let agrees = found.peer == Some(link.device.index) && link.peer == Some(found.device.index);
        agrees.then_some((node, found.device.index))
    }

    /// The host's interface that a container's leads to.
    pub fn outside(&mut self, node: &Node, link: &Link) -> Option<u32> {
        let name = self
            .residents
            .iter()
            .filter(|resident| resident.node == *node)
            .flat_map(|resident| &resident.wires)
            .find(|wire| wire.device == link.device.name)
            .map(|wire| wire.host_device.clone())?;
        let found = self.world(&Node::Host).ok()?.link_named(&name)?;
        let agrees = found.peer == Some(link.device.index) && link.peer == Some(found.device.index);
        agrees.then_some(found.device.index)
    }

    /// The containers' interfaces, on the host, that have an address by the records.
    pub fn holders(&self, address: IpAddr) -> Vec<String> {
        self.residents
            .iter()
            .flat_map(|resident| &resident.wires)
            .filter(|wire| wire.addresses.contains(&address))
            .map(|wire| wire.host_device.clone())
            .collect()
    }

    /// The network whose bridge this is.
    pub fn network_of(&self, device: &str) -> Option<&KnownBridge> {
        self.bridges.iter().find(|bridge| bridge.device == device)
    }

    /// The container that has an address, and the network it has it on.
    pub fn owner(&self, address: IpAddr) -> Option<(&Resident, &Wire)> {
        self.residents
            .iter()
            .flat_map(|resident| resident.wires.iter().map(move |wire| (resident, wire)))
            .find(|(_, wire)| wire.addresses.contains(&address))
    }

    /// The container whose monitor holds a host port, and its port inside.
    pub fn relayed(
        &self,
        transport: Transport,
        address: IpAddr,
        port: u16,
    ) -> Option<(&Resident, &PublishedPort)> {
        let wanted = match transport {
            Transport::Tcp => Protocol::Tcp,
            Transport::Udp => Protocol::Udp,
            Transport::Sctp | Transport::Icmp => return None,
        };
        let holds = |held: &PublishedPort| {
            held.host_port == port
                && held.container.protocol == wanted
                && held.host_ip.is_ipv4() == address.is_ipv4()
                && (held.host_ip == address || held.host_ip.is_unspecified())
        };
        self.residents
            .iter()
            .find_map(|resident| Some((resident, resident.ports.iter().find(|p| holds(p))?)))
    }
}
