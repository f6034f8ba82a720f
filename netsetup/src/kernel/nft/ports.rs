//! Published ports: elements of the four DNAT maps, each with its owner.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;

use super::element::Element;
use super::expr::Family;
use super::set::{self, Set};
use super::transaction::Transaction;
use super::wire::{NFPROTO_INET, comment_text};
use super::{Nft, NftError};
use crate::kernel::netlink::EXCL;
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
        owner: &str,
    ) -> Result<(), NftError> {
        let wanted: Vec<(Set, Element)> = ports
            .iter()
            .filter(|port| port.host_ip.is_ipv4() == to.is_ipv4())
            .filter_map(|port| Some((map_of(port)?, element(port, to, owner))))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let label = format!("publish ports of {owner}");
        let mut transaction = Transaction::new(&label, NFPROTO_INET, None);
        for (map, elements) in by_map(&wanted) {
            transaction.add(map, &elements, EXCL);
        }
        match self.commit(transaction) {
            Err(error) if matches!(error.errno(), Some(Errno::EXIST | Errno::BUSY)) => {}
            other => return Ok(other?),
        }
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, Some(generation));
            for (map, elements) in by_map(&wanted) {
                let old = nft.find(map, &keys(&elements))?;
                transaction.delete(map, &old);
                transaction.add(map, &elements, EXCL);
            }
            Ok(transaction)
        })
    }

    /// Takes an owner's published ports back. Those that are gone, or have another owner by
    /// now, are left alone.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ports_remove(&mut self, ports: &[PublishedPort], owner: &str) -> Result<(), NftError> {
        let ours: Vec<(Set, Element)> = ports
            .iter()
            .filter_map(|port| Some((map_of(port)?, element(port, port.host_ip, owner))))
            .collect();
        if ours.is_empty() {
            return Ok(());
        }
        let label = format!("withdraw ports of {owner}");
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, Some(generation));
            for (map, elements) in by_map(&ours) {
                let mut old = nft.find(map, &keys(&elements))?;
                old.retain(|element| element.owner == comment_text(owner));
                transaction.delete(map, &old);
            }
            Ok(transaction)
        })
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

/// The map that a port belongs to; `None` when it never gets DNAT.
fn map_of(port: &PublishedPort) -> Option<Set> {
    if port.host_ip.is_loopback() {
        return None;
    }
    let family = if port.host_ip.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    };
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
    key.extend([set::protocol_number(port.container.protocol), 0, 0, 0]);
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

fn keys(elements: &[Element]) -> Vec<Vec<u8>> {
    elements.iter().map(|element| element.key.clone()).collect()
}

/// Groups by map; a key that was given twice counts once.
fn by_map(all: &[(Set, Element)]) -> impl Iterator<Item = (Set, Vec<Element>)> + '_ {
    MAPS.into_iter().filter_map(|map| {
        let mut elements: Vec<Element> = all
            .iter()
            .filter(|(of, _)| *of == map)
            .map(|(_, e)| e.clone())
            .collect();
        elements.sort_by(|a, b| a.key.cmp(&b.key));
        elements.dedup_by(|a, b| a.key == b.key);
        (!elements.is_empty()).then_some((map, elements))
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
    let family = if host_ip.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    };
    let address = take_address(&mut value, family)?;
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

    #[test]
    fn a_port_given_twice_is_one_element() {
        let one = element(&port("0.0.0.0"), "172.17.0.2".parse().unwrap(), "me");
        let map = Set::PublishedAny(Family::V4);
        let all = [(map, one.clone()), (map, one.clone())];
        assert_eq!(by_map(&all).collect::<Vec<_>>(), [(map, vec![one])]);
    }
}
