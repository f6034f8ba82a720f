//! Packets of one interface from the kernel: AF_PACKET with a ring that kernel and process share.
//!
//! Sources: packet(7), Documentation/networking/packet_mmap.rst (TPACKET_V3).
//!
//! ```text
//!  block 0 ─▶ block 1 ─▶ … ─▶ block n−1 ─▶ block 0
//!  the kernel fills a block and sets TP_STATUS_USER: then its bytes are ours, until
//!  TP_STATUS_KERNEL gives it back. Full when all blocks are ours: packets are dropped, and counted.
//! ```

#![allow(
    unsafe_code,
    reason = "packet sockets and their shared ring have no safe form"
)]

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::pcapng::{Packet, Reception, Statistics};
use crate::kernel::netlink::LOOPBACK;

/// Bytes of a block: room for several packets of the largest size that segmentation offload makes.
const BLOCK: usize = 256 << 10;
/// Blocks of a ring; 8 MiB together.
const BLOCKS: usize = 32;
/// A block that has packets is handed over after this long, full or not.
pub const RETIRE: Duration = Duration::from_millis(10);
/// Frames have no fixed size in this version; the kernel checks that the numbers fit.
const FRAME: usize = 2048;

const LINKTYPE_ETHERNET: u16 = 1;
const LINKTYPE_RAW: u16 = 101;

/// No packets can be taken from an interface.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// A system call.
    #[error("{what} on {interface}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The interface.
        interface: String,
        /// Why.
        source: io::Error,
    },
    /// Its packets begin with a header that this program does not know.
    #[error("interface {interface} has packets of an unsupported kind (ARPHRD {kind})")]
    Kind {
        /// The interface.
        interface: String,
        /// ARPHRD_*, linux/if_arp.h.
        kind: u16,
    },
}

/// An interface that is listened to, from the moment it is opened.
#[derive(Debug)]
pub struct Ring {
    socket: OwnedFd,
    memory: *mut u8,
    /// The block that comes next.
    next: usize,
    link_type: u16,
    statistics: Statistics,
    /// Room for a packet whose VLAN tag is put back.
    tagged: Vec<u8>,
}

// SAFETY: the mapping belongs to the ring alone, and nothing about it is bound to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Listens to an interface of the thread's network namespace; `name` is for error texts.
    /// Frames to others are seen, too.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn open(name: &str, index: u32) -> Result<Ring, RingError> {
        let failed = |what: &'static str| {
            let source = io::Error::last_os_error();
            RingError::System {
                what,
                interface: name.to_owned(),
                source,
            }
        };
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers. Protocol 0: no packet arrives before the socket is bound.
        let descriptor = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if descriptor < 0 {
            return Err(failed("open a packet socket"));
        }
        // SAFETY: the descriptor was just made and is nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set(&socket, libc::PACKET_VERSION, &version).map_err(|_| failed("use TPACKET_V3"))?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: FRAME as u32,
            tp_frame_nr: (BLOCK / FRAME * BLOCKS) as u32,
            tp_retire_blk_tov: RETIRE.as_millis() as u32,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(&socket, libc::PACKET_RX_RING, &request).map_err(|_| failed("make a packet ring"))?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping of the ring's whole size; nothing is replaced.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                BLOCK * BLOCKS,
                protection,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(failed("map the packet ring"));
        }
        let mut ring = Ring {
            socket,
            memory: memory.cast(),
            next: 0,
            link_type: 0,
            statistics: Statistics::default(),
            tagged: Vec::new(),
        };
        let promiscuous = libc::packet_mreq {
            mr_ifindex: libc::c_int::try_from(index).unwrap_or_default(),
            mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set(&ring.socket, libc::PACKET_ADD_MEMBERSHIP, &promiscuous)
            .map_err(|_| failed("listen promiscuously"))?;
        if index == LOOPBACK {
            // Each packet is seen when it leaves and when it arrives: once is enough.
            let on: libc::c_int = 1;
            set(&ring.socket, libc::PACKET_IGNORE_OUTGOING, &on)
                .map_err(|_| failed("ignore outgoing packets"))?;
        }
        let index = libc::c_int::try_from(index).unwrap_or_default();
        // SAFETY: all zeros is a value of this plain C struct.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index;
        // SAFETY: the address lives through the call, and its size is given.
        let bound = unsafe {
            libc::bind(
                ring.socket.as_raw_fd(),
                (&raw const address).cast(),
                mem::size_of_val(&address) as libc::socklen_t,
            )
        };
        if bound != 0 {
            return Err(failed("listen"));
        }
        ring.link_type = match ring.address().map_err(|_| failed("look"))?.sll_hatype {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => LINKTYPE_ETHERNET,
            libc::ARPHRD_NONE | libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 => LINKTYPE_RAW,
            kind => {
                return Err(RingError::Kind {
                    interface: name.to_owned(),
                    kind,
                });
            }
        };
        Ok(ring)
    }

    /// LINKTYPE of the packets (<https://www.tcpdump.org/linktypes.html>).
    pub fn link_type(&self) -> u16 {
        self.link_type
    }

    /// Hands every block that is ready to `take`, packet by packet; true when there was one.
    /// Stops where `take` says false: what it has not seen is lost then.
    pub fn drain(&mut self, mut take: impl FnMut(&Packet<'_>) -> bool) -> bool {
        let mut any = false;
        for _ in 0..BLOCKS {
            // SAFETY: `next` is below BLOCKS, so the block lies within the mapping, whose blocks
            // are aligned to pages.
            let block = unsafe { self.memory.add(self.next * BLOCK) };
            let header = block.cast::<libc::tpacket_block_desc>();
            // SAFETY: the status is an aligned u32 within the block; the kernel writes it, too,
            // so all access to it is atomic.
            let status = unsafe { AtomicU32::from_ptr(&raw mut (*header).hdr.bh1.block_status) };
            if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
                return any;
            }
            any = true;
            // SAFETY: until its status is set back the block is ours: nobody writes to it.
            let bytes = unsafe { slice::from_raw_parts(block, BLOCK) };
            // SAFETY: a plain C struct at the beginning of the block.
            let (count, first) = unsafe {
                let head = &(*header).hdr.bh1;
                (head.num_pkts, head.offset_to_first_pkt)
            };
            let more = self.block(bytes, count, first, &mut take);
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
            self.next = (self.next + 1) % BLOCKS;
            if !more {
                return any;
            }
        }
        any
    }

    /// The packets of one block. Offsets are checked although the kernel wrote them.
    fn block(
        &mut self,
        bytes: &[u8],
        count: u32,
        first: u32,
        take: &mut impl FnMut(&Packet<'_>) -> bool,
    ) -> bool {
        let mut at = first as usize;
        for _ in 0..count {
            let Some(header) = read::<libc::tpacket3_hdr>(bytes, at) else {
                return true;
            };
            let behind = at + TPACKET3_ALIGNED;
            let from = read::<libc::sockaddr_ll>(bytes, behind);
            let start = at + usize::from(header.tp_mac);
            let captured = bytes.get(start..start + header.tp_snaplen as usize);
            let (Some(from), Some(captured)) = (from, captured) else {
                return true;
            };
            let mut packet = Packet {
                time: Duration::new(u64::from(header.tp_sec), header.tp_nsec % 1_000_000_000),
                reception: match from.sll_pkttype {
                    libc::PACKET_OUTGOING => Reception::Outgoing,
                    libc::PACKET_BROADCAST => Reception::Broadcast,
                    libc::PACKET_MULTICAST => Reception::Multicast,
                    libc::PACKET_OTHERHOST => Reception::Promiscuous,
                    _ => Reception::Unicast,
                },
                length: header.tp_len,
                bytes: captured,
            };
            // The kernel took the tag out of the frame; on the wire it was in it.
            if header.tp_status & libc::TP_STATUS_VLAN_VALID != 0
                && self.link_type == LINKTYPE_ETHERNET
                && let Some((addresses, rest)) = captured.split_at_checked(12)
            {
                let known = header.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
                let tpid = if known {
                    header.hv1.tp_vlan_tpid
                } else {
                    0x8100
                };
                self.tagged.clear();
                self.tagged.extend_from_slice(addresses);
                self.tagged.extend_from_slice(&tpid.to_be_bytes());
                let tag = (header.hv1.tp_vlan_tci & 0xffff) as u16;
                self.tagged.extend_from_slice(&tag.to_be_bytes());
                self.tagged.extend_from_slice(rest);
                packet.bytes = &self.tagged;
                packet.length = packet.length.saturating_add(4);
            }
            self.statistics.delivered += 1;
            if !take(&packet) {
                return false;
            }
            if header.tp_next_offset == 0 {
                return true;
            }
            at += header.tp_next_offset as usize;
        }
        true
    }

    /// What the kernel has counted until now.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn statistics(&mut self) -> io::Result<Statistics> {
        // SAFETY: all zeros is a value of this plain C struct.
        let mut counted: libc::tpacket_stats_v3 = unsafe { mem::zeroed() };
        let mut length = mem::size_of_val(&counted) as libc::socklen_t;
        // SAFETY: both pointers are to live locals, and the length is that of the first.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counted).cast(),
                &raw mut length,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        // Reading them sets the kernel's own back.
        self.statistics.received += u64::from(counted.tp_packets);
        self.statistics.dropped += u64::from(counted.tp_drops);
        Ok(self.statistics)
    }

    /// The interface went down since this was asked last. It may be about to be deleted, of
    /// which the socket tells nothing more: ask [`Ring::is_gone`] from time to time then.
    pub fn went_down(&self) -> bool {
        !matches!(rustix::net::sockopt::socket_error(&self.socket), Ok(Ok(())))
    }

    /// The interface was deleted, as opposed to one that is only down for a while.
    pub fn is_gone(&self) -> bool {
        self.address().is_ok_and(|address| address.sll_ifindex < 1)
    }

    fn address(&self) -> io::Result<libc::sockaddr_ll> {
        // SAFETY: all zeros is a value of this plain C struct.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        let mut length = mem::size_of_val(&address) as libc::socklen_t;
        // SAFETY: both pointers are to live locals, and the length is that of the first.
        let result = unsafe {
            libc::getsockname(
                self.socket.as_raw_fd(),
                (&raw mut address).cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            Ok(address)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// Where the address of a packet's sender lies behind the beginning of its header.
const TPACKET3_ALIGNED: usize = mem::size_of::<libc::tpacket3_hdr>().next_multiple_of(16);

/// Readable when a block is.
impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of this size, and nothing borrows from it any more.
        unsafe {
            libc::munmap(self.memory.cast(), BLOCK * BLOCKS);
        }
    }
}

fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the value outlives the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            ptr::from_ref(value).cast(),
            mem::size_of::<T>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A plain C struct of integers at `at`, if it lies within.
fn read<T: Copy>(bytes: &[u8], at: usize) -> Option<T> {
    let part = bytes.get(at..at.checked_add(mem::size_of::<T>())?)?;
    // SAFETY: the part has the struct's size; its fields are integers, for which all bytes are
    // values; it need not be aligned.
    Some(unsafe { ptr::read_unaligned(part.as_ptr().cast()) })
}
