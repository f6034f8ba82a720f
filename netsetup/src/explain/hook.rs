//! A hook of the kernel: all base chains that see a packet there, in their order.
//!
//! Translation is one station of a hook, wherever its chains say they are: at priority -100 for
//! destinations, 100 for sources (`nf_nat_inet_fn`). It asks its chains, one after the other,
//! until one has translated, and only for the first packet of a connection. Connection tracking
//! is at -200; what is before it sees no state.

use super::evaluate::{Decision, End, Evaluator};
use super::load::sees;
use super::packet::{NEW, Packet, UNTRACKED};
use super::ruleset::{Base, Family, Ruleset};
use super::surroundings::{Position, Surroundings};

/// Where in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Comes in, before routing.
    Prerouting = 0,
    /// Is for this host.
    Input = 1,
    /// Passes through.
    Forward = 2,
    /// Comes from this host.
    Output = 3,
    /// Goes out, after routing.
    Postrouting = 4,
    /// Comes in by a device, before all else.
    Ingress = 5,
    /// Goes out by a device, after all else.
    Egress = 6,
}

impl Hook {
    /// nft's word.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
            Hook::Ingress => "ingress",
            Hook::Egress => "egress",
        }
    }

    fn translates(self) -> Option<(bool, i32)> {
        match self {
            Hook::Prerouting | Hook::Output => Some((true, -100)),
            Hook::Postrouting | Hook::Input => Some((false, 100)),
            Hook::Forward | Hook::Ingress | Hook::Egress => None,
        }
    }
}

/// Which chains are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// Families ip, ip6 and inet.
    Ip,
    /// Family bridge.
    Bridge,
    /// Family netdev, and inet's ingress.
    Device,
}

const CONNTRACK: i32 = -200;
const NETDEV_INGRESS: u32 = 0;
const NETDEV_EGRESS: u32 = 1;
const INET_INGRESS: u32 = 5;

/// What happened at a hook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    /// What rules did, in order.
    pub decisions: Vec<Decision>,
    /// How it ended.
    pub end: End,
}

/// Sends a packet through a hook.
pub fn pass(
    ruleset: &Ruleset,
    layer: Layer,
    hook: Hook,
    position: &Position,
    packet: &mut Packet,
    surroundings: &mut dyn Surroundings,
) -> Passage {
    let mut decisions = Vec::new();
    for entry in chains(ruleset, layer, hook, position, packet) {
        let tracked = layer == Layer::Ip && entry.priority > CONNTRACK;
        if tracked && packet.tracking.state != UNTRACKED {
            packet.track();
        }
        let nat = entry.nat;
        if let Some(destination) = nat {
            let tracking = &packet.tracking;
            let done = if destination {
                tracking.destination_done
            } else {
                tracking.source_done
            };
            if done || tracking.state != NEW {
                continue;
            }
        }
        let Some(table) = ruleset.tables.get(entry.table) else {
            continue;
        };
        let mut evaluator = Evaluator {
            table,
            table_index: entry.table,
            position,
            tracked,
            surroundings,
        };
        let run = evaluator.run(entry.chain, packet);
        decisions.extend(run.decisions);
        *packet = run.packet;
        if run.end != End::Passed {
            return Passage {
                decisions,
                end: run.end,
            };
        }
    }
    if layer == Layer::Ip
        && let Some((destination, _)) = hook.translates()
    {
        // What no rule has translated stays as it is from now on.
        if destination {
            packet.tracking.destination_done = true;
        } else {
            packet.tracking.source_done = true;
        }
    }
    Passage {
        decisions,
        end: End::Passed,
    }
}

struct Entry {
    table: usize,
    chain: usize,
    priority: i32,
    own: i32,
    /// Translates destinations (or sources).
    nat: Option<bool>,
}

fn chains(
    ruleset: &Ruleset,
    layer: Layer,
    hook: Hook,
    position: &Position,
    packet: &Packet,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (table_index, table) in ruleset.tables.iter().enumerate() {
        if table.dormant {
            continue;
        }
        for (chain_index, chain) in table.chains.iter().enumerate() {
            let Some(base) = &chain.base else { continue };
            if !is_at(base, table.family, layer, hook, position, packet) {
                continue;
            }
            let nat = hook
                .translates()
                .filter(|_| base.kind == "nat" && layer == Layer::Ip);
            entries.push(Entry {
                table: table_index,
                chain: chain_index,
                priority: nat.map_or(base.priority, |(_, priority)| priority),
                own: base.priority,
                nat: nat.map(|(destination, _)| destination),
            });
        }
    }
    // Of equals the newest is first.
    entries.reverse();
    entries.sort_by_key(|entry| (entry.priority, entry.own));
    entries
}

fn is_at(
    base: &Base,
    family: Family,
    layer: Layer,
    hook: Hook,
    position: &Position,
    packet: &Packet,
) -> bool {
    match layer {
        Layer::Ip => base.hook == hook as u32 && base.hook <= 4 && sees(family, packet),
        Layer::Bridge => base.hook == hook as u32 && family == Family::Bridge,
        Layer::Device => {
            let (wanted, device) = match (family, hook) {
                (Family::Netdev, Hook::Ingress) => (NETDEV_INGRESS, &position.incoming),
                (Family::Netdev, Hook::Egress) => (NETDEV_EGRESS, &position.outgoing),
                (Family::Inet, Hook::Ingress) => (INET_INGRESS, &position.incoming),
                _ => return false,
            };
            base.hook == wanted
                && device
                    .as_ref()
                    .is_some_and(|device| base.devices.contains(&device.name))
        }
    }
}
