//! What rules do, in nft's words.

use std::net::SocketAddr;

use super::operand::Operand;
use super::value::Kind;
use crate::explain::ruleset::{Expression, Family};

/// A statement.
pub fn show(expression: &Expression, family: Family, operand: &dyn Fn(usize) -> Operand) -> String {
    match expression {
        Expression::Verdict(verdict) => verdict.to_string(),
        Expression::Masquerade => "masquerade".to_owned(),
        Expression::Notrack => "notrack".to_owned(),
        Expression::Limit { text, .. }
        | Expression::Harmless(text)
        | Expression::Queue(text)
        | Expression::Other(text) => text.clone(),
        Expression::Match(extension) => super::extension::matching(extension),
        Expression::Action(extension) => super::extension::action(extension, family),
        Expression::Reject { kind, code } => reject(*kind, *code, family),
        Expression::MetaSet { key, from } => {
            let operand = operand(*from);
            let name = match key {
                3 => "mark",
                2 => "priority",
                12 => "nftrace",
                19 => "pkttype",
                _ => "unknown",
            };
            let value = match &operand.constant {
                Some(value) if *key == 3 => Kind::Mark.show(value),
                Some(value) => Kind::HostNumber.show(value),
                None => calculated(&operand),
            };
            format!("meta {name} set {value}")
        }
        Expression::CtMark { from } => {
            let operand = operand(*from);
            let value = match &operand.constant {
                Some(value) => Kind::Mark.show(value),
                None => calculated(&operand),
            };
            format!("ct mark set {value}")
        }
        Expression::Redirect { port } => match port {
            Some(at) => format!("redirect to :{}", constant(&operand(*at), Kind::Number)),
            None => "redirect".to_owned(),
        },
        Expression::Nat {
            destination,
            family: of,
            address,
            port,
            prefix,
        } => nat(
            *destination,
            (*of, family),
            *address,
            *port,
            *prefix,
            operand,
        ),
        other => format!("{other:?}"),
    }
}

/// A value that is loaded and changed: `meta mark | 0x00000001`.
fn calculated(operand: &Operand) -> String {
    let text = &operand.text;
    let Some((mask, flip)) = &operand.mask else {
        return text.clone();
    };
    let kind = operand.kind;
    let sets = mask.iter().zip(flip).all(|(mask, flip)| *mask == !*flip);
    let keeps = mask.iter().all(|mask| *mask == 0xff);
    let turns = flip.iter().any(|flip| *flip != 0);
    match (sets, keeps, turns) {
        (true, _, true) => format!("{text} | {}", kind.show(flip)),
        (_, true, _) => format!("{text} ^ {}", kind.show(flip)),
        (_, _, false) => format!("{text} & {}", kind.show(mask)),
        _ => format!("{text} & {} ^ {}", kind.show(mask), kind.show(flip)),
    }
}

/// What an operand is, where rules say so.
pub fn constant(operand: &Operand, kind: Kind) -> String {
    match &operand.constant {
        Some(value) => kind.show(value),
        None => operand.text.clone(),
    }
}

type Registers = Option<(usize, Option<usize>)>;

fn nat(
    destination: bool,
    (of, family): (u8, Family),
    address: Registers,
    port: Registers,
    prefix: bool,
    operand: &dyn Fn(usize) -> Operand,
) -> String {
    let kind = if of == 10 { Kind::V6 } else { Kind::V4 };
    let range = |registers: Registers, kind: Kind| {
        registers.map(|(first, last)| {
            let first = constant(&operand(first), kind);
            match last.map(|last| constant(&operand(last), kind)) {
                Some(last) if last != first => format!("{first}-{last}"),
                _ => first,
            }
        })
    };
    let mapped = address.is_some_and(|(at, _)| operand(at).constant.is_none());
    let to = match (range(address, kind), range(port, Kind::Number)) {
        // One map gives both.
        (Some(address), Some(_)) if mapped => address,
        (Some(address), Some(port)) => {
            let plain = address.parse().ok().zip(port.parse().ok());
            plain.map_or_else(
                || format!("{address}:{port}"),
                |(ip, port)| SocketAddr::new(ip, port).to_string(),
            )
        }
        (Some(address), None) => address,
        (None, Some(port)) => format!(":{port}"),
        (None, None) => String::new(),
    };
    let verb = if destination { "dnat" } else { "snat" };
    let family = match (family, of) {
        _ if address.is_none() => "",
        (Family::Inet, 10) => " ip6",
        (Family::Inet, 2) => " ip",
        _ => "",
    };
    let prefix = if prefix { " prefix" } else { "" };
    format!("{verb}{family}{prefix} to {to}")
}

fn reject(kind: u32, code: u8, family: Family) -> String {
    const ICMP: [&str; 14] = [
        "net-unreachable",
        "host-unreachable",
        "prot-unreachable",
        "port-unreachable",
        "4",
        "5",
        "6",
        "7",
        "8",
        "net-prohibited",
        "host-prohibited",
        "11",
        "12",
        "admin-prohibited",
    ];
    const ICMP6: [&str; 7] = [
        "no-route",
        "admin-prohibited",
        "2",
        "addr-unreachable",
        "port-unreachable",
        "policy-fail",
        "reject-route",
    ];
    const EITHER: [&str; 4] = [
        "no-route",
        "port-unreachable",
        "host-unreachable",
        "admin-prohibited",
    ];
    let name = |names: &[&str]| {
        names
            .get(usize::from(code))
            .map_or_else(|| code.to_string(), |name| (*name).to_owned())
    };
    match (kind, family, code) {
        (1, ..) => "reject with tcp reset".to_owned(),
        (2, _, 1) | (0, Family::Ip, 3) | (0, Family::Ip6, 4) => "reject".to_owned(),
        (2, ..) => format!("reject with icmpx {}", name(&EITHER)),
        (0, Family::Ip6, _) => format!("reject with icmpv6 {}", name(&ICMP6)),
        _ => format!("reject with icmp {}", name(&ICMP)),
    }
}
