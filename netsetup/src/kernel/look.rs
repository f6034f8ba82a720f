//! Reads a network namespace for [`crate::explain`]: links, addresses, rulesets, sockets. Nothing
//! is changed in it.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use super::netlink::{LinkInfo, NetlinkError, Route, RouteAnswer, RouteQuestion};
use super::nft::{Nft, NftError};
use super::{netns, sysctl};
use crate::explain::listeners;
use crate::explain::packet::Transport;
use crate::explain::surroundings::Device;
use crate::explain::world::{Link, Listener, Node, Routes, World};

/// A namespace could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Entering it, or opening sockets in it, failed.
    #[error("look into the network namespace of {node}: {source}")]
    Enter {
        /// Whose it is.
        node: Node,
        /// Why.
        source: io::Error,
    },
    /// Its links or routes could not be read.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// Its ruleset could not be read.
    #[error(transparent)]
    Nft(#[from] NftError),
}

impl Routes for Route {
    fn look_up(&mut self, question: &RouteQuestion) -> Result<RouteAnswer, String> {
        Route::look_up(self, question).map_err(|error| match error {
            NetlinkError::Refused { errno, .. } => {
                let text = io::Error::from(errno).to_string();
                let end = text.find(" (os error").unwrap_or(text.len());
                text[..end].to_owned()
            }
            other => other.to_string(),
        })
    }
}

/// Reads a namespace: the thread's own, or another that is entered for the while.
///
/// # Errors
/// See [`LookError`].
pub fn world(node: &Node, namespace: Option<BorrowedFd<'_>>) -> Result<World, LookError> {
    let failed = |source| LookError::Enter {
        node: node.clone(),
        source,
    };
    let _inside = namespace.map(netns::enter).transpose().map_err(failed)?;
    let mut route = Route::open().map_err(failed)?;
    let ruleset = Nft::open().map_err(failed)?.ruleset()?;
    let ports = route.bridge_ports()?;
    let links = route
        .links()?
        .into_iter()
        .map(|info| {
            let port = ports.iter().find(|port| port.index == info.index);
            link(info, port)
        })
        .collect();
    let on = |key: &str| sysctl::read(key).is_ok_and(|value| value != "0");
    Ok(World {
        node: node.clone(),
        ruleset,
        links,
        addresses: route.addresses()?,
        bridge_filter: (
            on("net.bridge.bridge-nf-call-iptables"),
            on("net.bridge.bridge-nf-call-ip6tables"),
        ),
        forwards_ipv6: on("net.ipv6.conf.all.forwarding"),
        legacy: legacy(),
        listeners: sockets(),
        routes: Box::new(route),
    })
}

fn link(info: LinkInfo, port: Option<&super::netlink::BridgePort>) -> Link {
    const FORWARDING: u8 = 3;
    Link {
        device: Device {
            index: info.index,
            name: info.name,
            kind: info.kind,
        },
        up: info.up,
        master: info.master,
        peer: info.peer,
        mac: info.mac,
        mtu: info.mtu,
        isolated: port.is_some_and(|port| port.isolated),
        hairpin: port.is_some_and(|port| port.hairpin),
        forwards: port.is_none_or(|port| port.state == FORWARDING),
    }
}

/// Tables of the old `iptables`; nf_tables does not know them.
fn legacy() -> Vec<String> {
    let mut tables = Vec::new();
    for path in [
        "/proc/thread-self/net/ip_tables_names",
        "/proc/thread-self/net/ip6_tables_names",
    ] {
        // Without the module there are none.
        let text = fs::read_to_string(path).unwrap_or_default();
        tables.extend(text.lines().map(str::to_owned));
    }
    tables.sort();
    tables.dedup();
    tables
}

fn sockets() -> Option<Vec<Listener>> {
    let mut found = Vec::new();
    for (name, transport) in [
        ("tcp", Transport::Tcp),
        ("tcp6", Transport::Tcp),
        ("udp", Transport::Udp),
        ("udp6", Transport::Udp),
    ] {
        match fs::read_to_string(format!("/proc/thread-self/net/{name}")) {
            Ok(text) => found.extend(listeners::parse(&text, transport)),
            // A kernel without IPv6.
            Err(_) if name.ends_with('6') => {}
            Err(_) => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::apart;

    #[test]
    fn a_namespace_is_read_whole() {
        if !apart("a_namespace_is_read_whole") {
            return;
        }
        let mut route = Route::open().unwrap();
        route.set_up(super::super::netlink::LOOPBACK).unwrap();
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let mut world = world(&Node::Host, None).unwrap();
        assert!(world.link_named("lo").unwrap().up);
        let listens = world.listens(Transport::Tcp, address.ip(), address.port());
        assert_eq!(listens, Some(true));
        assert_eq!(
            world.listens(Transport::Udp, address.ip(), address.port()),
            Some(false)
        );
        let nowhere = crate::explain::world::question("192.0.2.1".parse().unwrap());
        assert_eq!(
            world.routes.look_up(&nowhere).unwrap_err(),
            "Network is unreachable"
        );
    }
}
