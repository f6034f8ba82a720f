//! The parent of a macvlan network, and the interfaces on it.

use super::step::{MacvlanStep, MadeParent, ParentStep};
use crate::model::endpoint::{Endpoint, EndpointConfig};
use crate::model::endpoint_sysctl::{disables_ipv6, interface_sysctls};
use crate::model::mac::Mac;
use crate::model::macvlan_options::Vlan;
use crate::model::network::Network;
use crate::plan::endpoint::addresses;

/// The parent of a macvlan network, with how it is made where it is rbox's; `None` on other
/// networks.
pub fn parent(network: &Network) -> Option<ParentStep> {
    let name = network.parent()?;
    let made = match network.macvlan_options().parent {
        None => Some(MadeParent::Apart),
        Some(_) if network.adopted => None,
        Some(name) => Vlan::of_name(&name).ok().map(MadeParent::Vlan),
    };
    Some(ParentStep { name, made })
}

/// The interface of an endpoint; `None` where the endpoint is on no macvlan network.
pub fn interface(
    network: &Network,
    config: &EndpointConfig,
    endpoint: &Endpoint,
) -> Option<MacvlanStep> {
    let options = network.macvlan_options();
    Some(MacvlanStep {
        parent: network.parent()?,
        mode: options.mode,
        ifname: endpoint.ifname.clone(),
        mac: endpoint.mac?,
        mtu: options.mtu,
        addresses: addresses(endpoint),
        ipv6: network.ipv6 && !disables_ipv6(config),
        sysctls: interface_sysctls(config)
            .into_iter()
            .map(|sysctl| (sysctl.key(&endpoint.ifname), sysctl.value))
            .collect(),
    })
}

/// The MAC address of an interface on a wire that others are on too: forty bits of the ids of
/// container and network, which are random. One that followed from the address, as on bridges,
/// would be the same for equal addresses in two VLANs, and for IPv6 ones that end alike.
pub fn wire_mac(owner: &str, network_id: &str) -> Mac {
    let hash = owner
        .bytes()
        .chain(network_id.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let [_, _, _, b, c, d, e, f] = (hash ^ (hash >> 32)).to_be_bytes();
    // Locally administered, one receiver (IEEE 802-2014, 8.4).
    Mac([0x02, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::macvlan_options::{MODE, MacvlanMode, PARENT};
    use crate::model::network::Driver;
    use crate::model::network::tests::network;
    use crate::plan::Step;
    use crate::plan::endpoint::tests::{OWNER, plan_on};

    fn on(parent: &str, adopted: bool) -> Network {
        let mut network = network("lan", &["192.0.2.0/24"]);
        network.driver = Driver::Macvlan;
        network.adopted = adopted;
        network.pools[0].gateway = None;
        if !parent.is_empty() {
            network.options.insert(PARENT.into(), parent.into());
        }
        network
    }

    #[test]
    fn only_a_parent_that_is_ours_is_made() {
        let made = |network: &Network| parent(network).unwrap().made;
        assert_eq!(made(&on("eth0", true)), None);
        assert_eq!(made(&on("eth0.50", true)), None);
        assert_eq!(
            made(&on("eth0.50", false)),
            Some(MadeParent::Vlan(Vlan {
                lower: "eth0".into(),
                id: 50
            }))
        );
        let apart = parent(&on("", false)).unwrap();
        assert_eq!(apart.made, Some(MadeParent::Apart));
        assert_eq!(apart.name.len(), 15);
        assert_eq!(parent(&network("n", &["10.0.0.0/24"])), None);
    }

    #[test]
    fn an_endpoint_is_an_interface_and_a_publication() {
        let mut network = on("eth0", true);
        network.options.insert(MODE.into(), "private".into());
        let planned = plan_on(&network, &["eth0"]);
        let [Step::Macvlan(step), Step::Publish { endpoint, .. }] = &planned.steps[..] else {
            panic!("{:?}", planned.steps);
        };
        assert_eq!(
            (step.parent.as_str(), step.ifname.as_str()),
            ("eth0", "eth1")
        );
        assert_eq!((step.mode, step.mtu), (MacvlanMode::Private, None));
        assert_eq!(step.addresses, [("192.0.2.1".parse().unwrap(), 24)]);
        assert_eq!(step.mac, wire_mac(OWNER, &network.id));
        assert_eq!((endpoint.gateway, endpoint.parent.as_str()), (None, "eth0"));
        assert_eq!(
            (endpoint.host_ifname.as_str(), endpoint.bridge.as_str()),
            ("", "")
        );
        assert_eq!(endpoint.dns_names[0], "h4a");
        network.pools[0].gateway = Some("192.0.2.254".parse().unwrap());
        let gateway = plan_on(&network, &[]).endpoint.gateway;
        assert_eq!(gateway, Some("192.0.2.254".parse().unwrap()));
        network.internal = true;
        assert_eq!(plan_on(&network, &[]).endpoint.gateway, None);
    }

    #[test]
    fn a_parent_of_ours_is_there_before_the_interface() {
        let planned = plan_on(&on("eth0.50", false), &[]);
        assert!(matches!(
            &planned.steps[..],
            [Step::Parent { .. }, Step::Macvlan(_), Step::Publish { .. }]
        ));
    }

    #[test]
    fn addresses_on_the_wire_are_stable_local_and_apart() {
        let mac = wire_mac(OWNER, "aa");
        assert_eq!(mac, wire_mac(OWNER, "aa"));
        assert_ne!(mac, wire_mac(OWNER, "ab"));
        assert_eq!(mac.0[0], 0x02);
    }
}
