//! Within a bridge: from a port to the host above, or to another port.
//!
//! With `bridge-nf-call-iptables` on, frames pass the IP hooks here too, with the bridge as both
//! interfaces. Destinations are translated at once then, and what leads back to the same bridge
//! stays within it.

use std::net::IpAddr;

use super::super::hook::{Hook, Layer};
use super::super::story::{Kind, Verdict};
use super::super::surroundings::{Device, Position};
use super::super::world::{Link, Node};
use super::{Ending, LOCAL, Stage, Walk};
use crate::kernel::netlink::RouteQuestion;

impl Walk<'_, '_> {
    /// A frame that came in by a port.
    pub(super) fn within_bridge(
        &mut self,
        node: Node,
        port: &Link,
        bridge: u32,
        next_hop: IpAddr,
    ) -> Result<Stage, Ending> {
        let bridge = self.world(&node)?.device(bridge);
        if !port.forwards {
            let text = format!(
                "dropped: {} is a port of {} that does not forward",
                port.device.name, bridge.name
            );
            return Err(Ending::new(Verdict::Dropped, text));
        }
        let frame = Position {
            incoming: Some(port.device.clone()),
            incoming_bridge: Some(bridge.name.clone()),
            ..Position::default()
        };
        self.pass(&node, Layer::Bridge, Hook::Prerouting, &frame)?;
        let ipv6 = self.packet.is_ipv6();
        let filtered = self.world(&node)?.filters_bridged(ipv6);
        let own = self.world(&node)?.has_address(bridge.index, next_hop);
        let mut towards = next_hop;
        if filtered {
            let before = self.packet.destination.address;
            let packet = Position {
                incoming: Some(bridge.clone()),
                ..Position::default()
            };
            self.pass(&node, Layer::Ip, Hook::Prerouting, &packet)?;
            let after = self.packet.destination.address;
            if after != before {
                if !self.leads_back(&node, &bridge, after)? {
                    return self.up(node, &frame, bridge, true);
                }
                towards = after;
                let text = format!(
                    "bridge {}: {after} is on it too, so the frame stays within it",
                    bridge.name
                );
                self.hop(&node, Kind::Bridge, text);
                return self.port_to_port(&node, port, &bridge, towards, filtered);
            }
        }
        if own {
            return self.up(node, &frame, bridge, filtered);
        }
        self.port_to_port(&node, port, &bridge, towards, filtered)
    }

    /// Whether a translated destination is on the same bridge.
    fn leads_back(
        &mut self,
        node: &Node,
        bridge: &Device,
        destination: IpAddr,
    ) -> Result<bool, Ending> {
        let asked = RouteQuestion {
            destination,
            source: Some(self.packet.source.address),
            incoming: Some(bridge.index),
            outgoing: None,
            mark: self.packet.mark.unwrap_or(0),
        };
        let answer = self.world(node)?.routes.look_up(&asked);
        Ok(answer.is_ok_and(|way| way.kind != LOCAL && way.device == bridge.index))
    }

    /// Up to the host.
    fn up(
        &mut self,
        node: Node,
        frame: &Position,
        bridge: Device,
        seen: bool,
    ) -> Result<Stage, Ending> {
        self.pass(&node, Layer::Bridge, Hook::Input, frame)?;
        Ok(Stage::Arrive {
            node,
            device: bridge,
            seen,
        })
    }

    /// From a port to another.
    fn port_to_port(
        &mut self,
        node: &Node,
        port: &Link,
        bridge: &Device,
        towards: IpAddr,
        filtered: bool,
    ) -> Result<Stage, Ending> {
        let other = self.find_port(node, bridge, towards)?;
        let way = format!("{} → {}", port.device.name, other.device.name);
        if port.isolated && other.isolated {
            let text = format!(
                "dropped: ports {} and {} of {} are isolated from each other: containers of \
                 {} do not reach each other (enable_icc=false)",
                port.device.name,
                other.device.name,
                bridge.name,
                self.bridge_name(&bridge.name)
            );
            let hint = "publish the port (-p) and connect to the network's gateway, or use a \
                        network with enable_icc=true";
            return Err(Ending::new(Verdict::Dropped, text).hint(Some(hint.to_owned())));
        }
        if other.device == port.device && !port.hairpin {
            let text = format!(
                "dropped: the frame would leave {} by the port {} that it came from, and that is \
                 no hairpin port",
                bridge.name, port.device.name
            );
            return Err(Ending::new(Verdict::Dropped, text));
        }
        let text = format!("bridge {}: {way}", self.bridge_name(&bridge.name));
        let hop = self.hop(node, Kind::Bridge, text);
        hop.incoming = Some(port.device.name.clone());
        hop.outgoing = Some(other.device.name.clone());
        let frame = Position {
            incoming: Some(port.device.clone()),
            outgoing: Some(other.device.clone()),
            incoming_bridge: Some(bridge.name.clone()),
            outgoing_bridge: Some(bridge.name.clone()),
        };
        self.pass(node, Layer::Bridge, Hook::Forward, &frame)?;
        if filtered {
            let packet = Position {
                incoming: Some(bridge.clone()),
                outgoing: Some(bridge.clone()),
                ..Position::default()
            };
            self.pass(node, Layer::Ip, Hook::Forward, &packet)?;
        }
        self.out_of_bridge(node, bridge, &other, filtered, towards)
    }

    /// From the host above to a port.
    pub(super) fn down_to_port(
        &mut self,
        bridge: &Link,
        next_hop: IpAddr,
    ) -> Result<Stage, Ending> {
        let node = Node::Host;
        let device = bridge.device.clone();
        let other = self.find_port(&node, &device, next_hop)?;
        let frame = Position {
            outgoing: Some(other.device.clone()),
            outgoing_bridge: Some(device.name.clone()),
            ..Position::default()
        };
        self.pass(&node, Layer::Bridge, Hook::Output, &frame)?;
        self.out_of_bridge(&node, &device, &other, false, next_hop)
    }

    fn out_of_bridge(
        &mut self,
        node: &Node,
        bridge: &Device,
        other: &Link,
        filtered: bool,
        towards: IpAddr,
    ) -> Result<Stage, Ending> {
        let frame = Position {
            outgoing: Some(other.device.clone()),
            outgoing_bridge: Some(bridge.name.clone()),
            ..Position::default()
        };
        self.pass(node, Layer::Bridge, Hook::Postrouting, &frame)?;
        if filtered {
            let packet = Position {
                outgoing: Some(bridge.clone()),
                ..Position::default()
            };
            self.pass(node, Layer::Ip, Hook::Postrouting, &packet)?;
        }
        let Some((there, device)) = self.atlas.behind(other) else {
            return Err(self.out_of_sight(node, other, towards));
        };
        self.cross(node, &other.device.clone(), there, device, towards)
    }

    /// The port that a neighbour is behind.
    fn find_port(
        &mut self,
        node: &Node,
        bridge: &Device,
        neighbour: IpAddr,
    ) -> Result<Link, Ending> {
        let names = self.atlas.holders(neighbour);
        let world = self.world(node)?;
        let ports: Vec<Link> = world
            .links
            .iter()
            .filter(|link| link.master == Some(bridge.index))
            .cloned()
            .collect();
        let held = ports.iter().find(|port| names.contains(&port.device.name));
        if let Some(port) = held {
            return Ok(port.clone());
        }
        let mut strangers = Vec::new();
        for port in &ports {
            if self.atlas.behind(port).is_none() {
                strangers.push(port.device.name.clone());
            }
        }
        let network = self.bridge_name(&bridge.name);
        if strangers.is_empty() {
            let text = format!("No route to host: nobody on {network} has {neighbour}");
            return Err(Ending::new(Verdict::Unreachable, text));
        }
        let text = format!(
            "leaves by {network} for {neighbour}, behind one of its ports that are no container's \
             here ({})",
            strangers.join(", ")
        );
        Err(Ending::new(Verdict::Leaves, text))
    }
}
