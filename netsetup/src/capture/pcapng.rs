//! The pcapng file format: blocks appended to a buffer.
//!
//! Source: IETF draft-ietf-opsawg-pcapng ("PCAP Now Generic (pcapng) Capture File Format").
//! Numbers are little-endian, which the section header's byte-order magic says.

use std::time::Duration;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_OS: u16 = 3;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const ISB_STARTTIME: u16 = 2;
const ISB_ENDTIME: u16 = 3;
const ISB_IFRECV: u16 = 4;
const ISB_OSDROP: u16 = 7;
const ISB_USRDELIV: u16 = 8;

/// Time stamps count 10^-9 seconds.
const NANOSECONDS: u8 = 9;

/// An interface that packets are captured at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub description: String,
    /// LINKTYPE of its packets (<https://www.tcpdump.org/linktypes.html>).
    pub link_type: u16,
}

/// Which way a packet went, and to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reception {
    /// To this host.
    Unicast,
    /// To a group.
    Multicast,
    /// To all.
    Broadcast,
    /// To somebody else; seen because the interface is promiscuous.
    Promiscuous,
    /// From this host.
    Outgoing,
}

impl Reception {
    /// `epb_flags`: bits 0–1 the direction, bits 2–4 the reception type.
    fn flags(self) -> u32 {
        const INBOUND: u32 = 1;
        const OUTBOUND: u32 = 2;
        match self {
            Reception::Unicast => INBOUND | 1 << 2,
            Reception::Multicast => INBOUND | 2 << 2,
            Reception::Broadcast => INBOUND | 3 << 2,
            Reception::Promiscuous => INBOUND | 4 << 2,
            Reception::Outgoing => OUTBOUND,
        }
    }
}

/// One packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Since 1970.
    pub time: Duration,
    /// Which way it went.
    pub reception: Reception,
    /// Bytes on the wire.
    pub length: u32,
    /// Its first bytes, all of them unless a limit or the ring cut it.
    pub bytes: &'a [u8],
}

/// What an interface's capture came to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Packets that the kernel took, dropped ones among them.
    pub received: u64,
    /// Packets that found no room in the ring.
    pub dropped: u64,
    /// Packets that were written.
    pub delivered: u64,
}

/// Appends blocks to its buffer, which the caller empties between packets.
#[derive(Debug, Default)]
pub struct Writer {
    /// Whole blocks only.
    pub buffer: Vec<u8>,
}

impl Writer {
    /// The beginning of a file: a section header, and a description of each interface.
    pub fn begin(&mut self, interfaces: &[Interface], snap_length: u32, comment: &str) {
        self.block(SECTION_HEADER, |block| {
            block.u32(BYTE_ORDER);
            block.u16(1);
            block.u16(0);
            // The section's length is not known.
            block.bytes(&u64::MAX.to_le_bytes());
            block.option(OPT_COMMENT, comment.as_bytes());
            block.option(SHB_OS, b"Linux");
            let application = concat!("rbox ", env!("CARGO_PKG_VERSION"));
            block.option(SHB_USERAPPL, application.as_bytes());
            block.option(OPT_END, &[]);
        });
        for interface in interfaces {
            self.block(INTERFACE_DESCRIPTION, |block| {
                block.u16(interface.link_type);
                block.u16(0);
                block.u32(snap_length);
                block.option(IF_NAME, interface.name.as_bytes());
                block.option(IF_DESCRIPTION, interface.description.as_bytes());
                block.option(IF_TSRESOL, &[NANOSECONDS]);
                block.option(OPT_END, &[]);
            });
        }
    }

    /// A packet of interface number `interface`, cut to `snap_length` bytes.
    pub fn packet(&mut self, interface: u32, packet: &Packet<'_>, snap_length: u32) {
        let limit = usize::try_from(snap_length).unwrap_or(usize::MAX);
        let bytes = packet.bytes.get(..limit).unwrap_or(packet.bytes);
        self.block(ENHANCED_PACKET, |block| {
            block.u32(interface);
            block.time(packet.time);
            block.u32(length32(bytes.len()));
            block.u32(packet.length);
            block.bytes(bytes);
            block.pad();
            block.option(EPB_FLAGS, &packet.reception.flags().to_le_bytes());
            block.option(OPT_END, &[]);
        });
    }

    /// What became of interface number `interface` between `started` and `ended`.
    pub fn statistics(
        &mut self,
        interface: u32,
        started: Duration,
        ended: Duration,
        statistics: &Statistics,
    ) {
        self.block(INTERFACE_STATISTICS, |block| {
            block.u32(interface);
            block.time(ended);
            for (code, time) in [(ISB_STARTTIME, started), (ISB_ENDTIME, ended)] {
                let mut value = Block::default();
                value.time(time);
                block.option(code, &value.0);
            }
            for (code, count) in [
                (ISB_IFRECV, statistics.received),
                (ISB_OSDROP, statistics.dropped),
                (ISB_USRDELIV, statistics.delivered),
            ] {
                block.option(code, &count.to_le_bytes());
            }
            block.option(OPT_END, &[]);
        });
    }

    /// Type, length, body, length again.
    fn block(&mut self, kind: u32, fill: impl FnOnce(&mut Block)) {
        let mut block = Block::default();
        fill(&mut block);
        let length = length32(block.0.len() + 12).to_le_bytes();
        self.buffer.extend_from_slice(&kind.to_le_bytes());
        self.buffer.extend_from_slice(&length);
        self.buffer.extend_from_slice(&block.0);
        self.buffer.extend_from_slice(&length);
    }
}

/// Packets and options are far smaller; saturation keeps the arithmetic honest.
fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The body of a block.
#[derive(Default)]
struct Block(Vec<u8>);

impl Block {
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// The upper half comes first.
    fn time(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.bytes(&nanoseconds.to_le_bytes()[4..]);
        self.bytes(&nanoseconds.to_le_bytes()[..4]);
    }

    /// An option; a text longer than its length can say is cut.
    fn option(&mut self, code: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.u16(code);
        self.u16(length);
        self.bytes(&value[..usize::from(length)]);
        self.pad();
    }
}

#[cfg(test)]
mod tests;
