//! ICMP in a few words.
//!
//! Sources: RFC 792 (ICMP), RFC 4443 (ICMPv6), RFC 4861 (neighbour discovery).

use std::net::Ipv6Addr;

use super::summary::half;

/// ICMP for IPv4.
pub(super) fn v4(body: &[u8]) -> Option<String> {
    let (kind, code) = (*body.first()?, *body.get(1)?);
    Some(match (kind, code) {
        (8, _) => echo("request", body)?,
        (0, _) => echo("reply", body)?,
        (3, 0) => "network unreachable".to_owned(),
        (3, 1) => "host unreachable".to_owned(),
        (3, 3) => "port unreachable".to_owned(),
        (3, 4) => format!("too big, mtu {}", half(body, 6)?),
        (3, 9 | 10 | 13) => "prohibited".to_owned(),
        (3, code) => format!("unreachable, code {code}"),
        (5, _) => "redirect".to_owned(),
        (11, _) => "time exceeded".to_owned(),
        (kind, code) => format!("type {kind} code {code}"),
    })
}

/// ICMP for IPv6.
pub(super) fn v6(body: &[u8]) -> Option<String> {
    let (kind, code) = (*body.first()?, *body.get(1)?);
    let target = || -> Option<Ipv6Addr> {
        let octets: [u8; 16] = body.get(8..24)?.try_into().ok()?;
        Some(octets.into())
    };
    Some(match (kind, code) {
        (128, _) => echo("request", body)?,
        (129, _) => echo("reply", body)?,
        (1, 0) => "no route".to_owned(),
        (1, 1) => "prohibited".to_owned(),
        (1, 3) => "host unreachable".to_owned(),
        (1, 4) => "port unreachable".to_owned(),
        (1, code) => format!("unreachable, code {code}"),
        (2, _) => format!(
            "too big, mtu {}",
            u32::from_be_bytes(body.get(4..8)?.try_into().ok()?)
        ),
        (3, _) => "time exceeded".to_owned(),
        (133, _) => "who routes here?".to_owned(),
        (134, _) => "router advertisement".to_owned(),
        (135, _) => format!("who has {}?", target()?),
        (136, _) => format!("{} is here", target()?),
        (143, _) => "multicast listener report".to_owned(),
        (kind, code) => format!("type {kind} code {code}"),
    })
}

fn echo(what: &str, body: &[u8]) -> Option<String> {
    let (id, sequence) = (half(body, 4)?, half(body, 6)?);
    Some(format!("echo {what} id {id} seq {sequence}"))
}
