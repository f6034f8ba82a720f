//! What a profile says about a call, read rule by rule: slow and obvious.

use super::super::arch::{Architecture, Syscall, X32_BIT};
use super::interpret::Call;
use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompOperator as Operator,
};
use std::collections::HashSet;

/// A profile on a machine.
pub(super) struct Reading<'a> {
    profile: &'a LinuxSeccomp,
    /// For each architecture that the filter is for, the numbers of each rule.
    numbers: Vec<(Architecture, Vec<HashSet<u32>>)>,
}

impl Reading<'_> {
    /// `profile` on a machine whose native architecture is `native`.
    pub(super) fn new(profile: &LinuxSeccomp, native: Architecture) -> Reading<'_> {
        let listed = profile.architectures().clone().unwrap_or_default();
        let numbers = Architecture::executable_on(native)
            .iter()
            .filter(|one| listed.contains(&one.oci()) || listed.is_empty() && **one == native)
            .map(|one| {
                let number = |name: &String| Syscall::named(name)?.number(*one);
                let rules = profile.syscalls().iter().flatten();
                (
                    *one,
                    rules
                        .map(|rule| rule.names().iter().filter_map(number).collect())
                        .collect(),
                )
            })
            .collect();
        Reading { profile, numbers }
    }

    /// The answer for `call`.
    pub(super) fn answer(&self, call: &Call) -> u32 {
        let action = self.profile.default_action();
        let default = action.as_u32(self.profile.default_errno_ret());
        let x32 = call.architecture == Architecture::X32.audit() && call.number >= X32_BIT;
        let Some((_, numbers)) = self.numbers.iter().find(|(one, _)| {
            one.audit() == call.architecture && (*one == Architecture::X32) == x32
        }) else {
            let cancelled = call.number == u32::MAX
                && self
                    .numbers
                    .iter()
                    .any(|(one, _)| *one != Architecture::X32 && one.audit() == call.architecture);
            return if cancelled { default } else { 0x8000_0000 };
        };
        let rules = self.profile.syscalls().as_deref().unwrap_or_default();
        for (rule, numbers) in rules.iter().zip(numbers) {
            let conditions = rule.args().as_deref().unwrap_or_default();
            if numbers.contains(&call.number) && matches(conditions, call) {
                return rule.action().as_u32(rule.errno_ret());
            }
        }
        let permits = matches!(
            action,
            Action::ScmpActAllow | Action::ScmpActLog | Action::ScmpActTrace
        );
        match numbers.iter().flatten().max() {
            Some(newest) if call.number > *newest && !permits => 0x0005_0000 | 38,
            _ => default,
        }
    }
}

fn matches(conditions: &[LinuxSeccompArg], call: &Call) -> bool {
    let repeated = |one: &LinuxSeccompArg| {
        let same = conditions
            .iter()
            .filter(|other| other.index() == one.index());
        same.count() > 1
    };
    if conditions.iter().any(repeated) {
        conditions.iter().any(|condition| holds(condition, call))
    } else {
        conditions.iter().all(|condition| holds(condition, call))
    }
}

fn holds(condition: &LinuxSeccompArg, call: &Call) -> bool {
    let (argument, value) = (call.arguments[condition.index()], condition.value());
    match condition.op() {
        Operator::ScmpCmpNe => argument != value,
        Operator::ScmpCmpLt => argument < value,
        Operator::ScmpCmpLe => argument <= value,
        Operator::ScmpCmpEq => argument == value,
        Operator::ScmpCmpGe => argument >= value,
        Operator::ScmpCmpGt => argument > value,
        Operator::ScmpCmpMaskedEq => argument & value == condition.value_two().unwrap_or(0),
    }
}
