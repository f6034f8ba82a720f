//! Published ports: elements of the four DNAT maps, each with its owner.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::element::Element;
use super::expr::Family;
use super::set::{self, Set};
use super::{Nft, NftError};
use crate::model::port::{Protocol, PublishedPort};

const MAPS: [Set; 4] = [
    Set::Published(Family::V4),
    Set::PublishedAny(Family::V4),
    Set::Published(Family::V6),
    Set::PublishedAny(Family::V6),
];

/// One element of the maps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortEntry {
    /// Host address, `0.0.0.0` or `::` for all.
    pub host_ip: IpAddr,
    /// Host port.
    pub host_port: u16,
    /// Its transport.
    pub protocol: Protocol,
    /// Where it leads.
    pub to: SocketAddr,
    /// Id of the container.
    pub owner: String,
}

impl Nft {
    /// Leads published ports to a container, all or none of them. Left out are those that the
    /// relay serves alone: loopback addresses, and addresses of the other family than `to`.
    /// Clients in the subnets `shortcuts` get this host's address there, for the container is
    /// on these networks, too, and would answer them directly.
    ///
    /// Elements already in their place are replaced: who calls this holds the host's socket of
    /// each port, so they are what a dead owner left.
    ///
    /// # Errors
    /// The table is missing, the kernel refuses.
    pub fn ports_add(
        &mut self,
        ports: &[PublishedPort],
        to: IpAddr,
        shortcuts: &[IpNet],
        owner: &str,
    ) -> Result<(), NftError> {
        let wanted = led(ports, to, shortcuts, owner);
        self.put(&format!("publish ports of {owner}"), &wanted)
    }

    /// Whether all that [`Nft::ports_add`] would add is there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ports_present(
        &mut self,
        ports: &[PublishedPort],
        to: IpAddr,
        shortcuts: &[IpNet],
        owner: &str,
    ) -> Result<bool, NftError> {
        self.holds(&led(ports, to, shortcuts, owner))
    }

    /// Takes an owner's published ports back. Those that are gone, or have another owner by
    /// now, are left alone.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ports_remove(
        &mut self,
        ports: &[PublishedPort],
        to: IpAddr,
        shortcuts: &[IpNet],
        owner: &str,
    ) -> Result<(), NftError> {
        let mut ours: Vec<(Set, Element)> = ports
            .iter()
            .filter_map(|port| Some((map_of(port)?, element(port, port.host_ip, owner))))
            .collect();
        ours.extend(ways(shortcuts, to, owner));
        self.take_back(&format!("withdraw ports of {owner}"), &ours, owner)
    }

    /// All published ports that the table knows; none when there is no table.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ports(&mut self) -> Result<Vec<PortEntry>, NftError> {
        let mut all = Vec::new();
        for map in MAPS {
            all.extend(
                self.elements(map)?
                    .into_iter()
                    .filter_map(|e| entry(map, e)),
            );
        }
        Ok(all)
    }
}

/// The elements that lead ports to an address.
pub(super) fn led(
    ports: &[PublishedPort],
    to: IpAddr,
    shortcuts: &[IpNet],
    owner: &str,
) -> Vec<(Set, Element)> {
    let mut wanted: Vec<(Set, Element)> = ports
        .iter()
        .filter(|port| port.host_ip.is_ipv4() == to.is_ipv4())
        .filter_map(|port| Some((map_of(port)?, element(port, to, owner))))
        .collect();
    wanted.extend(ways(shortcuts, to, owner));
    wanted
}

/// The map that a port belongs to; `None` when it never gets DNAT.
fn map_of(port: &PublishedPort) -> Option<Set> {
    if port.host_ip.is_loopback() {
        return None;
    }
    let family = set::family(port.host_ip);
    Some(match port.host_ip.is_unspecified() {
        true => Set::PublishedAny(family),
        false => Set::Published(family),
    })
}

fn element(port: &PublishedPort, to: IpAddr, owner: &str) -> Element {
    let mut key = Vec::new();
    if !port.host_ip.is_unspecified() {
        key.extend(set::address(port.host_ip));
    }
    let number = set::protocol_number(port.container.protocol);
    key.extend(set::protocol(number));
    key.extend(set::port(port.host_port));
    let mut data = set::address(to);
    data.extend(set::port(port.container.port));
    Element {
        key,
        key_end: None,
        data: Some(data),
        owner: owner.to_owned(),
    }
}

/// From where a container's answers would take a shorter way.
fn ways<'a>(
    shortcuts: &'a [IpNet],
    to: IpAddr,
    owner: &'a str,
) -> impl Iterator<Item = (Set, Element)> + 'a {
    let same = move |subnet: &&IpNet| subnet.addr().is_ipv4() == to.is_ipv4();
    shortcuts.iter().filter(same).map(move |subnet| {
        let key = |end| [set::address(end), set::address(to)].concat();
        let element = Element {
            key: key(subnet.network()),
            key_end: Some(key(subnet.broadcast())),
            data: None,
            owner: owner.to_owned(),
        };
        (Set::Shortcut(set::family(to)), element)
    })
}

fn entry(map: Set, element: Element) -> Option<PortEntry> {
    let (mut key, data) = (element.key.as_slice(), element.data?);
    let host_ip = match map {
        Set::PublishedAny(Family::V4) => Ipv4Addr::UNSPECIFIED.into(),
        Set::PublishedAny(Family::V6) => Ipv6Addr::UNSPECIFIED.into(),
        Set::Published(family) => take_address(&mut key, family)?,
        _ => return None,
    };
    let protocol = match key.first()? {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        _ => return None,
    };
    let host_port = u16::from_be_bytes(key.get(4..6)?.try_into().ok()?);
    let mut value = data.as_slice();
    let address = take_address(&mut value, set::family(host_ip))?;
    let port = u16::from_be_bytes(value.get(..2)?.try_into().ok()?);
    let to = SocketAddr::new(address, port);
    Some(PortEntry {
        host_ip,
        host_port,
        protocol,
        to,
        owner: element.owner,
    })
}

fn take_address(bytes: &mut &[u8], family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => {
            let (address, rest) = bytes.split_first_chunk::<4>()?;
            *bytes = rest;
            Some(IpAddr::from(*address))
        }
        Family::V6 => {
            let (address, rest) = bytes.split_first_chunk::<16>()?;
            *bytes = rest;
            Some(IpAddr::from(*address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::port::ContainerPort;

    fn port(host_ip: &str) -> PublishedPort {
        PublishedPort {
            container: ContainerPort {
                port: 80,
                protocol: Protocol::Udp,
            },
            host_ip: host_ip.parse().unwrap(),
            host_port: 8080,
        }
    }

    #[test]
    fn elements_read_back_as_the_port_they_are_of() {
        for (host, to) in [
            ("0.0.0.0", "172.17.0.2"),
            ("198.51.100.2", "172.17.0.2"),
            ("::", "fd00::2"),
            ("2001:db8::1", "fd00::2"),
        ] {
            let port = port(host);
            let map = map_of(&port).unwrap();
            let element = element(&port, to.parse().unwrap(), "me");
            assert!(element.fits(map), "{host}");
            let entry = entry(map, element).unwrap();
            assert_eq!(entry.host_ip, port.host_ip);
            assert_eq!((entry.host_port, entry.protocol), (8080, Protocol::Udp));
            assert_eq!(entry.to, SocketAddr::new(to.parse().unwrap(), 80));
        }
    }

    #[test]
    fn loopback_bindings_have_no_map() {
        assert_eq!(map_of(&port("127.0.0.1")), None);
        assert_eq!(map_of(&port("127.3.2.1")), None);
        assert_eq!(map_of(&port("::1")), None);
    }
}
