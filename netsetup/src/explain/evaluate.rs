//! Interprets one base chain for one packet, as the kernel's `nft_do_chain` does.
//!
//! A rule whose condition depends on what is not known is tried both ways. When both end the same,
//! it does not matter; otherwise the answer is [`End::CannotTell`], with the rule.

use std::net::IpAddr;

use super::bits::{Answer, Bytes};
use super::change::{self, Change};
use super::load;
use super::packet::Packet;
use super::ruleset::{
    Base, Chain, Data, Element, Expression, Register, Rule, Set, Table, Target, Verdict,
};
use super::surroundings::{Position, Surroundings};
use super::xt;

/// Rules tried both ways in one chain.
const FORKS: usize = 12;
/// The kernel allows chains to call each other this deep.
const DEPTH: usize = 16;
const REGISTERS: usize = 64;

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
        if settled {
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

    /// The expressions of a rule from number `from` on.
    fn rule(
        &mut self,
        rule: &Rule,
        from: usize,
        registers: &mut Bytes,
        state: &mut State,
        place: RulePlace,
    ) -> Step {
        for (at, expression) in rule.expressions.iter().enumerate().skip(from) {
            let answer = match self.expression(expression, registers, state, place) {
                Ok(answer) => answer,
                Err(step) => return step,
            };
            match answer {
                Answer::Yes => {}
                Answer::No => return Step::Done,
                Answer::Unknown => {
                    let uses = used(rule, at);
                    let settled = false;
                    return Step::Doubt { at, uses, settled };
                }
            }
        }
        Step::Done
    }

    fn expression(
        &mut self,
        expression: &Expression,
        registers: &mut Bytes,
        state: &mut State,
        place: RulePlace,
    ) -> Result<Answer, Step> {
        let packet = &mut state.packet;
        let get = |registers: &Bytes, at: Register, length: usize| {
            registers
                .part(at, length)
                .unwrap_or_else(|| Bytes::unknown(length))
        };
        match expression {
            Expression::Payload {
                base,
                offset,
                length,
                to,
            } => match load::payload(*base, *offset, *length, packet) {
                Some(bytes) => store(registers, *to, &bytes),
                None => return Ok(Answer::No),
            },
            Expression::Meta { key, to } => {
                store(registers, *to, &load::meta(*key, packet, self.position));
            }
            Expression::MetaSet { key: 3, from } => {
                let mark = get(registers, *from, 4).values();
                let mark = mark.and_then(|bytes| bytes.try_into().ok());
                packet.mark = mark.map(u32::from_ne_bytes);
                let effect = Effect::Marked(packet.mark);
                state.decisions.push(Decision { place, effect });
            }
            Expression::MetaSet { .. } | Expression::Harmless(_) => {}
            Expression::Ct { key, reply, to } => {
                match load::ct(*key, *reply, packet, self.tracked) {
                    Some(bytes) => store(registers, *to, &bytes),
                    None => return Ok(Answer::No),
                }
            }
            Expression::Fib { result, flags, to } => {
                let bytes = load::fib(*result, *flags, packet, self.position, self.surroundings);
                store(registers, *to, &bytes);
            }
            Expression::Immediate { value, to } => store(registers, *to, &Bytes::known(value)),
            Expression::Verdict(verdict) => return Err(Step::Verdict(verdict.clone())),
            Expression::Compare {
                from,
                operator,
                value,
            } => {
                return Ok(compare(
                    &get(registers, *from, value.len()),
                    *operator,
                    value,
                ));
            }
            Expression::Range {
                from,
                not,
                low,
                high,
            } => {
                let found = get(registers, *from, low.len()).within(low, high);
                return Ok(if *not { found.opposite() } else { found });
            }
            Expression::Bitwise {
                from,
                to,
                mask,
                flip,
            } => {
                let bytes = get(registers, *from, mask.len()).masked(mask, flip);
                store(registers, *to, &bytes);
            }
            Expression::Byteorder {
                from,
                to,
                length,
                size,
            } => {
                let bytes = get(registers, *from, *length).swapped(*size);
                store(registers, *to, &bytes);
            }
            Expression::Lookup { set, from, to, not } => {
                return self.lookup(set, *from, *to, *not, registers);
            }
            Expression::Limit { over, .. } => return Ok((!over).into()),
            Expression::Reject { .. } => return Err(Step::Finished(Effect::Rejected)),
            Expression::Queue(_) => return Err(Step::Finished(Effect::Queued)),
            Expression::Notrack => {
                packet.tracking.state = super::packet::UNTRACKED;
                let effect = Effect::Untracked;
                state.decisions.push(Decision { place, effect });
            }
            Expression::Nat { .. } | Expression::Masquerade | Expression::Redirect { .. } => {
                let change = change::asked(expression, registers, packet);
                return self.change(change, packet);
            }
            Expression::Match(extension) => {
                let found = xt::matches(
                    extension,
                    packet,
                    self.position,
                    self.tracked,
                    self.surroundings,
                );
                return Ok(found.unwrap_or(Answer::Unknown));
            }
            Expression::Action(extension) => {
                return self.action(extension, state, place);
            }
            Expression::Other(_) => {
                *registers = Bytes::unknown(REGISTERS);
                return Ok(Answer::Unknown);
            }
        }
        Ok(Answer::Yes)
    }

    fn change(&mut self, asked: change::Asked, packet: &mut Packet) -> Result<Answer, Step> {
        match change::carry_out(asked, packet, self.position, self.surroundings) {
            change::Result::Done(change) => Err(Step::Finished(Effect::Changed(change))),
            change::Result::NotOurs => Ok(Answer::Yes),
            change::Result::CannotTell(uses) => Err(Step::Doubt {
                at: 0,
                uses,
                settled: true,
            }),
        }
    }

    fn action(
        &mut self,
        extension: &super::ruleset::Extension,
        state: &mut State,
        place: RulePlace,
    ) -> Result<Answer, Step> {
        let packet = &mut state.packet;
        let address = |address: Option<IpAddr>| address;
        match xt::action(extension, packet.is_ipv6()) {
            None => Err(Step::Doubt {
                at: 0,
                uses: format!("target {}", extension.name),
                settled: true,
            }),
            Some(xt::Action::Nothing) => Ok(Answer::Yes),
            Some(xt::Action::Reject) => Err(Step::Finished(Effect::Rejected)),
            Some(xt::Action::Masquerade) => self.change(change::Asked::Masquerade, packet),
            Some(xt::Action::Redirect(port)) => self.change(change::Asked::Redirect(port), packet),
            Some(xt::Action::Nat {
                destination,
                address: to,
                port,
            }) => {
                let asked = change::Asked::Nat {
                    destination,
                    address: address(to),
                    port,
                };
                self.change(asked, packet)
            }
            Some(xt::Action::Mark { value, mask }) => {
                packet.mark = packet.mark.map(|mark| (mark & !mask) ^ value);
                let effect = Effect::Marked(packet.mark);
                state.decisions.push(Decision { place, effect });
                Ok(Answer::Yes)
            }
            Some(xt::Action::Notrack) => {
                packet.tracking.state = super::packet::UNTRACKED;
                let effect = Effect::Untracked;
                state.decisions.push(Decision { place, effect });
                Ok(Answer::Yes)
            }
        }
    }

    fn lookup(
        &self,
        name: &str,
        from: Register,
        to: Option<Target>,
        not: bool,
        registers: &mut Bytes,
    ) -> Result<Answer, Step> {
        let Some(set) = self.table.set(name) else {
            return Ok(Answer::Unknown);
        };
        if set.stateful {
            return Ok(Answer::Unknown);
        }
        let (answer, element) = find(set, from, registers);
        let answer = if not { answer.opposite() } else { answer };
        if answer == Answer::Yes
            && let Some(target) = to
        {
            match (target, element.and_then(|element| element.data.as_ref())) {
                (Target::Verdict, Some(Data::Verdict(verdict))) => {
                    return Err(Step::Verdict(verdict.clone()));
                }
                (Target::Register(to), Some(Data::Value(value))) => {
                    store(registers, to, &Bytes::known(value));
                }
                _ => return Ok(Answer::Unknown),
            }
        }
        if answer == Answer::Unknown && to == Some(Target::Verdict) {
            return Err(Step::Doubt {
                at: 0,
                uses: format!("a look-up in {name} by what is not known"),
                settled: true,
            });
        }
        Ok(answer)
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

/// Registers are words: what is behind a shorter value is zero.
fn store(registers: &mut Bytes, at: Register, bytes: &Bytes) {
    registers.put(at, bytes);
    let padding = bytes.len().next_multiple_of(4) - bytes.len();
    registers.put(at + bytes.len(), &Bytes::known(&[0; 4][..padding]));
}

fn compare(bytes: &Bytes, operator: u32, value: &[u8]) -> Answer {
    let (least, most) = (vec![0; value.len()], vec![0xff; value.len()]);
    let equal = bytes.equal(value);
    match operator {
        0 => equal,
        1 => equal.opposite(),
        2 => bytes.within(value, &most).opposite(),
        3 => bytes.within(&least, value),
        4 => bytes.within(&least, value).opposite(),
        5 => bytes.within(value, &most),
        _ => Answer::Unknown,
    }
}

/// The element that a key is in.
fn find<'s>(set: &'s Set, from: Register, registers: &Bytes) -> (Answer, Option<&'s Element>) {
    let mut doubtful = false;
    for element in &set.elements {
        let Some(key) = &element.key else { continue };
        let answer = match registers.part(from, key.from.len()) {
            None => Answer::Unknown,
            Some(bytes) if key.from == key.to => bytes.equal(&key.from),
            Some(bytes) if set.parts.is_empty() => bytes.within(&key.from, &key.to),
            Some(bytes) => by_parts(set, &bytes, &key.from, &key.to),
        };
        match answer {
            Answer::Yes => return (Answer::Yes, Some(element)),
            Answer::Unknown => doubtful = true,
            Answer::No => {}
        }
    }
    if doubtful {
        return (Answer::Unknown, None);
    }
    match set.elements.iter().find(|element| element.key.is_none()) {
        Some(rest) => (Answer::Yes, Some(rest)),
        None => (Answer::No, None),
    }
}

fn by_parts(set: &Set, bytes: &Bytes, from: &[u8], to: &[u8]) -> Answer {
    let mut at = 0;
    let mut answer = Answer::Yes;
    for length in &set.parts {
        let part = bytes.part(at, *length);
        let ends = (from.get(at..at + length), to.get(at..at + length));
        answer = answer.and(match (part, ends) {
            (Some(part), (Some(from), Some(to))) => part.within(from, to),
            _ => Answer::Unknown,
        });
        at += length.next_multiple_of(4);
    }
    answer
}

/// Nothing that decides or changes anything.
fn is_harmless(expression: &Expression) -> bool {
    !matches!(
        expression,
        Expression::Verdict(_)
            | Expression::MetaSet { .. }
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

/// The chain of a place.
pub fn chain_of(tables: &[Table], place: RulePlace) -> Option<(&Table, &Chain)> {
    let table = tables.get(place.table)?;
    Some((table, table.chains.get(place.chain)?))
}
