//! The bridge of a network.

use std::net::IpAddr;

use super::names::bridge_mac;
use super::step::BridgeStep;
use crate::model::network::{Driver, Network};

/// What the kernel must know of a network; `None` where there is no bridge (host, none).
pub fn bridge(network: &Network) -> Option<BridgeStep> {
    if network.driver != Driver::Bridge {
        return None;
    }
    let options = network.bridge_options();
    let addresses: Vec<(IpAddr, u8)> = network
        .pools
        .iter()
        .filter_map(|pool| Some((pool.gateway?, pool.subnet.prefix_len())))
        .filter(|(gateway, _)| !(options.inhibit_ipv4 && gateway.is_ipv4()))
        .collect();
    Some(BridgeStep {
        name: network.bridge_name(),
        mac: bridge_mac(&network.id),
        mtu: options.mtu,
        addresses,
        subnets: network.pools.iter().map(|pool| pool.subnet).collect(),
        masquerade: options.masquerade && !network.internal,
        internal: network.internal,
        icc: options.icc,
        ipv6: network.ipv6,
        gateway4: options.gateway4,
        gateway6: options.gateway6,
        trusted: options.trusted,
        host_addresses: options.host_addresses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::tests::network;
    use crate::model::network_options::{BRIDGE_NAME, ENABLE_ICC, ENABLE_MASQUERADE, MTU};

    #[test]
    fn a_bridge_has_the_gateways_as_its_addresses() {
        let network = network("h4six", &["10.232.0.0/24", "fd00:aa::/64"]);
        let step = bridge(&network).unwrap();
        assert_eq!(step.name, format!("br-{}", &network.id[..12]));
        assert_eq!(
            step.addresses,
            [
                ("10.232.0.1".parse().unwrap(), 24),
                ("fd00:aa::1".parse().unwrap(), 64)
            ]
        );
        assert_eq!(step.subnets.len(), 2);
        assert_eq!(step.mtu, 1500);
        assert!(step.masquerade && step.icc && step.ipv6 && !step.internal);
    }

    #[test]
    fn options_shape_the_bridge() {
        let mut network = network("h4x", &["10.232.0.0/24"]);
        for (key, value) in [
            (BRIDGE_NAME, "h4br0"),
            (ENABLE_ICC, "false"),
            (ENABLE_MASQUERADE, "false"),
            (MTU, "9000"),
        ] {
            network.options.insert(key.to_owned(), value.to_owned());
        }
        let step = bridge(&network).unwrap();
        assert_eq!((step.name.as_str(), step.mtu), ("h4br0", 9000));
        assert!(!step.masquerade && !step.icc && !step.ipv6);
    }

    #[test]
    fn internal_networks_are_never_masqueraded_and_host_has_no_bridge() {
        let mut network = network("h4i", &["10.252.0.0/24"]);
        network.internal = true;
        let step = bridge(&network).unwrap();
        assert!(step.internal && !step.masquerade);
        network.driver = Driver::Host;
        assert_eq!(bridge(&network), None);
    }
}
