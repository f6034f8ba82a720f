//! Whether a namespace forwards packets, without a look below `/proc/sys/net`: there the kernel
//! goes through the names of all network namespaces for every file that is opened.

use rustix::io::Errno;

use super::address::{AF_INET, AF_INET6};
use super::attr::Attributes;
use super::error::NetlinkError;
use super::link::{LinkInfo, find_by_name, found};
use super::message::{ACK, Batch};
use super::{Reply, Route};

const NEWNETCONF: u16 = 80;
const GETNETCONF: u16 = 82;
const NETCONFA_IFINDEX: u16 = 1;
const NETCONFA_FORWARDING: u16 = 2;
/// In place of an interface: what `conf/all` is below `/proc/sys`.
const IFINDEX_ALL: i32 = -1;
/// Length of `struct netconfmsg` with its padding.
const NETCONF: usize = 4;

/// Whether packets are passed on between a namespace's interfaces; `None` where the kernel does
/// not say, as for IPv6 where it has none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Forwarding {
    /// `net.ipv4.ip_forward`.
    pub ipv4: Option<bool>,
    /// `net.ipv6.conf.all.forwarding`.
    pub ipv6: Option<bool>,
}

impl Route {
    /// As [`Route::link`], and whether the namespace forwards, in one round trip.
    ///
    /// # Errors
    /// As [`Route::link`].
    pub fn link_and_forwarding(
        &mut self,
        name: &str,
    ) -> Result<(Option<LinkInfo>, Forwarding), NetlinkError> {
        let mut batch = Batch::default();
        find_by_name(&mut batch, name);
        get_forwarding(&mut batch, AF_INET);
        get_forwarding(&mut batch, AF_INET6);
        let replies = self.socket.execute(batch)?;
        let link = found(&replies, 0);
        if let Some(link) = &link {
            self.remember(link.index, name);
        }
        let forwarding = Forwarding {
            ipv4: forwards(&replies, 1),
            ipv6: forwards(&replies, 2),
        };
        Ok((link, forwarding))
    }
}

fn get_forwarding(batch: &mut Batch, family: u8) {
    // No family of that number, or none that knows the request.
    let unknown = &[Errno::OPNOTSUPP, Errno::AFNOSUPPORT];
    batch.tolerant("ask for forwarding", GETNETCONF, ACK, unknown, |e| {
        e.raw(&[family]);
        e.bytes(NETCONFA_IFINDEX, &IFINDEX_ALL.to_ne_bytes());
    });
}

/// What request number `request` of a batch was answered.
fn forwards(replies: &[Reply], request: usize) -> Option<bool> {
    let reply = replies.iter().find(|reply| reply.request == request)?;
    parse(reply.kind, &reply.body)
}

fn parse(kind: u16, body: &[u8]) -> Option<bool> {
    let attributes = Attributes::after(body, NETCONF);
    let of_all = attributes.get(NETCONFA_IFINDEX) == Some(&IFINDEX_ALL.to_ne_bytes());
    let value = attributes.get_u32(NETCONFA_FORWARDING)?;
    (kind == NEWNETCONF && of_all).then_some(value != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netlink::attr::Encoder;
    use crate::kernel::sysctl;
    use crate::kernel::testing::{Machine, apart};
    use crate::model::mac::Mac;

    fn answer(family: u8, index: i32, forwarding: Option<u32>) -> Encoder {
        let mut e = Encoder::default();
        e.raw(&[family]);
        e.bytes(NETCONFA_IFINDEX, &index.to_ne_bytes());
        if let Some(value) = forwarding {
            e.u32(NETCONFA_FORWARDING, value);
        }
        e
    }

    #[test]
    fn the_request_is_what_strict_checking_wants() {
        let mut batch = Batch::default();
        get_forwarding(&mut batch, AF_INET6);
        let bytes = batch.encoder.as_slice();
        // Header, family with its padding, one attribute.
        assert_eq!(bytes[..4], 28u32.to_ne_bytes());
        assert_eq!(bytes[16..20], [10, 0, 0, 0]);
        assert_eq!(bytes[20..22], 8u16.to_ne_bytes());
        assert_eq!(bytes[22..24], 1u16.to_ne_bytes());
        assert_eq!(bytes[24..], (-1i32).to_ne_bytes());
    }

    #[test]
    fn an_answer_counts_for_all_interfaces_only() {
        let read = |e: Encoder| parse(NEWNETCONF, e.as_slice());
        assert_eq!(read(answer(AF_INET, -1, Some(1))), Some(true));
        assert_eq!(read(answer(AF_INET6, -1, Some(2))), Some(true));
        assert_eq!(read(answer(AF_INET, -1, Some(0))), Some(false));
        assert_eq!(read(answer(AF_INET, -1, None)), None);
        // `default`, and an interface.
        assert_eq!(read(answer(AF_INET, -2, Some(1))), None);
        assert_eq!(read(answer(AF_INET, 1, Some(1))), None);
        let other = answer(AF_INET, -1, Some(1));
        assert_eq!(parse(GETNETCONF, other.as_slice()), None);
        for short in 0..other.as_slice().len() {
            assert_eq!(parse(NEWNETCONF, &other.as_slice()[..short]), None);
        }
    }

    #[test]
    fn a_namespace_says_what_its_files_say() {
        if !apart("a_namespace_says_what_its_files_say") {
            return;
        }
        let mut here = Route::open().unwrap();
        let index = here
            .create_bridge("br0", Mac([2, 0, 0, 0, 0, 1]), 1500)
            .unwrap();
        let machine = Machine::new();
        let mut there = Route::open_in(machine.fd()).unwrap();
        for (ipv4, ipv6) in [("0", "0"), ("1", "0"), ("0", "1"), ("1", "1")] {
            sysctl::write("net.ipv4.ip_forward", ipv4).unwrap();
            sysctl::write("net.ipv6.conf.all.forwarding", ipv6).unwrap();
            let (link, forwarding) = here.link_and_forwarding("br0").unwrap();
            assert_eq!(link.map(|link| link.index), Some(index));
            let expected = Forwarding {
                ipv4: Some(ipv4 == "1"),
                ipv6: Some(ipv6 == "1"),
            };
            assert_eq!(forwarding, expected);
            // The other namespace has neither the bridge nor what is written here.
            let off = Forwarding {
                ipv4: Some(false),
                ipv6: Some(false),
            };
            assert_eq!(there.link_and_forwarding("br0").unwrap(), (None, off));
        }
    }

    #[test]
    fn a_family_that_the_kernel_lacks_is_left_open() {
        if !apart("a_family_that_the_kernel_lacks_is_left_open") {
            return;
        }
        let mut batch = Batch::default();
        // AF_APPLETALK stands for an IPv6 that is compiled out: nobody answers for it.
        get_forwarding(&mut batch, 5);
        get_forwarding(&mut batch, AF_INET);
        let replies = Route::open().unwrap().socket.execute(batch).unwrap();
        assert_eq!(forwards(&replies, 0), None);
        assert_eq!(forwards(&replies, 1), Some(false));
    }
}
