//! What a filter decides for every system call number of one architecture, as
//! few ranges as possible, and the binary search over them.

use super::arch::{Architecture, Syscall};
use super::assembler::{Assembler, Compare, Label};
use super::rules::Rule;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Decision {
    /// Always this `SECCOMP_RET_*`.
    Verdict(u32),
    /// The first of these rules (by index) whose conditions hold.
    Rules(Vec<usize>),
}

/// From this number on, up to the next range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u32,
    pub(super) decision: Decision,
}

/// The ranges for `architecture`, from `first` (its lowest number) on. Numbers
/// that no rule names get `default`; those above all named ones get `newer`.
pub(super) fn ranges(
    rules: &[Rule<'_>],
    calls: &[(usize, Syscall)],
    architecture: Architecture,
    (first, default, newer): (u32, u32, u32),
) -> Vec<Range> {
    // Number and rule in one integer, which sorts several times faster.
    let mut named: Vec<u64> = calls
        .iter()
        .filter_map(|(rule, call)| Some(u64::from(call.number(architecture)?) << 32 | *rule as u64))
        .collect();
    named.sort_unstable();
    named.dedup();
    let number = |packed: u64| (packed >> 32) as u32;
    let mut ranges = vec![Range {
        start: first,
        decision: Decision::Verdict(default),
    }];
    let mut end = first;
    for group in named.chunk_by(|left, right| number(*left) == number(*right)) {
        let Some(here) = group.first().map(|packed| number(*packed)) else {
            continue;
        };
        if here > end {
            extend(&mut ranges, end, Decision::Verdict(default));
        }
        let indices = group
            .iter()
            .map(|packed| (packed & u64::from(u32::MAX)) as usize);
        extend(&mut ranges, here, decide(rules, indices));
        end = here + 1;
    }
    if !named.is_empty() {
        extend(&mut ranges, end, Decision::Verdict(newer));
    }
    ranges
}

/// Starts a new range at `start`, unless the decision stays the same.
fn extend(ranges: &mut Vec<Range>, start: u32, decision: Decision) {
    match ranges.last_mut() {
        Some(last) if last.decision == decision => {}
        Some(last) if last.start == start => {
            last.decision = decision;
            // It may now be the same as the one before it.
            if let [.., before, last] = ranges.as_slice()
                && before.decision == last.decision
            {
                ranges.pop();
            }
        }
        _ => ranges.push(Range { start, decision }),
    }
}

/// The rules for one number, up to the first without conditions.
fn decide(rules: &[Rule<'_>], group: impl Iterator<Item = usize>) -> Decision {
    let mut chain = Vec::new();
    for index in group {
        let Some(rule) = rules.get(index) else {
            continue;
        };
        if rule.alternatives.is_empty() {
            if chain.is_empty() {
                return Decision::Verdict(rule.verdict);
            }
            chain.push(index);
            break;
        }
        chain.push(index);
    }
    Decision::Rules(chain)
}

/// Emits the search over `ranges`; the number is in the accumulator. `leaf`
/// emits what is done with a decision.
pub(super) fn emit(
    assembler: &mut Assembler,
    ranges: &[Range],
    leaf: &mut impl FnMut(&mut Assembler, &Decision) -> Label,
) -> Label {
    match ranges {
        [] => assembler.verdict(0),
        [only] => leaf(assembler, &only.decision),
        // A single number among others: one comparison instead of two.
        [around, single, after]
            if around.decision == after.decision && single.start + 1 == after.start =>
        {
            let there = leaf(assembler, &single.decision);
            let other = leaf(assembler, &around.decision);
            assembler.branch(Compare::Equal, single.start, there, other)
        }
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let boundary = high.first().map_or(0, |range| range.start);
            let above = emit(assembler, high, leaf);
            let below = emit(assembler, low, leaf);
            assembler.branch(Compare::AtLeast, boundary, above, below)
        }
    }
}
