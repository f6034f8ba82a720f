//! The sets and maps of the table `inet rbox`: names, types, and how keys are laid out.
//!
//! Interface names and addresses are parts of concatenated keys. Where subnets are keys, the
//! set holds intervals; an interval of every part is written, a single value as from = to.

use std::net::IpAddr;

use super::expr::Family;
use super::transaction::Transaction;
use super::wire::{
    NFT_MSG_NEWSET, NFT_SET_CONCAT, NFT_SET_INTERVAL, NFT_SET_MAP, NFTA_LIST_ELEM,
    NFTA_SET_DATA_LEN, NFTA_SET_DATA_TYPE, NFTA_SET_DESC, NFTA_SET_DESC_CONCAT, NFTA_SET_FIELD_LEN,
    NFTA_SET_FLAGS, NFTA_SET_ID, NFTA_SET_KEY_LEN, NFTA_SET_KEY_TYPE, NFTA_SET_NAME,
    NFTA_SET_TABLE, NFTA_SET_USERDATA,
};
use crate::kernel::netlink::CREATE;
use crate::model::port::Protocol;

/// Bytes of an interface name in a key.
const IFNAME: usize = 16;

/// libnftnl's note that keys are in host order, without which nft prints names as "".
const HOST_ORDER: [u8; 6] = {
    let [a, b, c, d] = 1u32.to_ne_bytes();
    [0, 4, a, b, c, d]
};

/// A part of a key; the number is nft's own, so that it can print elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    V4 = 7,
    V6 = 8,
    Protocol = 12,
    Port = 13,
    Interface = 41,
}

impl Part {
    pub fn bytes(self) -> u32 {
        match self {
            Part::V4 => 4,
            Part::V6 | Part::Interface => 16,
            // Each part begins on a register.
            Part::Protocol | Part::Port => 4,
        }
    }

    /// Length as nft declares it in a concatenation's description.
    fn declared(self) -> u32 {
        match self {
            Part::Protocol => 1,
            Part::Port => 2,
            Part::V4 | Part::V6 | Part::Interface => self.bytes(),
        }
    }
}

/// A set or map of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Set {
    /// Our bridges.
    Bridges,
    /// Bridges of others that lead out of the host, see `ways_in`.
    Uplinks,
    /// Bridges of internal networks.
    Internal,
    /// Bridges whose containers reach published ports by the relay alone.
    Relayed,
    /// Bridge . same bridge, where containers may talk to each other.
    Icc,
    /// Subnet . its own bridge.
    Own(Family),
    /// Everywhere . subnet that nobody outside may address.
    Closed(Family),
    /// Subnet . interface from which it may be addressed all the same.
    Trusted(Family),
    /// Subnet or address . bridge, or trusted interface . protocol . port, open as it is.
    Reachable(Family),
    /// Subnet . address of a container whose answers there take a shorter way.
    Shortcut(Family),
    /// Subnet . everywhere, where the source is rewritten.
    Masquerade(Family),
    /// Subnet . everywhere : address that the source is rewritten to.
    Snat(Family),
    /// Host address . protocol . port : container address . port.
    Published(Family),
    /// Protocol . port : container address . port, on every host address.
    PublishedAny(Family),
}

/// All of them, in the order they are made.
pub(super) const SETS: [Set; 23] = [
    Set::Bridges,
    Set::Uplinks,
    Set::Internal,
    Set::Relayed,
    Set::Icc,
    Set::Own(Family::V4),
    Set::Own(Family::V6),
    Set::Closed(Family::V4),
    Set::Closed(Family::V6),
    Set::Trusted(Family::V4),
    Set::Trusted(Family::V6),
    Set::Reachable(Family::V4),
    Set::Reachable(Family::V6),
    Set::Shortcut(Family::V4),
    Set::Shortcut(Family::V6),
    Set::Masquerade(Family::V4),
    Set::Masquerade(Family::V6),
    Set::Snat(Family::V4),
    Set::Snat(Family::V6),
    Set::Published(Family::V4),
    Set::Published(Family::V6),
    Set::PublishedAny(Family::V4),
    Set::PublishedAny(Family::V6),
];

/// The ones that networks have elements in.
pub(super) const NETWORK_SETS: [Set; 16] = [
    Set::Bridges,
    Set::Internal,
    Set::Relayed,
    Set::Icc,
    Set::Own(Family::V4),
    Set::Own(Family::V6),
    Set::Closed(Family::V4),
    Set::Closed(Family::V6),
    Set::Trusted(Family::V4),
    Set::Trusted(Family::V6),
    Set::Reachable(Family::V4),
    Set::Reachable(Family::V6),
    Set::Masquerade(Family::V4),
    Set::Masquerade(Family::V6),
    Set::Snat(Family::V4),
    Set::Snat(Family::V6),
];

/// The ones that containers have elements in.
pub(super) const CONTAINER_SETS: [Set; 8] = [
    Set::Reachable(Family::V4),
    Set::Reachable(Family::V6),
    Set::Shortcut(Family::V4),
    Set::Shortcut(Family::V6),
    Set::Published(Family::V4),
    Set::Published(Family::V6),
    Set::PublishedAny(Family::V4),
    Set::PublishedAny(Family::V6),
];

impl Set {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Set::Bridges => "bridges",
            Set::Uplinks => "uplinks",
            Set::Internal => "internal",
            Set::Relayed => "relayed",
            Set::Icc => "icc",
            Set::Own(Family::V4) => "own4",
            Set::Own(Family::V6) => "own6",
            Set::Closed(Family::V4) => "closed4",
            Set::Closed(Family::V6) => "closed6",
            Set::Trusted(Family::V4) => "trusted4",
            Set::Trusted(Family::V6) => "trusted6",
            Set::Reachable(Family::V4) => "reachable4",
            Set::Reachable(Family::V6) => "reachable6",
            Set::Shortcut(Family::V4) => "shortcut4",
            Set::Shortcut(Family::V6) => "shortcut6",
            Set::Masquerade(Family::V4) => "masquerade4",
            Set::Masquerade(Family::V6) => "masquerade6",
            Set::Snat(Family::V4) => "snat4",
            Set::Snat(Family::V6) => "snat6",
            Set::Published(Family::V4) => "published4",
            Set::Published(Family::V6) => "published6",
            Set::PublishedAny(Family::V4) => "published4-any",
            Set::PublishedAny(Family::V6) => "published6-any",
        }
    }

    pub fn key(self) -> &'static [Part] {
        match self {
            Set::Bridges | Set::Uplinks | Set::Internal | Set::Relayed => &[Part::Interface],
            Set::Icc => &[Part::Interface, Part::Interface],
            Set::Own(Family::V4) | Set::Trusted(Family::V4) => &[Part::V4, Part::Interface],
            Set::Own(Family::V6) | Set::Trusted(Family::V6) => &[Part::V6, Part::Interface],
            Set::Reachable(Family::V4) => &[Part::V4, Part::Interface, Part::Protocol, Part::Port],
            Set::Reachable(Family::V6) => &[Part::V6, Part::Interface, Part::Protocol, Part::Port],
            Set::Closed(Family::V4)
            | Set::Shortcut(Family::V4)
            | Set::Masquerade(Family::V4)
            | Set::Snat(Family::V4) => &[Part::V4, Part::V4],
            Set::Closed(Family::V6)
            | Set::Shortcut(Family::V6)
            | Set::Masquerade(Family::V6)
            | Set::Snat(Family::V6) => &[Part::V6, Part::V6],
            Set::Published(Family::V4) => &[Part::V4, Part::Protocol, Part::Port],
            Set::Published(Family::V6) => &[Part::V6, Part::Protocol, Part::Port],
            Set::PublishedAny(_) => &[Part::Protocol, Part::Port],
        }
    }

    pub fn data(self) -> &'static [Part] {
        match self {
            Set::Published(Family::V4) | Set::PublishedAny(Family::V4) => &[Part::V4, Part::Port],
            Set::Published(Family::V6) | Set::PublishedAny(Family::V6) => &[Part::V6, Part::Port],
            Set::Snat(Family::V4) => &[Part::V4],
            Set::Snat(Family::V6) => &[Part::V6],
            _ => &[],
        }
    }

    fn intervals(self) -> bool {
        matches!(
            self,
            Set::Own(_)
                | Set::Closed(_)
                | Set::Trusted(_)
                | Set::Reachable(_)
                | Set::Shortcut(_)
                | Set::Masquerade(_)
                | Set::Snat(_)
        )
    }

    /// Bytes of a key.
    pub fn key_length(self) -> u32 {
        self.key().iter().map(|part| part.bytes()).sum()
    }

    /// Bytes of a map's value; 0 for sets.
    pub fn data_length(self) -> u32 {
        self.data().iter().map(|part| part.bytes()).sum()
    }

    /// Appends its creation to a transaction.
    pub fn create(self, transaction: &mut Transaction, table: &str, id: u32) {
        let name = self.name();
        let mut flags = 0;
        if self.intervals() {
            flags |= NFT_SET_INTERVAL | NFT_SET_CONCAT;
        }
        if self.data_length() > 0 {
            flags |= NFT_SET_MAP;
        }
        transaction.push(format!("create set {name}"), NFT_MSG_NEWSET, CREATE, |e| {
            e.text(NFTA_SET_TABLE, table);
            e.text(NFTA_SET_NAME, name);
            e.be32(NFTA_SET_FLAGS, flags);
            e.be32(NFTA_SET_KEY_TYPE, type_number(self.key()));
            e.be32(NFTA_SET_KEY_LEN, self.key_length());
            if self.data_length() > 0 {
                e.be32(NFTA_SET_DATA_TYPE, type_number(self.data()));
                e.be32(NFTA_SET_DATA_LEN, self.data_length());
            }
            e.be32(NFTA_SET_ID, id);
            if self.key() == [Part::Interface] {
                e.bytes(NFTA_SET_USERDATA, &HOST_ORDER);
            }
            if self.intervals() {
                e.nest(NFTA_SET_DESC, |e| {
                    e.nest(NFTA_SET_DESC_CONCAT, |e| {
                        for part in self.key() {
                            e.nest(NFTA_LIST_ELEM, |e| {
                                e.be32(NFTA_SET_FIELD_LEN, part.declared());
                            });
                        }
                    });
                });
            }
        });
    }
}

/// nft's number of a concatenated type: six bits a part.
fn type_number(parts: &[Part]) -> u32 {
    parts
        .iter()
        .fold(0, |number, part| number << 6 | *part as u32)
}

/// An interface name as a key part.
pub(super) fn interface(name: &str) -> [u8; IFNAME] {
    let mut key = [0; IFNAME];
    for (place, byte) in key.iter_mut().zip(name.bytes()).take(IFNAME - 1) {
        *place = byte;
    }
    key
}

/// Family of an address.
pub(super) fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// An address as a key part.
pub(super) fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The IANA number of a protocol as a key part.
pub(super) fn protocol(number: u8) -> [u8; 4] {
    [number, 0, 0, 0]
}

/// IANA number of a transport.
pub(super) fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

/// A port as a key part.
pub(super) fn port(port: u16) -> [u8; 4] {
    let [high, low] = port.to_be_bytes();
    [high, low, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_numbers_are_those_that_nft_prints() {
        assert_eq!(type_number(&[Part::V4, Part::Port]), 7 << 6 | 13);
        assert_eq!(
            type_number(Set::Published(Family::V4).key()),
            (7 << 12) | (12 << 6) | 13
        );
    }

    #[test]
    fn lengths_count_whole_registers() {
        assert_eq!(Set::Published(Family::V4).key_length(), 12);
        assert_eq!(Set::Published(Family::V6).data_length(), 20);
        assert_eq!(Set::Own(Family::V6).key_length(), 32);
        assert_eq!(Set::Reachable(Family::V6).key_length(), 40);
        assert_eq!(Set::Bridges.data_length(), 0);
    }

    #[test]
    fn interface_names_keep_a_terminating_zero() {
        assert_eq!(interface("eth0")[..5], *b"eth0\0");
        assert_eq!(interface("0123456789abcdefgh")[14..], *b"e\0");
    }
}
