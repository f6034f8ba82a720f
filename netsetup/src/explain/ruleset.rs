//! A ruleset as the kernel has it: tables, chains, rules as lists of expressions, sets with
//! their elements. Read by [`crate::kernel::nft::Nft::ruleset`], or written by hand in tests.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

use std::fmt;

/// Everything nf_tables has in one network namespace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ruleset {
    /// In the order they were made.
    pub tables: Vec<Table>,
}

/// Which packets a table sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// IPv4 and IPv6.
    Inet,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// ARP.
    Arp,
    /// Frames within bridges.
    Bridge,
    /// Frames of one device.
    Netdev,
}

impl Family {
    /// The family of an `NFPROTO_*` number.
    pub fn from_number(number: u8) -> Option<Family> {
        Some(match number {
            1 => Family::Inet,
            2 => Family::Ip,
            3 => Family::Arp,
            5 => Family::Netdev,
            7 => Family::Bridge,
            10 => Family::Ip6,
            _ => return None,
        })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Inet => "inet",
            Family::Ip => "ip",
            Family::Ip6 => "ip6",
            Family::Arp => "arp",
            Family::Bridge => "bridge",
            Family::Netdev => "netdev",
        })
    }
}

/// A table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Which packets it sees.
    pub family: Family,
    /// Its name.
    pub name: String,
    /// Its chains are switched off.
    pub dormant: bool,
    /// In the order they were made.
    pub chains: Vec<Chain>,
    /// Sets and maps, anonymous ones too.
    pub sets: Vec<Set>,
}

impl Table {
    /// The chain of this name.
    pub fn chain(&self, name: &str) -> Option<usize> {
        self.chains.iter().position(|chain| chain.name == name)
    }

    /// The set of this name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }
}

/// A chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// Where it hooks in; `None` when others jump to it.
    pub base: Option<Base>,
    /// In order.
    pub rules: Vec<Rule>,
}

/// Where a base chain sits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// Number of the hook in its family.
    pub hook: u32,
    /// Lower ones come first.
    pub priority: i32,
    /// What passes to the end is dropped.
    pub drops: bool,
    /// Devices that it is bound to (ingress and egress).
    pub devices: Vec<String>,
}

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// The kernel's number, as `nft -a` shows it.
    pub handle: u64,
    /// What it does, from left to right.
    pub expressions: Vec<Expression>,
    /// The user's words.
    pub comment: Option<String>,
}

/// Byte offset in the sixteen 32-bit registers.
pub type Register = usize;

/// What a compatible `iptables` extension has to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extension {
    /// `conntrack`, `MASQUERADE`, …
    pub name: String,
    /// Revision of its structure.
    pub revision: u32,
    /// Its structure.
    pub info: Vec<u8>,
}

/// One step of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expression {
    /// Loads bytes of the packet.
    Payload {
        /// 0 link, 1 network, 2 transport header.
        base: u32,
        /// Where they begin.
        offset: usize,
        /// How many.
        length: usize,
        /// Where to.
        to: Register,
    },
    /// Writes a port into the packet.
    SetPort {
        /// The destination's, not the source's.
        destination: bool,
        /// Where it is.
        from: Register,
    },
    /// Loads what belongs to the packet but is not in it.
    Meta {
        /// `NFT_META_*`.
        key: u32,
        /// Where to.
        to: Register,
    },
    /// Sets it.
    MetaSet {
        /// `NFT_META_*`.
        key: u32,
        /// Where from.
        from: Register,
    },
    /// Loads what connection tracking knows.
    Ct {
        /// `NFT_CT_*`.
        key: u32,
        /// Of the reply.
        reply: Option<bool>,
        /// Where to.
        to: Register,
    },
    /// Sets the connection's mark.
    CtMark {
        /// Where from.
        from: Register,
    },
    /// Loads what the routing tables say.
    Fib {
        /// 1 interface index, 2 interface name, 3 address type.
        result: u32,
        /// `NFTA_FIB_F_*`.
        flags: u32,
        /// Where to.
        to: Register,
    },
    /// Loads a constant.
    Immediate {
        /// The constant.
        value: Vec<u8>,
        /// Where to.
        to: Register,
    },
    /// Ends with a verdict.
    Verdict(Verdict),
    /// Goes on if this holds.
    Compare {
        /// What is compared.
        from: Register,
        /// 0 ==, 1 !=, 2 <, 3 <=, 4 >, 5 >=.
        operator: u32,
        /// With what.
        value: Vec<u8>,
    },
    /// Goes on if it lies in between, ends included.
    Range {
        /// What is compared.
        from: Register,
        /// Outside instead.
        not: bool,
        /// Lower end.
        low: Vec<u8>,
        /// Upper end.
        high: Vec<u8>,
    },
    /// `(register & mask) ^ flip`.
    Bitwise {
        /// What is changed.
        from: Register,
        /// Where to.
        to: Register,
        /// Bits that stay.
        mask: Vec<u8>,
        /// Bits that are turned.
        flip: Vec<u8>,
    },
    /// From one byte order to the other.
    Byteorder {
        /// What is changed.
        from: Register,
        /// Where to.
        to: Register,
        /// Bytes in all.
        length: usize,
        /// Bytes of one number.
        size: usize,
    },
    /// Goes on if it is in the set; from a map, loads the value.
    Lookup {
        /// Its name.
        set: String,
        /// The key.
        from: Register,
        /// A map's value goes here; `None` for sets.
        to: Option<Target>,
        /// Goes on if it is not.
        not: bool,
    },
    /// Another source or destination.
    Nat {
        /// The destination, not the source.
        destination: bool,
        /// `NFPROTO_*` of the address.
        family: u8,
        /// Address and the last of several.
        address: Option<(Register, Option<Register>)>,
        /// Port and the last of several.
        port: Option<(Register, Option<Register>)>,
        /// The address stays with the network, the host part changes (`prefix to`).
        prefix: bool,
    },
    /// The source becomes the address of the interface.
    Masquerade,
    /// The destination becomes this host.
    Redirect {
        /// Port.
        port: Option<Register>,
    },
    /// Dropped with an answer.
    Reject {
        /// 0 ICMP unreachable, 1 TCP reset, 2 ICMP unreachable of either family.
        kind: u32,
        /// Of the ICMP message.
        code: u8,
    },
    /// Connection tracking leaves it alone.
    Notrack,
    /// Goes on while (or, over, when not) the rate is kept.
    Limit {
        /// As nft writes it.
        text: String,
        /// Matches above the rate.
        over: bool,
    },
    /// Counts, logs, traces: nothing that moves a packet. As nft writes it.
    Harmless(String),
    /// To a program.
    Queue(String),
    /// An extension of iptables that looks.
    Match(Extension),
    /// An extension of iptables that acts.
    Action(Extension),
    /// One that is not known here, or in a form that is not.
    Other(String),
}

/// Where a map's value goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// It is a verdict.
    Verdict,
    /// It is data.
    Register(Register),
}

/// What becomes of a packet, or which rule is next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// This chain lets it pass.
    Accept,
    /// It is gone.
    Drop,
    /// The next rule.
    Continue,
    /// The end of this chain.
    Return,
    /// Another chain, then back.
    Jump(String),
    /// Another chain.
    Goto(String),
    /// Some other number.
    Other(i32),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accept => f.write_str("accept"),
            Verdict::Drop => f.write_str("drop"),
            Verdict::Continue => f.write_str("continue"),
            Verdict::Return => f.write_str("return"),
            Verdict::Jump(chain) => write!(f, "jump {chain}"),
            Verdict::Goto(chain) => write!(f, "goto {chain}"),
            Verdict::Other(code) => write!(f, "verdict {code}"),
        }
    }
}

/// A set or map.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Set {
    /// Its name; anonymous ones begin with `__`.
    pub name: String,
    /// Belongs to one rule.
    pub anonymous: bool,
    /// Has values.
    pub map: bool,
    /// nft's number of the key's type; parts of a concatenation are 6 bits each.
    pub key_type: u32,
    /// nft's number of the value's type.
    pub data_type: u32,
    /// Length of each part of a concatenation, in bytes; empty where the key is one value.
    pub parts: Vec<usize>,
    /// What is in it.
    pub elements: Vec<Element>,
    /// Its elements have expressions of their own (limits, quotas), or are objects.
    pub stateful: bool,
}

/// An element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    /// The key, or an interval; `None` is everything else (`*`).
    pub key: Option<Interval>,
    /// A map's value.
    pub data: Option<Data>,
}

/// From and to, both included; equal for a single key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interval {
    /// Lower end.
    pub from: Vec<u8>,
    /// Upper end.
    pub to: Vec<u8>,
}

/// A map's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// Bytes for registers.
    Value(Vec<u8>),
    /// What becomes of the packet.
    Verdict(Verdict),
}
