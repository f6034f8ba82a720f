//! The daemon's checks of one subnet with what belongs to it. All problems are collected, so
//! that they are reported at once.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Draft, PoolRequest};

fn family(net: &IpNet) -> &'static str {
    if net.addr().is_ipv4() { "IPv4" } else { "IPv6" }
}

/// The pool of one draft; `None` when something is wrong with it or its family is off.
pub(super) fn check_pool(
    draft: &Draft,
    ipv6: bool,
    problems: &mut Vec<String>,
) -> Option<PoolRequest> {
    let Ok(subnet) = draft.subnet.parse::<IpNet>() else {
        problems.push(format!(
            "invalid subnet {}: invalid CIDR block notation",
            draft.subnet
        ));
        return None;
    };
    if subnet.addr().is_ipv6() && !ipv6 {
        return None;
    }
    let before = problems.len();
    if subnet != subnet.trunc() {
        problems.push(format!(
            "invalid subnet {subnet}: it should be {}",
            subnet.trunc()
        ));
    }
    let ip_range = draft
        .range
        .as_ref()
        .and_then(|text| check_range(text, &subnet, problems));
    let gateway = draft.gateway.as_ref().and_then(|text| {
        check_address(text, &subnet)
            .map_err(|reason| problems.push(format!("invalid gateway {text}: {reason}")))
            .ok()
    });
    let mut aux = BTreeMap::new();
    for (name, text) in &draft.aux {
        match check_address(text, &subnet) {
            Ok(address) => drop(aux.insert(name.clone(), address)),
            Err(reason) => problems.push(format!("invalid auxiliary address {name}: {reason}")),
        }
    }
    (problems.len() == before).then_some(PoolRequest {
        subnet,
        ip_range,
        gateway,
        aux,
    })
}

fn check_range(text: &str, subnet: &IpNet, problems: &mut Vec<String>) -> Option<IpNet> {
    let Ok(range) = text.parse::<IpNet>() else {
        problems.push(format!(
            "invalid ip-range {text}: invalid CIDR block notation"
        ));
        return None;
    };
    let before = problems.len();
    if range.addr().is_ipv4() != subnet.addr().is_ipv4() {
        problems.push(format!(
            "invalid ip-range {text}: parent subnet is an {} block",
            family(subnet)
        ));
        return None;
    }
    if range.prefix_len() < subnet.prefix_len() {
        problems.push(format!(
            "invalid ip-range {range}: CIDR block is bigger than its parent subnet {subnet}"
        ));
    }
    if range != range.trunc() {
        problems.push(format!(
            "invalid ip-range {range}: it should be {}",
            range.trunc()
        ));
    }
    if !subnet.contains(&range.network()) && !range.contains(&subnet.network()) {
        problems.push(format!(
            "invalid ip-range {range}: parent subnet {subnet} doesn't contain ip-range"
        ));
    }
    (problems.len() == before).then_some(range)
}

fn check_address(text: &str, subnet: &IpNet) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| "invalid address".to_owned())?;
    if address.is_ipv4() != subnet.addr().is_ipv4() {
        return Err(format!("parent subnet is an {} block", family(subnet)));
    }
    if !subnet.contains(&address) {
        return Err(format!(
            "parent subnet {subnet} doesn't contain this address"
        ));
    }
    Ok(address)
}
