//! Namespaces as machines, for tests that need the kernel. Everything happens in a network and
//! a mount namespace of the test's own thread.
#![allow(unsafe_code, reason = "unshare")]

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Command;
use std::time::Duration;

use ipnet::IpNet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::netlink::{Forwarding, InterfaceSetup, Route, VethRequest};
use super::nft::Nft;
use super::{netns, sysctl};
use crate::model::mac::Mac;
use crate::model::network_options::GatewayMode;
use crate::model::port::{ContainerPort, Protocol, PublishedPort};
use crate::plan::step::BridgeStep;

/// How long a packet that should be dropped is waited for.
const DROPPED: Duration = Duration::from_millis(150);
/// How long one that should arrive is.
const ARRIVES: Duration = Duration::from_secs(10);

/// Puts the thread apart from the machine; false (and a note) when that is not permitted.
pub fn apart(test: &str) -> bool {
    let flags = UnshareFlags::NEWNET | UnshareFlags::NEWNS;
    // SAFETY: no descriptor table is unshared.
    if let Err(errno) = unsafe { unshare_unsafe(flags) } {
        skipped(test, &format!("unshare: {errno}"));
        return false;
    }
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    true
}

fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

/// Another machine: a network namespace.
pub struct Machine(OwnedFd);

impl Machine {
    pub fn new() -> Machine {
        let here = netns::open_current().unwrap();
        // SAFETY: no descriptor table is unshared.
        unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.unwrap();
        let machine = Machine(netns::open_current().unwrap());
        rustix::thread::move_into_link_name_space(here.as_fd(), None).unwrap();
        machine
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = netns::enter(self.fd()).unwrap();
        work()
    }

    /// A server; it belongs to this machine wherever it is used.
    pub fn listen(&self, address: &str) -> TcpListener {
        self.inside(|| TcpListener::bind(address).unwrap())
    }

    pub fn udp(&self, address: &str) -> UdpSocket {
        self.inside(|| udp(address))
    }

    /// Connects, and says which address the server sees; `None` when nothing arrives.
    pub fn reaches(&self, to: &str, server: &TcpListener) -> Option<IpAddr> {
        self.inside(|| reaches(to, server))
    }

    /// The same within the time that a dropped packet is waited for.
    pub fn is_shut_out(&self, to: &str) -> bool {
        self.inside(|| is_shut_out(to))
    }
}

pub fn udp(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(ARRIVES)).unwrap();
    socket
}

/// Connects from the current namespace; which address the server sees.
pub fn reaches(to: &str, server: &TcpListener) -> Option<IpAddr> {
    let to: SocketAddr = to.parse().unwrap();
    let stream = TcpStream::connect_timeout(&to, ARRIVES).ok()?;
    let mut ready = [PollFd::new(server, PollFlags::IN)];
    let longest = Timespec::try_from(ARRIVES).unwrap();
    assert_eq!(
        poll(&mut ready, Some(&longest)),
        Ok(1),
        "somebody else answered"
    );
    let (mut accepted, peer) = server.accept().unwrap();
    // The reply's way matters too.
    accepted.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(ARRIVES)).unwrap();
    std::io::Read::read_exact(&mut &stream, &mut [0]).unwrap();
    Some(peer.ip())
}

/// No answer at all, not even a refusal, comes from there.
pub fn is_shut_out(to: &str) -> bool {
    let to: SocketAddr = to.parse().unwrap();
    TcpStream::connect_timeout(&to, DROPPED)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// One question and its answer; which address the server sees.
pub fn udp_round_trip(client: &UdpSocket, to: &str, server: &UdpSocket) -> IpAddr {
    client.connect(to).unwrap();
    client.send(b"question").unwrap();
    let mut buffer = [0; 16];
    let (length, peer) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"question");
    server.send_to(b"answer", peer).unwrap();
    let length = client.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"answer");
    peer.ip()
}

/// A host with bridges, in the thread's own namespace.
pub struct Lab {
    pub host: Route,
    pub nft: Nft,
    ports: u32,
}

impl Lab {
    /// A host that forwards, with the table `inet rbox`.
    pub fn new(test: &str) -> Option<Lab> {
        if !apart(test) {
            return None;
        }
        let mut host = Route::open().unwrap();
        host.set_up(super::netlink::LOOPBACK).unwrap();
        sysctl::ensure_forwarding(Forwarding::default(), true).unwrap();
        let mut nft = Nft::open().unwrap();
        nft.ensure_table().unwrap();
        Some(Lab {
            host,
            nft,
            ports: 0,
        })
    }

    /// A bridge with the given addresses that the firewall knows nothing of: a LAN.
    pub fn lan(&mut self, name: &str, addresses: &[&str]) {
        self.ports += 1;
        let last = u8::try_from(self.ports).unwrap();
        let index = self
            .host
            .create_bridge(name, Mac([2, 0, 0, 0, 0, last]), 1500)
            .unwrap();
        for address in addresses {
            let (address, prefix) = split(address);
            self.host
                .add_address(index, address, prefix, true, true)
                .unwrap();
        }
    }

    /// A network of ours: bridge, addresses, elements.
    pub fn network(&mut self, name: &str, addresses: &[&str], set: impl FnOnce(&mut BridgeStep)) {
        self.lan(name, addresses);
        let mut step = network(name, addresses);
        set(&mut step);
        self.nft.network_add(&step).unwrap();
    }

    /// A machine on a bridge.
    pub fn attach(&mut self, bridge: &str, addresses: &[&str], gateways: &[&str]) -> Machine {
        self.attach_with(bridge, addresses, gateways, |_| {})
    }

    pub fn attach_with(
        &mut self,
        bridge: &str,
        addresses: &[&str],
        gateways: &[&str],
        set: impl FnOnce(&mut VethRequest<'_>),
    ) -> Machine {
        self.ports += 1;
        let machine = Machine::new();
        let host_name = format!("veth{}", self.ports);
        let mac = Mac([2, 0, 0, 0, 1, u8::try_from(self.ports).unwrap()]);
        let mut request = VethRequest {
            host_name: &host_name,
            peer_name: "eth0",
            peer_ns: machine.fd(),
            peer_mac: mac,
            mtu: 1500,
            bridge,
            isolated: false,
            hairpin: false,
        };
        set(&mut request);
        let veth = self.host.create_veth(&request).unwrap();
        let mut inside = Route::open_in(machine.fd()).unwrap();
        let addresses: Vec<_> = addresses.iter().map(|text| split(text)).collect();
        let gateways: Vec<IpAddr> = gateways.iter().map(|text| text.parse().unwrap()).collect();
        let setup = InterfaceSetup {
            index: veth.peer_index,
            name: "eth0",
            addresses: &addresses,
            gateways: &gateways,
            mac,
            ipv6: addresses.iter().any(|(address, _)| address.is_ipv6()),
            arp_notify: false,
        };
        inside.configure(&setup).unwrap();
        machine
    }

    pub fn publish(&mut self, host: &str, port: u16, to: &str, owner: &str) {
        let to: SocketAddr = to.parse().unwrap();
        let ports = [Protocol::Tcp, Protocol::Udp]
            .map(|protocol| published(host, port, to.port(), protocol));
        self.nft.ports_add(&ports, to.ip(), &[], owner).unwrap();
    }
}

pub fn published(host: &str, host_port: u16, port: u16, protocol: Protocol) -> PublishedPort {
    PublishedPort {
        container: ContainerPort { port, protocol },
        host_ip: host.parse().unwrap(),
        host_port,
    }
}

pub fn network(name: &str, addresses: &[&str]) -> BridgeStep {
    let addresses: Vec<_> = addresses.iter().map(|text| split(text)).collect();
    BridgeStep {
        name: name.to_owned(),
        mac: Mac([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        subnets: addresses
            .iter()
            .map(|(a, p)| IpNet::new(*a, *p).unwrap().trunc())
            .collect(),
        ipv6: addresses.iter().any(|(address, _)| address.is_ipv6()),
        addresses,
        masquerade: true,
        internal: false,
        icc: true,
        gateway4: GatewayMode::Nat,
        gateway6: GatewayMode::Nat,
        trusted: Vec::new(),
        host_addresses: Vec::new(),
    }
}

pub fn split(text: &str) -> (IpAddr, u8) {
    let net: IpNet = text.parse().unwrap();
    (net.addr(), net.prefix_len())
}

/// Whether frames within bridges pass the firewall; false (and a note) when that cannot be had.
pub fn filter_bridged(test: &str, on: bool) -> bool {
    let value = if on { "1" } else { "0" };
    for key in ["iptables", "ip6tables"] {
        match sysctl::write(&format!("net.bridge.bridge-nf-call-{key}"), value) {
            // Without br_netfilter they never do.
            Err(error) if error.is_missing() && !on => {}
            Err(error) if error.is_missing() => {
                skipped(test, "no br_netfilter");
                return false;
            }
            other => other.unwrap(),
        }
    }
    true
}

/// What a program prints, run in the thread's namespaces.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
