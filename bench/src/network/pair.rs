//! Two machines on one bridge: an engine's containers, or namespaces wired by hand.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use anyhow::Result;

use super::Namespace;
use super::containers::Containers;
use super::host::Host;

/// On the bridge made by hand.
const HAND: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 19, 0, 2), Ipv4Addr::new(198, 19, 0, 3)];

/// As in tables.
pub const BY_HAND: &str = "by hand";

/// One that asks and one that answers. Dropped, nothing of it is left.
pub struct Pair {
    /// As in tables.
    pub name: &'static str,
    /// Where clients run.
    pub client: Namespace,
    /// Where servers do.
    pub server: Namespace,
    /// Of the server.
    pub address: IpAddr,
    bridge: Bridge,
}

enum Bridge {
    Hand(Namespace),
    Engine(Containers),
}

impl Pair {
    /// Two veth pairs into a bridge, on a host without any firewall.
    pub fn by_hand() -> Result<Pair> {
        let host = Namespace::new()?;
        let (client, server) = (Namespace::new()?, Namespace::new()?);
        host.bridge("hand0")?;
        for (machine, address) in [&client, &server].into_iter().zip(HAND) {
            host.attach("hand0", machine, address)?;
        }
        Ok(Pair {
            name: BY_HAND,
            client,
            server,
            address: HAND[1].into(),
            bridge: Bridge::Hand(host),
        })
    }

    /// Two containers on a network of their own.
    pub fn of(host: Host) -> Result<Pair> {
        let name = host.name;
        let containers = Containers::on_a_network(Rc::new(host), "bench-pair")?;
        let client = containers.run("bench-pair-client", &[])?;
        let server = containers.run("bench-pair-server", &[])?;
        Ok(Pair {
            name,
            address: server.address()?.into(),
            client,
            server,
            bridge: Bridge::Engine(containers),
        })
    }

    /// Whether frames that it exchanges pass the host's firewall. False where they cannot.
    pub fn filter(&self, filter: bool) -> Result<bool> {
        match &self.bridge {
            Bridge::Hand(host) => host.filter_bridged(filter),
            Bridge::Engine(containers) => containers.host.namespace.filter_bridged(filter),
        }
    }
}
