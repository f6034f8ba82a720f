//! The steps a plan is made of. Each is one line of the owner's journal,
//! written before it is applied; undo reads the journal backwards and is
//! harmless when repeated or when the step never happened.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::endpoint::Endpoint;
use crate::model::mac::Mac;
use crate::model::macvlan_options::{MacvlanMode, Vlan};
use crate::model::network_options::GatewayMode;
use crate::model::port::{ContainerPort, PublishedPort};

/// One change of the host or of the sandbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// An address is leased: the file `leases/<ip>` of a network's run directory.
    /// Undo removes it if `owner` still holds it.
    Lease {
        /// The lease file.
        path: PathBuf,
        /// Container id.
        owner: String,
    },
    /// The bridge, its address and sysctls, and the network's firewall elements exist. Idempotent.
    /// Fails when the network has been removed meanwhile. Undo leaves them: they belong to the
    /// network, not to the container.
    Bridge {
        /// `/var/lib/rbox/networks/<name>.json`.
        network_record: PathBuf,
        /// What must be there.
        bridge: BridgeStep,
    },
    /// The namespace has a name under /run/netns. Undo removes it.
    NetnsName {
        /// `/run/netns/rbox-<name>`.
        path: PathBuf,
    },
    /// A veth pair: one end in the bridge, the other in the sandbox with addresses and routes.
    /// Undo deletes the host end.
    Veth(VethStep),
    /// The parent of a macvlan network exists and is up, where it is one that rbox made.
    /// Idempotent. Fails when the network has been removed meanwhile. Undo leaves it: it belongs
    /// to the network.
    Parent {
        /// `/var/lib/rbox/networks/<name>.json`.
        network_record: PathBuf,
        /// What must be there.
        parent: ParentStep,
    },
    /// A macvlan interface, born in the sandbox, with addresses. Undo deletes it there.
    Macvlan(MacvlanStep),
    /// The default route(s) of the sandbox point here (replaces older ones). Undo: none,
    /// the namespace goes.
    DefaultRoute {
        /// Inner interface.
        ifname: String,
        /// IPv4 gateway.
        gateway: Option<Ipv4Addr>,
        /// IPv6 gateway.
        gateway6: Option<Ipv6Addr>,
    },
    /// Port 53 of 127.0.0.11 leads to the resolver, by nft rules inside the sandbox.
    /// Undo: none, the namespace goes.
    ResolverRedirect {
        /// Random UDP port the resolver listens on.
        udp: u16,
        /// Random TCP port the resolver listens on.
        tcp: u16,
    },
    /// The endpoint's record and its line in the network's `hosts` zone. Fails when the network
    /// has been removed meanwhile. Undo removes both.
    Publish {
        /// `/run/rbox/networks/<name>`.
        network_run_dir: PathBuf,
        /// `/var/lib/rbox/networks/<name>.json`.
        network_record: PathBuf,
        /// The record.
        endpoint: Box<Endpoint>,
    },
    /// Elements of the DNAT map. Undo deletes them.
    Ports {
        /// Bound ports that get DNAT (loopback bindings never do).
        ports: Vec<PublishedPort>,
        /// Container address they lead to; bindings of the other family are the relay's alone.
        to: IpAddr,
        /// Container id, kept as the elements' comment.
        owner: String,
        /// Subnets of the container's other networks: to clients there it answers by a shorter
        /// way than the question came, so they get the host's address.
        #[serde(default)]
        shortcuts: Vec<IpNet>,
    },
    /// Published ports of a container are reachable at its own address, in gateway mode
    /// `routed` and from trusted interfaces. Undo shuts them.
    Reach {
        /// The container's side.
        ports: Vec<ContainerPort>,
        /// The container's address.
        at: IpAddr,
        /// The network's bridge where they are open to everybody, else the interfaces that
        /// packets may come from.
        interfaces: Vec<String>,
        /// Container id, kept as the elements' comment.
        owner: String,
    },
}

impl Step {
    /// What a trace says when it is carried out.
    pub(crate) fn done(&self) -> &'static str {
        match self {
            Step::Lease { .. } => "address leased",
            Step::Bridge { .. } => "bridge looked at",
            Step::NetnsName { .. } => "network namespace named",
            Step::Veth(_) => "interface configured",
            Step::Parent { .. } => "parent interface looked at",
            Step::Macvlan(_) => "macvlan interface made",
            Step::DefaultRoute { .. } => "default route set",
            Step::ResolverRedirect { .. } => "port 53 led to the resolver",
            Step::Publish { .. } => "name published",
            Step::Ports { .. } => "ports led to the container",
            Step::Reach { .. } => "ports made reachable",
        }
    }
}

/// A network as the kernel knows it. See [`Step::Bridge`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BridgeStep {
    /// Interface name, at most 15 bytes.
    pub name: String,
    /// Address of the bridge, made once.
    pub mac: Mac,
    /// Bytes.
    pub mtu: u32,
    /// Gateway addresses with their prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Subnets that this bridge owns.
    pub subnets: Vec<IpNet>,
    /// Traffic out is masqueraded.
    pub masquerade: bool,
    /// Nothing leaves or enters.
    pub internal: bool,
    /// Containers on it reach each other (port isolation otherwise).
    pub icc: bool,
    /// IPv6 is on for this network.
    pub ipv6: bool,
    /// How the gateway treats IPv4.
    #[serde(default)]
    pub gateway4: GatewayMode,
    /// How the gateway treats IPv6.
    #[serde(default)]
    pub gateway6: GatewayMode,
    /// Interfaces that may send straight to addresses of this network.
    #[serde(default)]
    pub trusted: Vec<String>,
    /// Source addresses of what leaves, instead of those of the interface it leaves by.
    #[serde(default)]
    pub host_addresses: Vec<IpAddr>,
}

/// The interface of the host that a macvlan network is on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ParentStep {
    /// Interface name, at most 15 bytes.
    pub name: String,
    /// How it is made; `None` where it is somebody else's.
    pub made: Option<MadeParent>,
}

/// What a parent of rbox's own making is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MadeParent {
    /// A VLAN sub-interface.
    Vlan(Vlan),
    /// An interface that drops what it is sent: the network is apart from every wire.
    Apart,
}

/// See [`Step::Macvlan`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MacvlanStep {
    /// The interface of the host that it is on.
    pub parent: String,
    /// Who reaches whom.
    pub mode: MacvlanMode,
    /// Its name in the sandbox.
    pub ifname: String,
    /// Its address.
    pub mac: Mac,
    /// Bytes; the parent's where none was asked for.
    pub mtu: Option<u32>,
    /// Addresses with prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
    /// IPv6 stays enabled on it.
    pub ipv6: bool,
    /// See [`VethStep::sysctls`].
    pub sysctls: Vec<(String, String)>,
}

/// See [`Step::Veth`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VethStep {
    /// Host end, from the container id: same input, same name.
    pub host_ifname: String,
    /// Inner end.
    pub ifname: String,
    /// Bridge the host end joins.
    pub bridge: String,
    /// MAC of the inner end.
    pub mac: Mac,
    /// Bytes, both ends.
    pub mtu: u32,
    /// Addresses of the inner end with prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
    /// The host end is an isolated bridge port (icc=false).
    pub isolated: bool,
    /// IPv6 stays enabled on the inner end.
    pub ipv6: bool,
    /// Frames may leave by the port they came from: so a container reaches its own published
    /// ports on a host whose bridges pass through its firewall (`bridge-nf-call-iptables`).
    #[serde(default)]
    pub hairpin: bool,
    /// Kernel parameters of the inner end and their values, set before it comes up; keys with
    /// slashes, below /proc/sys: `net/ipv4/conf/eth0/log_martians`.
    #[serde(default)]
    pub sysctls: Vec<(String, String)>,
}
