//! Destinations as typed, and where the outside is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use rbox_netsetup::explain::atlas::Atlas;
use rbox_netsetup::explain::packet::{End, Transport};
use rbox_netsetup::explain::walk::Start;
use rbox_netsetup::explain::world::{Link, Node, World, question};
use rbox_netsetup::kernel::netlink::AddressInfo;
use rbox_netsetup::model::port::{Protocol, PublishedPort};

use super::{Running, transport_of};
use crate::engine::failure::Failure;

/// `DEST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Address or name; the container itself without it.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("");
        match (self.port, host.parse::<IpAddr>()) {
            (None, _) => f.write_str(host),
            (Some(port), Ok(address)) => SocketAddr::new(address, port).fmt(f),
            (Some(port), Err(_)) => write!(f, "{host}:{port}"),
        }
    }
}

impl std::str::FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Destination, String> {
        let port = |text: &str| match text.parse::<u16>() {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(format!("invalid port {text:?}")),
        };
        let host = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if text.is_empty() {
            return Err("empty destination".to_owned());
        }
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Destination {
                host: host(text),
                port: None,
            });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, behind) = rest
                .split_once(']')
                .ok_or_else(|| format!("invalid destination {text:?}: ] is missing"))?;
            if !address.parse::<IpAddr>().is_ok_and(|a| a.is_ipv6()) {
                return Err(format!("invalid IPv6 address {address:?}"));
            }
            return Ok(Destination {
                host: host(address),
                port: match behind.strip_prefix(':') {
                    Some(text) => Some(port(text)?),
                    None if behind.is_empty() => None,
                    None => return Err(format!("invalid destination {text:?}")),
                },
            });
        }
        if text.contains('/') {
            return Err(format!(
                "invalid destination {text:?}: an address, a name, or either with :PORT"
            ));
        }
        match text.rsplit_once(':') {
            None => Ok(Destination {
                host: host(text),
                port: None,
            }),
            Some((name, _)) if name.contains(':') => Err(format!(
                "invalid destination {text:?}: write [ADDRESS]:PORT"
            )),
            Some((name, number)) => Ok(Destination {
                host: host(name),
                port: Some(port(number)?),
            }),
        }
    }
}

/// An interface to other hosts, with an address of ours and one of theirs a family.
pub(super) struct Outside {
    device: u32,
    name: String,
    v4: Option<(IpAddr, IpAddr)>,
    v6: Option<(IpAddr, IpAddr)>,
}

impl Outside {
    /// Where a packet of that family begins, who sends it, and which address of ours is near.
    pub(super) fn start(&self, ipv6: bool) -> Result<(Start, String, IpAddr), Failure> {
        let family = if ipv6 { "IPv6" } else { "IPv4" };
        let (own, source) = if ipv6 { self.v6 } else { self.v4 }.ok_or_else(|| {
            Failure::new(format!("interface {} has no {family} address", self.name))
        })?;
        let device = self.device;
        Ok((
            Start::Wire { device, source },
            format!("outside ({source}, by {})", self.name),
            own,
        ))
    }
}

/// The interface to the outside: the given one, else that of the default route, else the first
/// with an address that is nobody's here.
pub(super) fn outside(atlas: &mut Atlas<'_>, name: Option<&str>) -> Result<Outside, Failure> {
    let ours: Vec<String> = atlas
        .residents
        .iter()
        .flat_map(|resident| &resident.wires)
        .map(|wire| wire.host_device.clone())
        .chain(atlas.bridges.iter().map(|bridge| bridge.device.clone()))
        .collect();
    let host = atlas.world(&Node::Host).map_err(Failure::new)?;
    if let Some(name) = name {
        let link = host
            .link_named(name)
            .cloned()
            .ok_or_else(|| Failure::new(format!("the host has no interface {name}")))?;
        return Ok(beyond(host, &link));
    }
    // An address for documentation (RFC 5737): anywhere.
    let anywhere = question(IpAddr::from([192, 0, 2, 1]));
    let default = host.routes.look_up(&anywhere).ok();
    let default = default.and_then(|way| host.link(way.device).cloned());
    let leads_out = |link: &&Link| {
        link.up
            && link.master.is_none()
            && !link.device.is_loopback()
            && !ours.contains(&link.device.name)
            && host
                .addresses
                .iter()
                .any(|info| info.index == link.device.index && is_global(info.address))
    };
    let link = default
        .filter(|link| !link.device.is_loopback())
        .or_else(|| host.links.iter().find(leads_out).cloned())
        .ok_or_else(|| {
            Failure::new("the host has no interface to the outside")
                .hint("name one: --from outside:IFACE")
        })?;
    Ok(beyond(host, &link))
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

fn beyond(host: &mut World, link: &Link) -> Outside {
    let mut pair = |ipv6: bool| {
        let info = *host.addresses.iter().find(|info| {
            info.index == link.device.index
                && info.address.is_ipv6() == ipv6
                && is_global(info.address)
        })?;
        let anywhere = question(if ipv6 {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
        } else {
            IpAddr::from([192, 0, 2, 1])
        });
        let router = host.routes.look_up(&anywhere).ok();
        let router = router
            .filter(|way| way.device == link.device.index)
            .and_then(|way| way.gateway)
            .filter(|gateway| is_global(*gateway));
        Some((info.address, router.or_else(|| neighbour(&info))?))
    };
    Outside {
        device: link.device.index,
        name: link.device.name.clone(),
        v4: pair(false),
        v6: pair(true),
    }
}

/// The first address on an interface's subnet that is not ours.
fn neighbour(info: &AddressInfo) -> Option<IpAddr> {
    let net = IpNet::new(info.address, info.prefix).ok()?.trunc();
    let first = match net {
        IpNet::V4(net) => IpAddr::V4((u32::from(net.network()) + 1).into()),
        IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) + 1).into()),
    };
    let second = match first {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) + 1).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) + 1).into()),
    };
    [first, second]
        .into_iter()
        .find(|address| *address != info.address && net.contains(address))
}

pub(super) type Ends = Vec<(End, Transport, String)>;

/// What a sender who is in no container can ask for: what was typed, or else each published port
/// by the address of the host that is `near` (IPv4, IPv6), or else the container's addresses.
pub(super) fn ends(
    target: &Running,
    destination: Option<&Destination>,
    transport: Option<Transport>,
    near: Option<[Option<IpAddr>; 2]>,
    atlas: &mut Atlas<'_>,
) -> Result<Ends, Failure> {
    if let Some(destination) = destination {
        let transport = transport_of(destination, transport)?;
        let address = match destination.host.as_deref() {
            None => own_address(target, atlas)?,
            Some("host") => near
                .and_then(|near| near.into_iter().flatten().next())
                .unwrap_or(IpAddr::from([127, 0, 0, 1])),
            Some(text) => match text.parse() {
                Ok(address) => address,
                Err(_) => by_name(text, atlas)?,
            },
        };
        let end = End {
            address,
            port: destination.port,
        };
        return Ok(vec![(end, transport, destination.to_string())]);
    }
    let mut found = Vec::new();
    let ports = target
        .container
        .run
        .iter()
        .flat_map(|run| &run.sandbox.ports);
    for port in ports {
        if let Some(end) = published(port, near) {
            found.push((end, above(port), format!("{end} (published)")));
        }
    }
    let end = End {
        address: own_address(target, atlas)?,
        port: None,
    };
    found.push((end, Transport::Icmp, target.container.record.name.clone()));
    Ok(found)
}

/// What is above IP at a published port.
pub(super) fn above(port: &PublishedPort) -> Transport {
    match port.container.protocol {
        Protocol::Tcp => Transport::Tcp,
        Protocol::Udp => Transport::Udp,
    }
}

/// Where a published port is asked for: from outside by a near address, from the host by
/// loopback. `None` where it cannot be.
pub(super) fn published(port: &PublishedPort, near: Option<[Option<IpAddr>; 2]>) -> Option<End> {
    let address = match (port.host_ip, near) {
        (ip, Some(_)) if ip.is_loopback() => return None,
        (ip, _) if !ip.is_unspecified() => ip,
        (IpAddr::V4(_), None) => IpAddr::from([127, 0, 0, 1]),
        (IpAddr::V6(_), None) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        (IpAddr::V4(_), Some([v4, _])) => v4?,
        (IpAddr::V6(_), Some([_, v6])) => v6?,
    };
    Some(End {
        address,
        port: Some(port.host_port),
    })
}

fn own_address(target: &Running, atlas: &mut Atlas<'_>) -> Result<IpAddr, Failure> {
    let name = &target.container.record.name;
    let wires = atlas
        .residents
        .iter()
        .filter(|resident| resident.node == target.node)
        .flat_map(|resident| &resident.wires);
    let mut addresses = wires.flat_map(|wire| &wire.addresses);
    if target.node == Node::Host {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    addresses.next().copied().ok_or_else(|| {
        Failure::new(format!(
            "container {name} is on no network: nothing reaches it"
        ))
        .hint(format!("`rbox network connect NETWORK {name}`"))
    })
}

/// The address of a container, by its name.
pub(super) fn by_name(name: &str, atlas: &Atlas<'_>) -> Result<IpAddr, Failure> {
    let resident = atlas.residents.iter().find(|r| r.name == name);
    resident
        .and_then(|resident| {
            resident
                .wires
                .iter()
                .flat_map(|wire| &wire.addresses)
                .next()
        })
        .copied()
        .ok_or_else(|| {
            Failure::new(format!("nobody here is called {name}"))
                .hint("give an address; names outside are not looked up, for no packet is sent")
        })
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn destinations_are_addresses_or_names_with_ports_or_without() {
        for (text, host, port) in [
            ("10.0.0.1", Some("10.0.0.1"), None),
            ("10.0.0.1:80", Some("10.0.0.1"), Some(80)),
            ("web", Some("web"), None),
            ("web:8080", Some("web"), Some(8080)),
            (":80", None, Some(80)),
            ("fd00::1", Some("fd00::1"), None),
            ("[fd00::1]:80", Some("fd00::1"), Some(80)),
            ("[fd00::1]", Some("fd00::1"), None),
        ] {
            let found: Destination = text.parse().unwrap();
            assert_eq!((found.host.as_deref(), found.port), (host, port), "{text}");
        }
        let shown: Destination = "[fd00::1]:80".parse().unwrap();
        assert_eq!(shown.to_string(), "[fd00::1]:80");
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "web:",
            "web:0",
            "web:99999",
            "[fd00::1",
            "[web]:80",
            "[::1]80",
            "http://web/",
            "a:b:c",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }
}
