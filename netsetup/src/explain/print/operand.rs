//! What rules load, named as nft names it.

use super::keys;
use super::value::{Kind, mask_length};
use crate::explain::ruleset::{Expression, Family, Register};

/// Something in a register.
#[derive(Clone, Debug)]
pub struct Operand {
    /// As nft names it.
    pub text: String,
    /// What its bytes are.
    pub kind: Kind,
    /// Its full length in bytes, where fewer mean a prefix.
    pub width: Option<usize>,
    /// `& mask ^ flip` was applied.
    pub mask: Option<(Vec<u8>, Vec<u8>)>,
    /// It is this constant.
    pub constant: Option<Vec<u8>>,
}

/// A register's content.
pub struct Loaded {
    /// Where it begins.
    pub at: Register,
    /// What it is.
    pub operand: Operand,
}

impl Operand {
    /// One of a type.
    pub fn new(text: impl Into<String>, kind: Kind) -> Operand {
        Operand {
            text: text.into(),
            kind,
            width: None,
            mask: None,
            constant: None,
        }
    }

    /// One whose type is not known.
    pub fn unknown(text: String) -> Operand {
        Operand::new(text, Kind::Number)
    }

    /// A constant.
    pub fn constant(value: Vec<u8>) -> Operand {
        let mut operand = Operand::new("", Kind::Number);
        operand.constant = Some(value);
        operand
    }

    /// Compared with a value.
    pub fn compared(&self, operator: u32, value: &[u8]) -> String {
        let sign = match operator {
            0 => "",
            1 => "!= ",
            2 => "< ",
            3 => "<= ",
            4 => "> ",
            _ => ">= ",
        };
        if let Some((mask, flip)) = &self.mask {
            return self.compared_masked(operator, sign, value, mask, flip);
        }
        if let Some(width) = self.width
            && value.len() < width
        {
            let mut whole = value.to_vec();
            whole.resize(width, 0);
            let prefix = value.len() * 8;
            return format!("{} {sign}{}/{prefix}", self.text, self.kind.show(&whole));
        }
        if self.kind == Kind::Presence {
            return format!("{} {}", self.text, self.kind.show(value));
        }
        format!("{} {sign}{}", self.text, self.kind.show(value))
    }

    fn compared_masked(
        &self,
        operator: u32,
        sign: &str,
        value: &[u8],
        mask: &[u8],
        flip: &[u8],
    ) -> String {
        let zero = value.iter().all(|byte| *byte == 0);
        let plain = flip.iter().all(|byte| *byte == 0);
        let shown = self.kind.show(value);
        let masked = self.kind.show(mask);
        if self.kind.bits().is_some() && plain {
            return match (operator, zero) {
                (1, true) => format!("{} {masked}", self.text),
                (0, true) => format!("{} ! {masked}", self.text),
                _ => format!("{} {sign}{shown} / {masked}", self.text),
            };
        }
        if matches!(self.kind, Kind::V4 | Kind::V6)
            && plain
            && let Some(length) = mask_length(mask)
        {
            return format!("{} {sign}{shown}/{length}", self.text);
        }
        let compare = if sign.is_empty() { "== " } else { sign };
        if plain {
            format!("{} & {masked} {compare}{shown}", self.text)
        } else {
            let flipped = self.kind.show(flip);
            format!("{} & {masked} ^ {flipped} {compare}{shown}", self.text)
        }
    }
}

/// Where an expression loads to.
pub fn target(expression: &Expression) -> Option<Register> {
    match expression {
        Expression::Payload { to, .. }
        | Expression::Meta { to, .. }
        | Expression::Ct { to, .. }
        | Expression::Fib { to, .. } => Some(*to),
        _ => None,
    }
}

/// What a rule has established about its packets.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    family: Family,
    /// 4 or 6.
    version: Option<u8>,
    /// Transport protocol.
    protocol: Option<u8>,
}

const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;

impl Context {
    /// Of a table's rules.
    pub fn new(family: Family) -> Context {
        Context {
            family,
            version: match family {
                Family::Ip => Some(4),
                Family::Ip6 => Some(6),
                _ => None,
            },
            protocol: None,
        }
    }

    /// Takes in a load and the comparison that follows it.
    pub fn learn(&mut self, load: &Expression, compare: &Expression) {
        let Expression::Compare {
            operator: 0, value, ..
        } = compare
        else {
            return;
        };
        match (load, value.as_slice()) {
            (
                Expression::Meta {
                    key: META_NFPROTO, ..
                },
                [2],
            ) => self.version = Some(4),
            (
                Expression::Meta {
                    key: META_NFPROTO, ..
                },
                [10],
            ) => self.version = Some(6),
            (Expression::Meta { key: 1, .. }, [0x08, 0x00]) => self.version = Some(4),
            (Expression::Meta { key: 1, .. }, [0x86, 0xdd]) => self.version = Some(6),
            (
                Expression::Payload {
                    base: 0,
                    offset: 12,
                    ..
                },
                [0x08, 0x00],
            ) => {
                self.version = Some(4);
            }
            (
                Expression::Meta {
                    key: META_L4PROTO, ..
                },
                [protocol],
            ) => {
                self.protocol = Some(*protocol);
            }
            (
                Expression::Payload {
                    base: 1,
                    offset,
                    length: 1,
                    ..
                },
                [protocol],
            ) if *offset == if self.version == Some(6) { 6 } else { 9 } => {
                self.protocol = Some(*protocol);
            }
            _ => {}
        }
    }

    /// Whether a comparison goes without saying, because of what is loaded after it.
    pub fn implied(&self, load: &Expression, rest: &[Expression]) -> bool {
        let loads = |wanted: u32| {
            rest.iter()
                .any(|e| matches!(e, Expression::Payload { base, .. } if *base == wanted))
        };
        match load {
            // `icmp` and `icmpv6` say which of the two.
            Expression::Meta {
                key: META_NFPROTO, ..
            } => loads(1) || (loads(2) && rest.windows(2).any(is_icmp)),
            Expression::Meta {
                key: META_L4PROTO, ..
            } => loads(2),
            Expression::Meta { key: 1, .. } if self.family == Family::Bridge => loads(1),
            _ => false,
        }
    }

    /// What an expression loads; `None` for those that load nothing of a packet.
    pub fn operand(&self, expression: &Expression) -> Option<Operand> {
        match expression {
            Expression::Payload {
                base,
                offset,
                length,
                ..
            } => Some(self.payload(*base, *offset, *length)),
            Expression::Meta { key, .. } => Some(keys::meta(*key)),
            Expression::Ct { key, reply, .. } => Some(keys::ct(*key, *reply)),
            Expression::Fib { result, flags, .. } => Some(keys::fib(*result, *flags)),
            _ => None,
        }
    }

    fn payload(&self, base: u32, offset: usize, length: usize) -> Operand {
        let raw = || {
            let name = ["ll", "nh", "th"].get(base as usize).unwrap_or(&"ih");
            Operand::unknown(format!("@{name},{},{}", offset * 8, length * 8))
        };
        match (base, self.version) {
            (0, _) => match (offset, length) {
                (0, 6) => Operand::new("ether daddr", Kind::Mac),
                (6, 6) => Operand::new("ether saddr", Kind::Mac),
                (12, 2) => Operand::new("ether type", Kind::EtherType),
                _ => raw(),
            },
            (1, Some(4)) => match (offset, length) {
                (12, 1..=4) => address("ip saddr", Kind::V4, 4),
                (16, 1..=4) => address("ip daddr", Kind::V4, 4),
                (9, 1) => Operand::new("ip protocol", Kind::Protocol),
                (8, 1) => Operand::new("ip ttl", Kind::Number),
                (2, 2) => Operand::new("ip length", Kind::Number),
                (4, 2) => Operand::new("ip id", Kind::Number),
                (6, 2) => Operand::new("ip frag-off", Kind::Number),
                _ => raw(),
            },
            (1, Some(6)) => match (offset, length) {
                (8, 1..=16) => address("ip6 saddr", Kind::V6, 16),
                (24, 1..=16) => address("ip6 daddr", Kind::V6, 16),
                (6, 1) => Operand::new("ip6 nexthdr", Kind::Protocol),
                (7, 1) => Operand::new("ip6 hoplimit", Kind::Number),
                (4, 2) => Operand::new("ip6 length", Kind::Number),
                _ => raw(),
            },
            (2, _) => self.transport(offset, length).unwrap_or_else(raw),
            _ => raw(),
        }
    }

    /// Two neighbouring fields that are loaded as one, with the first one's length.
    pub fn two(&self, load: &Expression) -> Option<(Operand, usize, Operand)> {
        let Expression::Payload {
            base,
            offset,
            length,
            ..
        } = load
        else {
            return None;
        };
        let half = length / 2;
        let fields = matches!(
            (base, self.version, offset, length),
            (2, _, 0, 4) | (1, Some(4), 12, 8) | (1, Some(6), 8, 32)
        );
        fields.then(|| {
            let first = self.payload(*base, *offset, half);
            (first, half, self.payload(*base, offset + half, half))
        })
    }

    fn transport(&self, offset: usize, length: usize) -> Option<Operand> {
        let name = match self.protocol {
            Some(6) => "tcp",
            Some(17) => "udp",
            Some(132) => "sctp",
            Some(1) => "icmp",
            Some(58) => "icmpv6",
            _ => "th",
        };
        let icmp = name.starts_with("icmp");
        Some(match (offset, length) {
            (0, 1) if name == "icmp" => Operand::new("icmp type", Kind::Icmp),
            (0, 1) if icmp => Operand::new("icmpv6 type", Kind::Icmp6),
            (1, 1) if icmp => Operand::new(format!("{name} code"), Kind::Number),
            (0, 2) => Operand::new(format!("{name} sport"), Kind::Number),
            (2, 2) => Operand::new(format!("{name} dport"), Kind::Number),
            (13, 1) if name == "tcp" => Operand::new("tcp flags", Kind::TcpFlags),
            _ => return None,
        })
    }
}

/// `meta l4proto icmp` or `ipv6-icmp`.
fn is_icmp(pair: &[Expression]) -> bool {
    matches!(pair, [Expression::Meta { key: META_L4PROTO, .. }, Expression::Compare { value, .. }]
        if matches!(value.as_slice(), [1] | [58]))
}

fn address(text: &str, kind: Kind, width: usize) -> Operand {
    let mut operand = Operand::new(text, kind);
    operand.width = Some(width);
    operand
}
