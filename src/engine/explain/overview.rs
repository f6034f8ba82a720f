//! A container's interfaces, its ways out, and what reaches it.

use std::net::IpAddr;

use rbox_netsetup::explain::atlas::Atlas;
use rbox_netsetup::explain::packet::{End, Transport};
use rbox_netsetup::explain::story::Story;
use rbox_netsetup::explain::walk::{self, Question, Start};
use rbox_netsetup::explain::world::Node;
use serde::Serialize;

use super::{Running, place};
use crate::engine::Engine;
use crate::engine::failure::Failure;

/// All about a container. Its keys in JSON are stable.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Its name.
    pub container: String,
    /// Whose network namespace it is in: `host`, its own name, or another container's.
    pub namespace: String,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// One a family.
    pub ways_out: Vec<WayOut>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Names that it answers to.
    pub names: Vec<Names>,
}

/// An interface.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Its name in the container.
    pub name: String,
    /// With prefix lengths.
    pub addresses: Vec<String>,
    /// Hardware address.
    pub mac: Option<String>,
    /// Bytes.
    pub mtu: u32,
    /// Its other end, on the host.
    pub host_interface: Option<String>,
    /// The bridge that this is a port of.
    pub bridge: Option<String>,
    /// The network.
    pub network: Option<String>,
    /// The port exchanges no frames with other isolated ports (enable_icc=false).
    pub isolated: bool,
}

/// The way out of a family.
#[derive(Clone, Debug, Serialize)]
pub struct WayOut {
    /// `IPv4` or `IPv6`.
    pub family: &'static str,
    /// To an address that is anywhere.
    pub story: Story,
}

/// A published port.
#[derive(Clone, Debug, Serialize)]
pub struct Port {
    /// Where its monitor holds it: `0.0.0.0:8080`.
    pub host: String,
    /// Inside: `80/tcp`.
    pub container: String,
    /// How it is reached.
    pub story: Story,
}

/// Names on a network.
#[derive(Clone, Debug, Serialize)]
pub struct Names {
    /// The network.
    pub network: String,
    /// What the resolver answers to there.
    pub names: Vec<String>,
}

impl Engine {
    pub(super) fn overview(
        &self,
        target: &Running,
        atlas: &mut Atlas<'_>,
    ) -> Result<Overview, Failure> {
        let run = target.container.run.as_ref();
        let names = run
            .iter()
            .flat_map(|run| &run.sandbox.endpoints)
            .filter(|endpoint| !endpoint.dns_names.is_empty())
            .map(|endpoint| Names {
                network: endpoint.network.clone(),
                names: endpoint.dns_names.clone(),
            })
            .collect();
        let mut overview = Overview {
            container: target.container.record.name.clone(),
            namespace: target.node.to_string(),
            interfaces: interfaces(target, atlas)?,
            ways_out: ways_out(target, atlas),
            ports: Vec::new(),
            names,
        };
        for port in run.iter().flat_map(|run| &run.sandbox.ports) {
            let outside = place::outside(atlas, None).ok();
            let near = outside.as_ref().map(|outside| {
                [false, true].map(|ipv6| outside.start(ipv6).ok().map(|(_, _, own)| own))
            });
            let far = near.and_then(|near| place::published(port, Some(near)));
            let (end, start, from) = match (far, outside) {
                (Some(end), Some(outside)) => {
                    let (start, from, _) = outside.start(end.address.is_ipv6())?;
                    (end, start, from)
                }
                _ => {
                    let Some(end) = place::published(port, None) else {
                        continue;
                    };
                    (end, Start::Program(Node::Host), "host".to_owned())
                }
            };
            let question = Question {
                from,
                to: end.to_string(),
                start,
                destination: end,
                transport: place::above(port),
                before: Vec::new(),
            };
            overview.ports.push(Port {
                host: std::net::SocketAddr::new(port.host_ip, port.host_port).to_string(),
                container: port.container.to_string(),
                story: walk::explain(atlas, &question),
            });
        }
        Ok(overview)
    }
}

fn interfaces(target: &Running, atlas: &mut Atlas<'_>) -> Result<Vec<Interface>, Failure> {
    let wires: Vec<_> = atlas
        .residents
        .iter()
        .filter(|resident| resident.node == target.node)
        .flat_map(|resident| resident.wires.clone())
        .collect();
    let mut found = Vec::new();
    let world = atlas.world(&target.node).map_err(Failure::new)?;
    let addresses = world.addresses.clone();
    for link in world.links.clone() {
        let own = addresses
            .iter()
            .filter(|info| info.index == link.device.index);
        let name = &link.device.name;
        let wire = wires.iter().find(|wire| wire.device == *name);
        let outside = atlas.outside(&target.node, &link);
        let mut interface = Interface {
            name: name.clone(),
            addresses: own
                .map(|info| format!("{}/{}", info.address, info.prefix))
                .collect(),
            mac: link
                .mac
                .filter(|_| !link.device.is_loopback())
                .map(|mac| mac.to_string()),
            mtu: link.mtu,
            host_interface: None,
            bridge: None,
            network: wire.map(|wire| wire.network.clone()),
            isolated: false,
        };
        if let Some(index) = outside {
            let host = atlas.world(&Node::Host).map_err(Failure::new)?;
            if let Some(port) = host.link(index) {
                interface.host_interface = Some(port.device.name.clone());
                interface.bridge = port.master.map(|bridge| host.device(bridge).name);
                interface.isolated = port.isolated;
            }
        }
        found.push(interface);
    }
    Ok(found)
}

fn ways_out(target: &Running, atlas: &mut Atlas<'_>) -> Vec<WayOut> {
    // Addresses for documentation (RFC 5737, RFC 3849): anywhere.
    let anywhere = [
        ("IPv4", IpAddr::from([192, 0, 2, 1])),
        ("IPv6", IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
    ];
    anywhere
        .into_iter()
        .map(|(family, address)| {
            let question = Question {
                from: target.container.record.name.clone(),
                to: format!("anywhere ({address})"),
                start: Start::Program(target.node.clone()),
                destination: End {
                    address,
                    port: Some(443),
                },
                transport: Transport::Tcp,
                before: Vec::new(),
            };
            WayOut {
                family,
                story: walk::explain(atlas, &question),
            }
        })
        .collect()
}

impl Overview {
    /// To read.
    pub fn text(&self) -> String {
        let mut text = format!("container {}\n\ninterfaces\n", self.container);
        if self.namespace != self.container {
            text = format!(
                "container {}, in the network namespace of {}\n\ninterfaces\n",
                self.container, self.namespace
            );
        }
        for interface in &self.interfaces {
            text.push_str(&format!(
                "  {}  {}  mtu {}",
                interface.name,
                if interface.addresses.is_empty() {
                    "no address".to_owned()
                } else {
                    interface.addresses.join(", ")
                },
                interface.mtu
            ));
            if let Some(mac) = &interface.mac {
                text.push_str(&format!("  {mac}"));
            }
            if let (Some(host), Some(bridge)) = (&interface.host_interface, &interface.bridge) {
                let network = interface.network.as_deref().unwrap_or("");
                text.push_str(&format!(
                    "\n    ═ {host}, a port of {bridge} (network {network})"
                ));
            }
            if interface.isolated {
                text.push_str(", isolated from other containers");
            }
            text.push('\n');
        }
        text.push_str("\nways out\n");
        for way in &self.ways_out {
            text.push_str(&format!("  {}  {}\n", way.family, way.story.line()));
        }
        text.push_str("\npublished ports\n");
        if self.ports.is_empty() {
            text.push_str("  none\n");
        }
        for port in &self.ports {
            text.push_str(&format!(
                "  {} → {}, from {}\n    {}\n",
                port.host,
                port.container,
                port.story.from,
                port.story.line()
            ));
        }
        text.push_str("\nnames\n");
        if self.names.is_empty() {
            text.push_str("  none that a resolver answers\n");
        }
        for names in &self.names {
            text.push_str(&format!(
                "  on {}: {}\n",
                names.network,
                names.names.join(", ")
            ));
        }
        text
    }
}
