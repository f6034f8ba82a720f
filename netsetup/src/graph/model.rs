//! What a picture shows. Its JSON form is an interface: keys are added, never renamed.

use std::net::IpAddr;

use serde::Serialize;

use crate::model::mac::Mac;
use crate::model::port::PublishedPort;

/// The host and its networks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Graph {
    /// The host's side.
    pub host: HostNode,
    /// In natural order of their names.
    pub networks: Vec<NetworkNode>,
}

/// The host.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct HostNode {
    /// Its default routes, IPv4 first; none where it has no way out.
    pub routes: Vec<WayOut>,
}

/// Address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// A default route of the host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WayOut {
    /// Of this family.
    pub family: Family,
    /// Its interface; `None` where the route has several.
    pub device: Option<String>,
    /// The next router; `None` on link, or where there are several.
    pub gateway: Option<IpAddr>,
    /// Addresses of the interface of that family, with prefix lengths.
    pub addresses: Vec<String>,
    /// Whether the interface is up.
    pub state: State,
}

/// Whether something that should be there is, and works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There, and up.
    Up,
    /// There, and down.
    Down,
    /// A veth end that is up while its other end is down.
    NoCarrier,
    /// A veth end that is no port of its bridge (any more).
    Unplugged,
    /// Somebody deleted it.
    Missing,
    /// The default bridge before the first container needs it.
    NotMade,
}

impl State {
    /// As people read it; the JSON form has no blanks.
    pub fn words(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Down => "down",
            State::NoCarrier => "no carrier",
            State::Unplugged => "unplugged",
            State::Missing => "missing",
            State::NotMade => "not made yet",
        }
    }
}

/// How packets leave a network for elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Leaving {
    /// With the host's address.
    Masqueraded,
    /// With their own address.
    Routed,
    /// IPv4 one way, IPv6 the other.
    Mixed,
    /// Not at all: an internal network.
    Internal,
    /// Onto the wire of an interface of the host, past the host itself (macvlan).
    Wire,
    /// By the host's own interfaces (network `host`).
    Host,
    /// Only loopback (network `none`).
    None,
}

/// A network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NetworkNode {
    /// Its name.
    pub name: String,
    /// 64 hexadecimal digits.
    pub id: String,
    /// As `network ls` names it.
    pub driver: &'static str,
    /// Subnets, IPv4 first.
    pub subnets: Vec<String>,
    /// `--internal`.
    pub internal: bool,
    /// Its containers do not reach each other (`enable_icc=false`).
    pub isolated: bool,
    /// How packets leave it.
    pub leaving: Leaving,
    /// Its bridge, where it has one.
    pub bridge: Option<BridgeNode>,
    /// Who is attached, in natural order of their names.
    pub endpoints: Vec<EndpointNode>,
}

/// A bridge.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BridgeNode {
    /// Interface name.
    pub name: String,
    /// Whether it is there.
    pub state: State,
    /// As the kernel has it; `None` while it is not there.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: u32,
    /// The host's addresses on it: gateways of its containers.
    pub addresses: Vec<Address>,
}

/// An address that an interface should have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Address {
    /// With prefix length.
    pub address: String,
    /// The interface is there and does not have it.
    pub missing: bool,
}

/// One container on one network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EndpointNode {
    /// Name of the container.
    pub container: String,
    /// Full id.
    pub container_id: String,
    /// Its network namespace.
    pub namespace: String,
    /// How many networks the container is on.
    pub networks: usize,
    /// Other containers in the same namespace (`--net=container:…`).
    pub shared_with: Vec<String>,
    /// The end on the host; `None` on host and none.
    pub host_end: Option<HostEnd>,
    /// Interface inside; empty on host and none.
    pub interface: String,
    /// Address of the interface inside.
    pub mac: Option<Mac>,
    /// Its addresses with prefix lengths, IPv4 first.
    pub addresses: Vec<String>,
    /// Bytes.
    pub mtu: u32,
    /// The families whose default route inside goes here.
    pub default_route: Vec<Family>,
    /// Published ports that lead here.
    pub published: Vec<PublishedPort>,
}

/// The end of a veth pair that is a port of the bridge.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HostEnd {
    /// Interface name.
    pub name: String,
    /// Whether it is there.
    pub state: State,
    /// As the kernel has it.
    pub mac: Option<Mac>,
}
