//! Where ways end, why, and what the user can do.

use std::net::{IpAddr, SocketAddr};

use super::super::packet::{End, Packet, Transport};
use super::super::story::{Kind, RuleLine, Verdict};
use super::super::surroundings::Position;
use super::super::world::{Link, Node, question};
use super::{Ending, Stage, Walk};
use crate::kernel::netlink::RouteQuestion;

/// Our table: its drops have reasons that state on disk explains.
const OURS: (&str, &str) = ("inet", "rbox");
const RESOLVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 11));
/// Anywhere: an address for documentation (RFC 5737), behind the default route.
const ANYWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

impl Walk<'_, '_> {
    /// It has reached a namespace that it is for.
    pub(super) fn deliver(&mut self, node: Node) -> Result<Stage, Ending> {
        let End { address, port } = self.packet.destination;
        let transport = self.transport;
        if node == Node::Host
            && let Some(port) = port
            && let Some(next) = self.relay(address, port)?
        {
            return Ok(next);
        }
        let listening = match port {
            Some(port) => self.world(&node)?.listens(transport, address, port),
            None => None,
        };
        let end = self.packet.destination;
        let whom = match &node {
            Node::Container(name) if address == RESOLVER => format!("the resolver of {name}"),
            Node::Container(name) => name.clone(),
            Node::Host => "the host".to_owned(),
        };
        let mut text = format!("arrives at {whom} ({end})");
        let mut hint = None;
        if listening == Some(false) {
            text.push_str(&format!(
                ", where nobody listens at {}",
                port_of(end, transport)
            ));
            hint = self.in_vain(&node);
        }
        Err(Ending {
            verdict: Verdict::Arrives,
            text,
            hint,
            listening,
        })
    }

    fn in_vain(&self, node: &Node) -> Option<String> {
        let listen = "nothing in the container listens there: does its program run, and on \
                      0.0.0.0 and not on 127.0.0.1?";
        match node {
            Node::Container(_) => Some(listen.to_owned()),
            Node::Host => None,
        }
    }

    /// The monitor of a container holds the port.
    fn relay(&mut self, address: IpAddr, port: u16) -> Result<Option<Stage>, Ending> {
        let Some((resident, held)) = self.atlas.relayed(self.transport, address, port) else {
            return Ok(None);
        };
        let (name, node) = (resident.name.clone(), resident.node.clone());
        let wires = resident.wires.clone();
        let (bound, inside) = (SocketAddr::new(held.host_ip, port), held.container.port);
        // As the monitor: the address on the network with the default route, IPv4 first.
        let way = self
            .world(&node)?
            .routes
            .look_up(&question(ANYWHERE))
            .map(|way| way.device);
        let device = way.map(|device| self.world(&node).map(|world| world.device(device).name));
        let device = match device {
            Ok(device) => Some(device?),
            Err(_) => None,
        };
        let mut wires = wires.iter().filter(|wire| !wire.addresses.is_empty());
        let wire = wires
            .clone()
            .find(|wire| Some(&wire.device) == device.as_ref())
            .or_else(|| wires.next());
        let target = wire.and_then(|wire| {
            let v4 = wire.addresses.iter().find(|address| address.is_ipv4());
            v4.or(wire.addresses.first()).copied()
        });
        let Some(target) = target else {
            return Ok(None);
        };
        let to = End {
            address: target,
            port: Some(inside),
        };
        let text = format!("relay: the monitor of {name} holds {bound} and connects anew, to {to}");
        let nowhere = match target {
            IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        self.packet = Packet::new(nowhere, to, self.transport);
        self.hop(&Node::Host, Kind::Relay, text);
        Ok(Some(Stage::Send(Node::Host)))
    }

    /// Out by an interface whose other end cannot be looked at.
    pub(super) fn out_of_sight(&self, node: &Node, link: &Link, next_hop: IpAddr) -> Ending {
        let device = &link.device;
        let whose = match node {
            Node::Host => String::new(),
            Node::Container(name) => format!(" of {name}"),
        };
        let kind = match device.kind.as_str() {
            "" | "veth" => String::new(),
            kind => format!(" ({kind})"),
        };
        let source = self.packet.source;
        let text = format!(
            "leaves by {}{whose}{kind} to {next_hop}, from {source}",
            device.name
        );
        Ending::new(Verdict::Leaves, text)
    }

    /// The kernel has no way for it.
    pub(super) fn no_route(&self, node: &Node, asked: &RouteQuestion, words: &str) -> Ending {
        let to = asked.destination;
        if asked.incoming.is_none() {
            let text = format!("{words}: {node} has no route to {to}");
            return Ending::new(Verdict::Unreachable, text).hint(self.no_way_out(node, to));
        }
        let source = self.packet.source.address;
        let entered = self.entered.as_deref().unwrap_or("that interface");
        let text = format!(
            "dropped: {node} does not route a packet from {source}, in by {entered}, to {to}: \
             {words}"
        );
        let key = if to.is_ipv4() {
            "net.ipv4.ip_forward"
        } else {
            "net.ipv6.conf.all.forwarding"
        };
        let hint = format!(
            "see `ip route`, {key}, and whether {source} is reached by the interface that it comes \
             from (rp_filter)"
        );
        Ending::new(Verdict::Dropped, text).hint(Some(hint))
    }

    fn no_way_out(&self, node: &Node, to: IpAddr) -> Option<String> {
        let Node::Container(name) = node else {
            return None;
        };
        let networks: Vec<&str> = self
            .atlas
            .residents
            .iter()
            .filter(|resident| resident.node == *node)
            .flat_map(|resident| resident.wires.iter().map(|wire| wire.network.as_str()))
            .collect();
        let internal = |network: &&&str| {
            self.atlas
                .bridges
                .iter()
                .any(|bridge| bridge.internal && bridge.network == **network)
        };
        if networks.is_empty() {
            return Some(format!(
                "{name} is on no network: `rbox network connect NETWORK {name}`"
            ));
        }
        if let Some(network) = networks.iter().find(internal) {
            return Some(format!(
                "network {network} is internal; `rbox network connect NETWORK {name}` gives it \
                 another"
            ));
        }
        if to.is_ipv6() {
            return Some("a network has IPv6 when it is made with --ipv6".to_owned());
        }
        None
    }

    /// Why a rule of ours drops a packet, by what state on disk says; others' rules speak for
    /// themselves.
    pub(super) fn reason(&self, rule: &RuleLine, position: &Position) -> (String, String) {
        if (rule.family.as_str(), rule.table.as_str()) != OURS {
            let whose = format!("{} {}", rule.family, rule.table);
            let hint = format!(
                "that rule is not rbox's: `nft -a list table {whose}` shows it{}",
                docker(rule)
            );
            let reason = match rule.handle {
                Some(_) => format!("a rule of the table {whose} says so"),
                None => format!("no rule of the table {whose} lets it pass"),
            };
            return (reason, hint);
        }
        let to = self.packet.destination.address;
        let network_of = |device: &Option<super::super::surroundings::Device>| {
            let device = device.as_ref()?;
            self.atlas.network_of(&device.name)
        };
        let came_from = network_of(&position.incoming).or_else(|| {
            let sender = self.atlas.owner(self.packet.source.address)?;
            let named =
                |bridge: &&super::super::atlas::KnownBridge| bridge.network == sender.1.network;
            self.atlas.bridges.iter().find(named)
        });
        let goes_to = network_of(&position.outgoing).or_else(|| {
            let (_, wire) = self.atlas.owner(to)?;
            self.atlas
                .bridges
                .iter()
                .find(|b| b.network == wire.network)
        });
        if let Some(internal) = [came_from, goes_to]
            .into_iter()
            .flatten()
            .find(|b| b.internal)
        {
            let reason = format!(
                "network {} is internal: nothing leaves or enters it",
                internal.network
            );
            let hint = "connect both containers to one network: `rbox network connect NETWORK \
                        CONTAINER`";
            return (reason, hint.to_owned());
        }
        let Some((owner, wire)) = self.atlas.owner(to) else {
            let reason = "the firewall of rbox does not let it pass".to_owned();
            return (
                reason,
                "`nft list table inet rbox` shows its rules".to_owned(),
            );
        };
        let (name, network) = (&owner.name, &wire.network);
        let port = self.packet.destination.port;
        let port = port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
        match came_from {
            Some(bridge) if bridge.network != *network => {
                let other = &bridge.network;
                (
                    format!(
                        "other networks' containers are not reachable: {name} is on {network}, \
                         the sender on {other}"
                    ),
                    format!(
                        "connect both to one network (`rbox network connect {other} {name}`), or \
                         publish the port of {name} (-p)"
                    ),
                )
            }
            Some(_) => (
                format!("containers of network {network} do not reach each other so"),
                "`rbox network inspect` shows the network's options".to_owned(),
            ),
            None => (
                format!(
                    "only published ports of {name} are reachable from outside, and by the host's \
                     addresses"
                ),
                format!("publish it: `rbox run -p {port}:{port} …`, and connect to the host"),
            ),
        }
    }
}

/// dockerd's own chain for users' rules, where its policy drops ours.
fn docker(rule: &RuleLine) -> &'static str {
    let forward = rule.table == "filter" && rule.chain == "FORWARD" && rule.handle.is_none();
    if forward {
        "; with dockerd, `rbox network reload` makes a way in there; without, `iptables -I FORWARD -m \
         mark --mark 0x20000000/0x20000000 -j ACCEPT` lets pass what rbox let pass"
    } else {
        ""
    }
}

fn port_of(end: End, transport: Transport) -> String {
    match end.port {
        Some(port) => format!("{transport} port {port}"),
        None => transport.to_string(),
    }
}
