//! Forwarding, and the firewalls of others.

use rbox_netsetup::foreign::{self, Wall};
use rbox_netsetup::kernel::nft::Nft;

use super::{Finding, read};

pub fn examine() -> Vec<Finding> {
    let set = |key: &str| read(&format!("/proc/sys/net/{key}")).as_deref() == Some("1");
    let mut findings = vec![match set("ipv4/ip_forward") {
        true => Finding::ok("forwarding", "on"),
        false => Finding::ok("forwarding", "off: the first network switches it on"),
    }];
    let filtered = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"]
        .iter()
        .any(|key| set(&format!("bridge/{key}")));
    findings.push(match filtered {
        true => Finding::warning(
            "br_netfilter",
            "packets between containers of a network pass the host's firewall, too",
            "where nothing else needs it: sysctl net.bridge.bridge-nf-call-iptables=0 \
             net.bridge.bridge-nf-call-ip6tables=0",
        ),
        false => Finding::ok("br_netfilter", "packets on a bridge pass no firewall"),
    });
    findings
}

/// What only root sees.
pub fn firewalls() -> Vec<Finding> {
    let looked = Nft::open()
        .map_err(|error| error.to_string())
        .and_then(|mut nft| foreign::look(&mut nft).map_err(|error| error.to_string()));
    let walls = match looked {
        Ok(walls) => walls,
        Err(reason) => {
            return vec![Finding::problem(
                "firewall",
                format!("nf_tables: {reason}"),
                "use a kernel with CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_MASQ, \
                 CONFIG_NFT_CT and CONFIG_NFT_FIB_INET",
            )];
        }
    };
    if walls.is_empty() {
        return vec![Finding::ok(
            "firewall",
            "nobody else drops what is forwarded",
        )];
    }
    walls.into_iter().map(judge).collect()
}

fn judge(wall: Wall) -> Finding {
    match wall {
        Wall::LetsIn(name) => Finding::ok("firewall", format!("{name}: rbox has its way in")),
        Wall::Drops(remark) => {
            let advice = remark.hint();
            Finding::new("firewall", super::Verdict::Problem, remark.to_string()).advise(&advice)
        }
    }
}
