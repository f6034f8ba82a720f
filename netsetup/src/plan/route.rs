//! Which attachment of a sandbox has the default route.

use std::cmp::Reverse;

use super::step::Step;
use crate::model::endpoint::Endpoint;
use crate::model::network::Network;

/// The default routes of a sandbox from all its attachments (with their `gw-priority`): the
/// highest priority wins, then the first network name. Internal networks have no gateway. The
/// families are chosen apart, so that there are two steps when two networks win.
pub fn default_route(attachments: &[(&Network, &Endpoint, i32)]) -> Vec<Step> {
    let mut candidates: Vec<_> = attachments
        .iter()
        .filter(|(network, endpoint, _)| !network.internal && !endpoint.ifname.is_empty())
        .collect();
    candidates.sort_by_key(|(network, _, priority)| (Reverse(*priority), network.name.as_str()));
    let ipv4 = candidates
        .iter()
        .find(|(_, endpoint, _)| endpoint.gateway.is_some());
    let ipv6 = candidates
        .iter()
        .find(|(_, endpoint, _)| endpoint.gateway6.is_some());
    let ipv4 = ipv4.map(|(_, endpoint, _)| (&endpoint.ifname, endpoint.gateway));
    let ipv6 = ipv6.map(|(_, endpoint, _)| (&endpoint.ifname, endpoint.gateway6));
    match (ipv4, ipv6) {
        (Some((ifname, gateway)), Some((other, gateway6))) if ifname == other => {
            vec![Step::DefaultRoute {
                ifname: ifname.clone(),
                gateway,
                gateway6,
            }]
        }
        (ipv4, ipv6) => {
            let ipv4 = ipv4.map(|(ifname, gateway)| Step::DefaultRoute {
                ifname: ifname.clone(),
                gateway,
                gateway6: None,
            });
            let ipv6 = ipv6.map(|(ifname, gateway6)| Step::DefaultRoute {
                ifname: ifname.clone(),
                gateway: None,
                gateway6,
            });
            ipv4.into_iter().chain(ipv6).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::tests::network;
    use crate::plan::endpoint::tests::plan_on;

    /// Steps as `eth0 10.0.0.1 -` for networks given as `name subnet… priority`.
    fn routes(networks: &[(&str, &[&str], i32, bool)]) -> Vec<String> {
        let networks: Vec<(Network, i32)> = networks
            .iter()
            .map(|(name, subnets, priority, internal)| {
                let mut network = network(name, subnets);
                network.internal = *internal;
                (network, *priority)
            })
            .collect();
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for (network, _) in &networks {
            let taken: Vec<&str> = endpoints.iter().map(|e| e.ifname.as_str()).collect();
            let planned = plan_on(network, &taken).endpoint;
            endpoints.push(planned);
        }
        let attachments: Vec<(&Network, &Endpoint, i32)> = networks
            .iter()
            .zip(&endpoints)
            .map(|((network, priority), endpoint)| (network, endpoint, *priority))
            .collect();
        default_route(&attachments)
            .iter()
            .map(|step| match step {
                Step::DefaultRoute {
                    ifname,
                    gateway,
                    gateway6,
                } => {
                    let gateway = gateway.map_or("-".to_owned(), |ip| ip.to_string());
                    let gateway6 = gateway6.map_or("-".to_owned(), |ip| ip.to_string());
                    format!("{ifname} {gateway} {gateway6}")
                }
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_first_name_wins_unless_a_priority_says_otherwise() {
        let (h4x, bridge) = (&["10.231.0.0/24"][..], &["172.17.0.0/16"][..]);
        assert_eq!(routes(&[("h4x", h4x, 0, false)]), ["eth0 10.231.0.1 -"]);
        assert_eq!(
            routes(&[("h4x", h4x, 0, false), ("bridge", bridge, 0, false)]),
            ["eth1 172.17.0.1 -"]
        );
        assert_eq!(
            routes(&[("h4x", h4x, 1, false), ("bridge", bridge, 0, false)]),
            ["eth0 10.231.0.1 -"]
        );
        assert_eq!(
            routes(&[("h4x", h4x, 0, false), ("bridge", bridge, -1, false)]),
            ["eth0 10.231.0.1 -"]
        );
    }

    #[test]
    fn internal_networks_lead_nowhere() {
        assert!(routes(&[("a", &["10.252.0.0/24"], 100, true)]).is_empty());
        assert_eq!(
            routes(&[
                ("a", &["10.252.0.0/24"], 100, true),
                ("b", &["10.231.0.0/24"], 0, false)
            ]),
            ["eth1 10.231.0.1 -"]
        );
    }

    #[test]
    fn families_are_chosen_apart() {
        assert_eq!(
            routes(&[("six", &["10.0.0.0/24", "fd00:1::/64"], 0, false)]),
            ["eth0 10.0.0.1 fd00:1::1"]
        );
        assert_eq!(
            routes(&[
                ("a", &["10.0.0.0/24"], 0, false),
                ("b", &["fd00:1::/64"], 0, false)
            ]),
            ["eth0 10.0.0.1 -", "eth1 - fd00:1::1"]
        );
        assert!(routes(&[]).is_empty());
    }
}
