//! What a user should know although nothing failed.

use std::fmt;

use crate::kernel::nft::{ADMITTED, DroppingChain};

/// Something about other firewalls, or about what they did to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remark {
    /// The table `inet rbox` was not there and has been made.
    TableMade,
    /// firewalld did not take a bridge into its zone.
    Firewalld {
        /// The bridge.
        bridge: String,
        /// Why.
        reason: String,
    },
    /// A chain drops what it does not know, and knows nothing of the bridge.
    Policy {
        /// The chain.
        chain: DroppingChain,
        /// The bridge.
        bridge: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::TableMade => f.write_str("the firewall table inet rbox was gone"),
            Remark::Firewalld { bridge, reason } => write!(
                f,
                "firewalld does not take {bridge} into its zone trusted: {reason}"
            ),
            Remark::Policy { chain, bridge } => write!(
                f,
                "the policy of chain {} {} {} is drop, and its table does not name {bridge}: \
                 containers there will not reach outside, nor be reached",
                chain.family, chain.table, chain.name
            ),
        }
    }
}

impl Remark {
    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            Remark::TableMade => {
                "`rbox network reload` gives running containers their networks and published \
                 ports back"
                    .to_owned()
            }
            Remark::Firewalld { bridge, .. } => {
                format!("firewall-cmd --zone=trusted --add-interface={bridge}")
            }
            Remark::Policy { chain, .. } => match chain.iptables() {
                Some(program) => format!(
                    "{program} -I FORWARD -m mark --mark {ADMITTED:#x}/{ADMITTED:#x} -j ACCEPT"
                ),
                None => format!(
                    "nft 'insert rule {} {} {} meta mark & {ADMITTED:#x} == {ADMITTED:#x} accept'",
                    chain.family, chain.table, chain.name
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_named_with_the_command_that_helps() {
        let remark = |family: &str, table: &str, name: &str| Remark::Policy {
            chain: DroppingChain {
                family: family.to_owned(),
                table: table.to_owned(),
                name: name.to_owned(),
            },
            bridge: "rbox0".to_owned(),
        };
        assert_eq!(
            remark("ip", "filter", "FORWARD").to_string(),
            "the policy of chain ip filter FORWARD is drop, and its table does not name rbox0: \
             containers there will not reach outside, nor be reached"
        );
        assert_eq!(
            remark("ip6", "filter", "FORWARD").hint(),
            "ip6tables -I FORWARD -m mark --mark 0x20000000/0x20000000 -j ACCEPT"
        );
        assert_eq!(
            remark("inet", "mine", "fwd").hint(),
            "nft 'insert rule inet mine fwd meta mark & 0x20000000 == 0x20000000 accept'"
        );
    }
}
