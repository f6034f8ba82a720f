//! Elements and tables in the words of nft(8): what the same elements, sent over netlink, make.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::element::Element;
use super::set::{Part, Set};
use super::table::TABLE;
use super::wire::comment_text;
use super::{network, ports, reach};
use crate::model::port::{ContainerPort, PublishedPort};
use crate::plan::step::BridgeStep;

/// The table `inet rbox` without elements, as `nft list` prints it. A test makes the table and
/// compares; with `RBOX_BLESS=1` it writes the file anew.
pub const TABLE_TEXT: &str = include_str!("table.nft");

/// What makes the table know a network.
pub fn network_lines(bridge: &BridgeStep) -> Vec<String> {
    lines(&network::elements(bridge))
}

/// What leads published ports to a container.
pub fn port_lines(
    published: &[PublishedPort],
    to: IpAddr,
    shortcuts: &[IpNet],
    owner: &str,
) -> Vec<String> {
    lines(&ports::led(published, to, shortcuts, owner))
}

/// What opens ports at a container's own address.
pub fn reach_lines(
    open: &[ContainerPort],
    at: IpAddr,
    interfaces: &[String],
    owner: &str,
) -> Vec<String> {
    lines(&reach::elements(open, at, interfaces, owner))
}

/// What leads port 53 of 127.0.0.11 to the resolver, inside a sandbox; the ports are texts, so
/// that they can be a shell's variables.
pub fn resolver_lines(udp: &str, tcp: &str) -> Vec<String> {
    [
        "table ip rbox-resolver {".to_owned(),
        "  chain queries {".to_owned(),
        "    type filter hook output priority -300; policy accept;".to_owned(),
        format!("    ip daddr 127.0.0.11 udp dport 53 udp dport set {udp}"),
        format!("    ip daddr 127.0.0.11 tcp dport 53 tcp dport set {tcp}"),
        "  }".to_owned(),
        "  chain answers {".to_owned(),
        "    type filter hook output priority 100; policy accept;".to_owned(),
        format!("    ip saddr 127.0.0.11 udp sport {udp} udp sport set 53"),
        format!("    ip saddr 127.0.0.11 tcp sport {tcp} tcp sport set 53"),
        "  }".to_owned(),
        "}".to_owned(),
    ]
    .into()
}

fn lines(elements: &[(Set, Element)]) -> Vec<String> {
    elements
        .iter()
        .map(|(set, element)| {
            let key = parts(set.key(), &element.key, element.key_end.as_deref());
            let data = element
                .data
                .as_ref()
                .map(|data| format!(" : {}", parts(set.data(), data, None)))
                .unwrap_or_default();
            let comment = quoted(comment_text(&element.owner));
            let name = set.name();
            format!("add element inet {TABLE} {name} {{ {key} comment {comment}{data} }}")
        })
        .collect()
}

/// A concatenation, each part a value or a range.
fn parts(kinds: &[Part], low: &[u8], high: Option<&[u8]>) -> String {
    let mut at = 0;
    let texts: Vec<String> = kinds
        .iter()
        .map(|kind| {
            let end = at + usize::try_from(kind.bytes()).unwrap_or_default();
            let value = |bytes: &[u8]| word(*kind, bytes.get(at..end).unwrap_or_default());
            let low = value(low);
            let text = match high.map(value) {
                Some(high) if high != low => format!("{low}-{high}"),
                _ => low,
            };
            at = end;
            text
        })
        .collect();
    texts.join(" . ")
}

fn word(kind: Part, bytes: &[u8]) -> String {
    match kind {
        Part::V4 => <[u8; 4]>::try_from(bytes)
            .map(|octets| Ipv4Addr::from(octets).to_string())
            .unwrap_or_default(),
        Part::V6 => <[u8; 16]>::try_from(bytes)
            .map(|octets| Ipv6Addr::from(octets).to_string())
            .unwrap_or_default(),
        Part::Protocol => match bytes.first() {
            Some(6) => "tcp".to_owned(),
            Some(17) => "udp".to_owned(),
            Some(number) => number.to_string(),
            None => String::new(),
        },
        Part::Port => match bytes {
            [high, low, ..] => u16::from_be_bytes([*high, *low]).to_string(),
            _ => String::new(),
        },
        Part::Interface => quoted(String::from_utf8_lossy(bytes).trim_end_matches('\0')),
    }
}

/// In quotes. nft's language has no way to say a quote or a line's end within them: a name that
/// has one cannot be written, and must not become something else.
fn quoted(text: &str) -> String {
    let harmless: String = text
        .chars()
        .map(|c| if c == '"' || c.is_control() { '?' } else { c })
        .collect();
    format!("\"{harmless}\"")
}
