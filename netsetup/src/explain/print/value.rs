//! Values in nft's words: what bytes mean depends on what they are compared with.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::explain::ruleset::{Interval, Set};

/// What bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Number in network order.
    Number,
    /// Number in host order.
    HostNumber,
    /// Number in host order, in hexadecimal.
    Mark,
    /// IPv4 address.
    V4,
    /// IPv6 address.
    V6,
    /// Transport protocol.
    Protocol,
    /// Address family of netfilter.
    Family,
    /// EtherType.
    EtherType,
    /// Interface name.
    Interface,
    /// Interface index.
    Index,
    /// Bits of `ct state`.
    State,
    /// Bits of `ct status`.
    Status,
    /// `ct direction`.
    Direction,
    /// Kind of address.
    AddressType,
    /// Bits of a TCP header.
    TcpFlags,
    /// ICMP message.
    Icmp,
    /// ICMPv6 message.
    Icmp6,
    /// To whom the frame was sent.
    PacketType,
    /// Ethernet address.
    Mac,
    /// Text, as kinds of interfaces are.
    Text,
    /// There or not.
    Presence,
}

const STATES: &[(u32, &str)] = &[
    (1, "invalid"),
    (2, "established"),
    (4, "related"),
    (8, "new"),
    (64, "untracked"),
];
const STATUSES: &[(u32, &str)] = &[
    (1, "expected"),
    (2, "seen-reply"),
    (4, "assured"),
    (8, "confirmed"),
    (0x10, "snat"),
    (0x20, "dnat"),
    (0x200, "dying"),
];
const TCP_FLAGS: &[(u32, &str)] = &[
    (1, "fin"),
    (2, "syn"),
    (4, "rst"),
    (8, "psh"),
    (16, "ack"),
    (32, "urg"),
    (64, "ecn"),
    (128, "cwr"),
];
const PROTOCOLS: &[(u32, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (108, "comp"),
    (132, "sctp"),
    (136, "udplite"),
];
const FAMILIES: &[(u32, &str)] = &[(2, "ipv4"), (10, "ipv6")];
const ETHER_TYPES: &[(u32, &str)] = &[
    (0x0800, "ip"),
    (0x0806, "arp"),
    (0x86dd, "ip6"),
    (0x8100, "8021q"),
    (0x88a8, "8021ad"),
];
const ADDRESS_TYPES: &[(u32, &str)] = &[
    (0, "unspec"),
    (1, "unicast"),
    (2, "local"),
    (3, "broadcast"),
    (4, "anycast"),
    (5, "multicast"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
];
const ICMP: &[(u32, &str)] = &[
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
];
const ICMP6: &[(u32, &str)] = &[
    (1, "destination-unreachable"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-listener-query"),
    (131, "mld-listener-report"),
    (132, "mld-listener-done"),
    (133, "nd-router-solicit"),
    (134, "nd-router-advert"),
    (135, "nd-neighbor-solicit"),
    (136, "nd-neighbor-advert"),
    (137, "nd-redirect"),
    (143, "mld2-listener-report"),
];
const PACKET_TYPES: &[(u32, &str)] = &[
    (0, "host"),
    (1, "broadcast"),
    (2, "multicast"),
    (3, "other"),
];

impl Kind {
    /// The kind of one of nft's type numbers.
    pub fn of_type(number: u32) -> Kind {
        match number {
            2 => Kind::Family,
            7 => Kind::V4,
            8 => Kind::V6,
            9 => Kind::Mac,
            10 => Kind::EtherType,
            12 => Kind::Protocol,
            19 => Kind::Mark,
            41 => Kind::Interface,
            _ => Kind::Number,
        }
    }

    /// In the other byte order.
    pub fn swapped(self) -> Kind {
        match self {
            Kind::HostNumber => Kind::Number,
            other => other,
        }
    }

    /// Whether the kind is a set of bits, and their names.
    pub fn bits(self) -> Option<&'static [(u32, &'static str)]> {
        match self {
            Kind::State => Some(STATES),
            Kind::Status => Some(STATUSES),
            Kind::TcpFlags => Some(TCP_FLAGS),
            _ => None,
        }
    }

    fn names(self) -> &'static [(u32, &'static str)] {
        match self {
            Kind::Protocol => PROTOCOLS,
            Kind::Family => FAMILIES,
            Kind::EtherType => ETHER_TYPES,
            Kind::AddressType => ADDRESS_TYPES,
            Kind::Icmp => ICMP,
            Kind::Icmp6 => ICMP6,
            Kind::PacketType => PACKET_TYPES,
            Kind::Direction => &[(0, "original"), (1, "reply")],
            Kind::Presence => &[(0, "missing"), (1, "exists")],
            _ => &[],
        }
    }

    /// The number that bytes of this kind are.
    pub fn number(self, bytes: &[u8]) -> u128 {
        let host = matches!(
            self,
            Kind::HostNumber
                | Kind::Index
                | Kind::Mark
                | Kind::State
                | Kind::Status
                | Kind::AddressType
        );
        let little = host && cfg!(target_endian = "little");
        let add = |sum: u128, byte: &u8| (sum << 8) | u128::from(*byte);
        if little {
            bytes.iter().rev().take(16).fold(0, add)
        } else {
            bytes.iter().take(16).fold(0, add)
        }
    }

    /// Bytes of this kind in nft's words.
    pub fn show(self, bytes: &[u8]) -> String {
        match (self, bytes.len()) {
            (Kind::V4, 4) => {
                let octets: [u8; 4] = bytes.try_into().unwrap_or_default();
                return Ipv4Addr::from(octets).to_string();
            }
            (Kind::V6, 16) => {
                let octets: [u8; 16] = bytes.try_into().unwrap_or_default();
                return Ipv6Addr::from(octets).to_string();
            }
            (Kind::Mac, 6) => {
                let parts: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
                return parts.join(":");
            }
            (Kind::Interface | Kind::Text, _) => return text(bytes),
            _ => {}
        }
        let number = self.number(bytes);
        // The only index that has the same name everywhere.
        if self == Kind::Index && number == 1 {
            return "\"lo\"".to_owned();
        }
        if self == Kind::Mark {
            return format!("0x{number:08x}");
        }
        if let Some(names) = self.bits() {
            return bit_names(names, number);
        }
        self.names()
            .iter()
            .find(|(known, _)| u128::from(*known) == number)
            .map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
    }
}

/// The names of bits, as nft lists them.
fn bit_names(names: &[(u32, &str)], number: u128) -> String {
    let mut left = number;
    let mut found = Vec::new();
    for (bit, name) in names {
        if left & u128::from(*bit) != 0 {
            left &= !u128::from(*bit);
            found.push((*name).to_owned());
        }
    }
    if left != 0 || found.is_empty() {
        found.push(format!("0x{left:x}"));
    }
    found.join(",")
}

/// A name in quotes; one that is cut short stands for all that begin so.
fn text(bytes: &[u8]) -> String {
    const IFNAMSIZ: usize = 16;
    let end = bytes.iter().position(|byte| *byte == 0);
    let name = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]);
    if end.is_none() && bytes.len() < IFNAMSIZ {
        format!("\"{name}*\"")
    } else {
        format!("\"{name}\"")
    }
}

/// A key for sorting: numbers by their value.
pub fn ordered(kinds: &[Kind], key: Vec<u8>) -> (u128, Vec<u8>) {
    match kinds {
        [kind] => (kind.number(&key), key),
        _ => (0, key),
    }
}

/// An element's key.
pub fn interval(set: &Set, kinds: &[Kind], key: &Interval) -> String {
    if set.parts.is_empty() {
        let kind = kinds.first().copied().unwrap_or(Kind::Number);
        return part(kind, &key.from, &key.to);
    }
    let mut at = 0;
    let mut texts = Vec::new();
    for (index, length) in set.parts.iter().enumerate() {
        let kind = kinds.get(index).copied().unwrap_or(Kind::Number);
        let cut = |bytes: &[u8]| bytes.get(at..at + length).unwrap_or_default().to_vec();
        texts.push(part(kind, &cut(&key.from), &cut(&key.to)));
        at += length.next_multiple_of(4);
    }
    texts.join(" . ")
}

fn part(kind: Kind, from: &[u8], to: &[u8]) -> String {
    if from == to {
        return kind.show(from);
    }
    if let Some(prefix) = prefix_of(from, to)
        && matches!(kind, Kind::V4 | Kind::V6)
    {
        return format!("{}/{prefix}", kind.show(from));
    }
    if kind == Kind::Interface {
        let cut = from
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(from.len());
        return kind.show(&from[..cut]);
    }
    format!("{}-{}", kind.show(from), kind.show(to))
}

/// The length of the prefix that an interval is, if it is one.
fn prefix_of(from: &[u8], to: &[u8]) -> Option<usize> {
    let differing: Vec<u8> = from.iter().zip(to).map(|(a, b)| a ^ b).collect();
    let length = leading(&differing)?;
    let host_bits_zero = from.iter().zip(&differing).all(|(a, mask)| a & mask == 0);
    host_bits_zero.then_some(length)
}

/// The number of leading zero bits, when all others are ones.
fn leading(bytes: &[u8]) -> Option<usize> {
    let zeros = bytes
        .iter()
        .position(|byte| *byte != 0)
        .map_or(bytes.len() * 8, |at| {
            at * 8 + bytes[at].leading_zeros() as usize
        });
    let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    (zeros + ones as usize == bytes.len() * 8).then_some(zeros)
}

/// The length of the prefix that a mask is, if it is one.
pub fn mask_length(mask: &[u8]) -> Option<usize> {
    let inverted: Vec<u8> = mask.iter().map(|byte| !byte).collect();
    leading(&inverted)
}
