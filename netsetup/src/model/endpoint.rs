//! An endpoint joins one sandbox to one network.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::mac::Mac;

/// What the user asked of one attachment (`--network name=…,alias=…,ip=…`, `network connect`).
/// Kept in the container's record; addresses are leased anew at each start.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointConfig {
    /// Name or id of the network as typed; the engine replaces it by the name.
    pub network: String,
    /// Extra names on this network only (`--network-alias`).
    pub aliases: Vec<String>,
    /// A fixed IPv4 address (`--ip`).
    pub ip: Option<Ipv4Addr>,
    /// A fixed IPv6 address (`--ip6`).
    pub ip6: Option<Ipv6Addr>,
    /// A fixed MAC address (`--mac-address`).
    pub mac: Option<Mac>,
    /// `--link target:alias` on a user-defined network: names only this sandbox sees.
    pub links: Vec<(String, String)>,
    /// Highest wins the default route (`gw-priority`).
    pub gw_priority: i32,
    /// `driver-opt=key=value`: see [`super::endpoint_rules`] for what they mean.
    pub driver_opts: BTreeMap<String, String>,
    /// By `network connect`, not by `run` or `create`: inspect tells them apart, as Docker's.
    pub connected: bool,
}

/// An attachment that exists: the record under `/run/rbox/networks/<name>/endpoints/<owner>`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Full id of the container that owns it.
    pub owner: String,
    /// Name of the container that owns it.
    pub owner_name: String,
    /// Id of the network.
    pub network_id: String,
    /// Name of the network.
    pub network: String,
    /// Interface inside the sandbox (`eth0`); empty for host and none.
    pub ifname: String,
    /// The veth's host end; empty for macvlan, host and none.
    pub host_ifname: String,
    /// The bridge it is a port of; empty for macvlan, host and none.
    pub bridge: String,
    /// The interface of the host that it is on: only on macvlan networks.
    #[serde(default)]
    pub parent: String,
    /// Address of the inner interface.
    pub mac: Option<Mac>,
    /// Leased address and prefix length.
    pub ip: Option<(Ipv4Addr, u8)>,
    /// Leased address and prefix length.
    pub ip6: Option<(Ipv6Addr, u8)>,
    /// IPv4 gateway.
    pub gateway: Option<Ipv4Addr>,
    /// IPv6 gateway.
    pub gateway6: Option<Ipv6Addr>,
    /// MTU of both ends, bytes; 0 is the parent's.
    pub mtu: u32,
    /// Names the resolver answers, the owner's name first, then aliases, short id, hostname;
    /// empty on the default bridge, which has no resolver.
    pub dns_names: Vec<String>,
}
