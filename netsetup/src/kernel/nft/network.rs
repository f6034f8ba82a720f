//! A network's elements: its bridge, its subnets, what it allows.
//!
//! The element of `bridges` says in its comment what the others must be; all are written in one
//! transaction, so a start needs to look at that one only. The others carry the bridge's name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::element::Element;
use super::expr::Family;
use super::set::{self, NETWORK_SETS, Set};
use super::transaction::Transaction;
use super::wire::{NFPROTO_INET, comment_text};
use super::{Nft, NftError};
use crate::kernel::netlink::{EXCL, NetlinkError};
use crate::model::network_options::GatewayMode;
use crate::plan::step::BridgeStep;

/// A network that the table knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkEntry {
    /// Name of its bridge.
    pub bridge: String,
    /// What holds for it, in words: `172.18.0.0/16 masquerade icc`.
    pub settings: String,
}

impl Nft {
    /// Makes the table know a network as it is described, whatever it knew of that bridge
    /// before; true when that was news. One round trip when nothing changes.
    ///
    /// # Errors
    /// The table is missing, a subnet overlaps that of another bridge, the kernel refuses.
    pub fn network_add(&mut self, bridge: &BridgeStep) -> Result<bool, NftError> {
        let wanted = elements(bridge);
        let label = format!("add network of bridge {} to the firewall", bridge.name);
        let present = self.find(Set::Bridges, &[set::interface(&bridge.name).to_vec()])?;
        if let Some(element) = present.first() {
            if element.owner == comment_text(&settings(bridge)) {
                return Ok(false);
            }
        } else {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, None);
            for (set, element) in &wanted {
                transaction.add(*set, std::slice::from_ref(element), EXCL);
            }
            match self.commit(transaction) {
                Err(error) if error.is_exists() => {}
                other => return Ok(other.map(|()| true)?),
            }
        }
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, Some(generation));
            nft.delete_network(&mut transaction, &bridge.name, &wanted)?;
            for (set, element) in &wanted {
                transaction.add(*set, std::slice::from_ref(element), EXCL);
            }
            Ok(transaction)
        })?;
        Ok(true)
    }

    /// Makes the table forget a bridge's network. Harmless when it knows none.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn network_remove(&mut self, bridge: &str) -> Result<(), NftError> {
        let label = format!("remove network of bridge {bridge} from the firewall");
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, Some(generation));
            nft.delete_network(&mut transaction, bridge, &[])?;
            Ok(transaction)
        })
    }

    /// The networks that the table knows; none when there is no table.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn networks(&mut self) -> Result<Vec<NetworkEntry>, NftError> {
        let elements = self.elements(Set::Bridges)?;
        Ok(elements
            .into_iter()
            .map(|element| NetworkEntry {
                bridge: String::from_utf8_lossy(&element.key)
                    .trim_end_matches('\0')
                    .to_owned(),
                settings: element.owner,
            })
            .collect())
    }

    /// Appends the deletion of a bridge's elements, and of foreign ones in the place of those
    /// that are wanted.
    fn delete_network(
        &mut self,
        transaction: &mut Transaction,
        bridge: &str,
        wanted: &[(Set, Element)],
    ) -> Result<(), NetlinkError> {
        let key = set::interface(bridge);
        for set in NETWORK_SETS {
            let mut old = self.elements(set)?;
            old.retain(|element| {
                let own = match set {
                    Set::Bridges => element.key == key,
                    _ => element.owner == bridge,
                };
                own || wanted.iter().any(|(other, new)| {
                    *other == set && new.key == element.key && new.key_end == element.key_end
                })
            });
            transaction.delete(set, &old);
        }
        Ok(())
    }
}

fn settings(bridge: &BridgeStep) -> String {
    let mut words: Vec<String> = bridge.subnets.iter().map(IpNet::to_string).collect();
    let flags = [
        ("internal", bridge.internal),
        ("masquerade", bridge.masquerade && !bridge.internal),
        ("icc", bridge.icc),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(_, on)| *on)
            .map(|(word, _)| (*word).to_owned()),
    );
    for (family, mode) in [("ipv4", bridge.gateway4), ("ipv6", bridge.gateway6)] {
        match mode {
            GatewayMode::Nat | GatewayMode::Isolated => {}
            GatewayMode::NatUnprotected => words.push(format!("{family} unprotected")),
            GatewayMode::Routed => words.push(format!("{family} routed")),
        }
    }
    words.extend(bridge.trusted.iter().map(|name| format!("trusts {name}")));
    words.extend(
        bridge
            .host_addresses
            .iter()
            .map(|address| format!("as {address}")),
    );
    words.join(" ")
}

pub(super) fn elements(bridge: &BridgeStep) -> Vec<(Set, Element)> {
    let interface = set::interface(&bridge.name);
    let simple = |key: Vec<u8>, owner: &str| Element {
        key,
        key_end: None,
        data: None,
        owner: owner.to_owned(),
    };
    let mut all = vec![(Set::Bridges, simple(interface.to_vec(), &settings(bridge)))];
    if bridge.internal {
        all.push((Set::Internal, simple(interface.to_vec(), &bridge.name)));
    }
    if bridge.icc {
        all.push((
            Set::Icc,
            simple([interface, interface].concat(), &bridge.name),
        ));
    } else {
        all.push((Set::Relayed, simple(interface.to_vec(), &bridge.name)));
    }
    for subnet in &bridge.subnets {
        all.extend(elements_of_subnet(bridge, subnet));
    }
    all
}

fn elements_of_subnet(bridge: &BridgeStep, subnet: &IpNet) -> Vec<(Set, Element)> {
    let family = set::family(subnet.addr());
    let mode = match family {
        Family::V4 => bridge.gateway4,
        Family::V6 => bridge.gateway6,
    };
    let own = [
        set::address(subnet.network()),
        set::address(subnet.broadcast()),
    ];
    let everywhere = everything(family).map(set::address);
    let interval = |parts: &[[Vec<u8>; 2]]| {
        let end = |index: usize| parts.iter().flat_map(|part| part[index].clone()).collect();
        Element {
            key: end(0),
            key_end: Some(end(1)),
            data: None,
            owner: bridge.name.clone(),
        }
    };
    let through = |name: &str| [set::interface(name).to_vec(), set::interface(name).to_vec()];
    let bridge_itself = through(&bridge.name);
    let mut all = vec![(
        Set::Own(family),
        interval(&[own.clone(), bridge_itself.clone()]),
    )];

    let leaves_translated = bridge.masquerade && mode.translates() && !bridge.internal;
    if leaves_translated {
        let mut element = interval(&[own.clone(), everywhere.clone()]);
        let same = |address: &&IpAddr| set::family(**address) == family;
        match bridge.host_addresses.iter().find(same) {
            Some(address) => {
                element.data = Some(set::address(*address));
                all.push((Set::Snat(family), element));
            }
            None => all.push((Set::Masquerade(family), element)),
        }
    }
    // Answers to what left with its own address come back to it: those cannot be told from
    // others before connections are tracked, and are left to the forward chain.
    if bridge.internal || leaves_translated && mode == GatewayMode::Nat {
        all.push((Set::Closed(family), interval(&[everywhere, own.clone()])));
    }
    for name in &bridge.trusted {
        all.push((
            Set::Trusted(family),
            interval(&[own.clone(), through(name)]),
        ));
    }
    let any_port = [set::port(0).to_vec(), set::port(u16::MAX).to_vec()];
    let protocols = match mode {
        GatewayMode::Nat | GatewayMode::Isolated => return all,
        GatewayMode::Routed => [icmp(family); 2],
        GatewayMode::NatUnprotected => [0, u8::MAX],
    };
    let protocols = protocols.map(|number| set::protocol(number).to_vec());
    let open = interval(&[own, bridge_itself, protocols, any_port]);
    all.push((Set::Reachable(family), open));
    all
}

/// IANA number of the family's control messages.
fn icmp(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 58,
    }
}

/// The first and the last address of a family.
pub(super) fn everything(family: Family) -> [IpAddr; 2] {
    match family {
        Family::V4 => [Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::BROADCAST.into()],
        Family::V6 => [
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::from([0xff; 16]).into(),
        ],
    }
}
