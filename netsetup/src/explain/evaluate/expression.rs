//! One rule, expression by expression.

use super::super::bits::{Answer, Bytes};
use super::super::packet::{Packet, UNTRACKED};
use super::super::ruleset::{Data, Expression, Extension, Register, Rule, Target};
use super::super::{change, load, xt};
use super::registers::{REGISTERS, compare, find, store};
use super::{Decision, Effect, Evaluator, RulePlace, State, Step, used};

impl Evaluator<'_> {
    /// The expressions of a rule from number `from` on.
    pub(super) fn rule(
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
            Expression::SetPort { destination, from } => {
                let port = get(registers, *from, 2).values();
                let port = port.and_then(|bytes| bytes.try_into().ok());
                let Some(change) = change::set_port(packet, *destination, port) else {
                    return Ok(Answer::Unknown);
                };
                let effect = Effect::Changed(change);
                state.decisions.push(Decision { place, effect });
            }
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
            Expression::CtMark { from } => {
                let mark = get(registers, *from, 4).values();
                let mark = mark.and_then(|bytes| bytes.try_into().ok());
                packet.tracking.mark = mark.map(u32::from_ne_bytes);
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
                packet.tracking.state = UNTRACKED;
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
        extension: &Extension,
        state: &mut State,
        place: RulePlace,
    ) -> Result<Answer, Step> {
        let packet = &mut state.packet;
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
                    address: to,
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
                packet.tracking.state = UNTRACKED;
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
