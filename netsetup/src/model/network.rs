//! A network as its record on disk says it: `/var/lib/rbox/networks/<name>.json`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What carries a network's traffic (`DRIVER` of `network ls`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// A Linux bridge of this host.
    Bridge,
    /// The host's own network namespace.
    Host,
    /// Only loopback; Docker's driver name is `null`.
    Null,
    /// Interfaces of their own on an interface of the host, and so on its wire.
    Macvlan,
}

impl Driver {
    /// As lists and inspect show it.
    pub fn name(self) -> &'static str {
        match self {
            Driver::Bridge => "bridge",
            Driver::Host => "host",
            Driver::Null => "null",
            Driver::Macvlan => "macvlan",
        }
    }

    /// Whether containers on it have interfaces, addresses and names of their own.
    pub fn attaches(self) -> bool {
        matches!(self, Driver::Bridge | Driver::Macvlan)
    }
}

/// One address pool of a network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// The network's subnet, host bits zero.
    pub subnet: IpNet,
    /// Addresses are given out from here when set (`--ip-range`).
    pub ip_range: Option<IpNet>,
    /// Address of the bridge, or of the router on a macvlan network's wire; `None` where an
    /// isolated or macvlan network has none.
    pub gateway: Option<IpAddr>,
    /// The gateway was given by the user (inspect shows it only then, or when the subnet was automatic).
    pub gateway_given: bool,
    /// Addresses never given out (`--aux-address name=ip`).
    pub aux: BTreeMap<String, IpAddr>,
    /// The subnet came from the default pools.
    pub automatic: bool,
}

/// A network's record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Network {
    /// 64 lower-case hexadecimal digits.
    pub id: String,
    /// Unique on this host.
    pub name: String,
    /// RFC 3339 with nanoseconds, UTC.
    pub created: String,
    /// What carries the traffic.
    pub driver: Driver,
    /// IPv4 addresses are given out.
    pub ipv4: bool,
    /// IPv6 addresses are given out.
    pub ipv6: bool,
    /// At most one pool a family, IPv4 first.
    pub pools: Vec<Pool>,
    /// IPAM driver options as given (`--ipam-opt`), only echoed.
    pub ipam_options: BTreeMap<String, String>,
    /// No route out, no published ports (`--internal`).
    pub internal: bool,
    /// Only echoed (`--attachable`).
    pub attachable: bool,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `-o key=value` as given; known keys are read by the methods.
    pub options: BTreeMap<String, String>,
    /// The bridge interface, or the parent of a macvlan network, was there before the network,
    /// so it stays when the network goes.
    #[serde(default)]
    pub adopted: bool,
    /// MTU of the host's way out when the network was made, bytes: what bridge and endpoints
    /// have unless the option says otherwise. `None` in records of older versions.
    #[serde(default)]
    pub mtu: Option<u32>,
}

impl Network {
    /// The pool of one family.
    pub fn pool(&self, ipv6: bool) -> Option<&Pool> {
        self.pools
            .iter()
            .find(|pool| pool.subnet.addr().is_ipv6() == ipv6)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A user-defined network with these subnets; gateways are the first addresses.
    pub(crate) fn network(name: &str, subnets: &[&str]) -> Network {
        let pools: Vec<Pool> = subnets
            .iter()
            .map(|text| {
                let subnet: IpNet = text.parse().unwrap();
                Pool {
                    subnet,
                    ip_range: None,
                    gateway: crate::ipam::addresses::first_usable(&subnet, &subnet),
                    gateway_given: false,
                    aux: BTreeMap::new(),
                    automatic: false,
                }
            })
            .collect();
        Network {
            id: format!(
                "{:0>64}",
                name.bytes().map(|b| format!("{b:02x}")).collect::<String>()
            ),
            name: name.to_owned(),
            created: "2026-01-01T00:00:00Z".to_owned(),
            driver: Driver::Bridge,
            ipv4: pools.iter().any(|pool| pool.subnet.addr().is_ipv4()),
            ipv6: pools.iter().any(|pool| pool.subnet.addr().is_ipv6()),
            pools,
            ipam_options: BTreeMap::new(),
            internal: false,
            attachable: false,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
            adopted: false,
            mtu: None,
        }
    }

    /// The same with a subnet from the default pools.
    pub(crate) fn automatic(name: &str, subnet: &str) -> Network {
        let mut network = network(name, &[subnet]);
        network.pools[0].automatic = true;
        network
    }
}
