//! Datagrams with the local address they were sent to.
//!
//! A socket bound to every address must answer from the one that was asked,
//! or the client does not take the answer for one. Only control messages
//! (IP_PKTINFO, IPV6_RECVPKTINFO) tell it, and no safe wrapper knows them.

#![allow(unsafe_code, reason = "control messages of recvmsg and sendmsg")]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// Room for one control message of either family, aligned as its header wants it.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// The local end of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Local {
    ip: IpAddr,
    /// Interface, for an address that means nothing without; else 0.
    interface: u32,
}

/// One datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) length: usize,
    pub(super) client: SocketAddr,
    /// `None` when the kernel did not say: then it chooses for the answer too.
    pub(super) local: Option<Local>,
}

/// Asks the kernel for local addresses.
pub(super) fn enable(socket: &impl AsFd, ipv6: bool) -> io::Result<()> {
    let (level, name) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: libc::c_int = 1;
    // SAFETY: the option's value is a c_int that outlives the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes one datagram if there is one.
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut control = Control([0; 64]);
    // SAFETY: all zeros is a value of these plain C structs.
    let (mut address, mut header): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut parts = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    header.msg_name = (&raw mut address).cast();
    header.msg_namelen = mem::size_of_val(&address) as libc::socklen_t;
    header.msg_iov = &raw mut parts;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len() as _;
    // SAFETY: every pointer in the header is to a live local or to `buffer`, with its length.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let client = socket_address(&address).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Received {
        length,
        client,
        local: local(&header),
    })
}

/// Sends one datagram from `local`; the kernel's choice without.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    data: &[u8],
    client: SocketAddr,
    local: Option<Local>,
) -> io::Result<()> {
    let mut control = Control([0; 64]);
    // SAFETY: all zeros is a value of these plain C structs.
    let (mut address, mut header): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    // sendmsg does not write through the pointer.
    let mut parts = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    header.msg_name = (&raw mut address).cast();
    header.msg_namelen = write_address(&mut address, client);
    header.msg_iov = &raw mut parts;
    header.msg_iovlen = 1;
    if let Some(local) = local {
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = control.0.len() as _;
        header.msg_controllen = write_local(&header, local) as _;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: every pointer in the header is to a live local or to `data`, with its length.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The local address in what recvmsg filled in.
fn local(header: &libc::msghdr) -> Option<Local> {
    // SAFETY: `header` describes a control buffer as the kernel left it; the macros stay in it.
    let message = unsafe { libc::CMSG_FIRSTHDR(header).as_ref()? };
    // SAFETY: the message is one of the kernel's, so its data has the type that its level and
    // type name; `read_unaligned` asks nothing of the address.
    unsafe {
        match (message.cmsg_level, message.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let info = libc::CMSG_DATA(message)
                    .cast::<libc::in_pktinfo>()
                    .read_unaligned();
                let ip = Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes());
                Some(Local {
                    ip: ip.into(),
                    interface: 0,
                })
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let info = libc::CMSG_DATA(message)
                    .cast::<libc::in6_pktinfo>()
                    .read_unaligned();
                let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let interface = if ip.is_unicast_link_local() {
                    info.ipi6_ifindex
                } else {
                    0
                };
                Some(Local {
                    ip: ip.into(),
                    interface,
                })
            }
            _ => None,
        }
    }
}

/// Writes the control message into the header's buffer; its length.
fn write_local(header: &libc::msghdr, local: Local) -> u32 {
    // SAFETY: the control buffer is `Control`: 64 zeroed bytes, more than either message takes,
    // aligned for the header; the data is written unaligned.
    unsafe {
        let Some(message) = libc::CMSG_FIRSTHDR(header).as_mut() else {
            return 0;
        };
        match local.ip {
            IpAddr::V4(ip) => {
                let mut info: libc::in_pktinfo = mem::zeroed();
                info.ipi_spec_dst.s_addr = u32::from_ne_bytes(ip.octets());
                let size = mem::size_of_val(&info) as u32;
                message.cmsg_level = libc::IPPROTO_IP;
                message.cmsg_type = libc::IP_PKTINFO;
                message.cmsg_len = libc::CMSG_LEN(size) as _;
                libc::CMSG_DATA(message)
                    .cast::<libc::in_pktinfo>()
                    .write_unaligned(info);
                libc::CMSG_SPACE(size)
            }
            IpAddr::V6(ip) => {
                let mut info: libc::in6_pktinfo = mem::zeroed();
                info.ipi6_addr.s6_addr = ip.octets();
                info.ipi6_ifindex = local.interface as _;
                let size = mem::size_of_val(&info) as u32;
                message.cmsg_level = libc::IPPROTO_IPV6;
                message.cmsg_type = libc::IPV6_PKTINFO;
                message.cmsg_len = libc::CMSG_LEN(size) as _;
                libc::CMSG_DATA(message)
                    .cast::<libc::in6_pktinfo>()
                    .write_unaligned(info);
                libc::CMSG_SPACE(size)
            }
        }
    }
}

fn socket_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which type the storage, large enough for all, holds.
            let address = unsafe { (&raw const *storage).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let address = unsafe { (&raw const *storage).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            let port = u16::from_be(address.sin6_port);
            Some(SocketAddrV6::new(ip, port, address.sin6_flowinfo, address.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn write_address(storage: &mut libc::sockaddr_storage, address: SocketAddr) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            let plain = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(address.ip().octets()),
                },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage is large enough and aligned for every socket address.
            unsafe { (&raw mut *storage).cast::<libc::sockaddr_in>().write(plain) };
            mem::size_of_val(&plain) as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            let plain = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr {
                    s6_addr: address.ip().octets(),
                },
                sin6_scope_id: address.scope_id(),
            };
            // SAFETY: as above.
            unsafe {
                (&raw mut *storage)
                    .cast::<libc::sockaddr_in6>()
                    .write(plain)
            };
            mem::size_of_val(&plain) as libc::socklen_t
        }
    }
}
