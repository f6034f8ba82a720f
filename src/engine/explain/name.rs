//! Names as a program in the container would get them: its /etc/hosts, then the embedded resolver
//! (links, names, names with the network behind them; networks in the order of their names).

use std::net::IpAddr;

use rbox_netsetup::explain::atlas::Atlas;
use rbox_netsetup::explain::story::{Hop, Kind};
use rbox_netsetup::explain::world::{Node, question};
use rbox_netsetup::files::zone;
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::network::{Driver, Network};

use super::{Running, place};
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::NetworkMode;

/// Where a name leads, and how that was found.
pub(super) struct Found {
    pub address: IpAddr,
    pub hops: Vec<Hop>,
}

impl Engine {
    /// The address of a destination, as the sender gets it.
    pub(super) fn address_of(
        &self,
        sender: &Running,
        host: Option<&str>,
        atlas: &mut Atlas<'_>,
    ) -> Result<Found, Failure> {
        let record = &sender.container.record;
        let name = match host {
            None => record.name.as_str(),
            Some(text) => match text.parse() {
                Ok(address) => {
                    return Ok(Found {
                        address,
                        hops: Vec::new(),
                    });
                }
                Err(_) => text,
            },
        };
        if name == "host" {
            let address = host_address(sender, atlas)?;
            return Ok(told(
                sender,
                address,
                format!("the host is {address} there"),
            ));
        }
        if host.is_none() {
            return Ok(Found {
                address: place::by_name(name, atlas)?,
                hops: Vec::new(),
            });
        }
        let owner = self.names_of(record)?;
        let path = self.dirs.container(&owner.id).join("hosts");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(address) = in_zone(&text, name) {
            let text = format!("{name} is {address} in /etc/hosts of {}", owner.name);
            return Ok(told(sender, address, text));
        }
        let networks = self.resolved_networks(&owner)?;
        if let Some((address, how)) = self.resolve(&networks, name) {
            let text = format!("{name} is {address} by the resolver: {how}");
            return Ok(told(sender, address, text));
        }
        let address = place::by_name(name, atlas)?;
        let why = if networks.is_empty() {
            format!("{} has no resolver that knows containers", record.name)
        } else {
            let names: Vec<&str> = networks.iter().map(|(n, _)| n.name.as_str()).collect();
            format!("{} asks on {}", record.name, names.join(", "))
        };
        let text = format!(
            "{name} is not known here, {why}; the container of that name has {address}, and the \
             way there is"
        );
        Ok(told(sender, address, text))
    }

    /// The record whose files and names a container uses.
    fn names_of(&self, record: &Record) -> Result<Record, Failure> {
        match &record.host.network_mode {
            NetworkMode::Container(id) => {
                let dir = self.dirs.container(id);
                crate::engine::containers::read_record(&dir)?
                    .ok_or_else(|| Failure::no_such_container(id))
            }
            _ => Ok(record.clone()),
        }
    }

    /// The networks that its resolver answers for.
    fn resolved_networks(
        &self,
        record: &Record,
    ) -> Result<Vec<(Network, EndpointConfig)>, Failure> {
        if record.host.dns_none {
            return Ok(Vec::new());
        }
        let mut networks = Vec::new();
        for config in &record.networks {
            let Ok(network) = self.network(&config.network) else {
                continue;
            };
            if network.driver == Driver::Bridge && !network.is_default_bridge() {
                networks.push((network, config.clone()));
            }
        }
        networks.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(networks)
    }

    fn resolve(
        &self,
        networks: &[(Network, EndpointConfig)],
        name: &str,
    ) -> Option<(IpAddr, String)> {
        let zone = |network: &Network| {
            let path = self.networks.run_dir(network).join("hosts");
            std::fs::read_to_string(path).unwrap_or_default()
        };
        let link = |name: &str, network: &Network, config: &EndpointConfig| {
            let (target, _) = config
                .links
                .iter()
                .find(|(_, alias)| alias.eq_ignore_ascii_case(name))?;
            in_zone(&zone(network), target)
        };
        let links = networks.iter().find_map(|(network, config)| {
            let address = link(name, network, config)?;
            Some((address, format!("a link on network {}", network.name)))
        });
        let plain = || {
            networks.iter().find_map(|(network, _)| {
                let address = in_zone(&zone(network), name)?;
                Some((address, format!("network {}", network.name)))
            })
        };
        let suffixed = || {
            networks.iter().find_map(|(network, config)| {
                let (short, suffix) = name.rsplit_once('.')?;
                if !suffix.eq_ignore_ascii_case(&network.name) {
                    return None;
                }
                let address =
                    link(short, network, config).or_else(|| in_zone(&zone(network), short))?;
                Some((address, format!("network {}", network.name)))
            })
        };
        links.or_else(plain).or_else(suffixed)
    }
}

fn told(sender: &Running, address: IpAddr, text: String) -> Found {
    let hop = Hop {
        node: sender.node.to_string(),
        kind: Kind::Name,
        text: format!("name: {text}"),
        incoming: None,
        outgoing: None,
        source: String::new(),
        destination: address.to_string(),
        rules: Vec::new(),
    };
    Found {
        address,
        hops: vec![hop],
    }
}

/// The address of a name in a file of hosts: IPv4 before IPv6, as programs prefer what is sure to
/// have a way.
fn in_zone(text: &str, name: &str) -> Option<IpAddr> {
    let known = || {
        zone::lines(text)
            .filter(|(_, names)| names.clone().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|(address, _)| address)
    };
    known().find(IpAddr::is_ipv4).or_else(|| known().next())
}

/// The host as a container reaches it: its gateway, or the address of a network's bridge.
fn host_address(sender: &Running, atlas: &mut Atlas<'_>) -> Result<IpAddr, Failure> {
    if sender.node == Node::Host {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let world = atlas.world(&sender.node).map_err(Failure::new)?;
    for anywhere in [
        IpAddr::from([192, 0, 2, 1]),
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
    ] {
        let way = world.routes.look_up(&question(anywhere)).ok();
        if let Some(gateway) = way.and_then(|way| way.gateway) {
            return Ok(gateway);
        }
    }
    // Internal networks have no default route, but the host is on them.
    let networks: Vec<String> = atlas
        .residents
        .iter()
        .filter(|resident| resident.node == sender.node)
        .flat_map(|resident| resident.wires.iter().map(|wire| wire.network.clone()))
        .collect();
    let bridges: Vec<String> = atlas
        .bridges
        .iter()
        .filter(|bridge| networks.contains(&bridge.network))
        .map(|bridge| bridge.device.clone())
        .collect();
    let host = atlas.world(&Node::Host).map_err(Failure::new)?;
    bridges
        .iter()
        .filter_map(|device| host.link_named(device).map(|link| link.device.index))
        .find_map(|index| {
            let own = host.addresses.iter().filter(|info| info.index == index);
            own.map(|info| info.address).next()
        })
        .ok_or_else(|| {
            Failure::new(format!(
                "container {} is on no network: it does not reach the host",
                sender.container.record.name
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_ipv4_first() {
        let zone = "fd00::2\tweb\n10.0.0.2\tWEB alias\n";
        assert_eq!(in_zone(zone, "web").unwrap().to_string(), "10.0.0.2");
        assert_eq!(in_zone(zone, "Alias").unwrap().to_string(), "10.0.0.2");
        assert_eq!(in_zone(zone, "other"), None);
    }
}
