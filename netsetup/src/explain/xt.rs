//! The extensions of `iptables` that nf_tables calls as `match` and `target`
//! (`linux/netfilter/xt_*.h`): those that firewalls use most. The others are not guessed.

mod target;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bits::{Answer, Bytes};
use super::packet::{End, Packet, Transport};
use super::ruleset::Extension;
use super::surroundings::{Position, Surroundings};

pub use target::{Action, action};

struct Info<'a>(&'a [u8]);

impl Info<'_> {
    fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(self.0.get(at..at + 2)?.try_into().ok()?))
    }

    fn be16(&self, at: usize) -> Option<u16> {
        self.u16(at).map(u16::from_be)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(self.0.get(at..at + 4)?.try_into().ok()?))
    }

    fn address(&self, at: usize, ipv6: bool) -> Option<IpAddr> {
        if ipv6 {
            let octets: [u8; 16] = self.0.get(at..at + 16)?.try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        } else {
            let octets: [u8; 4] = self.0.get(at..at + 4)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets).into())
        }
    }
}

/// Whether a match holds; `None` when it cannot be told.
pub fn matches(
    extension: &Extension,
    packet: &Packet,
    position: &Position,
    tracked: bool,
    surroundings: &mut dyn Surroundings,
) -> Option<Answer> {
    let info = Info(&extension.info);
    match (extension.name.as_str(), extension.revision) {
        ("comment", _) => Some(Answer::Yes),
        // A first packet is below any rate.
        ("limit", _) => Some(Answer::Yes),
        ("conntrack", 1..=3) => conntrack(&info, packet, tracked),
        ("state", _) => Some((info.u32(0)? & state_bit(packet, tracked) != 0).into()),
        ("addrtype", 1) => addrtype(&info, packet, position, surroundings),
        ("tcp", _) => tcp(&info, packet),
        ("udp", _) => {
            let inverted = info.u8(8)?;
            let found = ports(&info, 0, packet.source.port, inverted & 1 != 0)?.and(ports(
                &info,
                4,
                packet.destination.port,
                inverted & 2 != 0,
            )?);
            Some(Answer::from(packet.transport == Transport::Udp).and(found))
        }
        ("mark", 1) => {
            let (mark, mask, not) = (info.u32(0)?, info.u32(4)?, info.u8(8)? != 0);
            Some((((packet.mark? & mask) == mark) != not).into())
        }
        ("multiport", 1) => multiport(&info, packet),
        ("icmp", _) if !packet.is_ipv6() => icmp(&info, packet, 8),
        ("icmp6", _) if packet.is_ipv6() => icmp(&info, packet, 128),
        ("iprange", 1) => iprange(&info, packet),
        _ => None,
    }
}

fn state_bit(packet: &Packet, tracked: bool) -> u32 {
    const INVALID: u32 = 1;
    const XT_UNTRACKED: u32 = 1 << 8;
    match packet.tracking.state {
        super::packet::UNTRACKED => XT_UNTRACKED,
        state if tracked => state,
        _ => INVALID,
    }
}

fn conntrack(info: &Info<'_>, packet: &Packet, tracked: bool) -> Option<Answer> {
    const STATE: u16 = 1;
    const PROTOCOL: u16 = 1 << 1;
    const ORIGINAL_SOURCE: u16 = 1 << 2;
    const ORIGINAL_DESTINATION: u16 = 1 << 3;
    const STATUS: u16 = 1 << 6;
    const ORIGINAL_PORT: u16 = 1 << 9;
    const DIRECTION: u16 = 1 << 12;
    const ALIAS: u16 = 1 << 13;
    const KNOWN: u16 = STATE
        | PROTOCOL
        | ORIGINAL_SOURCE
        | ORIGINAL_DESTINATION
        | STATUS
        | ORIGINAL_PORT
        | DIRECTION
        | ALIAS;
    const STATE_SNAT: u32 = 1 << 6;
    const STATE_DNAT: u32 = 1 << 7;
    let (flags, inverted) = (info.u16(146)?, info.u16(148)?);
    let (states, statuses) = (u32::from(info.u16(150)?), u32::from(info.u16(152)?));
    if flags & !KNOWN != 0 {
        return None;
    }
    let tracking = &packet.tracking;
    let (from, to) = tracking
        .original
        .unwrap_or((packet.source, packet.destination));
    let check = |flag: u16, holds: bool| flags & flag == 0 || holds != (inverted & flag != 0);
    let mut state = state_bit(packet, tracked);
    if tracking.status & super::packet::STATUS_SNAT != 0 {
        state |= STATE_SNAT;
    }
    if tracking.status & super::packet::STATUS_DNAT != 0 {
        state |= STATE_DNAT;
    }
    if !check(STATE, states & state != 0) {
        return Some(Answer::No);
    }
    if !tracked || tracking.state == super::packet::UNTRACKED {
        return Some((flags & !(STATE | ALIAS) == 0).into());
    }
    let ipv6 = packet.is_ipv6();
    let network = |at: usize, end: End| -> Option<bool> {
        let (network, mask) = (info.address(at, ipv6)?, info.address(at + 16, ipv6)?);
        Some(masked(end.address, mask) == masked(network, mask))
    };
    let protocol = u16::from(packet.transport.number(ipv6));
    let holds = check(PROTOCOL, info.u16(136)? == protocol)
        && check(ORIGINAL_SOURCE, network(0, from)?)
        && check(ORIGINAL_DESTINATION, network(32, to)?)
        && check(DIRECTION, !tracking.reply)
        && check(STATUS, statuses & tracking.status != 0);
    if flags & ORIGINAL_PORT == 0 || !holds {
        return Some(holds.into());
    }
    let low = info.be16(140)?;
    // Since revision 3 it is a range.
    let high = info.be16(156).filter(|high| *high != 0).unwrap_or(low);
    let within = to.port.is_some_and(|port| (low..=high).contains(&port));
    Some(check(ORIGINAL_PORT, within).into())
}

fn masked(address: IpAddr, mask: IpAddr) -> Option<u128> {
    match (address, mask) {
        (IpAddr::V4(a), IpAddr::V4(m)) => Some(u128::from(u32::from(a) & u32::from(m))),
        (IpAddr::V6(a), IpAddr::V6(m)) => Some(u128::from(a) & u128::from(m)),
        _ => None,
    }
}

fn addrtype(
    info: &Info<'_>,
    packet: &Packet,
    position: &Position,
    surroundings: &mut dyn Surroundings,
) -> Option<Answer> {
    const NOT_SOURCE: u32 = 1;
    const NOT_DESTINATION: u32 = 2;
    const IN: u32 = 4;
    const OUT: u32 = 8;
    let (source, destination, flags) = (info.u16(0)?, info.u16(2)?, info.u32(4)?);
    let device = if flags & IN != 0 {
        position.incoming.as_ref()
    } else if flags & OUT != 0 {
        position.outgoing.as_ref()
    } else {
        None
    };
    let device = device.map(|device| device.index);
    let mut check = |mask: u16, address: IpAddr, not: bool| -> Option<bool> {
        if mask == 0 {
            return Some(true);
        }
        let kind = surroundings.address_type(address, device)?;
        Some((mask & (1u16 << kind as u16) != 0) != not)
    };
    let holds = check(source, packet.source.address, flags & NOT_SOURCE != 0)?
        && check(
            destination,
            packet.destination.address,
            flags & NOT_DESTINATION != 0,
        )?;
    Some(holds.into())
}

/// A range of ports in host order at `at`.
fn ports(info: &Info<'_>, at: usize, port: Option<u16>, not: bool) -> Option<Answer> {
    let (low, high) = (info.u16(at)?, info.u16(at + 2)?);
    let bytes = Bytes::maybe(port.map(u16::to_be_bytes));
    let found = bytes.within(&low.to_be_bytes(), &high.to_be_bytes());
    Some(if not { found.opposite() } else { found })
}

fn tcp(info: &Info<'_>, packet: &Packet) -> Option<Answer> {
    const OPTION: u8 = 8;
    let (mask, wanted, inverted) = (info.u8(9)?, info.u8(10)?, info.u8(11)?);
    if packet.transport != Transport::Tcp {
        return Some(Answer::No);
    }
    if info.u8(8)? != 0 || inverted & OPTION != 0 {
        return None;
    }
    let flags = packet.transport_header().part(13, 1)?.masked(&[mask], &[0]);
    let flags = flags.equal(&[wanted]);
    let flags = if inverted & 4 != 0 {
        flags.opposite()
    } else {
        flags
    };
    Some(
        ports(info, 0, packet.source.port, inverted & 1 != 0)?
            .and(ports(info, 4, packet.destination.port, inverted & 2 != 0)?)
            .and(flags),
    )
}

fn multiport(info: &Info<'_>, packet: &Packet) -> Option<Answer> {
    let (flags, count) = (info.u8(0)?, usize::from(info.u8(1)?));
    let any = |port: Option<u16>| -> Option<Answer> {
        let bytes = Bytes::maybe(port.map(u16::to_be_bytes));
        let mut found = Answer::No;
        let mut index = 0;
        while index < count {
            let low = info.u16(2 + index * 2)?;
            let mut high = low;
            if info.u8(32 + index)? != 0 {
                index += 1;
                high = info.u16(2 + index * 2)?;
            }
            found = found.or(bytes.within(&low.to_be_bytes(), &high.to_be_bytes()));
            index += 1;
        }
        Some(found)
    };
    if !packet.transport.has_ports() {
        return Some(Answer::No);
    }
    let found = match flags {
        0 => any(packet.source.port)?,
        1 => any(packet.destination.port)?,
        2 => any(packet.source.port)?.or(any(packet.destination.port)?),
        _ => return None,
    };
    Some(if info.u8(47)? != 0 {
        found.opposite()
    } else {
        found
    })
}

fn icmp(info: &Info<'_>, packet: &Packet, request: u8) -> Option<Answer> {
    const ANY: u8 = 0xff;
    if packet.transport != Transport::Icmp {
        return Some(Answer::No);
    }
    if packet.tracking.reply {
        return None;
    }
    let (kind, low, high, not) = (info.u8(0)?, info.u8(1)?, info.u8(2)?, info.u8(3)? != 0);
    let holds = (kind == ANY && request == 8) || (kind == request && low == 0 && low <= high);
    Some((holds != not).into())
}

fn iprange(info: &Info<'_>, packet: &Packet) -> Option<Answer> {
    let ipv6 = packet.is_ipv6();
    let flags = info.u8(64)?;
    let check = |flag: u8, not: u8, at: usize, address: IpAddr| -> Option<bool> {
        if flags & flag == 0 {
            return Some(true);
        }
        let within = (info.address(at, ipv6)?..=info.address(at + 16, ipv6)?).contains(&address);
        Some(within != (flags & not != 0))
    };
    let holds = check(1, 0x10, 0, packet.source.address)?
        && check(2, 0x20, 32, packet.destination.address)?;
    Some(holds.into())
}
