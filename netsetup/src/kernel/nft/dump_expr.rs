//! Expressions of rules as the kernel lists them. One that is not known here, or has a part that
//! is not, becomes [`Expression::Other`]: nothing is left out.

use super::wire::{
    NFT_JUMP, NFT_NAT_DNAT, NFT_PAYLOAD_TRANSPORT_HEADER, NFT_RETURN, NFTA_BITWISE_DREG,
    NFTA_BITWISE_LEN, NFTA_BITWISE_MASK, NFTA_BITWISE_SREG, NFTA_BITWISE_XOR, NFTA_CMP_DATA,
    NFTA_CMP_OP, NFTA_CMP_SREG, NFTA_CT_DREG, NFTA_CT_KEY, NFTA_DATA_VALUE, NFTA_DATA_VERDICT,
    NFTA_FIB_DREG, NFTA_FIB_FLAGS, NFTA_FIB_RESULT, NFTA_IMMEDIATE_DATA, NFTA_IMMEDIATE_DREG,
    NFTA_LOOKUP_DREG, NFTA_LOOKUP_SET, NFTA_LOOKUP_SREG, NFTA_META_DREG, NFTA_META_KEY,
    NFTA_NAT_FAMILY, NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_PROTO_MIN, NFTA_NAT_TYPE,
    NFTA_PAYLOAD_BASE, NFTA_PAYLOAD_DREG, NFTA_PAYLOAD_LEN, NFTA_PAYLOAD_OFFSET, NFTA_PAYLOAD_SREG,
    NFTA_VERDICT_CHAIN, NFTA_VERDICT_CODE,
};
use crate::explain::ruleset::{Expression, Extension, Register, Target, Verdict};
use crate::kernel::netlink::Attributes;

const NFTA_META_SREG: u16 = 3;
const NFTA_CT_DIRECTION: u16 = 3;
const NFTA_CT_SREG: u16 = 4;
const CT_MARK: u32 = 3;
const CT_SECMARK: u32 = 4;
const CT_LABELS: u32 = 13;
const CT_EVENTS: u32 = 18;
const NFTA_LOOKUP_FLAGS: u16 = 5;
const NFTA_BITWISE_OP: u16 = 6;
const NFTA_NAT_REG_ADDR_MAX: u16 = 4;
const NFTA_NAT_REG_PROTO_MAX: u16 = 6;
const NFTA_NAT_FLAGS: u16 = 7;
const NAT_PREFIX: u32 = 1 << 6;
const NFT_GOTO: i32 = -4;
const NFT_CONTINUE: i32 = -1;

/// A value in a `NFTA_DATA_VALUE`.
pub(super) fn data(attributes: Attributes<'_>, kind: u16) -> Option<Vec<u8>> {
    attributes
        .nested(kind)
        .get(NFTA_DATA_VALUE)
        .map(<[u8]>::to_vec)
}

/// A verdict in a `NFTA_DATA_VERDICT`.
pub(super) fn verdict(attributes: Attributes<'_>) -> Option<Verdict> {
    let verdict = attributes.nested(NFTA_DATA_VERDICT);
    let code = verdict.get_be32(NFTA_VERDICT_CODE)?.cast_signed();
    let chain = || verdict.get_text(NFTA_VERDICT_CHAIN);
    Some(match code {
        0 => Verdict::Drop,
        1 => Verdict::Accept,
        NFT_CONTINUE => Verdict::Continue,
        NFT_RETURN => Verdict::Return,
        NFT_JUMP => Verdict::Jump(chain()?),
        NFT_GOTO => Verdict::Goto(chain()?),
        other => Verdict::Other(other),
    })
}

/// An expression.
pub(super) fn expression(name: &str, attributes: Attributes<'_>) -> Expression {
    decode(name, attributes).unwrap_or_else(|| Expression::Other(name.to_owned()))
}

/// Byte offset of a register; the four old ones have 16 bytes each.
fn register(attributes: Attributes<'_>, kind: u16) -> Option<Register> {
    let number = attributes.get_be32(kind)? as usize;
    match number {
        1..=4 => Some((number - 1) * 16),
        8..=23 => Some((number - 8) * 4),
        _ => None,
    }
}

fn size(attributes: Attributes<'_>, kind: u16) -> Option<usize> {
    attributes.get_be32(kind).map(|size| size as usize)
}

fn decode(name: &str, attributes: Attributes<'_>) -> Option<Expression> {
    let word = |kind| attributes.get_be32(kind);
    let at = |kind| register(attributes, kind);
    Some(match name {
        "payload" if attributes.get(NFTA_PAYLOAD_SREG).is_some() => set_port(attributes)?,
        "payload" => Expression::Payload {
            base: word(NFTA_PAYLOAD_BASE)?,
            offset: size(attributes, NFTA_PAYLOAD_OFFSET)?,
            length: size(attributes, NFTA_PAYLOAD_LEN)?,
            to: at(NFTA_PAYLOAD_DREG)?,
        },
        "meta" => match at(NFTA_META_SREG) {
            Some(from) => Expression::MetaSet {
                key: word(NFTA_META_KEY)?,
                from,
            },
            None => Expression::Meta {
                key: word(NFTA_META_KEY)?,
                to: at(NFTA_META_DREG)?,
            },
        },
        "ct" if at(NFTA_CT_SREG).is_some() => match word(NFTA_CT_KEY)? {
            CT_MARK => Expression::CtMark {
                from: at(NFTA_CT_SREG)?,
            },
            CT_LABELS | CT_EVENTS | CT_SECMARK => Expression::Harmless("ct set".to_owned()),
            _ => return None,
        },
        "ct" => Expression::Ct {
            key: word(NFTA_CT_KEY)?,
            reply: attributes
                .get(NFTA_CT_DIRECTION)
                .and_then(|direction| direction.first())
                .map(|direction| *direction == 1),
            to: at(NFTA_CT_DREG)?,
        },
        "fib" => Expression::Fib {
            result: word(NFTA_FIB_RESULT)?,
            flags: word(NFTA_FIB_FLAGS)?,
            to: at(NFTA_FIB_DREG)?,
        },
        "immediate" => immediate(attributes)?,
        "cmp" => Expression::Compare {
            from: at(NFTA_CMP_SREG)?,
            operator: word(NFTA_CMP_OP)?,
            value: data(attributes, NFTA_CMP_DATA)?,
        },
        "range" => Expression::Range {
            from: at(1)?,
            not: word(2)? == 1,
            low: data(attributes, 3)?,
            high: data(attributes, 4)?,
        },
        // Shifts are not decoded.
        "bitwise" if word(NFTA_BITWISE_OP).unwrap_or(0) == 0 => {
            let length = size(attributes, NFTA_BITWISE_LEN)?;
            let cut = |mut bytes: Vec<u8>| {
                bytes.truncate(length);
                bytes
            };
            Expression::Bitwise {
                from: at(NFTA_BITWISE_SREG)?,
                to: at(NFTA_BITWISE_DREG)?,
                mask: cut(data(attributes, NFTA_BITWISE_MASK)?),
                flip: cut(data(attributes, NFTA_BITWISE_XOR)?),
            }
        }
        "byteorder" => Expression::Byteorder {
            from: at(1)?,
            to: at(2)?,
            length: size(attributes, 4)?,
            size: size(attributes, 5)?,
        },
        "lookup" => Expression::Lookup {
            set: attributes.get_text(NFTA_LOOKUP_SET)?,
            from: at(NFTA_LOOKUP_SREG)?,
            to: match word(NFTA_LOOKUP_DREG) {
                None => None,
                Some(0) => Some(Target::Verdict),
                Some(_) => Some(Target::Register(at(NFTA_LOOKUP_DREG)?)),
            },
            not: word(NFTA_LOOKUP_FLAGS).unwrap_or(0) & 1 != 0,
        },
        "nat" => nat(attributes)?,
        "masq" => Expression::Masquerade,
        "redir" => Expression::Redirect { port: at(1) },
        "reject" => Expression::Reject {
            kind: word(1)?,
            code: attributes
                .get(2)
                .and_then(|code| code.first())
                .copied()
                .unwrap_or(0),
        },
        "notrack" => Expression::Notrack,
        "counter" => Expression::Harmless("counter".to_owned()),
        // Only later packets take the short way.
        "flow_offload" => Expression::Harmless("flow add".to_owned()),
        "last" => Expression::Harmless("last".to_owned()),
        "log" => Expression::Harmless(log(attributes)),
        "limit" => limit(attributes)?,
        "queue" => Expression::Queue("queue".to_owned()),
        "match" => Expression::Match(extension(attributes)?),
        "target" => Expression::Action(extension(attributes)?),
        // It adds or renews an element; with an expression of its own it also decides.
        "dynset" if attributes.get(7).is_none() && attributes.get(10).is_none() => {
            Expression::Harmless(format!("update @{}", attributes.get_text(1)?))
        }
        _ => return None,
    })
}

/// Nothing else that is written into packets is decoded.
fn set_port(attributes: Attributes<'_>) -> Option<Expression> {
    let word = |kind| attributes.get_be32(kind);
    let place = (word(NFTA_PAYLOAD_BASE)?, word(NFTA_PAYLOAD_LEN)?);
    let offset = word(NFTA_PAYLOAD_OFFSET)?;
    if place != (NFT_PAYLOAD_TRANSPORT_HEADER, 2) || !matches!(offset, 0 | 2) {
        return None;
    }
    Some(Expression::SetPort {
        destination: offset == 2,
        from: register(attributes, NFTA_PAYLOAD_SREG)?,
    })
}

fn immediate(attributes: Attributes<'_>) -> Option<Expression> {
    let value = attributes.nested(NFTA_IMMEDIATE_DATA);
    if value.get(NFTA_DATA_VERDICT).is_some() {
        return verdict(value).map(Expression::Verdict);
    }
    Some(Expression::Immediate {
        value: value.get(NFTA_DATA_VALUE)?.to_vec(),
        to: register(attributes, NFTA_IMMEDIATE_DREG)?,
    })
}

fn nat(attributes: Attributes<'_>) -> Option<Expression> {
    let pair = |first: u16, last: u16| {
        register(attributes, first).map(|first| (first, register(attributes, last)))
    };
    let flags = attributes.get_be32(NFTA_NAT_FLAGS).unwrap_or(0);
    Some(Expression::Nat {
        destination: attributes.get_be32(NFTA_NAT_TYPE)? == NFT_NAT_DNAT,
        family: u8::try_from(attributes.get_be32(NFTA_NAT_FAMILY)?).ok()?,
        address: pair(NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_ADDR_MAX),
        port: pair(NFTA_NAT_REG_PROTO_MIN, NFTA_NAT_REG_PROTO_MAX),
        prefix: flags & NAT_PREFIX != 0,
    })
}

fn extension(attributes: Attributes<'_>) -> Option<Extension> {
    Some(Extension {
        name: attributes.get_text(1)?,
        revision: attributes.get_be32(2)?,
        info: attributes.get(3)?.to_vec(),
    })
}

fn log(attributes: Attributes<'_>) -> String {
    const LEVELS: [&str; 9] = [
        "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit",
    ];
    const WARN: usize = 4;
    let mut text = String::from("log");
    if let Some(prefix) = attributes.get_text(2) {
        text.push_str(&format!(" prefix \"{prefix}\""));
    }
    let group = attributes.get(1).and_then(|group| group.try_into().ok());
    if let Some(group) = group.map(u16::from_be_bytes) {
        text.push_str(&format!(" group {group}"));
    }
    let level = size(attributes, 5).unwrap_or(WARN);
    if let Some(level) = LEVELS.get(level).filter(|_| level != WARN) {
        text.push_str(&format!(" level {level}"));
    }
    text
}

fn limit(attributes: Attributes<'_>) -> Option<Expression> {
    const BYTES: u32 = 1;
    const OVER: u32 = 1;
    const DEFAULT_BURST: u32 = 5;
    let long =
        |kind| -> Option<u64> { Some(u64::from_be_bytes(attributes.get(kind)?.try_into().ok()?)) };
    let (rate, seconds) = (long(1)?, long(2)?);
    let burst = attributes.get_be32(3).unwrap_or(0);
    let bytes = attributes.get_be32(4).unwrap_or(0) == BYTES;
    let over = attributes.get_be32(5).unwrap_or(0) & OVER != 0;
    let unit = match seconds {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3600 => "hour".to_owned(),
        86400 => "day".to_owned(),
        604_800 => "week".to_owned(),
        other => format!("{other} seconds"),
    };
    let mut text = format!("limit rate {}{rate}", if over { "over " } else { "" });
    text.push_str(if bytes { " bytes/" } else { "/" });
    text.push_str(&unit);
    if bytes && burst != 0 {
        text.push_str(&format!(" burst {burst} bytes"));
    } else if !bytes && burst != DEFAULT_BURST {
        text.push_str(&format!(" burst {burst} packets"));
    }
    Some(Expression::Limit { text, over })
}
