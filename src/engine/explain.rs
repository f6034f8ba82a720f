//! `network explain`: which packet is asked for, the namespaces it may come through, the walk.
//!
//! ```text
//! container, destination, from ──▶ address (by name: explain/name) and start
//!   state on disk ──▶ who runs, where ──▶ atlas ──▶ netsetup::explain::walk ──▶ story
//! ```

mod name;
mod overview;
mod place;

use std::net::IpAddr;

use rbox_netsetup::explain::atlas::{Atlas, KnownBridge, Resident, Wire};
use rbox_netsetup::explain::packet::{End, Transport};
use rbox_netsetup::explain::story::Story;
use rbox_netsetup::explain::walk::{self, Question, Start};
use rbox_netsetup::explain::world::{Node, World};
use rbox_netsetup::kernel::{look, netns};
use rbox_netsetup::plan;

use super::record::{Container, Record};
use super::request::NetworkMode;
use super::{Engine, Failure, containers, names};

pub use overview::Overview;
pub use place::Destination;
use place::Ends;

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The container.
    pub container: String,
    /// To where; the container itself, or an overview, without it.
    pub destination: Option<Destination>,
    /// What is above IP; by the port without it.
    pub transport: Option<Transport>,
    /// Who sends; the container without it.
    pub from: Option<From>,
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Another host, by this interface of ours or the one with the default route.
    Outside(Option<String>),
    /// A program on this host.
    Host,
    /// A program in another container.
    Container(String),
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Explained {
    /// One way, or one for each published port.
    Ways(Vec<Story>),
    /// All about a container.
    Overview(Box<Overview>),
}

/// A running container and its namespace.
struct Running {
    container: Container,
    node: Node,
}

impl Engine {
    /// Explains the way of a packet. None is sent, and nothing is changed.
    pub fn explain(&self, asked: &Asked) -> Result<Explained, Failure> {
        let target = self.running(&asked.container)?;
        let mut atlas = self.atlas()?;
        match (&asked.from, &asked.destination) {
            (None, None) => {
                let overview = self.overview(&target, &mut atlas)?;
                Ok(Explained::Overview(Box::new(overview)))
            }
            (None, Some(destination)) => {
                let question = self.question(&target, destination, asked.transport, &mut atlas)?;
                Ok(Explained::Ways(vec![walk::explain(&mut atlas, &question)]))
            }
            (Some(From::Container(name)), destination) => {
                let sender = self.running(name)?;
                let itself = Destination {
                    host: Some(target.container.record.name.clone()),
                    port: None,
                };
                let mut destination = destination.clone().unwrap_or_else(|| itself.clone());
                destination.host = destination.host.or(itself.host);
                let question = self.question(&sender, &destination, asked.transport, &mut atlas)?;
                Ok(Explained::Ways(vec![walk::explain(&mut atlas, &question)]))
            }
            (Some(From::Host), destination) => {
                let start = || Ok((Start::Program(Node::Host), "host".to_owned()));
                self.towards(&target, destination.as_ref(), asked.transport, atlas, start)
            }
            (Some(From::Outside(device)), destination) => {
                let device = device.clone();
                let outside = place::outside(&mut atlas, device.as_deref())?;
                let start = |ipv6: bool| outside.start(ipv6);
                self.inwards(&target, destination.as_ref(), asked.transport, atlas, start)
            }
        }
    }

    fn running(&self, reference: &str) -> Result<Running, Failure> {
        let container = containers::find(&self.dirs, reference)?;
        if container.running().is_err() {
            let name = &container.record.name;
            return Err(Failure::new(format!(
                "container {name} is not running: it has no network"
            ))
            .hint(format!("start it with `rbox start {name}`")));
        }
        let node = self.node(&container.record)?;
        Ok(Running { container, node })
    }

    /// Whose namespace a container is in.
    fn node(&self, record: &Record) -> Result<Node, Failure> {
        match &record.host.network_mode {
            NetworkMode::Host => Ok(Node::Host),
            NetworkMode::Container(id) => {
                let other = containers::read_record(&self.dirs.container(id))?
                    .ok_or_else(|| Failure::no_such_container(id))?;
                self.node(&other)
            }
            _ => Ok(Node::Container(record.name.clone())),
        }
    }

    /// Who runs, and how their namespaces are read.
    fn atlas(&self) -> Result<Atlas<'_>, Failure> {
        let mut residents = Vec::new();
        let mut pids = Vec::new();
        for id in names::ids(&self.dirs.run_containers())? {
            let (Some(run), Some(record)) = (
                containers::run_state(&self.dirs, &id),
                containers::read_record(&self.dirs.container(&id))?,
            ) else {
                continue;
            };
            if !containers::is_alive(&self.dirs, &id) {
                continue;
            }
            let wires = run.sandbox.endpoints.iter().map(|endpoint| Wire {
                network: endpoint.network.clone(),
                host_device: endpoint.host_ifname.clone(),
                device: endpoint.ifname.clone(),
                addresses: plan::endpoint::addresses(endpoint)
                    .into_iter()
                    .map(|(address, _)| address)
                    .collect(),
            });
            let node = self.node(&record)?;
            // Host and none have no addresses; a macvlan has no end on the host.
            let wires = wires.filter(|wire| !wire.addresses.is_empty()).collect();
            if node == Node::Container(record.name.clone()) {
                pids.push((node.clone(), run.pid));
            }
            residents.push(Resident {
                name: record.name,
                node,
                wires,
                ports: run.sandbox.ports,
            });
        }
        let networks = self
            .networks
            .list()
            .map_err(|error| Failure::new(error.to_string()))?;
        let bridges = networks
            .iter()
            .filter_map(|network| {
                Some(KnownBridge {
                    device: plan::bridge(network)?.name,
                    network: network.name.clone(),
                    internal: network.internal,
                })
            })
            .collect();
        let load = move |node: &Node| read(node, &pids);
        Ok(Atlas::new(Box::new(load), residents, bridges))
    }

    /// A program in a container asks for a destination.
    fn question(
        &self,
        sender: &Running,
        destination: &Destination,
        transport: Option<Transport>,
        atlas: &mut Atlas<'_>,
    ) -> Result<Question, Failure> {
        let transport = transport_of(destination, transport)?;
        let found = self.address_of(sender, destination.host.as_deref(), atlas)?;
        Ok(Question {
            from: sender.container.record.name.clone(),
            to: destination.to_string(),
            start: Start::Program(sender.node.clone()),
            destination: End {
                address: found.address,
                port: destination.port,
            },
            transport,
            before: found.hops,
        })
    }

    /// From the host to a container's published ports, its address, or elsewhere.
    fn towards(
        &self,
        target: &Running,
        destination: Option<&Destination>,
        transport: Option<Transport>,
        mut atlas: Atlas<'_>,
        start: impl Fn() -> Result<(Start, String), Failure>,
    ) -> Result<Explained, Failure> {
        let ends = place::ends(target, destination, transport, None, &mut atlas)?;
        ways(ends, &mut atlas, |_| start())
    }

    /// The same from another host.
    fn inwards(
        &self,
        target: &Running,
        destination: Option<&Destination>,
        transport: Option<Transport>,
        mut atlas: Atlas<'_>,
        start: impl Fn(bool) -> Result<(Start, String, IpAddr), Failure>,
    ) -> Result<Explained, Failure> {
        let own = |ipv6: bool| start(ipv6).ok().map(|(_, _, own)| own);
        let addresses = [own(false), own(true)];
        let ends = place::ends(target, destination, transport, Some(addresses), &mut atlas)?;
        ways(ends, &mut atlas, |ipv6| {
            let (start, from, _) = start(ipv6)?;
            Ok((start, from))
        })
    }
}

/// The ways to all ends; `start` says where those of a family (IPv6 if true) begin.
fn ways(
    ends: Ends,
    atlas: &mut Atlas<'_>,
    start: impl Fn(bool) -> Result<(Start, String), Failure>,
) -> Result<Explained, Failure> {
    let mut stories = Vec::new();
    for (end, transport, to) in ends {
        let (start, from) = start(end.address.is_ipv6())?;
        stories.push(walk::explain(
            atlas,
            &Question {
                from,
                to,
                start,
                destination: end,
                transport,
                before: Vec::new(),
            },
        ));
    }
    Ok(Explained::Ways(stories))
}

/// TCP where there is a port, an echo request where there is none.
fn transport_of(destination: &Destination, asked: Option<Transport>) -> Result<Transport, Failure> {
    match (asked, destination.port) {
        (None, None) => Ok(Transport::Icmp),
        (None, Some(_)) => Ok(Transport::Tcp),
        (Some(Transport::Icmp), Some(port)) => {
            Err(Failure::new(format!("icmp has no ports: {port}"))
                .hint("leave the port out, or take --proto tcp or udp"))
        }
        (Some(transport), None) if transport.has_ports() => {
            Err(Failure::new(format!("{transport} needs a port")).hint("give it as DEST:PORT"))
        }
        (Some(transport), _) => Ok(transport),
    }
}

fn read(node: &Node, pids: &[(Node, i32)]) -> Result<World, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    if *node == Node::Host {
        return look::world(node, None).map_err(|error| words(&error));
    }
    let pid = pids
        .iter()
        .find(|(known, _)| known == node)
        .map(|(_, pid)| *pid)
        .ok_or_else(|| format!("container {node} is not running"))?;
    let namespace = netns::open_pid(pid).map_err(|error| words(&error))?;
    use std::os::fd::AsFd;
    look::world(node, Some(namespace.as_fd())).map_err(|error| words(&error))
}
