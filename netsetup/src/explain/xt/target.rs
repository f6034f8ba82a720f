//! What targets do.

use std::net::IpAddr;

use super::super::ruleset::Extension;
use super::Info;

/// What a target does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing that moves the packet.
    Nothing,
    /// The source becomes the address of the interface.
    Masquerade,
    /// Another source or destination; what is `None` stays.
    Nat {
        /// The destination, not the source.
        destination: bool,
        /// New address.
        address: Option<IpAddr>,
        /// New port.
        port: Option<u16>,
    },
    /// The destination becomes this host.
    Redirect(Option<u16>),
    /// Dropped with an answer.
    Reject,
    /// `mark = (mark & !mask) ^ value`.
    Mark {
        /// Bits that are turned.
        value: u32,
        /// Bits that are cleared.
        mask: u32,
    },
    /// Connection tracking leaves it alone.
    Notrack,
}

/// What a target does; `None` when it cannot be told.
pub fn action(extension: &Extension, ipv6: bool) -> Option<Action> {
    let info = Info(&extension.info);
    Some(match (extension.name.as_str(), extension.revision) {
        ("LOG" | "NFLOG" | "TRACE" | "CHECKSUM" | "TCPMSS" | "CLASSIFY" | "DSCP" | "TOS", _)
        | ("TTL" | "HL" | "AUDIT" | "LED" | "RATEEST" | "ECN", _) => Action::Nothing,
        ("MASQUERADE", _) => Action::Masquerade,
        ("REJECT", _) => Action::Reject,
        ("MARK", 2) => Action::Mark {
            value: info.u32(0)?,
            mask: info.u32(4)?,
        },
        ("NOTRACK", _) => Action::Notrack,
        ("DNAT" | "SNAT", 0) if !ipv6 => nat(extension, 4, Shape::Old)?,
        ("DNAT" | "SNAT", _) => nat(extension, 0, Shape::New(ipv6))?,
        ("REDIRECT", 0) if !ipv6 => match nat(extension, 4, Shape::Old)? {
            Action::Nat { port, .. } => Action::Redirect(port),
            _ => return None,
        },
        ("REDIRECT", 0) => match nat(extension, 0, Shape::New(true))? {
            Action::Nat { port, .. } => Action::Redirect(port),
            _ => return None,
        },
        _ => return None,
    })
}

enum Shape {
    /// `struct nf_nat_ipv4_range`.
    Old,
    /// `struct nf_nat_range`, of this family.
    New(bool),
}

fn nat(extension: &Extension, at: usize, shape: Shape) -> Option<Action> {
    const ADDRESSES: u32 = 1;
    const PORTS: u32 = 2;
    let info = Info(&extension.info);
    let flags = info.u32(at)?;
    let (ipv6, step) = match shape {
        Shape::Old => (false, 4),
        Shape::New(ipv6) => (ipv6, 16),
    };
    let addresses = [
        info.address(at + 4, ipv6)?,
        info.address(at + 4 + step, ipv6)?,
    ];
    let ports = [info.be16(at + 4 + 2 * step)?, info.be16(at + 6 + 2 * step)?];
    let (with_address, with_port) = (flags & ADDRESSES != 0, flags & PORTS != 0);
    // One of several is the kernel's choice.
    if (with_address && addresses[0] != addresses[1]) || (with_port && ports[0] != ports[1]) {
        return None;
    }
    Some(Action::Nat {
        destination: extension.name != "SNAT",
        address: with_address.then_some(addresses[0]),
        port: with_port.then_some(ports[0]),
    })
}
