//! A packet in one line.
//!
//! ```text
//! 06:41:02.123456 eth0 out 172.18.0.2:40322 > 172.18.0.3:80 TCP [SYN] length 0
//! ```
//!
//! Sources: IEEE 802.3 and 802.1Q (frames), RFC 826 (ARP).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::ip;
use super::pcapng::{Packet, Reception};
use crate::model::mac::Mac;
use crate::model::printable::printable;

const LINKTYPE_RAW: u16 = 101;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
const IPV6: u16 = 0x86dd;

/// The line, without its end. The time of day is UTC; `in` and `out` are as the interface's
/// namespace sees them.
pub fn summary(interface: &str, link_type: u16, packet: &Packet<'_>) -> String {
    let direction = match packet.reception {
        Reception::Outgoing => "out",
        _ => "in ",
    };
    let told = if link_type == LINKTYPE_RAW {
        raw(packet.bytes)
    } else {
        frame(packet.bytes)
    };
    let told = told.unwrap_or_else(|| format!("cut off, {} bytes", packet.length));
    let (time, interface) = (time_of_day(packet.time), printable(interface));
    format!("{time} {interface} {direction} {told}")
}

fn time_of_day(time: Duration) -> String {
    let (seconds, micros) = (time.as_secs() % 86_400, time.subsec_micros());
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60)
}

/// A packet without a link header; its first digit is the version.
fn raw(bytes: &[u8]) -> Option<String> {
    match bytes.first()? >> 4 {
        4 => ip::v4(bytes),
        6 => ip::v6(bytes),
        other => Some(format!("unknown version {other}")),
    }
}

/// An Ethernet frame; `None` where it is too short for what it says it is.
fn frame(bytes: &[u8]) -> Option<String> {
    let (to, from) = (mac(bytes, 0)?, mac(bytes, 6)?);
    let mut at = 12;
    let mut tags = String::new();
    let mut kind = half(bytes, at)?;
    while matches!(kind, VLAN | SERVICE_VLAN) {
        tags.push_str(&format!("vlan {} ", half(bytes, at + 2)? & 0xfff));
        at += 4;
        kind = half(bytes, at)?;
    }
    let body = bytes.get(at + 2..)?;
    let told = match kind {
        IPV4 => ip::v4(body)?,
        IPV6 => ip::v6(body)?,
        ARP => arp(body)?,
        // IEEE 802.3: below 0x0600 it is a length.
        length if length < 0x0600 => format!("{from} > {to} 802.3 length {length}"),
        kind => format!("{from} > {to} ethertype 0x{kind:04x} length {}", body.len()),
    };
    Some(tags + &told)
}

fn arp(bytes: &[u8]) -> Option<String> {
    // Ethernet and IPv4 only: hardware 1, protocol 0x0800, lengths 6 and 4.
    if bytes.get(..6)? != [0, 1, 8, 0, 6, 4] {
        return Some("ARP of unknown kind".to_owned());
    }
    let (sender, source) = (mac(bytes, 8)?, ipv4(bytes, 14)?);
    let target = ipv4(bytes, 24)?;
    Some(match half(bytes, 6)? {
        1 if source == target => format!("ARP {source} is here, at {sender}"),
        1 => format!("ARP who has {target}? tell {source}"),
        2 => format!("ARP {source} is at {sender}"),
        other => format!("ARP operation {other}"),
    })
}

fn mac(bytes: &[u8], at: usize) -> Option<Mac> {
    Some(Mac(bytes.get(at..at + 6)?.try_into().ok()?))
}

fn ipv4(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

/// Sixteen bits in network order.
pub(super) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
