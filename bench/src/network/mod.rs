//! Network namespaces that are measured, and the programs that run inside them.

pub mod containers;
pub mod dnsperf;
pub mod host;
pub mod iperf;
pub mod pair;
pub mod pingpong;
pub mod processor;
pub mod server;

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::process::Command;

use anyhow::{Context as _, Result};
use rbox_netsetup::kernel::netlink::{InterfaceSetup, Route, VethRequest};
use rbox_netsetup::kernel::{netns, sysctl};
use rbox_netsetup::model::mac::Mac;
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::engine::CommandLine;

/// Bytes, of every interface made here: what engines give theirs.
pub const MTU: u32 = 1500;

/// A network namespace, alive as long as this is.
#[derive(Debug)]
pub struct Namespace(OwnedFd);

impl Namespace {
    /// An empty one.
    #[allow(unsafe_code, reason = "unshare can close what others use")]
    pub fn new() -> Result<Namespace> {
        let made = std::thread::spawn(|| -> std::io::Result<OwnedFd> {
            // SAFETY: the thread leaves its network namespace, no descriptor table.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET)? };
            netns::open_current()
        });
        let made = made.join().ok().context("the thread died")?;
        let namespace = Namespace(made.context("make a network namespace")?);
        let mut route = Route::open_in(namespace.fd())?;
        let loopback = route.link_index("lo")?.context("no loopback")?;
        route.set_up(loopback)?;
        Ok(namespace)
    }

    /// The calling thread's.
    pub fn current() -> Result<Namespace> {
        let fd = netns::open_current().context("open the network namespace")?;
        Ok(Namespace(fd))
    }

    /// A process's.
    pub fn of(pid: i32) -> Result<Namespace> {
        let fd = netns::open_pid(pid);
        let fd = fd.with_context(|| format!("open the network namespace of process {pid}"))?;
        Ok(Namespace(fd))
    }

    /// For calls.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Does something in it: sockets opened and processes begun there stay there.
    pub fn inside<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let _guard = netns::enter(self.fd()).context("enter a network namespace")?;
        work()
    }

    /// What a program of the host's prints there. It must succeed.
    pub fn output(&self, command: &CommandLine) -> Result<String> {
        self.inside(|| command.output())
    }

    /// A program of the host's, begun there.
    pub fn spawn(&self, command: &mut Command) -> Result<std::process::Child> {
        let program = command.get_program().to_owned();
        self.inside(|| {
            command
                .spawn()
                .with_context(|| format!("start {}", program.display()))
        })
    }

    /// Its first IPv4 address that is not loopback's.
    pub fn address(&self) -> Result<Ipv4Addr> {
        let all = Route::open_in(self.fd())?.addresses()?;
        all.iter()
            .find_map(|found| match found.address {
                IpAddr::V4(address) if !address.is_loopback() => Some(address),
                _ => None,
            })
            .context("a namespace without address")
    }

    /// Whether frames within its bridges pass the firewall (br_netfilter). False where they never
    /// do.
    pub fn filter_bridged(&self, filter: bool) -> Result<bool> {
        let value = if filter { "1" } else { "0" };
        self.inside(|| {
            for family in ["iptables", "ip6tables"] {
                match sysctl::write(&format!("net.bridge.bridge-nf-call-{family}"), value) {
                    Err(error) if error.is_missing() => return Ok(false),
                    other => other?,
                }
            }
            Ok(true)
        })
    }

    /// A bridge in it.
    pub fn bridge(&self, name: &str) -> Result<()> {
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        Route::open_in(self.fd())?
            .create_bridge(name, mac, MTU)
            .with_context(|| format!("make bridge {name}"))?;
        Ok(())
    }

    /// Makes another namespace a machine on a bridge of this one.
    pub fn attach(&self, bridge: &str, machine: &Namespace, address: Ipv4Addr) -> Result<()> {
        self.plug(bridge, machine, address, None)
    }

    /// Another machine, reached by a cable: the address of this one's end and of the other's.
    pub fn outside(&self, here: Ipv4Addr, there: Ipv4Addr) -> Result<Namespace> {
        let (machine, cable) = (Namespace::new()?, "cable");
        self.bridge(cable)?;
        self.plug(cable, &machine, there, Some(here))?;
        let mut route = Route::open_in(self.fd())?;
        // A port without bridge is an end of a cable.
        route.delete_link(cable)?;
        let end = machine.host_end();
        let index = route.link_index(&end)?.context("no cable")?;
        route.add_address(index, here.into(), PREFIX, true, true)?;
        Ok(machine)
    }

    fn plug(
        &self,
        bridge: &str,
        machine: &Namespace,
        address: Ipv4Addr,
        gateway: Option<Ipv4Addr>,
    ) -> Result<()> {
        let [.., high, low] = address.octets();
        let mac = Mac([2, 0, 0, 1, high, low]);
        let veth = Route::open_in(self.fd())?
            .create_veth(&VethRequest {
                host_name: &machine.host_end(),
                peer_name: "eth0",
                peer_ns: machine.fd(),
                peer_mac: mac,
                mtu: MTU,
                bridge,
                isolated: false,
                hairpin: false,
            })
            .with_context(|| format!("plug {address} into {bridge}"))?;
        let gateways: Vec<IpAddr> = gateway.into_iter().map(IpAddr::V4).collect();
        Route::open_in(machine.fd())?.configure(&InterfaceSetup {
            index: veth.peer_index,
            name: "eth0",
            mac,
            addresses: &[(address.into(), PREFIX)],
            gateways: &gateways,
            ipv6: false,
            arp_notify: false,
        })?;
        Ok(())
    }

    /// The interface through which another namespace reaches this one: no two that live have the
    /// same descriptor.
    fn host_end(&self) -> String {
        format!("bench{}", self.0.as_raw_fd())
    }
}

/// Of every network made here.
const PREFIX: u8 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ends_have_one_name() -> Result<()> {
        let (one, other) = (Namespace::current()?, Namespace::current()?);
        assert_ne!(one.host_end(), other.host_end());
        Ok(())
    }
}
