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
}

/// One address pool of a network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// The network's subnet, host bits zero.
    pub subnet: IpNet,
    /// Addresses are given out from here when set (`--ip-range`).
    pub ip_range: Option<IpNet>,
    /// Address of the bridge; `None` where an internal or isolated network has none.
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
}
