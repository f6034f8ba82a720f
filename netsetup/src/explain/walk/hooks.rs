//! A hook as a station, and what answers meet there.

use super::super::change::Change;
use super::super::evaluate::{Decision, Effect, End as ChainEnd, RulePlace};
use super::super::hook::{self, Hook, Layer, Passage};
use super::super::packet::NEW;
use super::super::print;
use super::super::ruleset::Ruleset;
use super::super::story::{Kind, RuleLine, Verdict};
use super::super::surroundings::Position;
use super::super::world::Node;
use super::{Ending, Passed, Walk};

/// The hooks of the old tables.
const LEGACY: [(&str, &[Hook]); 5] = [
    ("filter", &[Hook::Input, Hook::Forward, Hook::Output]),
    ("security", &[Hook::Input, Hook::Forward, Hook::Output]),
    (
        "nat",
        &[
            Hook::Prerouting,
            Hook::Input,
            Hook::Output,
            Hook::Postrouting,
        ],
    ),
    ("raw", &[Hook::Prerouting, Hook::Output]),
    (
        "mangle",
        &[
            Hook::Prerouting,
            Hook::Input,
            Hook::Forward,
            Hook::Output,
            Hook::Postrouting,
        ],
    ),
];

impl Walk<'_, '_> {
    /// Sends the packet through a hook.
    pub(super) fn pass(
        &mut self,
        node: &Node,
        layer: Layer,
        hook: Hook,
        position: &Position,
    ) -> Result<(), Ending> {
        let mut packet = self.packet.clone();
        let world = self.world(node)?;
        // Rules ask the world that they are in.
        let ruleset = std::mem::take(&mut world.ruleset);
        let passage = hook::pass(&ruleset, layer, hook, position, &mut packet, world);
        let legacy = world.legacy.clone();
        self.packet = packet;
        let ended = self.tell(node, layer, hook, position, (&ruleset, &passage));
        self.world(node)?.ruleset = ruleset;
        ended?;
        if layer == Layer::Ip {
            self.old_tables(node, hook, &legacy)?;
            self.passed.push(Passed {
                node: node.clone(),
                hook,
                position: position.clone(),
                packet: self.packet.clone(),
            });
        }
        Ok(())
    }

    fn tell(
        &mut self,
        node: &Node,
        layer: Layer,
        hook: Hook,
        position: &Position,
        (ruleset, passage): (&Ruleset, &Passage),
    ) -> Result<(), Ending> {
        let rules: Vec<RuleLine> = passage
            .decisions
            .iter()
            .filter_map(|decision| line(ruleset, hook, decision))
            .collect();
        if !rules.is_empty() {
            let text = format!("{}{}", title(layer, hook), devices(position));
            let told = self.hop(node, Kind::Firewall, text);
            let name = |device: &Option<_>| {
                let device: &super::super::surroundings::Device = device.as_ref()?;
                Some(device.name.clone())
            };
            told.incoming = name(&position.incoming);
            told.outgoing = name(&position.outgoing);
            told.rules.clone_from(&rules);
        }
        match &passage.end {
            ChainEnd::Passed => Ok(()),
            ChainEnd::Stopped => Err(self.stopped(hook, position, passage, rules.last())),
            ChainEnd::CannotTell { place, uses } => {
                let text = describe(ruleset, *place, uses);
                Err(Ending::new(
                    Verdict::CannotTell,
                    format!("cannot tell: {text}"),
                ))
            }
        }
    }

    fn stopped(
        &self,
        hook: Hook,
        position: &Position,
        passage: &Passage,
        rule: Option<&RuleLine>,
    ) -> Ending {
        let Some(rule) = rule else {
            return Ending::new(Verdict::Dropped, format!("dropped: {}", hook.name()));
        };
        let (verdict, word) = match passage.decisions.last().map(|last| &last.effect) {
            Some(Effect::Rejected) => (Verdict::Rejected, "rejected"),
            Some(Effect::Queued) => (Verdict::Queued, "left to a program"),
            _ => (Verdict::Dropped, "dropped"),
        };
        let (reason, hint) = self.reason(rule, position);
        let text = format!(
            "{word}: {}: {reason} (rule `{}` in {})",
            hook.name(),
            rule.rule,
            rule.place()
        );
        Ending::new(verdict, text).hint(Some(hint))
    }

    fn old_tables(&self, node: &Node, hook: Hook, legacy: &[String]) -> Result<(), Ending> {
        let asked = LEGACY
            .iter()
            .find(|(name, hooks)| hooks.contains(&hook) && legacy.iter().any(|t| t == name));
        match asked {
            None => Ok(()),
            Some((name, _)) => Err(Ending::new(
                Verdict::CannotTell,
                format!(
                    "cannot tell: {node} has the table {name} of iptables-legacy, whose rules for \
                     {} cannot be read",
                    hook.name()
                ),
            )
            .hint(Some(
                "`iptables-legacy-save` lists them; iptables-nft's rules are understood".to_owned(),
            ))),
        }
    }

    /// What becomes of answers: they meet the hooks in the other direction.
    pub(super) fn answers(&mut self) -> String {
        let passed = std::mem::take(&mut self.passed);
        let mut accepted = None;
        for past in passed.iter().rev() {
            let hook = match past.hook {
                Hook::Forward => Hook::Forward,
                Hook::Input => Hook::Output,
                Hook::Output => Hook::Input,
                // They depend on what is translated back.
                _ => continue,
            };
            let position = Position {
                incoming: past.position.outgoing.clone(),
                outgoing: past.position.incoming.clone(),
                ..Position::default()
            };
            let mut answer = past.packet.answer();
            let Ok(world) = self.atlas.world(&past.node) else {
                continue;
            };
            let ruleset = std::mem::take(&mut world.ruleset);
            let passage = hook::pass(&ruleset, Layer::Ip, hook, &position, &mut answer, world);
            let last = passage
                .decisions
                .last()
                .and_then(|decision| line(&ruleset, hook, decision));
            let place = |line: &RuleLine| format!("`{}` in {}", line.rule, line.place());
            let told = match &passage.end {
                ChainEnd::Passed => None,
                ChainEnd::Stopped => Some(format!(
                    "dropped in {} of {}: {}",
                    hook.name(),
                    past.node,
                    last.as_ref().map(place).unwrap_or_default()
                )),
                ChainEnd::CannotTell { place, uses } => {
                    Some(format!("cannot tell: {}", describe(&ruleset, *place, uses)))
                }
            };
            if hook == Hook::Forward && accepted.is_none() {
                let accepts = |decision: &&Decision| decision.effect == Effect::Accepted;
                let rule = passage.decisions.iter().rev().find(accepts);
                accepted = rule
                    .and_then(|rule| line(&ruleset, hook, rule))
                    .as_ref()
                    .map(place);
            }
            if let Ok(world) = self.atlas.world(&past.node) {
                world.ruleset = ruleset;
            }
            if let Some(told) = told {
                return told;
            }
        }
        match accepted {
            Some(rule) => format!("come back as established, by {rule}"),
            None if self.packet.tracking.state == NEW => {
                "come back; no rule has anything to say".to_owned()
            }
            None => "come back untracked; no rule has anything to say".to_owned(),
        }
    }
}

fn title(layer: Layer, hook: Hook) -> String {
    match layer {
        Layer::Ip | Layer::Device => format!("firewall: {}", hook.name()),
        Layer::Bridge => format!("firewall of the bridge: {}", hook.name()),
    }
}

fn devices(position: &Position) -> String {
    match (&position.incoming, &position.outgoing) {
        (Some(from), Some(to)) => format!(", {} → {}", from.name, to.name),
        (Some(from), None) => format!(", in by {}", from.name),
        (None, Some(to)) => format!(", out by {}", to.name),
        (None, None) => String::new(),
    }
}

fn line(ruleset: &Ruleset, hook: Hook, decision: &Decision) -> Option<RuleLine> {
    let table = ruleset.tables.get(decision.place.table)?;
    let chain = table.chains.get(decision.place.chain)?;
    let rule = decision.place.rule.and_then(|rule| chain.rules.get(rule));
    Some(RuleLine {
        hook,
        family: table.family.to_string(),
        table: table.name.clone(),
        chain: chain.name.clone(),
        handle: rule.map(|rule| rule.handle),
        rule: rule.map_or_else(|| "policy drop".to_owned(), |rule| print::rule(table, rule)),
        effect: effect(&decision.effect),
    })
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Accepted => "accept".to_owned(),
        Effect::Dropped => "drop".to_owned(),
        Effect::Rejected => "reject".to_owned(),
        Effect::Queued => "queue".to_owned(),
        Effect::Marked(Some(mark)) => format!("mark 0x{mark:x}"),
        Effect::Marked(None) => "a mark that is not known".to_owned(),
        Effect::Untracked => "not tracked".to_owned(),
        Effect::Changed(Change {
            destination,
            before,
            after,
            ..
        }) => {
            let end = if *destination {
                "destination"
            } else {
                "source"
            };
            format!("{end} {before} → {after}")
        }
    }
}

/// `rule 3 of chain inet f forward (…) uses meta skuid`.
fn describe(ruleset: &Ruleset, place: RulePlace, uses: &str) -> String {
    let Some(table) = ruleset.tables.get(place.table) else {
        return uses.to_owned();
    };
    let Some(chain) = table.chains.get(place.chain) else {
        return uses.to_owned();
    };
    let rule = place.rule.unwrap_or(0);
    let text = chain
        .rules
        .get(rule)
        .map(|rule| print::rule(table, rule))
        .unwrap_or_default();
    format!(
        "rule {} of chain {} {} {} (`{text}`) uses {uses}",
        rule + 1,
        table.family,
        table.name,
        chain.name
    )
}
