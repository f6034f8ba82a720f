//! What belongs to a packet but is not in it, as nft names it.

use super::operand::Operand;
use super::value::Kind;

/// `meta …`.
pub fn meta(key: u32) -> Operand {
    const NAMES: [&str; 36] = [
        "length",
        "protocol",
        "priority",
        "mark",
        "iif",
        "oif",
        "iifname",
        "oifname",
        "iiftype",
        "oiftype",
        "skuid",
        "skgid",
        "nftrace",
        "rtclassid",
        "secmark",
        "nfproto",
        "l4proto",
        "ibrname",
        "obrname",
        "pkttype",
        "cpu",
        "iifgroup",
        "oifgroup",
        "cgroup",
        "random",
        "ipsec",
        "iifkind",
        "oifkind",
        "ibrpvid",
        "ibrvproto",
        "time",
        "day",
        "hour",
        "sdif",
        "sdifname",
        "broute",
    ];
    // These are written without `meta`.
    let bare = matches!(key, 4..=9);
    let name = usize::try_from(key)
        .ok()
        .and_then(|key| NAMES.get(key).copied())
        .unwrap_or("unknown");
    let text = if bare {
        name.to_owned()
    } else {
        format!("meta {name}")
    };
    let kind = match key {
        1 => Kind::EtherType,
        3 => Kind::Mark,
        4 | 5 => Kind::Index,
        6 | 7 | 17 | 18 => Kind::Interface,
        15 => Kind::Family,
        16 => Kind::Protocol,
        19 => Kind::PacketType,
        26 | 27 => Kind::Text,
        _ => Kind::HostNumber,
    };
    Operand::new(text, kind)
}

/// `ct …`.
pub fn ct(key: u32, reply: Option<bool>) -> Operand {
    let (name, kind) = match key {
        0 => ("state", Kind::State),
        1 => ("direction", Kind::Direction),
        2 => ("status", Kind::Status),
        3 => ("mark", Kind::Mark),
        5 => ("expiration", Kind::HostNumber),
        6 => ("helper", Kind::Text),
        7 => ("l3proto", Kind::Family),
        8 => ("saddr", Kind::Number),
        9 => ("daddr", Kind::Number),
        10 => ("protocol", Kind::Protocol),
        11 => ("proto-src", Kind::Number),
        12 => ("proto-dst", Kind::Number),
        13 => ("label", Kind::Number),
        14 => ("packets", Kind::HostNumber),
        15 => ("bytes", Kind::HostNumber),
        17 => ("zone", Kind::HostNumber),
        19 => ("ip saddr", Kind::V4),
        20 => ("ip daddr", Kind::V4),
        21 => ("ip6 saddr", Kind::V6),
        22 => ("ip6 daddr", Kind::V6),
        23 => ("id", Kind::HostNumber),
        _ => ("unknown", Kind::HostNumber),
    };
    let direction = match reply {
        None => "",
        Some(false) => "original ",
        Some(true) => "reply ",
    };
    Operand::new(format!("ct {direction}{name}"), kind)
}

/// `fib …`.
pub fn fib(result: u32, flags: u32) -> Operand {
    const PARTS: [(u32, &str); 5] = [
        (1, "saddr"),
        (2, "daddr"),
        (4, "mark"),
        (8, "iif"),
        (16, "oif"),
    ];
    const PRESENT: u32 = 32;
    let parts: Vec<&str> = PARTS
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, name)| *name)
        .collect();
    let (name, kind) = match result {
        1 if flags & PRESENT != 0 => ("oif", Kind::Presence),
        1 => ("oif", Kind::HostNumber),
        2 => ("oifname", Kind::Interface),
        _ => ("type", Kind::AddressType),
    };
    Operand::new(format!("fib {} {name}", parts.join(" . ")), kind)
}
