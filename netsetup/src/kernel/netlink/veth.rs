//! A sandbox's way onto a bridge: a veth pair whose inner end is born inside the sandbox.
//!
//! Three sends: the pair is made and looked up; the host end joins the bridge and comes up;
//! inside, loopback, addresses, the interface and routes in one go. The steps on the host are
//! two sends, not one, because later requests of a batch run although the first one failed: by
//! index they can never touch an older interface of the same name.

use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::model::mac::Mac;

use super::Route;
use super::address::{AddressRequest, add_address};
use super::attr::Encoder;
use super::error::NetlinkError;
use super::link::{
    IFLA_ADDRESS, IFLA_AF_SPEC, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO,
    IFLA_MASTER, IFLA_MTU, IFLA_NUM_RX_QUEUES, IFLA_NUM_TX_QUEUES, LOOPBACK, NEWLINK, SETLINK,
    found, get_by_name, ifinfo, no_link_local, no_link_local_spec, raise,
};
use super::message::{ACK, Batch, CREATE, EXCL};
use super::route::{RouteTarget, add_route};

pub(super) const IFLA_NET_NS_FD: u16 = 28;
const VETH_INFO_PEER: u16 = 1;
const IFLA_PROTINFO_BRIDGE: u16 = 12;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;
const PF_BRIDGE: u8 = 7;
const AF_INET: u16 = 2;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_ARP_NOTIFY: u16 = 22;
/// Prefix length of link-local addresses (RFC 4291, 2.5.6).
const LINK_LOCAL_PREFIX: u8 = 64;

/// What [`Route::create_veth`] makes.
#[derive(Clone, Copy, Debug)]
pub struct VethRequest<'a> {
    /// Host end, at most 15 bytes.
    pub host_name: &'a str,
    /// Inner end, at most 15 bytes.
    pub peer_name: &'a str,
    /// Namespace the inner end is made in.
    pub peer_ns: BorrowedFd<'a>,
    /// Address of the inner end.
    pub peer_mac: Mac,
    /// Bytes, both ends.
    pub mtu: u32,
    /// Bridge that the host end joins.
    pub bridge: &'a str,
    /// The port does not exchange frames with other isolated ports.
    pub isolated: bool,
    /// Frames may leave through the port they came from. Needed only for a container that
    /// reaches its own published port while `net.bridge.bridge-nf-call-iptables` is on: then
    /// DNAT happens inside the bridge. Broadcasts are reflected to their sender, so it is
    /// better off for everyone else.
    pub hairpin: bool,
}

/// A pair that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Veth {
    /// Index of the host end, in the namespace of the socket.
    pub host_index: u32,
    /// Index of the inner end, in its namespace.
    pub peer_index: u32,
}

/// What [`Route::configure`] sets inside a sandbox.
#[derive(Clone, Debug)]
pub struct InterfaceSetup<'a> {
    /// Index of the interface.
    pub index: u32,
    /// Its name, for error texts.
    pub name: &'a str,
    /// Its MAC address, which its IPv6 link-local address follows from.
    pub mac: Mac,
    /// Addresses with prefix lengths; IPv6 ones are usable at once (no DAD).
    pub addresses: &'a [(IpAddr, u8)],
    /// Default gateways, at most one a family.
    pub gateways: &'a [IpAddr],
    /// An IPv6 link-local address is made too, usable at once like the others.
    pub ipv6: bool,
    /// `arp_notify`: the kernel tells the neighbours of the IPv4 addresses when the interface
    /// comes up, and at [`Route::announce`].
    pub arp_notify: bool,
}

/// Unasked the kernel makes a queue a processor and direction, and disables all but the first again:
/// for that it waits until no processor looks at them any more, four times for a pair.
fn one_queue(e: &mut Encoder) {
    e.u32(IFLA_NUM_TX_QUEUES, 1);
    e.u32(IFLA_NUM_RX_QUEUES, 1);
}

impl Route {
    /// Makes a veth pair with the inner end in another namespace and the host end up in a
    /// bridge. Two round trips. The inner end stays down: it has no peer yet while it is made.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when either name is taken, [`NetlinkError::is_missing`] when
    /// there is no such bridge. On errors nothing is left behind.
    pub fn create_veth(&mut self, request: &VethRequest<'_>) -> Result<Veth, NetlinkError> {
        let VethRequest {
            host_name, bridge, ..
        } = *request;
        let label = format!("create veth {host_name} with {} inside", request.peer_name);
        let mut batch = Batch::default();
        batch.request(label.clone(), NEWLINK, ACK | CREATE | EXCL, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, host_name);
            e.u32(IFLA_MTU, request.mtu);
            one_queue(e);
            e.nest(IFLA_LINKINFO, |e| {
                e.text(IFLA_INFO_KIND, "veth");
                e.nest(IFLA_INFO_DATA, |e| {
                    e.nest(VETH_INFO_PEER, |e| {
                        e.raw(&ifinfo(0, false));
                        e.text(IFLA_IFNAME, request.peer_name);
                        e.u32(IFLA_MTU, request.mtu);
                        one_queue(e);
                        e.bytes(IFLA_ADDRESS, &request.peer_mac.0);
                        e.bytes(IFLA_NET_NS_FD, &request.peer_ns.as_raw_fd().to_ne_bytes());
                    });
                });
            });
        });
        get_by_name(&mut batch, host_name);
        get_by_name(&mut batch, bridge);
        let replies = match self.socket.execute(batch) {
            Ok(replies) => replies,
            Err(error) => {
                // The pair is ours only when the failure came after it.
                if !error.is_about(&label) {
                    let _ = self.delete_link(host_name);
                }
                return Err(error);
            }
        };
        let host = found(&replies, 1);
        let indexes = host.and_then(|host| Some((host.index, host.peer?)));
        let (Some((host_index, peer_index)), Some(bridge)) = (indexes, found(&replies, 2)) else {
            let _ = self.delete_link(host_name);
            return Err(NetlinkError::Answer {
                request: label,
                problem: "unreadable",
            });
        };
        self.remember(host_index, host_name);
        let veth = Veth {
            host_index,
            peer_index,
        };
        if let Err(error) = self.join_bridge(veth.host_index, bridge.index, request) {
            let _ = self.delete_link(host_name);
            return Err(error);
        }
        Ok(veth)
    }

    /// Makes a host end that exists a port of a bridge, with the request's port flags, and
    /// raises it.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when either interface is gone; the bridge is full.
    pub fn join_bridge(
        &mut self,
        index: u32,
        bridge: u32,
        request: &VethRequest<'_>,
    ) -> Result<(), NetlinkError> {
        let name = request.host_name;
        let mut batch = Batch::default();
        batch.request(
            format!("disable IPv6 autoconfiguration on {name}"),
            SETLINK,
            ACK,
            |e| {
                e.raw(&ifinfo(index, false));
                no_link_local(e);
            },
        );
        batch.request(
            format!("make {name} a port of {}", request.bridge),
            SETLINK,
            ACK,
            |e| {
                e.raw(&ifinfo(index, false));
                e.u32(IFLA_MASTER, bridge);
            },
        );
        if request.isolated || request.hairpin {
            port_flags(&mut batch, index, name, request.isolated, request.hairpin);
        }
        // Last, so that no frame passes before isolation holds.
        raise(&mut batch, index, name);
        self.socket.execute(batch).map(drop)
    }

    /// Lets frames leave through the bridge port they came from, or not;
    /// see [`VethRequest::hairpin`].
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is no such interface; it is no bridge port.
    pub fn set_hairpin(&mut self, index: u32, on: bool) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        let label = format!(
            "set hairpin {} on {}",
            if on { "on" } else { "off" },
            self.name_of(index)
        );
        port_request(&mut batch, label, index, &[(IFLA_BRPORT_MODE, on)]);
        self.socket.execute(batch).map(drop)
    }

    /// Raises loopback, gives an interface its addresses, raises it and sets the default
    /// routes: the sandbox's side of an attachment, in one round trip.
    ///
    /// # Errors
    /// The first request that failed; what went before stays (the interface goes with its pair).
    pub fn configure(&mut self, setup: &InterfaceSetup<'_>) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        raise(&mut batch, LOOPBACK, "lo");
        let label = format!("set address options of {}", setup.name);
        batch.request(label, SETLINK, ACK, |e| {
            e.raw(&ifinfo(setup.index, false));
            e.nest(IFLA_AF_SPEC, |e| {
                no_link_local_spec(e);
                if setup.arp_notify {
                    arp_notify(e);
                }
            });
        });
        // The kernel's own link-local address would be tentative for a second or two.
        let link_local = (link_local(setup.mac).into(), LINK_LOCAL_PREFIX);
        let own = setup.ipv6.then_some(&link_local);
        for (address, prefix) in setup.addresses.iter().chain(own) {
            let request = AddressRequest {
                index: setup.index,
                name: setup.name,
                address: *address,
                prefix: *prefix,
                broadcast: true,
                nodad: true,
            };
            add_address(&mut batch, &request);
        }
        raise(&mut batch, setup.index, setup.name);
        for gateway in setup.gateways {
            add_route(
                &mut batch,
                &RouteTarget::default_via(setup.index, setup.name, *gateway),
            );
        }
        self.socket.execute(batch)?;
        self.remember(setup.index, setup.name);
        Ok(())
    }
}

/// Values of /proc/sys/net/ipv4/conf can be set by netlink too, without system calls more.
fn arp_notify(e: &mut Encoder) {
    e.nest(AF_INET, |e| {
        e.nest(IFLA_INET_CONF, |e| e.u32(IPV4_DEVCONF_ARP_NOTIFY, 1));
    });
}

/// The address that the kernel would make: fe80::/64 and the modified EUI-64 of the MAC
/// (RFC 4291, appendix A).
pub fn link_local(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    let eui = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    Ipv6Addr::from(0xfe80 << 112 | u128::from(u64::from_be_bytes(eui)))
}

fn port_flags(batch: &mut Batch, index: u32, name: &str, isolated: bool, hairpin: bool) {
    let label = format!("set bridge port flags on {name}");
    let all = [
        (IFLA_BRPORT_ISOLATED, isolated),
        (IFLA_BRPORT_MODE, hairpin),
    ];
    let wanted: Vec<_> = all.into_iter().filter(|(_, on)| *on).collect();
    port_request(batch, label, index, &wanted);
}

fn port_request(batch: &mut Batch, label: String, index: u32, flags: &[(u16, bool)]) {
    batch.request(label, SETLINK, ACK, |e| {
        let mut header = ifinfo(index, false);
        header[0] = PF_BRIDGE;
        e.raw(&header);
        e.nest(IFLA_PROTINFO_BRIDGE, |e| {
            for (flag, on) in flags {
                e.u8(*flag, u8::from(*on));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_local_address_is_the_one_that_the_kernel_would_make() {
        let mac = Mac([0x02, 0x42, 0x0a, 0x0a, 0x00, 0x02]);
        assert_eq!(link_local(mac).to_string(), "fe80::42:aff:fe0a:2");
    }
}
