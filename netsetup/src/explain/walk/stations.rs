//! A frame comes in, a packet arrives, a packet goes out.

use std::net::IpAddr;

use super::super::hook::{Hook, Layer};
use super::super::story::{Kind, Verdict};
use super::super::surroundings::{Device, Position};
use super::super::world::{Link, Node};
use super::{Ending, LOCAL, Stage, Walk};
use crate::kernel::netlink::{RouteAnswer, RouteQuestion};

impl Walk<'_, '_> {
    /// The interface, if frames can pass it.
    fn live(&mut self, node: &Node, device: u32) -> Result<Link, Ending> {
        let Some(link) = self.world(node)?.link(device).cloned() else {
            let text = format!("cannot tell: interface {device} of {node} is gone");
            return Err(Ending::new(Verdict::CannotTell, text));
        };
        if link.up {
            return Ok(link);
        }
        let text = format!("dropped: {} of {node} is down", link.device.name);
        Err(Ending::new(Verdict::Dropped, text))
    }

    /// A frame comes in.
    pub(super) fn receive(
        &mut self,
        node: Node,
        device: u32,
        next_hop: IpAddr,
    ) -> Result<Stage, Ending> {
        let link = self.live(&node, device)?;
        if node == Node::Host {
            self.entered = Some(link.device.name.clone());
        }
        let position = Position {
            incoming: Some(link.device.clone()),
            ..Position::default()
        };
        self.pass(&node, Layer::Device, Hook::Ingress, &position)?;
        match link.master {
            Some(bridge) => self.within_bridge(node, &link, bridge, next_hop),
            None => Ok(Stage::Arrive {
                node,
                device: link.device,
                seen: false,
            }),
        }
    }

    /// A packet comes in.
    pub(super) fn arrive(
        &mut self,
        node: Node,
        device: Device,
        seen: bool,
    ) -> Result<Stage, Ending> {
        let position = Position {
            incoming: Some(device.clone()),
            ..Position::default()
        };
        if !seen {
            self.pass(&node, Layer::Ip, Hook::Prerouting, &position)?;
        }
        let asked = RouteQuestion {
            destination: self.packet.destination.address,
            source: Some(self.packet.source.address),
            incoming: Some(device.index),
            outgoing: None,
            mark: self.packet.mark.unwrap_or(0),
        };
        let way = if device.is_loopback() {
            // It was routed when it was sent, to itself.
            RouteAnswer {
                kind: LOCAL,
                device: device.index,
                gateway: None,
                source: None,
                route: None,
            }
        } else {
            self.route(&node, asked, "")?
        };
        if way.kind == LOCAL {
            self.pass(&node, Layer::Ip, Hook::Input, &position)?;
            return Ok(Stage::Deliver(node));
        }
        if self.packet.is_ipv6() && !self.world(&node)?.forwards_ipv6 {
            let text = format!("dropped: {node} does not forward IPv6");
            let hint = "net.ipv6.conf.all.forwarding turns it on".to_owned();
            return Err(Ending::new(Verdict::Dropped, text).hint(Some(hint)));
        }
        let outgoing = self.world(&node)?.device(way.device);
        let position = Position {
            outgoing: Some(outgoing),
            ..position
        };
        self.pass(&node, Layer::Ip, Hook::Forward, &position)?;
        self.leave(node, &way)
    }

    /// A packet goes out.
    pub(super) fn transmit(
        &mut self,
        node: Node,
        device: u32,
        next_hop: IpAddr,
    ) -> Result<Stage, Ending> {
        let link = self.live(&node, device)?;
        let position = Position {
            outgoing: Some(link.device.clone()),
            ..Position::default()
        };
        self.pass(&node, Layer::Device, Hook::Egress, &position)?;
        if link.device.is_loopback() {
            return self.receive(node, device, next_hop);
        }
        if node == Node::Host && link.device.kind == "bridge" {
            return self.down_to_port(&link, next_hop);
        }
        let other = if node == Node::Host {
            self.atlas.behind(&link)
        } else {
            let outside = self.atlas.outside(&node, &link);
            outside.map(|device| (Node::Host, device))
        };
        match other {
            Some((there, device)) => self.cross(&node, &link.device, there, device, next_hop),
            None => Err(self.out_of_sight(&node, &link, next_hop)),
        }
    }

    /// From one namespace to another.
    pub(super) fn cross(
        &mut self,
        node: &Node,
        from: &Device,
        there: Node,
        device: u32,
        next_hop: IpAddr,
    ) -> Result<Stage, Ending> {
        let world = self.world(&there)?;
        let to = world.device(device);
        let bridge = world
            .link(device)
            .and_then(|link| link.master)
            .map(|bridge| world.device(bridge).name);
        let mut text = format!("{} ═ {} of {there}", from.name, to.name);
        if let Some(bridge) = bridge {
            text.push_str(&format!(", a port of {}", self.bridge_name(&bridge)));
        }
        let hop = self.hop(node, Kind::Wire, text);
        hop.outgoing = Some(from.name.clone());
        hop.incoming = Some(to.name);
        self.packet.cross();
        Ok(Stage::Receive {
            node: there,
            device,
            next_hop,
        })
    }
}
