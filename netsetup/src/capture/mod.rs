//! Packets as they pass an interface: taken from the kernel, written down, told in a line.
//!
//! ```text
//!  kernel ─▶ Ring (AF_PACKET, TPACKET_V3: shared memory) ─▶ Packet ─┬─▶ Writer ─▶ pcapng blocks
//!                                                                   └─▶ summary ─▶ one line
//! ```
//!
//! The kernel fills blocks of a ring that is mapped into the process, so that a packet costs no
//! system call; what finds no room is counted by the kernel. All but [`Ring`] is pure. Packets
//! are hostile input: decoding never reads beyond what was captured, and texts from packets
//! are escaped.

mod dns;
mod icmp;
mod ip;
mod pcapng;
mod ring;
mod summary;

pub use pcapng::{Interface, Packet, Reception, Statistics, Writer};
pub use ring::{RETIRE, Ring, RingError};
pub use summary::summary;
