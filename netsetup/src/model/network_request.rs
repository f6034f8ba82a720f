//! `network create` as asked, and what can be said about it before any record is read:
//! first what Docker's client checks, then what its daemon checks.

mod pool;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::endpoint_rules::Problems;
use super::network::Driver;
use pool::check_pool;

/// `network create`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkRequest {
    /// Name as typed.
    pub name: String,
    /// `--driver`; empty is `bridge`.
    pub driver: String,
    /// `--subnet`, as typed.
    pub subnets: Vec<String>,
    /// `--gateway`, as typed.
    pub gateways: Vec<String>,
    /// `--ip-range`, as typed.
    pub ip_ranges: Vec<String>,
    /// `--aux-address`: name and address as typed.
    pub aux: Vec<(String, String)>,
    /// `--internal`.
    pub internal: bool,
    /// `--ipv4`, true unless switched off.
    pub ipv4: bool,
    /// `--ipv6`.
    pub ipv6: bool,
    /// `--attachable`.
    pub attachable: bool,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `-o`.
    pub options: BTreeMap<String, String>,
    /// `--ipam-opt`.
    pub ipam_options: BTreeMap<String, String>,
    /// `--scope`; empty is `local`.
    pub scope: String,
}

impl Default for NetworkRequest {
    fn default() -> Self {
        NetworkRequest {
            name: String::new(),
            driver: "bridge".to_owned(),
            subnets: Vec::new(),
            gateways: Vec::new(),
            ip_ranges: Vec::new(),
            aux: Vec::new(),
            internal: false,
            ipv4: true,
            ipv6: false,
            attachable: false,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
            ipam_options: BTreeMap::new(),
            scope: String::new(),
        }
    }
}

/// One subnet with what belongs to it, all still as typed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Draft {
    subnet: String,
    range: Option<String>,
    gateway: Option<String>,
    aux: Vec<(String, String)>,
}

/// One subnet with what belongs to it, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolRequest {
    /// Host bits zero.
    pub subnet: IpNet,
    /// Inside the subnet.
    pub ip_range: Option<IpNet>,
    /// Inside the subnet.
    pub gateway: Option<IpAddr>,
    /// Inside the subnet.
    pub aux: BTreeMap<String, IpAddr>,
}

/// The arguments do not fit together; found before anything is asked of the machine.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArgumentError {
    /// More ranges or gateways than subnets.
    #[error("every ip-range or gateway must have a corresponding subnet")]
    NoSubnet,
    /// Two subnets of one network overlap.
    #[error("multiple overlapping subnet configuration is not supported")]
    Overlap,
    /// Belongs to no subnet.
    #[error("no matching subnet for {what} {value}")]
    NoMatch {
        /// `range`, `gateway` or `aux-address`.
        what: &'static str,
        /// As typed.
        value: String,
    },
    /// Two ranges for one subnet.
    #[error("cannot configure multiple ranges ({new}, {old}) on the same subnet ({subnet})")]
    Ranges {
        /// The later one.
        new: String,
        /// The earlier one.
        old: String,
        /// Their subnet.
        subnet: String,
    },
    /// Two gateways for one subnet.
    #[error("cannot configure multiple gateways ({new}, {old}) for the same subnet ({subnet})")]
    Gateways {
        /// The later one.
        new: String,
        /// The earlier one.
        old: String,
        /// Their subnet.
        subnet: String,
    },
    /// A subnet that is none, where it had to be compared.
    #[error("invalid subnet: invalid CIDR address: {0}")]
    Subnet(String),
    /// A range that is none.
    #[error("invalid CIDR address: {0}")]
    Cidr(String),
}

/// The request is refused whatever other networks there are.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// See [`ArgumentError`].
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// bridge, host, none, default.
    #[error("operation is not permitted on predefined {0} network")]
    Predefined(String),
    /// Blank.
    #[error("invalid name: name is empty")]
    EmptyName,
    /// The record's file name would not fit.
    #[error("invalid name: name is too long: {0}")]
    LongName(String),
    /// `--scope` that needs a cluster.
    #[error("cannot create a swarm scoped network when swarm is not active")]
    Swarm,
    /// `--scope` that nobody knows.
    #[error("invalid scope: {0}")]
    Scope(String),
    /// Everything that is wrong with the addresses.
    #[error("invalid network config:{}", Problems(.0))]
    Config(Vec<String>),
    /// There is no such driver.
    #[error("plugin {0:?} not found")]
    Driver(String),
    /// Docker has the driver, rbox has not.
    #[error("network driver {0:?} is not supported")]
    Unsupported(String),
    /// Only the first of several subnets would be used.
    #[error("macvlan networks with several subnets of one family are not supported")]
    MultipleSubnets,
    /// `host` and `null` exist once.
    #[error("only one instance of {0:?} network is allowed")]
    OneInstance(&'static str),
    /// Neither family.
    #[error("IPv4 or IPv6 must be enabled")]
    NoFamily,
}

fn contains(subnet: &str, address: &str) -> Result<bool, ArgumentError> {
    let net: IpNet = subnet
        .parse()
        .map_err(|_| ArgumentError::Subnet(subnet.to_owned()))?;
    if address.contains('/') {
        let inner: IpNet = address
            .parse()
            .map_err(|_| ArgumentError::Cidr(address.to_owned()))?;
        return Ok(net.contains(&inner.addr()));
    }
    Ok(address
        .parse::<IpAddr>()
        .is_ok_and(|address| net.contains(&address)))
}

/// Hands `value` to the first draft whose subnet contains it.
fn assign(
    drafts: &mut [Draft],
    what: &'static str,
    value: &str,
    give: impl Fn(&mut Draft) -> Result<(), ArgumentError>,
) -> Result<(), ArgumentError> {
    for draft in drafts {
        if contains(&draft.subnet, value)? {
            return give(draft);
        }
    }
    Err(ArgumentError::NoMatch {
        what,
        value: value.to_owned(),
    })
}

impl NetworkRequest {
    /// The checks of the command line, which need no look at the machine.
    pub fn check_arguments(&self) -> Result<(), ArgumentError> {
        self.drafts().map(drop)
    }

    fn drafts(&self) -> Result<Vec<Draft>, ArgumentError> {
        if self.subnets.len() < self.ip_ranges.len().max(self.gateways.len()) {
            return Err(ArgumentError::NoSubnet);
        }
        let mut drafts: Vec<Draft> = Vec::new();
        for subnet in &self.subnets {
            for other in &drafts {
                if contains(subnet, &other.subnet)? || contains(&other.subnet, subnet)? {
                    return Err(ArgumentError::Overlap);
                }
            }
            drafts.push(Draft {
                subnet: subnet.clone(),
                ..Draft::default()
            });
        }
        for range in &self.ip_ranges {
            assign(&mut drafts, "range", range, |draft| {
                match draft.range.replace(range.clone()) {
                    None => Ok(()),
                    Some(old) => Err(ArgumentError::Ranges {
                        new: range.clone(),
                        old,
                        subnet: draft.subnet.clone(),
                    }),
                }
            })?;
        }
        for gateway in &self.gateways {
            let give = |draft: &mut Draft| match draft.gateway.replace(gateway.clone()) {
                None => Ok(()),
                Some(old) => Err(ArgumentError::Gateways {
                    new: gateway.clone(),
                    old,
                    subnet: draft.subnet.clone(),
                }),
            };
            assign(&mut drafts, "gateway", gateway, give)?;
        }
        for (name, address) in &self.aux {
            assign(&mut drafts, "aux-address", address, |draft| {
                draft.aux.push((name.clone(), address.clone()));
                Ok(())
            })?;
        }
        Ok(drafts)
    }

    /// All checks that need no other network: the driver and the address pools asked for.
    /// IPv6 subnets of a network without IPv6 (and IPv4 likewise) are left out, as Docker does.
    pub fn check(&self) -> Result<(Driver, Vec<PoolRequest>), RequestError> {
        let drafts = self.drafts()?;
        if matches!(self.name.as_str(), "bridge" | "host" | "none" | "default") {
            return Err(RequestError::Predefined(self.name.clone()));
        }
        match self.scope.as_str() {
            "" | "local" => {}
            "swarm" => return Err(RequestError::Swarm),
            _ => return Err(RequestError::Scope(self.scope.clone())),
        }
        let mut problems = Vec::new();
        let mut pools = Vec::new();
        for draft in &drafts {
            if let Some(pool) = check_pool(draft, self.ipv6, &mut problems)
                && (self.ipv4 || !pool.subnet.addr().is_ipv4())
            {
                pools.push(pool);
            }
        }
        if !problems.is_empty() {
            return Err(RequestError::Config(problems));
        }
        if self.name.trim().is_empty() {
            return Err(RequestError::EmptyName);
        }
        let driver = match self.driver.as_str() {
            "" | "bridge" => Driver::Bridge,
            "macvlan" => Driver::Macvlan,
            "ipvlan" | "overlay" => return Err(RequestError::Unsupported(self.driver.clone())),
            "host" => return Err(RequestError::OneInstance("host")),
            "null" | "none" => return Err(RequestError::OneInstance("null")),
            _ => return Err(RequestError::Driver(self.driver.clone())),
        };
        let ipv6 = pools.iter().filter(|pool| pool.subnet.addr().is_ipv6());
        let ipv6 = ipv6.count();
        if driver == Driver::Macvlan && (ipv6 > 1 || pools.len() - ipv6 > 1) {
            return Err(RequestError::MultipleSubnets);
        }
        if !self.ipv4 && !self.ipv6 {
            return Err(RequestError::NoFamily);
        }
        Ok((driver, pools))
    }
}

#[cfg(test)]
mod tests;
