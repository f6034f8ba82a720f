//! The way of a packet: hooks, routes, bridges, namespaces, one after the other.
//!
//! ```text
//!  send ─ route ─ output ─ (route again) ─ postrouting ─┐
//!                                                       ▼
//!   ┌──────────────── transmit: loopback, bridge, veth, or out of sight ◀──────┐
//!   ▼                                                                          │
//!  receive ─ a port? within the bridge (walk/bridge) ─▶ another port ──────────┤
//!   ▼                                                                          │
//!  arrive ─ prerouting ─ route ─┬─ forward ─ postrouting ──────────────────────┘
//!                               └─ input ─ deliver (a relay sends anew)
//! ```

mod bridge;
mod ending;
mod hooks;
mod stations;

use std::net::IpAddr;

use super::atlas::Atlas;
use super::hook::{Hook, Layer};
use super::packet::{End, Packet, Transport};
use super::story::{Hop, Kind, Story, Verdict};
use super::surroundings::{Device, Position};
use super::world::{Node, World, question};
use crate::kernel::netlink::{RouteAnswer, RouteQuestion};

/// Longer ways than this are loops.
const STATIONS: usize = 64;
const LOCAL: u8 = 2;
const BROADCAST: u8 = 3;
const MULTICAST: u8 = 5;

/// Who sends, and what.
#[derive(Clone, Debug)]
pub struct Question {
    /// In words, as `web` or `outside (198.51.100.1)`.
    pub from: String,
    /// As asked.
    pub to: String,
    /// Where the packet begins.
    pub start: Start,
    /// To where.
    pub destination: End,
    /// What is above IP.
    pub transport: Transport,
    /// Stations before the first, as a name's look-up.
    pub before: Vec<Hop>,
}

/// Where a packet begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// A program in a namespace.
    Program(Node),
    /// Another host, by an interface of this one.
    Wire {
        /// The interface.
        device: u32,
        /// The other host's address.
        source: IpAddr,
    },
}

/// The next station.
enum Stage {
    Send(Node),
    Receive {
        node: Node,
        device: u32,
        next_hop: IpAddr,
    },
    Arrive {
        node: Node,
        device: Device,
        seen: bool,
    },
    Transmit {
        node: Node,
        device: u32,
        next_hop: IpAddr,
    },
    Deliver(Node),
}

/// The end of a way.
struct Ending {
    verdict: Verdict,
    text: String,
    hint: Option<String>,
    listening: Option<bool>,
}

impl Ending {
    fn new(verdict: Verdict, text: impl Into<String>) -> Ending {
        Ending {
            verdict,
            text: text.into(),
            hint: None,
            listening: None,
        }
    }

    fn hint(mut self, hint: Option<String>) -> Ending {
        self.hint = hint;
        self
    }
}

/// A hook that the packet passed, for the answer.
struct Passed {
    node: Node,
    hook: Hook,
    position: Position,
    packet: Packet,
}

struct Walk<'w, 'a> {
    atlas: &'w mut Atlas<'a>,
    packet: Packet,
    transport: Transport,
    hops: Vec<Hop>,
    passed: Vec<Passed>,
    /// The interface of the host that it last came in by.
    entered: Option<String>,
}

/// Explains one packet.
pub fn explain(atlas: &mut Atlas<'_>, question: &Question) -> Story {
    let nowhere: IpAddr = match question.destination.address {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut walk = Walk {
        packet: Packet::new(nowhere, question.destination, question.transport),
        atlas,
        transport: question.transport,
        hops: question.before.clone(),
        passed: Vec::new(),
        entered: None,
    };
    let mut stage = match &question.start {
        Start::Program(node) => Stage::Send(node.clone()),
        Start::Wire { device, source } => {
            walk.packet.source.address = *source;
            Stage::Receive {
                node: Node::Host,
                device: *device,
                next_hop: question.destination.address,
            }
        }
    };
    let mut ending = None;
    for _ in 0..STATIONS {
        match walk.station(stage) {
            Ok(next) => stage = next,
            Err(end) => {
                ending = Some(end);
                break;
            }
        }
    }
    let ending = ending.unwrap_or_else(|| {
        Ending::new(Verdict::Dropped, "dropped: it goes round in circles").hint(None)
    });
    let answers = match ending.verdict {
        Verdict::Arrives | Verdict::Leaves => Some(walk.answers()),
        _ => None,
    };
    Story {
        from: question.from.clone(),
        to: question.to.clone(),
        protocol: question.transport,
        hops: walk.hops,
        verdict: ending.verdict,
        end: ending.text,
        source: walk.packet.source.to_string(),
        destination: walk.packet.destination.to_string(),
        answers,
        listening: ending.listening,
        hint: ending.hint,
    }
}

fn unread(error: String) -> Ending {
    Ending::new(Verdict::CannotTell, format!("cannot tell: {error}"))
}

impl Walk<'_, '_> {
    fn station(&mut self, stage: Stage) -> Result<Stage, Ending> {
        match stage {
            Stage::Send(node) => self.send(node),
            Stage::Receive {
                node,
                device,
                next_hop,
            } => self.receive(node, device, next_hop),
            Stage::Arrive { node, device, seen } => self.arrive(node, device, seen),
            Stage::Transmit {
                node,
                device,
                next_hop,
            } => self.transmit(node, device, next_hop),
            Stage::Deliver(node) => self.deliver(node),
        }
    }

    fn world(&mut self, node: &Node) -> Result<&mut World, Ending> {
        self.atlas.world(node).map_err(unread)
    }

    fn hop(&mut self, node: &Node, kind: Kind, text: String) -> &mut Hop {
        self.hops.push(Hop {
            node: node.to_string(),
            kind,
            text,
            incoming: None,
            outgoing: None,
            source: self.packet.source.to_string(),
            destination: self.packet.destination.to_string(),
            rules: Vec::new(),
        });
        let last = self.hops.len() - 1;
        &mut self.hops[last]
    }

    /// A program opens a connection.
    fn send(&mut self, node: Node) -> Result<Stage, Ending> {
        let asked = question(self.packet.destination.address);
        let first = self.route(&node, asked, "")?;
        if self.packet.source.address.is_unspecified() {
            self.packet.source.address = match first.kind {
                // What is for oneself is also from oneself.
                LOCAL if first.source.is_none() => self.packet.destination.address,
                _ => first.source.unwrap_or(self.packet.source.address),
            };
        }
        self.retell_source();
        let mut way = first;
        let device = self.world(&node)?.device(first.device);
        let before = (self.packet.destination, self.packet.mark);
        let position = Position {
            outgoing: Some(device),
            ..Position::default()
        };
        self.pass(&node, Layer::Ip, Hook::Output, &position)?;
        if (self.packet.destination, self.packet.mark) != before {
            let asked = RouteQuestion {
                source: Some(self.packet.source.address),
                mark: self.packet.mark.unwrap_or(0),
                ..question(self.packet.destination.address)
            };
            way = self.route(&node, asked, "again: ")?;
        }
        self.leave(node, &way)
    }

    /// Postrouting, and out.
    fn leave(&mut self, node: Node, way: &RouteAnswer) -> Result<Stage, Ending> {
        let device = self.world(&node)?.device(way.device);
        let position = Position {
            outgoing: Some(device),
            ..Position::default()
        };
        self.pass(&node, Layer::Ip, Hook::Postrouting, &position)?;
        Ok(Stage::Transmit {
            node,
            device: way.device,
            next_hop: way.gateway.unwrap_or(self.packet.destination.address),
        })
    }

    fn route(
        &mut self,
        node: &Node,
        asked: RouteQuestion,
        again: &str,
    ) -> Result<RouteAnswer, Ending> {
        let world = self.world(node)?;
        let answer = match world.routes.look_up(&asked) {
            Ok(answer) => answer,
            Err(words) => return Err(self.no_route(node, &asked, &words)),
        };
        let device = world.device(answer.device).name;
        let way = match (answer.kind, answer.gateway) {
            (LOCAL, _) => format!("{} is {}", asked.destination, own(node)),
            (BROADCAST, _) => format!("{} is a broadcast address", asked.destination),
            (MULTICAST, _) => format!("{} is a group's address", asked.destination),
            (_, Some(gateway)) => format!("via {gateway} by {device}"),
            (_, None) => format!("on link by {device}"),
        };
        let route = match answer.route {
            Some((net, table)) if answer.kind == 1 => {
                let table = match table {
                    254 => String::new(),
                    other => format!(" in table {other}"),
                };
                let name = if net.prefix_len() == 0 {
                    "default".to_owned()
                } else {
                    net.to_string()
                };
                format!(" ({name}{table})")
            }
            _ => String::new(),
        };
        let hop = self.hop(node, Kind::Route, format!("route: {again}{way}{route}"));
        hop.outgoing = Some(device);
        if matches!(answer.kind, BROADCAST | MULTICAST) {
            return Err(Ending::new(
                Verdict::CannotTell,
                "cannot tell: packets to several receivers are not followed",
            ));
        }
        Ok(answer)
    }

    /// The first route's hop was told before the source was known.
    fn retell_source(&mut self) {
        let source = self.packet.source.to_string();
        if let Some(hop) = self.hops.last_mut() {
            hop.text.push_str(&format!("; from {source}"));
            hop.source = source;
        }
    }

    /// `br-8e4c3237d108 (network lan)`.
    fn bridge_name(&self, device: &str) -> String {
        match self.atlas.network_of(device) {
            Some(bridge) => format!("{device} (network {})", bridge.network),
            None => device.to_owned(),
        }
    }
}

fn own(node: &Node) -> String {
    match node {
        Node::Host => "an address of the host".to_owned(),
        Node::Container(name) => format!("an address of {name}"),
    }
}
