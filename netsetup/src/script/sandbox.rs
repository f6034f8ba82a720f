//! A sandbox: its namespace, and what is made inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Group;
use super::quote::word;
use crate::kernel::netlink::link_local;
use crate::kernel::nft::lines::resolver_lines;
use crate::model::mac::Mac;
use crate::model::macvlan_options::MacvlanMode;
use crate::plan::step::{MacvlanStep, MadeParent, ParentStep, VethStep};

/// rbox names the namespace that the process was made in; as a line it is made with its name.
pub(super) fn name(namespace: &str) -> Group {
    Group::new(
        "the sandbox: a network namespace that `ip netns` finds",
        vec![format!("ip netns add {}", word(namespace))],
    )
}

/// Raises loopback, where there is no other interface.
pub fn loopback(namespace: &str) -> Group {
    Group::new(
        "loopback alone",
        vec![format!("ip -n {} link set lo up", word(namespace))],
    )
}

pub(super) fn veth(veth: &VethStep, namespace: &str) -> Group {
    let VethStep { mac, mtu, .. } = veth;
    let (inside, outer, inner) = (word(namespace), word(&veth.host_ifname), word(&veth.ifname));
    let mut lines = vec![
        format!(
            "ip link add {outer} mtu {mtu} type veth peer name {inner} mtu {mtu} address {mac} \
             netns {inside}"
        ),
        format!("ip link set {outer} addrgenmode none"),
        format!("ip link set {outer} master {}", word(&veth.bridge)),
    ];
    for (flag, on) in [("isolated", veth.isolated), ("hairpin", veth.hairpin)] {
        if on {
            lines.push(format!("bridge link set dev {outer} {flag} on"));
        }
    }
    lines.push(format!("ip link set {outer} up"));
    lines.extend(inside_lines(
        &veth.ifname,
        veth.mac,
        veth.ipv6,
        &veth.addresses,
        &veth.sysctls,
        namespace,
    ));
    Group::new(
        format!(
            "a veth pair: {} inside, {} a port of {}",
            veth.ifname, veth.host_ifname, veth.bridge
        ),
        lines,
    )
}

/// An interface that was made inside gets its parameters and addresses, and comes up.
fn inside_lines(
    ifname: &str,
    mac: Mac,
    ipv6: bool,
    addresses: &[(IpAddr, u8)],
    sysctls: &[(String, String)],
    namespace: &str,
) -> Vec<String> {
    let (inside, inner) = (word(namespace), word(ifname));
    let mut lines = Vec::new();
    for (key, value) in parameters(ifname, ipv6, sysctls) {
        let write = format!(
            "echo {} > {}",
            word(&value),
            word(&format!("/proc/sys/{key}"))
        );
        lines.push(format!("ip netns exec {inside} sh -c {}", word(&write)));
    }
    let mut run = |line: String| lines.push(format!("ip -n {inside} {line}"));
    run("link set lo up".to_owned());
    run(format!("link set {inner} addrgenmode none"));
    // The kernel's own link-local address would be tentative for a while.
    let own = (IpAddr::from(link_local(mac)), 64);
    for (address, prefix) in addresses.iter().chain(ipv6.then_some(&own)) {
        let rest = match address.is_ipv6() {
            true => " nodad",
            false if *prefix < 31 => " brd +",
            false => "",
        };
        run(format!("address add {address}/{prefix}{rest} dev {inner}"));
    }
    run(format!("link set {inner} up"));
    lines
}

/// The interface that a macvlan network is on, where rbox makes it.
pub(super) fn parent(parent: &ParentStep) -> Group {
    let name = word(&parent.name);
    let make = match &parent.made {
        None => return Group::note(format!("parent interface {} is there", parent.name)),
        Some(MadeParent::Vlan(vlan)) => format!(
            "ip link add link {} name {name} type vlan id {}",
            word(&vlan.lower),
            vlan.id
        ),
        Some(MadeParent::Apart) => format!("ip link add {name} type dummy"),
    };
    Group::new(
        format!("parent interface {}, unless it is there", parent.name),
        vec![
            make,
            format!("ip link set {name} addrgenmode none"),
            format!("ip link set {name} up"),
        ],
    )
}

/// A macvlan interface, made from the host straight into the sandbox.
pub(super) fn macvlan(step: &MacvlanStep, namespace: &str) -> Group {
    let mtu = step.mtu.map(|mtu| format!(" mtu {mtu}"));
    let mode = match step.mode {
        MacvlanMode::Bridge => "bridge",
        MacvlanMode::Private => "private",
        MacvlanMode::Passthru => "passthru",
        MacvlanMode::Vepa => "vepa",
    };
    let mut lines = vec![format!(
        "ip link add link {} name {} address {}{} netns {} type macvlan mode {mode}",
        word(&step.parent),
        word(&step.ifname),
        step.mac,
        mtu.unwrap_or_default(),
        word(namespace)
    )];
    lines.extend(inside_lines(
        &step.ifname,
        step.mac,
        step.ipv6,
        &step.addresses,
        &step.sysctls,
        namespace,
    ));
    Group::new(
        format!("{} inside, on the wire of {}", step.ifname, step.parent),
        lines,
    )
}

/// Kernel parameters of the inner end, below /proc/sys, in the order in which they are set.
fn parameters(ifname: &str, ipv6: bool, sysctls: &[(String, String)]) -> Vec<(String, String)> {
    let own = |family: &str, name: &str, value: &str| {
        let key = format!("net/{family}/conf/{ifname}/{name}");
        (key, value.to_owned())
    };
    let mut all = if ipv6 {
        vec![
            own("ipv6", "disable_ipv6", "0"),
            own("ipv6", "accept_ra", "0"),
            own("ipv6", "ndisc_notify", "1"),
        ]
    } else {
        vec![own("ipv6", "disable_ipv6", "1")]
    };
    all.extend(sysctls.iter().cloned());
    if !all.iter().any(|(key, _)| key.ends_with("/arp_notify")) {
        all.push(own("ipv4", "arp_notify", "1"));
    }
    all
}

pub(super) fn default_route(
    ifname: &str,
    gateway: Option<Ipv4Addr>,
    gateway6: Option<Ipv6Addr>,
    namespace: &str,
) -> Group {
    let (inside, device) = (word(namespace), word(ifname));
    let ipv4 = gateway
        .map(|gateway| format!("ip -n {inside} route replace default via {gateway} dev {device}"));
    let ipv6 = gateway6.map(|gateway| {
        format!("ip -n {inside} -6 route replace default via {gateway} dev {device}")
    });
    Group::new(
        format!("the way out goes through {ifname}"),
        ipv4.into_iter().chain(ipv6).collect(),
    )
}

/// Port 0 is one that nobody knows yet.
pub(super) fn resolver(udp: u16, tcp: u16, namespace: &str) -> Group {
    let port = |number: u16, stand_in: u16| match number {
        0 => stand_in,
        number => number,
    };
    let mut lines = Vec::new();
    let rules = resolver_lines(
        &port(udp, 40_053).to_string(),
        &port(tcp, 40_054).to_string(),
    );
    let command = format!("ip netns exec {} nft -f -", word(namespace));
    lines.extend(super::quote::here(&command, rules));
    let mut why = vec![
        "port 53 of 127.0.0.11 leads to the resolver, which the monitor runs inside".to_owned(),
    ];
    if udp == 0 || tcp == 0 {
        why.push("(the ports stand for those that the kernel gives it)".to_owned());
    }
    Group { why, lines }
}
