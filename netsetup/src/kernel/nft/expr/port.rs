//! Expressions about ports.

use super::super::set::protocol_number;
use super::super::wire::{
    NFT_CMP_EQ, NFT_META_L4PROTO, NFT_PAYLOAD_CSUM_INET, NFT_PAYLOAD_TRANSPORT_HEADER,
    NFTA_PAYLOAD_BASE, NFTA_PAYLOAD_CSUM_OFFSET, NFTA_PAYLOAD_CSUM_TYPE, NFTA_PAYLOAD_LEN,
    NFTA_PAYLOAD_OFFSET, NFTA_PAYLOAD_SREG,
};
use super::{Rule, register};
use crate::model::port::Protocol;

/// One of the two ports of a packet, at its offset in the transport header.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Port {
    Source = 0,
    Destination = 2,
}

/// Bytes.
const PORT: u32 = 2;

impl Rule<'_> {
    /// `udp dport 53`, `tcp sport 4054`.
    pub fn has_port(&mut self, protocol: Protocol, which: Port, port: u16) {
        self.meta(NFT_META_L4PROTO, 0);
        self.compare(NFT_CMP_EQ, &[protocol_number(protocol)]);
        self.payload(NFT_PAYLOAD_TRANSPORT_HEADER, which as u32, PORT, 0);
        self.compare(NFT_CMP_EQ, &port.to_be_bytes());
    }

    /// `udp dport set 4053`, with the checksum.
    pub fn set_port(&mut self, protocol: Protocol, which: Port, port: u16) {
        let checksum = match protocol {
            Protocol::Tcp => 16,
            Protocol::Udp => 6,
        };
        self.load(&port.to_be_bytes(), 0);
        self.expression("payload", |e| {
            e.be32(NFTA_PAYLOAD_SREG, register(0));
            e.be32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
            e.be32(NFTA_PAYLOAD_OFFSET, which as u32);
            e.be32(NFTA_PAYLOAD_LEN, PORT);
            e.be32(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
            e.be32(NFTA_PAYLOAD_CSUM_OFFSET, checksum);
        });
    }
}
