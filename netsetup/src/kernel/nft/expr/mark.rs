//! Expressions about packet marks and kinds of interfaces.

use super::super::set;
use super::super::wire::{
    NFT_CMP_EQ, NFT_CMP_NEQ, NFT_META_IIFKIND, NFT_META_MARK, NFT_META_OIFKIND, NFTA_BITWISE_DREG,
    NFTA_BITWISE_LEN, NFTA_BITWISE_MASK, NFTA_BITWISE_SREG, NFTA_BITWISE_XOR, NFTA_COUNTER_BYTES,
    NFTA_COUNTER_PACKETS, NFTA_DATA_VALUE, NFTA_META_KEY, NFTA_META_SREG,
};
use super::{Rule, register};

impl Rule<'_> {
    /// `meta mark & bit == bit`, which iptables prints as `-m mark --mark bit/bit`.
    pub fn marked(&mut self, bit: u32) {
        self.meta(NFT_META_MARK, 0);
        self.bits(bit, 0);
        self.compare(NFT_CMP_EQ, &bit.to_ne_bytes());
    }

    /// `meta mark set meta mark | bit`.
    pub fn mark(&mut self, bit: u32) {
        self.meta(NFT_META_MARK, 0);
        self.bits(!bit, bit);
        self.expression("meta", |e| {
            e.be32(NFTA_META_KEY, NFT_META_MARK);
            e.be32(NFTA_META_SREG, register(0));
        });
    }

    /// `meta iifkind != "bridge"`.
    pub fn not_from_a_bridge(&mut self) {
        self.meta(NFT_META_IIFKIND, 0);
        self.compare(NFT_CMP_NEQ, &set::interface("bridge"));
    }

    /// `meta oifkind != "bridge"`.
    pub fn not_to_a_bridge(&mut self) {
        self.meta(NFT_META_OIFKIND, 0);
        self.compare(NFT_CMP_NEQ, &set::interface("bridge"));
    }

    /// `counter`.
    pub fn counter(&mut self) {
        self.expression("counter", |e| {
            e.bytes(NFTA_COUNTER_BYTES, &[0; 8]);
            e.bytes(NFTA_COUNTER_PACKETS, &[0; 8]);
        });
    }

    /// Register 0 becomes `(register & mask) ^ xor`.
    fn bits(&mut self, mask: u32, xor: u32) {
        self.expression("bitwise", |e| {
            e.be32(NFTA_BITWISE_SREG, register(0));
            e.be32(NFTA_BITWISE_DREG, register(0));
            e.be32(NFTA_BITWISE_LEN, 4);
            e.nest(NFTA_BITWISE_MASK, |e| {
                e.bytes(NFTA_DATA_VALUE, &mask.to_ne_bytes())
            });
            e.nest(NFTA_BITWISE_XOR, |e| {
                e.bytes(NFTA_DATA_VALUE, &xor.to_ne_bytes())
            });
        });
    }
}
