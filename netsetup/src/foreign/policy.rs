//! Whose policy is ours to worry about.

use crate::kernel::nft::{DroppingChain, Others};
use crate::plan::step::BridgeStep;

/// Whether packets of this bridge meet the chain, and nothing else was arranged with its owner.
pub(super) fn concerns(chain: &DroppingChain, bridge: &BridgeStep, others: &Others) -> bool {
    let ipv4 = bridge.subnets.iter().any(|net| net.addr().is_ipv4());
    let met = match chain.family.as_str() {
        "ip" => ipv4,
        "ip6" => bridge.ipv6,
        _ => true,
    };
    met && !is_arranged(chain, others)
}

/// Whether the chain's owner keeps a place for others.
pub(super) fn is_arranged(chain: &DroppingChain, others: &Others) -> bool {
    // iptables' own FORWARD chain: the way in, where there is one, is reached from it.
    let way_in = chain.table == "filter"
        && others
            .ways_in
            .iter()
            .any(|way| way.family() == chain.family.as_str());
    way_in || (others.firewalld && chain.table == "firewalld")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::nft::WayIn;

    fn chain(family: &str, table: &str) -> DroppingChain {
        DroppingChain {
            family: family.to_owned(),
            table: table.to_owned(),
            name: "FORWARD".to_owned(),
        }
    }

    #[test]
    fn only_policies_that_nobody_lets_us_past_are_of_concern() {
        let network = crate::model::network::tests::network("lan", &["10.0.0.0/24"]);
        let bridge = crate::plan::bridge(&network).unwrap();
        let nobody = Others::default();
        assert!(concerns(&chain("ip", "filter"), &bridge, &nobody));
        assert!(concerns(&chain("inet", "mine"), &bridge, &nobody));
        assert!(!concerns(&chain("ip6", "filter"), &bridge, &nobody));
        let docker = Others {
            ways_in: vec![WayIn::DOCKER],
            firewalld: true,
        };
        assert!(!concerns(&chain("ip", "filter"), &bridge, &docker));
        assert!(concerns(&chain("inet", "mine"), &bridge, &docker));
        assert!(!concerns(&chain("inet", "firewalld"), &bridge, &docker));
    }
}
