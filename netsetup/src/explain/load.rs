//! What rules load into registers: parts of the packet, its surroundings, its tracking.

use super::bits::Bytes;
use super::packet::{End, Packet, octets};
use super::ruleset::Family;
use super::surroundings::{Device, Position, Surroundings};

const IFNAMSIZ: usize = 16;
const ETHER: u16 = 1;
const LOOPBACK: u16 = 772;
const PACKET_HOST: u8 = 0;

const FIB_SOURCE: u32 = 1;
const FIB_DESTINATION: u32 = 2;
const FIB_MARK: u32 = 4;
const FIB_IN: u32 = 8;
const FIB_OUT: u32 = 16;
const FIB_PRESENT: u32 = 32;

/// A device's name as the kernel compares it.
fn name_bytes(name: &str) -> Bytes {
    let mut bytes = [0u8; IFNAMSIZ];
    for (place, byte) in bytes.iter_mut().zip(name.bytes().take(IFNAMSIZ - 1)) {
        *place = byte;
    }
    Bytes::known(&bytes)
}

fn word(value: u32) -> Bytes {
    Bytes::known(&value.to_ne_bytes())
}

/// `meta KEY`. Without a device its name is empty and its index 0, as in the kernel.
pub fn meta(key: u32, packet: &Packet, position: &Position) -> Bytes {
    let name = |device: &Option<Device>| name_bytes(device.as_ref().map_or("", |d| &d.name));
    let index = |device: &Option<Device>| word(device.as_ref().map_or(0, |d| d.index));
    let kind = |device: &Option<Device>| match device {
        Some(device) if device.is_loopback() => Bytes::known(&LOOPBACK.to_ne_bytes()),
        Some(_) => Bytes::known(&ETHER.to_ne_bytes()),
        None => Bytes::unknown(2),
    };
    let bridge = |name: &Option<String>| name_bytes(name.as_deref().unwrap_or(""));
    match key {
        1 => Bytes::known(&packet.ether_type().to_be_bytes()),
        3 => Bytes::maybe(packet.mark.map(u32::to_ne_bytes)),
        4 => index(&position.incoming),
        5 => index(&position.outgoing),
        6 => name(&position.incoming),
        7 => name(&position.outgoing),
        8 => kind(&position.incoming),
        9 => kind(&position.outgoing),
        15 => Bytes::known(&[if packet.is_ipv6() { 10 } else { 2 }]),
        16 => Bytes::known(&[packet.transport.number(packet.is_ipv6())]),
        17 => bridge(&position.incoming_bridge),
        18 => bridge(&position.outgoing_bridge),
        19 if position.incoming.is_some() => Bytes::known(&[PACKET_HOST]),
        19 => Bytes::unknown(1),
        26 | 27 => {
            let device = if key == 26 {
                &position.incoming
            } else {
                &position.outgoing
            };
            device
                .as_ref()
                .map_or(Bytes::unknown(IFNAMSIZ), |device| name_bytes(&device.kind))
        }
        _ => Bytes::unknown(4),
    }
}

/// `ct KEY`; `None` when the packet is not tracked and the rule does not match.
pub fn ct(key: u32, reply: Option<bool>, packet: &Packet, tracked: bool) -> Option<Bytes> {
    const STATE: u32 = 0;
    const INVALID: u32 = 1;
    let tracking = &packet.tracking;
    let untracked = tracking.state == super::packet::UNTRACKED;
    if key == STATE {
        let state = if tracked || untracked {
            tracking.state
        } else {
            INVALID
        };
        return Some(word(state));
    }
    if !tracked || untracked {
        return None;
    }
    let (from, to) = tracking
        .original
        .unwrap_or((packet.source, packet.destination));
    let port = |end: End| Bytes::maybe(end.port.map(u16::to_be_bytes));
    // Of a reply only what is translated is known, and that later.
    let original = reply != Some(true);
    Some(match key {
        1 => Bytes::known(&[u8::from(tracking.reply)]),
        2 => word(tracking.status),
        3 => Bytes::maybe(tracking.mark.map(u32::to_ne_bytes)),
        7 => Bytes::known(&[if packet.is_ipv6() { 10 } else { 2 }]),
        8 | 19 | 21 if original => octets(from.address),
        9 | 20 | 22 if original => octets(to.address),
        10 => Bytes::known(&[packet.transport.number(packet.is_ipv6())]),
        11 if original => port(from),
        12 if original => port(to),
        8 | 9 | 21 | 22 if packet.is_ipv6() => Bytes::unknown(16),
        11 | 12 | 17 => Bytes::unknown(2),
        _ => Bytes::unknown(4),
    })
}

/// Bytes of the packet; `None` beyond its end, where the rule does not match.
pub fn payload(base: u32, offset: usize, length: usize, packet: &Packet) -> Option<Bytes> {
    let header = match base {
        0 => packet.link_header(),
        1 => packet.network_header(),
        2 => packet.transport_header(),
        _ => return Some(Bytes::unknown(length)),
    };
    // Behind the headers is what the program sends.
    header.part(offset, length).or(Some(Bytes::unknown(length)))
}

/// `fib …`.
pub fn fib(
    result: u32,
    flags: u32,
    packet: &Packet,
    position: &Position,
    surroundings: &mut dyn Surroundings,
) -> Bytes {
    let address = if flags & FIB_SOURCE != 0 {
        packet.source.address
    } else if flags & FIB_DESTINATION != 0 {
        packet.destination.address
    } else {
        return Bytes::unknown(4);
    };
    if flags & FIB_MARK != 0 && packet.mark != Some(0) {
        return Bytes::unknown(4);
    }
    let device = if flags & FIB_IN != 0 {
        position.incoming.as_ref()
    } else if flags & FIB_OUT != 0 {
        position.outgoing.as_ref()
    } else {
        None
    };
    let within = device.map(|device| device.index);
    if result == 3 {
        return match surroundings.address_type(address, within) {
            Some(kind) => word(kind as u32),
            None => Bytes::unknown(4),
        };
    }
    // What comes from loopback is taken as it is.
    let found = match device {
        Some(device) if device.is_loopback() => Some(Some(device.clone())),
        _ => surroundings.device_to(address, within),
    };
    match (found, flags & FIB_PRESENT != 0, result) {
        (None, ..) => Bytes::unknown(if result == 2 { IFNAMSIZ } else { 4 }),
        (Some(found), true, _) => Bytes::known(&[u8::from(found.is_some())]),
        (Some(found), false, 1) => word(found.map_or(0, |device| device.index)),
        (Some(found), false, _) => name_bytes(found.as_ref().map_or("", |device| &device.name)),
    }
}

/// Whether a family's tables see such packets at the IP hooks.
pub fn sees(family: Family, packet: &Packet) -> bool {
    match family {
        Family::Inet => true,
        Family::Ip => !packet.is_ipv6(),
        Family::Ip6 => packet.is_ipv6(),
        Family::Arp | Family::Bridge | Family::Netdev => false,
    }
}
