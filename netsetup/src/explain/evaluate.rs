//! Interprets one base chain for one packet, as the kernel's `nft_do_chain` does.
//!
//! A rule whose condition depends on what is not known is tried both ways. When both end the same,
//! it does not matter; otherwise the answer is [`End::CannotTell`], with the rule.

mod expression;
mod registers;

use super::bits::Bytes;
use super::change::Change;
use super::packet::Packet;
use super::ruleset::{Base, Expression, Rule, Table, Verdict};
use super::surroundings::{Position, Surroundings};
use registers::REGISTERS;

/// Rules tried both ways in one chain.
const FORKS: usize = 12;
/// The kernel allows chains to call each other this deep.
const DEPTH: usize = 16;

/// A rule by its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RulePlace {
    /// Index of the table in the ruleset.
    pub table: usize,
    /// Index of the chain in the table.
    pub chain: usize,
    /// Index of the rule in the chain; `None` is the chain's policy.
    pub rule: Option<usize>,
}

/// A rule did something to the packet, or decided about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Which rule.
    pub place: RulePlace,
    /// What it did.
    pub effect: Effect,
}

/// What a rule did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// This chain lets it pass.
    Accepted,
    /// It is gone.
    Dropped,
    /// It is gone, and the sender is told.
    Rejected,
    /// It waits for a program.
    Queued,
    /// Addresses or ports are others now.
    Changed(Change),
    /// It carries this mark.
    Marked(Option<u32>),
    /// Connection tracking leaves it alone.
    Untracked,
}

/// How a chain ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The packet goes on.
    Passed,
    /// It does not; the last decision says why.
    Stopped,
    /// It cannot be told.
    CannotTell {
        /// Which rule.
        place: RulePlace,
        /// What it uses: `meta skuid`, `match recent`.
        uses: String,
    },
}

/// What a chain did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// The packet afterwards.
    pub packet: Packet,
    /// What rules did, in order.
    pub decisions: Vec<Decision>,
    /// How it ended.
    pub end: End,
}

/// A chain at work.
pub struct Evaluator<'a> {
    /// The table the chain is in.
    pub table: &'a Table,
    /// Its index.
    pub table_index: usize,
    /// Where the packet is.
    pub position: &'a Position,
    /// Connection tracking has seen the packet.
    pub tracked: bool,
    /// The namespace.
    pub surroundings: &'a mut dyn Surroundings,
}

#[derive(Clone)]
struct State {
    packet: Packet,
    decisions: Vec<Decision>,
    /// Chain and next rule, the base chain first.
    stack: Vec<(usize, usize)>,
    forks: usize,
}

/// What became of a rule.
enum Step {
    Done,
    Verdict(Verdict),
    Finished(Effect),
    Doubt {
        at: usize,
        uses: String,
        settled: bool,
    },
}

impl Evaluator<'_> {
    /// Runs a base chain.
    pub fn run(&mut self, chain: usize, packet: &Packet) -> Run {
        let state = State {
            packet: packet.clone(),
            decisions: Vec::new(),
            stack: vec![(chain, 0)],
            forks: FORKS,
        };
        self.go_on(state)
    }

    fn go_on(&mut self, mut state: State) -> Run {
        let table = self.table;
        loop {
            let Some((chain, next)) = state.stack.last_mut() else {
                return finish(state, End::Passed);
            };
            let chain_index = *chain;
            let Some(rules) = table.chains.get(chain_index).map(|chain| &chain.rules) else {
                return finish(state, End::Passed);
            };
            let Some(rule) = rules.get(*next) else {
                state.stack.pop();
                if state.stack.is_empty() {
                    return self.policy(state, chain_index);
                }
                continue;
            };
            let place = RulePlace {
                table: self.table_index,
                chain: chain_index,
                rule: Some(*next),
            };
            *next += 1;
            let mut registers = Bytes::unknown(REGISTERS);
            let step = self.rule(rule, 0, &mut registers, &mut state, place);
            if let Some(run) = self.follow(step, rule, registers, &mut state, place) {
                return run;
            }
        }
    }

    /// Carries out what a rule said; a result when the chain has ended.
    fn follow(
        &mut self,
        step: Step,
        rule: &Rule,
        registers: Bytes,
        state: &mut State,
        place: RulePlace,
    ) -> Option<Run> {
        match step {
            Step::Done => None,
            Step::Verdict(verdict) => self.verdict(verdict, state, place),
            Step::Finished(effect) => {
                let passes = matches!(effect, Effect::Changed(_));
                state.decisions.push(Decision { place, effect });
                let end = if passes { End::Passed } else { End::Stopped };
                Some(finish(state.clone(), end))
            }
            Step::Doubt { at, uses, settled } => {
                self.both(rule, registers, state, place, (at, uses, settled))
            }
        }
    }

    /// Tries a rule both ways.
    fn both(
        &mut self,
        rule: &Rule,
        mut registers: Bytes,
        state: &mut State,
        place: RulePlace,
        (at, uses, settled): (usize, String, bool),
    ) -> Option<Run> {
        let doubt = |state: &State| {
            let uses = uses.clone();
            Some(finish(state.clone(), End::CannotTell { place, uses }))
        };
        if settled || acts(&rule.expressions[at]) {
            return doubt(state);
        }
        if rule.expressions[at + 1..].iter().all(is_harmless) {
            return None;
        }
        if state.forks == 0 {
            return doubt(state);
        }
        state.forks -= 1;
        let without = self.go_on(state.clone());
        let mut matched = state.clone();
        let step = self.rule(rule, at + 1, &mut registers, &mut matched, place);
        let with = match self.follow(step, rule, registers, &mut matched, place) {
            Some(run) => run,
            None => self.go_on(matched),
        };
        // A chain that lets it pass does so by whatever rule; how it is stopped is another matter.
        let same = with.end == without.end
            && with.packet == without.packet
            && (with.end == End::Passed || last_effect(&with) == last_effect(&without));
        if same && !matches!(without.end, End::CannotTell { .. }) {
            return Some(without);
        }
        doubt(state)
    }

    fn policy(&self, mut state: State, chain: usize) -> Run {
        let base = self
            .table
            .chains
            .get(chain)
            .and_then(|chain| chain.base.as_ref());
        if base.is_some_and(|base: &Base| base.drops) {
            let place = RulePlace {
                table: self.table_index,
                chain,
                rule: None,
            };
            let effect = Effect::Dropped;
            state.decisions.push(Decision { place, effect });
            return finish(state, End::Stopped);
        }
        finish(state, End::Passed)
    }

    fn verdict(&mut self, verdict: Verdict, state: &mut State, place: RulePlace) -> Option<Run> {
        let effect = match verdict {
            Verdict::Continue => return None,
            Verdict::Return => {
                let (chain, _) = state.stack.pop()?;
                return state
                    .stack
                    .is_empty()
                    .then(|| self.policy(state.clone(), chain));
            }
            Verdict::Jump(name) | Verdict::Goto(name) if state.stack.len() >= DEPTH => {
                let uses = format!("a call of chain {name} that is too deep");
                return Some(finish(state.clone(), End::CannotTell { place, uses }));
            }
            Verdict::Jump(ref name) | Verdict::Goto(ref name) => {
                let Some(target) = self.table.chain(name) else {
                    let uses = format!("chain {name}, which is not there");
                    return Some(finish(state.clone(), End::CannotTell { place, uses }));
                };
                if matches!(verdict, Verdict::Goto(_)) && state.stack.len() > 1 {
                    state.stack.pop();
                } else if matches!(verdict, Verdict::Goto(_)) {
                    // The end of the other chain is the end of this one: its policy counts.
                    let end = (place.chain, usize::MAX);
                    state.stack = vec![end];
                }
                state.stack.push((target, 0));
                return None;
            }
            Verdict::Accept => Effect::Accepted,
            Verdict::Drop => Effect::Dropped,
            Verdict::Other(code) => {
                let uses = format!("verdict {code}");
                return Some(finish(state.clone(), End::CannotTell { place, uses }));
            }
        };
        let end = if effect == Effect::Accepted {
            End::Passed
        } else {
            End::Stopped
        };
        state.decisions.push(Decision { place, effect });
        Some(finish(state.clone(), end))
    }
}

fn finish(state: State, end: End) -> Run {
    Run {
        packet: state.packet,
        decisions: state.decisions,
        end,
    }
}

fn last_effect(run: &Run) -> Option<&Effect> {
    run.decisions.last().map(|decision| &decision.effect)
}

/// Nothing that decides or changes anything.
fn is_harmless(expression: &Expression) -> bool {
    !matches!(
        expression,
        Expression::Verdict(_)
            | Expression::SetPort { .. }
            | Expression::MetaSet { .. }
            | Expression::CtMark { .. }
            | Expression::Nat { .. }
            | Expression::Masquerade
            | Expression::Redirect { .. }
            | Expression::Reject { .. }
            | Expression::Notrack
            | Expression::Queue(_)
            | Expression::Action(_)
            | Expression::Other(_)
            | Expression::Lookup { to: Some(_), .. }
    )
}

/// Not decoded, and not one of those that only look or load: it may do anything to the packet.
fn acts(expression: &Expression) -> bool {
    const LOOK: [&str; 13] = [
        "bitwise",
        "connlimit",
        "dynset",
        "exthdr",
        "hash",
        "inner",
        "meta",
        "numgen",
        "osf",
        "quota",
        "rt",
        "socket",
        "xfrm",
    ];
    matches!(expression, Expression::Other(name) if !LOOK.contains(&name.as_str()))
}

/// What the condition at `at` looks at, for the text that says why nothing can be told.
fn used(rule: &Rule, at: usize) -> String {
    let read = match rule.expressions.get(at) {
        Some(Expression::Compare { from, .. } | Expression::Range { from, .. }) => *from,
        Some(Expression::Lookup { from, .. }) => *from,
        Some(Expression::Match(extension)) => return format!("match {}", extension.name),
        Some(Expression::Other(name)) => return name.clone(),
        _ => return "an expression that is not decoded".to_owned(),
    };
    let source = rule.expressions[..at].iter().rev().find(|expression| {
        matches!(expression,
            Expression::Payload { to, .. }
            | Expression::Meta { to, .. }
            | Expression::Ct { to, .. }
            | Expression::Fib { to, .. } if *to == read)
    });
    source.map_or_else(
        || "what is not known of a packet that was not sent".to_owned(),
        |expression| super::print::selector(expression, &rule.expressions),
    )
}
