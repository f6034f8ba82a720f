//! Rules, expression by expression, in the shapes that nft itself writes (so that it can print
//! them). Values travel in registers: a concatenated key is loaded part by part into
//! neighbouring 32-bit registers.

mod mark;
pub(super) mod port;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::wire::{
    NF_ACCEPT, NF_DROP, NFPROTO_IPV4, NFPROTO_IPV6, NFT_CMP_EQ, NFT_CMP_NEQ, NFT_CT_STATE,
    NFT_CT_STATUS, NFT_FIB_RESULT_ADDRTYPE, NFT_JUMP, NFT_META_IIF, NFT_META_IIFNAME,
    NFT_META_L4PROTO, NFT_META_NFPROTO, NFT_META_OIFNAME, NFT_NAT_DNAT, NFT_NAT_SNAT,
    NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER, NFT_REG_VERDICT, NFT_RETURN,
    NFTA_BITWISE_DREG, NFTA_BITWISE_LEN, NFTA_BITWISE_MASK, NFTA_BITWISE_SREG, NFTA_BITWISE_XOR,
    NFTA_CMP_DATA, NFTA_CMP_OP, NFTA_CMP_SREG, NFTA_CT_DREG, NFTA_CT_KEY, NFTA_DATA_VALUE,
    NFTA_DATA_VERDICT, NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_FIB_DREG, NFTA_FIB_F_DADDR,
    NFTA_FIB_FLAGS, NFTA_FIB_RESULT, NFTA_IMMEDIATE_DATA, NFTA_IMMEDIATE_DREG, NFTA_LIST_ELEM,
    NFTA_LOOKUP_DREG, NFTA_LOOKUP_SET, NFTA_LOOKUP_SREG, NFTA_META_DREG, NFTA_META_KEY,
    NFTA_NAT_FAMILY, NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_PROTO_MIN, NFTA_NAT_TYPE,
    NFTA_PAYLOAD_BASE, NFTA_PAYLOAD_DREG, NFTA_PAYLOAD_LEN, NFTA_PAYLOAD_OFFSET,
    NFTA_VERDICT_CHAIN, NFTA_VERDICT_CODE,
};
use crate::kernel::netlink::{Encoder, LOOPBACK};

/// A 32-bit register, counted from 0.
pub(super) fn register(number: u32) -> u32 {
    8 + number
}

/// `ct state established,related`.
const ESTABLISHED_OR_RELATED: u32 = 0x2 | 0x4;
/// `ct status dnat`.
const STATUS_DNAT: u32 = 0x20;
/// `fib … type local`.
const TYPE_LOCAL: u32 = 2;

/// Address family of a rule's addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => NFPROTO_IPV4,
            Family::V6 => NFPROTO_IPV6,
        }
    }

    /// Number of 32-bit registers an address fills.
    pub fn registers(self) -> u32 {
        match self {
            Family::V4 => 1,
            Family::V6 => 4,
        }
    }

    fn source_offset(self) -> u32 {
        match self {
            Family::V4 => 12,
            Family::V6 => 8,
        }
    }

    fn destination_offset(self) -> u32 {
        self.source_offset() + self.registers() * 4
    }
}

/// The expressions of one rule, appended in order.
pub(super) struct Rule<'a>(pub &'a mut Encoder);

impl Rule<'_> {
    /// `meta nfproto ipv4`.
    pub fn family(&mut self, family: Family) {
        self.meta(NFT_META_NFPROTO, 0);
        self.compare(NFT_CMP_EQ, &[family.number()]);
    }

    /// `ct state established,related`.
    pub fn established(&mut self) {
        self.ct(NFT_CT_STATE);
        self.any_bit(ESTABLISHED_OR_RELATED);
    }

    /// `ct status dnat`.
    pub fn was_dnatted(&mut self) {
        self.ct(NFT_CT_STATUS);
        self.any_bit(STATUS_DNAT);
    }

    /// `fib daddr type local`.
    pub fn destined_here(&mut self) {
        self.expression("fib", |e| {
            e.be32(NFTA_FIB_DREG, register(0));
            e.be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
            e.be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
        });
        self.compare(NFT_CMP_EQ, &TYPE_LOCAL.to_ne_bytes());
    }

    /// `ip daddr 127.0.0.0/8`.
    pub fn destined_to_loopback_v4(&mut self) {
        self.family(Family::V4);
        // nft writes a whole-byte prefix as a shorter load.
        self.payload(
            NFT_PAYLOAD_NETWORK_HEADER,
            Family::V4.destination_offset(),
            1,
            0,
        );
        self.compare(NFT_CMP_EQ, &[127]);
    }

    /// `ip6 daddr ::1`.
    pub fn destined_to_loopback_v6(&mut self) {
        self.family(Family::V6);
        self.load_destination(Family::V6, 0);
        self.compare(NFT_CMP_EQ, &Ipv6Addr::LOCALHOST.octets());
    }

    /// `ip daddr 127.0.0.11`, in a table of family ip.
    pub fn destined_to(&mut self, address: Ipv4Addr) {
        self.load_destination(Family::V4, 0);
        self.compare(NFT_CMP_EQ, &address.octets());
    }

    /// `ip saddr 127.0.0.11`, in a table of family ip.
    pub fn sent_from(&mut self, address: Ipv4Addr) {
        self.load_source(Family::V4, 0);
        self.compare(NFT_CMP_EQ, &address.octets());
    }

    /// `iif != lo`.
    pub fn not_from_loopback(&mut self) {
        self.meta(NFT_META_IIF, 0);
        self.compare(NFT_CMP_NEQ, &LOOPBACK.to_ne_bytes());
    }

    /// `iifname @set`.
    pub fn in_interface(&mut self, set: &str) {
        self.load_in_interface(0);
        self.lookup(set);
    }

    /// `oifname @set`.
    pub fn out_interface(&mut self, set: &str) {
        self.load_out_interface(0);
        self.lookup(set);
    }

    /// Loads `ip saddr`.
    pub fn load_source(&mut self, family: Family, at: u32) {
        let length = family.registers() * 4;
        self.payload(
            NFT_PAYLOAD_NETWORK_HEADER,
            family.source_offset(),
            length,
            at,
        );
    }

    /// Loads `ip daddr`.
    pub fn load_destination(&mut self, family: Family, at: u32) {
        let length = family.registers() * 4;
        self.payload(
            NFT_PAYLOAD_NETWORK_HEADER,
            family.destination_offset(),
            length,
            at,
        );
    }

    /// Loads `iifname` (four registers).
    pub fn load_in_interface(&mut self, at: u32) {
        self.meta(NFT_META_IIFNAME, at);
    }

    /// Loads `oifname` (four registers).
    pub fn load_out_interface(&mut self, at: u32) {
        self.meta(NFT_META_OIFNAME, at);
    }

    /// Loads `meta l4proto`.
    pub fn load_protocol(&mut self, at: u32) {
        self.meta(NFT_META_L4PROTO, at);
    }

    /// Loads `th dport`.
    pub fn load_destination_port(&mut self, at: u32) {
        self.payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, at);
    }

    /// Goes on when the key loaded from register 0 on is in the set.
    pub fn lookup(&mut self, set: &str) {
        self.expression("lookup", |e| {
            e.text(NFTA_LOOKUP_SET, set);
            e.be32(NFTA_LOOKUP_SREG, register(0));
        });
    }

    /// Goes on when the key is in the map, with its value from register 0 on.
    pub fn map(&mut self, map: &str) {
        self.expression("lookup", |e| {
            e.text(NFTA_LOOKUP_SET, map);
            e.be32(NFTA_LOOKUP_SREG, register(0));
            e.be32(NFTA_LOOKUP_DREG, register(0));
        });
    }

    /// Puts a constant into registers.
    pub fn load(&mut self, value: &[u8], at: u32) {
        self.expression("immediate", |e| {
            e.be32(NFTA_IMMEDIATE_DREG, register(at));
            e.nest(NFTA_IMMEDIATE_DATA, |e| e.bytes(NFTA_DATA_VALUE, value));
        });
    }

    /// `dnat to` the address in register 0 and the port in the register behind it.
    pub fn dnat(&mut self, family: Family) {
        self.expression("nat", |e| {
            e.be32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
            e.be32(NFTA_NAT_FAMILY, u32::from(family.number()));
            e.be32(NFTA_NAT_REG_ADDR_MIN, register(0));
            e.be32(NFTA_NAT_REG_PROTO_MIN, register(family.registers()));
        });
    }

    /// `snat to` the address in register 0.
    pub fn snat(&mut self, family: Family) {
        self.expression("nat", |e| {
            e.be32(NFTA_NAT_TYPE, NFT_NAT_SNAT);
            e.be32(NFTA_NAT_FAMILY, u32::from(family.number()));
            e.be32(NFTA_NAT_REG_ADDR_MIN, register(0));
        });
    }

    /// `masquerade`.
    pub fn masquerade(&mut self) {
        self.expression("masq", |_| {});
    }

    /// `accept`.
    pub fn accept(&mut self) {
        self.verdict(NF_ACCEPT, None);
    }

    /// `drop`.
    pub fn drop(&mut self) {
        self.verdict(NF_DROP, None);
    }

    /// `return`.
    pub fn done(&mut self) {
        self.verdict(NFT_RETURN, None);
    }

    /// `jump chain`.
    pub fn jump(&mut self, chain: &str) {
        self.verdict(NFT_JUMP, Some(chain));
    }

    fn verdict(&mut self, code: i32, chain: Option<&str>) {
        self.expression("immediate", |e| {
            e.be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
            e.nest(NFTA_IMMEDIATE_DATA, |e| {
                e.nest(NFTA_DATA_VERDICT, |e| {
                    e.bytes(NFTA_VERDICT_CODE, &code.to_be_bytes());
                    if let Some(chain) = chain {
                        e.text(NFTA_VERDICT_CHAIN, chain);
                    }
                });
            });
        });
    }

    fn meta(&mut self, key: u32, at: u32) {
        self.expression("meta", |e| {
            e.be32(NFTA_META_KEY, key);
            e.be32(NFTA_META_DREG, register(at));
        });
    }

    fn ct(&mut self, key: u32) {
        self.expression("ct", |e| {
            e.be32(NFTA_CT_KEY, key);
            e.be32(NFTA_CT_DREG, register(0));
        });
    }

    fn payload(&mut self, base: u32, offset: u32, length: u32, at: u32) {
        self.expression("payload", |e| {
            e.be32(NFTA_PAYLOAD_DREG, register(at));
            e.be32(NFTA_PAYLOAD_BASE, base);
            e.be32(NFTA_PAYLOAD_OFFSET, offset);
            e.be32(NFTA_PAYLOAD_LEN, length);
        });
    }

    fn any_bit(&mut self, mask: u32) {
        self.expression("bitwise", |e| {
            e.be32(NFTA_BITWISE_SREG, register(0));
            e.be32(NFTA_BITWISE_DREG, register(0));
            e.be32(NFTA_BITWISE_LEN, 4);
            e.nest(NFTA_BITWISE_MASK, |e| {
                e.bytes(NFTA_DATA_VALUE, &mask.to_ne_bytes())
            });
            e.nest(NFTA_BITWISE_XOR, |e| e.bytes(NFTA_DATA_VALUE, &[0; 4]));
        });
        self.compare(NFT_CMP_NEQ, &[0; 4]);
    }

    fn compare(&mut self, operator: u32, value: &[u8]) {
        self.expression("cmp", |e| {
            e.be32(NFTA_CMP_SREG, register(0));
            e.be32(NFTA_CMP_OP, operator);
            e.nest(NFTA_CMP_DATA, |e| e.bytes(NFTA_DATA_VALUE, value));
        });
    }

    fn expression(&mut self, name: &str, fill: impl FnOnce(&mut Encoder)) {
        self.0.nest(NFTA_LIST_ELEM, |e| {
            e.text(NFTA_EXPR_NAME, name);
            e.nest(NFTA_EXPR_DATA, fill);
        });
    }
}
