//! A network's bridge.

use super::quote::{here, word};
use super::{Group, Present, table};
use crate::kernel::nft::lines::network_lines;
use crate::plan::step::BridgeStep;

/// As `apply::reconcile` makes it: the firewall first, before the bridge carries anything.
pub(super) fn groups(bridge: &BridgeStep, present: &mut Present) -> Vec<Group> {
    let name = &bridge.name;
    if present.table && present.bridges.contains(name) {
        return vec![Group::note(format!(
            "bridge {name} and its elements of the firewall are there"
        ))];
    }
    let mut groups: Vec<Group> = table(present).into_iter().collect();
    let mut elements = Group::new(
        format!("what the firewall must know of bridge {name}"),
        here("nft -f -", network_lines(bridge)),
    );
    elements.why.push(
        "(where another engine's or a firewall's rules would stop it, a way in is added there, too)"
            .to_owned(),
    );
    groups.push(elements);
    groups.extend(forwarding(bridge, present));
    if present.bridges.insert(name.clone()) {
        groups.push(link(bridge));
    }
    groups
}

fn forwarding(bridge: &BridgeStep, present: &mut Present) -> Option<Group> {
    if bridge.internal {
        return None;
    }
    let mut lines = Vec::new();
    if !std::mem::replace(&mut present.forwarding.0, true) {
        lines.push("sysctl -q -w net.ipv4.ip_forward=1".to_owned());
    }
    if bridge.ipv6 && !std::mem::replace(&mut present.forwarding.1, true) {
        lines.push("sysctl -q -w net.ipv6.conf.all.forwarding=1".to_owned());
    }
    (!lines.is_empty()).then(|| Group::new("packets pass this host", lines))
}

fn link(bridge: &BridgeStep) -> Group {
    let BridgeStep { mac, mtu, .. } = bridge;
    let name = word(&bridge.name);
    let mut lines = vec![
        format!(
            "ip link add {name} mtu {mtu} address {mac} type bridge stp_state 0 forward_delay 0"
        ),
        // One of the kernel's own making would have to wait for duplicate address detection.
        format!("ip address add fe80::1/64 dev {name} nodad"),
        format!("ip link set {name} addrgenmode none"),
        format!("ip link set {name} up"),
    ];
    for (address, prefix) in &bridge.addresses {
        if address.is_ipv6() {
            lines.push(format!(
                "echo 0 > {}",
                word(&format!(
                    "/proc/sys/net/ipv6/conf/{}/disable_ipv6",
                    bridge.name
                ))
            ));
            lines.push(format!(
                "ip address add {address}/{prefix} dev {name} nodad"
            ));
        } else {
            let broadcast = if *prefix < 31 { " brd +" } else { "" };
            lines.push(format!(
                "ip address add {address}/{prefix}{broadcast} dev {name}"
            ));
        }
    }
    Group::new(
        format!("bridge {}, with the containers' gateways", bridge.name),
        lines,
    )
}
