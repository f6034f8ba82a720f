//! One attachment: what the endpoint is, and the steps that make it.

use std::net::IpAddr;
use std::path::Path;

use super::bridge::bridge;
use super::macvlan;
use super::names::{endpoint_mac, host_ifname, next_ifname};
use super::step::{Step, VethStep};
use crate::ipam::Leases;
use crate::model::endpoint::{Endpoint, EndpointConfig};
use crate::model::endpoint_rules::wanted_ifname;
use crate::model::endpoint_sysctl::{disables_ipv6, interface_sysctls};
use crate::model::network::{Driver, Network};

/// All that one attachment follows from.
#[derive(Clone, Debug)]
pub struct EndpointRequest<'a> {
    /// The network.
    pub network: &'a Network,
    /// What the user asked for.
    pub config: &'a EndpointConfig,
    /// The addresses; empty on host and none.
    pub leases: &'a Leases,
    /// The network's run directory.
    pub run_dir: &'a Path,
    /// The network's record.
    pub record: &'a Path,
    /// Id of the endpoint to be, 64 hexadecimal digits.
    pub id: String,
    /// Full id of the container.
    pub owner: &'a str,
    /// Name of the container.
    pub owner_name: &'a str,
    /// Its hostname if it was given, which the resolver then answers too.
    pub hostname: Option<&'a str>,
    /// Names of the interfaces that the sandbox has, or that are promised to others.
    pub taken: &'a [&'a str],
    /// See [`VethStep::hairpin`].
    pub hairpin: bool,
}

/// An endpoint to be, and what makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// The record.
    pub endpoint: Endpoint,
    /// In order. Leases are not among them: they were needed to plan.
    pub steps: Vec<Step>,
}

/// Plans one attachment.
pub fn endpoint(request: &EndpointRequest<'_>) -> Planned {
    let EndpointRequest {
        network,
        config,
        leases,
        owner,
        ..
    } = *request;
    let bridge = bridge(network);
    let prefix = |ipv6: bool| {
        network
            .pool(ipv6)
            .map_or(0, |pool| pool.subnet.prefix_len())
    };
    let gateway = |ipv6: bool| {
        let gateway = network.pool(ipv6)?.gateway?;
        let reached = if ipv6 {
            leases.ipv6.is_some()
        } else {
            leases.ipv4.is_some()
        };
        // The bridge of an internal network has an address, but leads nowhere.
        (reached && !network.internal).then_some(gateway)
    };
    let parent = macvlan::parent(network);
    let attached = bridge.is_some() || parent.is_some();
    let ifname = match wanted_ifname(config) {
        Some(name) if attached => name.to_owned(),
        None if attached => next_ifname(&prefix_of(network), request.taken),
        _ => String::new(),
    };
    let endpoint = Endpoint {
        id: request.id.clone(),
        owner: (*owner).to_owned(),
        owner_name: request.owner_name.to_owned(),
        network_id: network.id.clone(),
        network: network.name.clone(),
        host_ifname: if bridge.is_some() {
            host_ifname(owner, &network.id)
        } else {
            String::new()
        },
        bridge: bridge
            .as_ref()
            .map(|bridge| bridge.name.clone())
            .unwrap_or_default(),
        parent: parent
            .as_ref()
            .map(|parent| parent.name.clone())
            .unwrap_or_default(),
        mac: config.mac.filter(|_| attached).or_else(|| match &parent {
            Some(_) => Some(macvlan::wire_mac(owner, &network.id)),
            None => endpoint_mac(leases.ip(), leases.ip6()),
        }),
        ip: leases.ip().map(|ip| (ip, prefix(false))),
        ip6: leases.ip6().map(|ip| (ip, prefix(true))),
        gateway: match gateway(false) {
            Some(IpAddr::V4(gateway)) => Some(gateway),
            _ => None,
        },
        gateway6: match gateway(true) {
            Some(IpAddr::V6(gateway)) => Some(gateway),
            _ => None,
        },
        mtu: match &bridge {
            Some(bridge) => bridge.mtu,
            None => network.macvlan_options().mtu.unwrap_or(0),
        },
        dns_names: dns_names(network, config, owner, request.owner_name, request.hostname),
        ifname,
    };
    let mut steps = Vec::new();
    if let (Some(bridge), Some(mac)) = (bridge, endpoint.mac) {
        let isolated = !bridge.icc;
        let network_record = request.record.to_owned();
        steps.push(Step::Bridge {
            network_record,
            bridge,
        });
        steps.push(Step::Veth(VethStep {
            host_ifname: endpoint.host_ifname.clone(),
            ifname: endpoint.ifname.clone(),
            bridge: endpoint.bridge.clone(),
            mac,
            mtu: endpoint.mtu,
            addresses: addresses(&endpoint),
            isolated,
            ipv6: network.ipv6 && !disables_ipv6(config),
            hairpin: request.hairpin,
            sysctls: interface_sysctls(config)
                .into_iter()
                .map(|sysctl| (sysctl.key(&endpoint.ifname), sysctl.value))
                .collect(),
        }));
    }
    if let Some(parent) = parent.filter(|parent| parent.made.is_some()) {
        steps.push(Step::Parent {
            network_record: request.record.to_owned(),
            parent,
        });
    }
    steps.extend(macvlan::interface(network, config, &endpoint).map(Step::Macvlan));
    steps.push(Step::Publish {
        network_run_dir: request.run_dir.to_owned(),
        network_record: request.record.to_owned(),
        endpoint: Box::new(endpoint.clone()),
    });
    Planned { endpoint, steps }
}

/// First part of the names of a network's interfaces inside.
fn prefix_of(network: &Network) -> String {
    match network.driver {
        Driver::Macvlan => network.macvlan_options().ifname_prefix,
        _ => network.bridge_options().ifname_prefix,
    }
}

/// The addresses of an endpoint with their prefix lengths, IPv4 first.
pub fn addresses(endpoint: &Endpoint) -> Vec<(IpAddr, u8)> {
    let ip = endpoint.ip.map(|(ip, prefix)| (IpAddr::V4(ip), prefix));
    let ip6 = endpoint.ip6.map(|(ip, prefix)| (IpAddr::V6(ip), prefix));
    ip.into_iter().chain(ip6).collect()
}

/// Names by which an attachment is known on its network: the owner's name, aliases, short id,
/// the hostname if it was given; each once. Default networks have no names.
pub fn dns_names(
    network: &Network,
    config: &EndpointConfig,
    owner: &str,
    owner_name: &str,
    hostname: Option<&str>,
) -> Vec<String> {
    if network.is_predefined() {
        return Vec::new();
    }
    let short = owner.get(..12).unwrap_or(owner);
    let aliases = config.aliases.iter().map(String::as_str);
    let all = [owner_name].into_iter().chain(aliases).chain([short]);
    let mut names: Vec<String> = Vec::new();
    for name in all.chain(hostname).filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::ipam::Lease;
    use crate::ipam::addresses::candidates;
    use crate::model::endpoint_rules::IFNAME_OPTION;
    use crate::model::endpoint_sysctl::SYSCTLS_OPTION;
    use crate::model::network::tests::{automatic, network};
    use crate::model::network_options::{ENABLE_ICC, IFNAME_PREFIX, MTU};

    pub(crate) const OWNER: &str =
        "09703cb2d9fb136cc5444d3e543ae687e4972f796f35d85f21884064c85a929d";

    /// A container's attachment with the first addresses of the network.
    pub(crate) fn plan_on(network: &Network, taken: &[&str]) -> Planned {
        plan_with(network, &EndpointConfig::default(), taken)
    }

    fn plan_with(network: &Network, config: &EndpointConfig, taken: &[&str]) -> Planned {
        let lease = |ipv6| {
            let address = candidates(network.pool(ipv6)?, None).next()?;
            Some(Lease {
                path: PathBuf::from("/run/x").join(address.to_string()),
                address,
            })
        };
        let leases = Leases {
            ipv4: lease(false),
            ipv6: lease(true),
        };
        endpoint(&EndpointRequest {
            network,
            config,
            leases: &leases,
            run_dir: Path::new("/run/x"),
            record: Path::new("/var/x.json"),
            id: "e0".to_owned(),
            owner: OWNER,
            owner_name: "h4a",
            hostname: None,
            taken,
            hairpin: false,
        })
    }

    #[test]
    fn a_bridge_endpoint_is_a_bridge_a_pair_and_a_publication() {
        let network = network("h4n", &["172.18.0.0/16"]);
        let planned = plan_on(&network, &[]);
        let endpoint = &planned.endpoint;
        assert_eq!(endpoint.ifname, "eth0");
        assert_eq!(endpoint.mac.unwrap().to_string(), "02:42:ac:12:00:02");
        assert_eq!(endpoint.ip, Some(("172.18.0.2".parse().unwrap(), 16)));
        assert_eq!(endpoint.gateway, Some("172.18.0.1".parse().unwrap()));
        assert_eq!(endpoint.mtu, 1500);
        assert_eq!(endpoint.dns_names, ["h4a", "09703cb2d9fb"]);
        let [
            Step::Bridge { bridge, .. },
            Step::Veth(veth),
            Step::Publish {
                endpoint: published,
                ..
            },
        ] = &planned.steps[..]
        else {
            panic!("{:?}", planned.steps);
        };
        assert_eq!(
            (&veth.bridge, &veth.host_ifname),
            (&bridge.name, &endpoint.host_ifname)
        );
        assert_eq!(veth.addresses, [("172.18.0.2".parse().unwrap(), 16)]);
        assert!(!veth.isolated && !veth.ipv6);
        assert_eq!(**published, *endpoint);
    }

    #[test]
    fn the_same_input_gives_the_same_plan() {
        let network = network("h4six", &["10.232.0.0/24", "fd00:aa::/64"]);
        assert_eq!(plan_on(&network, &["eth0"]), plan_on(&network, &["eth0"]));
        assert_eq!(plan_on(&network, &["eth0"]).endpoint.ifname, "eth1");
        assert_eq!(
            plan_on(&network, &[]).endpoint.ip6,
            Some(("fd00:aa::2".parse().unwrap(), 64))
        );
    }

    #[test]
    fn the_users_wishes_come_first() {
        let mut network = network("h4n", &["172.18.0.0/16"]);
        for (key, value) in [(MTU, "1400"), (ENABLE_ICC, "false"), (IFNAME_PREFIX, "lan")] {
            network.options.insert(key.to_owned(), value.to_owned());
        }
        assert_eq!(plan_on(&network, &["lan0"]).endpoint.ifname, "lan1");
        let config = EndpointConfig {
            mac: Some("02:42:0a:00:00:99".parse().unwrap()),
            aliases: vec!["web".to_owned(), "h4a".to_owned()],
            driver_opts: [
                (IFNAME_OPTION.to_owned(), "wan".to_owned()),
                (
                    SYSCTLS_OPTION.to_owned(),
                    "net.ipv4.conf.IFNAME.log_martians=1".to_owned(),
                ),
            ]
            .into(),
            ..EndpointConfig::default()
        };
        let planned = plan_with(&network, &config, &[]);
        assert_eq!(
            planned.endpoint.mac.unwrap().to_string(),
            "02:42:0a:00:00:99"
        );
        assert_eq!(planned.endpoint.ifname, "wan");
        assert_eq!(planned.endpoint.dns_names, ["h4a", "web", "09703cb2d9fb"]);
        assert_eq!(planned.endpoint.mtu, 1400);
        let Step::Veth(veth) = &planned.steps[1] else {
            panic!()
        };
        assert!(veth.isolated);
        let key = "net/ipv4/conf/wan/log_martians".to_owned();
        assert_eq!(veth.sysctls, [(key, "1".to_owned())]);
    }

    #[test]
    fn an_internal_network_gives_no_gateway_and_the_default_bridge_no_names() {
        let mut internal = network("h4i", &["10.252.0.0/24"]);
        internal.internal = true;
        assert_eq!(plan_on(&internal, &[]).endpoint.gateway, None);
        let bridge = automatic("bridge", "172.17.0.0/16");
        assert!(plan_on(&bridge, &[]).endpoint.dns_names.is_empty());
    }

    #[test]
    fn host_and_none_are_only_published() {
        let mut host = network("host", &[]);
        host.driver = Driver::Host;
        let planned = plan_on(&host, &[]);
        assert_eq!(planned.steps.len(), 1);
        assert_eq!(planned.endpoint.mac, None);
        assert_eq!(planned.endpoint.ifname, "");
        assert_eq!(planned.endpoint.host_ifname, "");
    }
}
