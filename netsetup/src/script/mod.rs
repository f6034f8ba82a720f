//! Steps as the lines of a shell that would do the same: what a dry run prints.
//!
//! ```text
//!  Step, Present ─▶ Group { why, lines } ─▶ text: "# why", lines, a blank line
//! ```
//!
//! Pure. Firewall elements are written from the very elements that would be sent to the kernel;
//! the rest says what `apply` does, link by link, and a test that runs the lines and compares
//! keeps them together. Every word that comes from a name is quoted.

mod bridge;
mod quote;
mod sandbox;
mod shared;

use std::collections::BTreeSet;

use crate::kernel::nft::lines::TABLE_TEXT;
use crate::plan::Step;

pub use quote::{here, word};
pub use sandbox::loopback;

/// Lines that belong together.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Group {
    /// What they are for; a line of its own each, without `#`.
    pub why: Vec<String>,
    /// What a shell runs.
    pub lines: Vec<String>,
}

impl Group {
    /// Lines and what they are for.
    pub fn new(why: impl Into<String>, lines: Vec<String>) -> Group {
        Group {
            why: vec![why.into()],
            lines,
        }
    }

    /// Something that only can be said.
    pub fn note(why: impl Into<String>) -> Group {
        Group::new(why, Vec::new())
    }
}

/// What there is already, so that nobody needs to make it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Present {
    /// The table `inet rbox`.
    pub table: bool,
    /// Bridges, by interface name.
    pub bridges: BTreeSet<String>,
    /// Packets are forwarded, IPv4 and IPv6.
    pub forwarding: (bool, bool),
}

/// What a step would do; `namespace` is the sandbox's name under /run/netns. What it makes is
/// in `present` afterwards.
pub fn group(step: &Step, namespace: &str, present: &mut Present) -> Vec<Group> {
    match step {
        Step::Lease { path, owner } => vec![shared::lease(path, owner)],
        Step::Bridge { bridge, .. } => bridge::groups(bridge, present),
        Step::NetnsName { .. } => vec![sandbox::name(namespace)],
        Step::Veth(veth) => vec![sandbox::veth(veth, namespace)],
        Step::Parent { parent, .. } => vec![sandbox::parent(parent)],
        Step::Macvlan(step) => vec![sandbox::macvlan(step, namespace)],
        Step::DefaultRoute {
            ifname,
            gateway,
            gateway6,
        } => vec![sandbox::default_route(
            ifname, *gateway, *gateway6, namespace,
        )],
        Step::ResolverRedirect { udp, tcp } => vec![sandbox::resolver(*udp, *tcp, namespace)],
        Step::Publish {
            network_run_dir,
            endpoint,
            ..
        } => vec![shared::publish(network_run_dir, endpoint)],
        Step::Ports {
            ports,
            to,
            owner,
            shortcuts,
        } => shared::ports(ports, *to, shortcuts, owner),
        Step::Reach {
            ports,
            at,
            interfaces,
            owner,
        } => vec![shared::reach(ports, *at, interfaces, owner)],
    }
}

/// The firewall's table, where it is missing.
fn table(present: &mut Present) -> Option<Group> {
    if std::mem::replace(&mut present.table, true) {
        return None;
    }
    let lines = here("nft -f -", TABLE_TEXT.lines().map(str::to_owned));
    Some(Group::new(
        "the firewall's table: constant rules, what changes are elements of its sets",
        lines,
    ))
}

/// The lines of all groups.
pub fn text(groups: &[Group]) -> String {
    let mut out = String::new();
    for group in groups {
        for why in &group.why {
            for line in why.lines() {
                out.push_str(&format!("# {}\n", crate::model::printable::printable(line)));
            }
        }
        for line in &group.lines {
            out.push_str(line);
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
