//! Network address translation of the simulated packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bits::Bytes;
use super::packet::{End, Packet, STATUS_DNAT, STATUS_SNAT};
use super::ruleset::{Expression, Register};
use super::surroundings::{Position, Surroundings};

const INET: u8 = 1;
const IPV4: u8 = 2;
const IPV6: u8 = 10;

/// An end of the packet is another now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The destination, not the source.
    pub destination: bool,
    /// As it was.
    pub before: End,
    /// As it is.
    pub after: End,
    /// The source became the interface's address.
    pub masquerade: bool,
}

/// What a rule asks for.
pub enum Asked {
    /// These addresses and ports; what is `None` stays.
    Nat {
        /// The destination, not the source.
        destination: bool,
        /// New address.
        address: Option<IpAddr>,
        /// New port.
        port: Option<u16>,
    },
    /// The address of the interface it leaves by.
    Masquerade,
    /// This host.
    Redirect(Option<u16>),
    /// Of the other family: the rule does nothing.
    Other,
    /// Something that cannot be told.
    Unknown(String),
}

/// What came of it.
pub enum Result {
    /// It is done.
    Done(Change),
    /// The rule does nothing.
    NotOurs,
    /// It cannot be told.
    CannotTell(String),
}

fn one_of_several() -> Asked {
    Asked::Unknown("an address or port that the kernel chooses among several".to_owned())
}

/// What an expression asks for.
pub fn asked(expression: &Expression, registers: &Bytes, packet: &Packet) -> Asked {
    let ipv6 = packet.is_ipv6();
    let get = |at: Register, length: usize| registers.part(at, length)?.values();
    let single = |at: Register, last: Option<Register>, length: usize| {
        let value = get(at, length)?;
        match last {
            Some(last) if last != at && get(last, length)? != value => None,
            _ => Some(value),
        }
    };
    let port = |given: Option<(Register, Option<Register>)>| match given {
        None => Some(None),
        Some((at, last)) => {
            let value: [u8; 2] = single(at, last, 2)?.try_into().ok()?;
            Some(Some(u16::from_be_bytes(value)))
        }
    };
    match expression {
        Expression::Masquerade => Asked::Masquerade,
        Expression::Redirect { port: at } => match port(at.map(|at| (at, None))) {
            Some(port) => Asked::Redirect(port),
            None => one_of_several(),
        },
        Expression::Nat { prefix: true, .. } => Asked::Unknown("nat prefix".to_owned()),
        Expression::Nat {
            destination,
            family,
            address,
            port: ports,
            ..
        } => {
            let same = match *family {
                INET => true,
                IPV4 => !ipv6,
                IPV6 => ipv6,
                _ => false,
            };
            if !same {
                return Asked::Other;
            }
            let length = if ipv6 { 16 } else { 4 };
            let address = match address {
                None => Some(None),
                Some((at, last)) => single(*at, *last, length).map(|bytes| from_octets(&bytes)),
            };
            match (address, port(*ports)) {
                (Some(address), Some(port)) => Asked::Nat {
                    destination: *destination,
                    address,
                    port,
                },
                _ => one_of_several(),
            }
        }
        _ => Asked::Other,
    }
}

fn from_octets(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(octets).into());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|octets| Ipv6Addr::from(octets).into())
}

/// Writes a port into the packet, which no connection tracking knows of. `None` where there are no
/// ports, or which one it is cannot be told.
pub fn set_port(packet: &mut Packet, destination: bool, port: Option<[u8; 2]>) -> Option<Change> {
    let port = u16::from_be_bytes(port.filter(|_| packet.transport.has_ports())?);
    let end = match destination {
        true => &mut packet.destination,
        false => &mut packet.source,
    };
    let before = *end;
    end.port = Some(port);
    Some(Change {
        destination,
        before,
        after: *end,
        masquerade: false,
    })
}

/// Changes the packet.
pub fn carry_out(
    asked: Asked,
    packet: &mut Packet,
    position: &Position,
    surroundings: &mut dyn Surroundings,
) -> Result {
    let unknown = |what: &str| Result::CannotTell(what.to_owned());
    let (destination, address, port, masquerade) = match asked {
        Asked::Other => return Result::NotOurs,
        Asked::Unknown(uses) => return Result::CannotTell(uses),
        Asked::Nat {
            destination,
            address,
            port,
        } => (destination, address, port, false),
        Asked::Masquerade => {
            let to = packet.destination.address;
            let address = position
                .outgoing
                .as_ref()
                .and_then(|device| surroundings.masquerade_address(device.index, to));
            match address {
                Some(address) => (false, Some(address), None, true),
                None => return unknown("masquerade on an interface without an address"),
            }
        }
        Asked::Redirect(port) => {
            let ipv6 = packet.is_ipv6();
            let here = match &position.incoming {
                None if ipv6 => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
                None => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                Some(device) => surroundings.own_address(device.index, ipv6),
            };
            match here {
                Some(address) => (true, Some(address), port, false),
                None => return unknown("redirect on an interface without an address"),
            }
        }
    };
    let tracking = &mut packet.tracking;
    let (end, bit, done) = if destination {
        (
            &mut packet.destination,
            STATUS_DNAT,
            &mut tracking.destination_done,
        )
    } else {
        (&mut packet.source, STATUS_SNAT, &mut tracking.source_done)
    };
    let before = *end;
    end.address = address.unwrap_or(end.address);
    end.port = port.or(end.port);
    *done = true;
    if *end != before {
        tracking.status |= bit;
    }
    Result::Done(Change {
        destination,
        before,
        after: *end,
        masquerade,
    })
}
