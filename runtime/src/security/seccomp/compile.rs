//! From a profile to a program.
//!
//! ```text
//! load arch ─ native? ─┬─ load nr ─ x32? ─┬─ search ─▶ verdict
//!                      │                  │      └───▶ load argument words ─▶ verdict
//!                      │                  └─ search …
//!                      ├─ other architecture: load nr ─ search …
//!                      └─ none: kill
//! ```

use super::arch::{Architecture, NATIVE, Syscall, X32_BIT};
use super::assembler::{Assembler, Compare, Label};
use super::program::{self, Program};
use super::rules::{self, CompileError, Condition, Rule, Test};
use super::search::{self, Decision};
use crate::process::sys_security::SECCOMP_NEW_LISTENER;
use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompFilterFlag};
use std::collections::HashMap;

const KILL_PROCESS: u32 = 0x8000_0000;
const NOTIFY: u32 = 0x7fc0_0000;
/// The part of a verdict that is no number of its own (`SECCOMP_RET_ACTION_FULL`).
const ACTION: u32 = 0xffff_0000;
const ERRNO_ENOSYS: u32 = 0x0005_0000 | 38;
/// Verdicts from here on let the call happen (or ask somebody): trace, log, allow.
const LOWEST_PERMISSION: u32 = 0x7fc0_0000;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The kernel's limit, in instructions.
const MAXIMUM: usize = 4096;

/// Compiles `profile` for the architecture of this program and those of the
/// profile's other architectures that its kernel can execute.
///
/// # Errors
/// A profile that contradicts the OCI specification, or that is too long.
pub fn compile(profile: &LinuxSeccomp) -> Result<Program, CompileError> {
    compile_for(profile, NATIVE)
}

/// [`compile`] for another native architecture.
pub(super) fn compile_for(
    profile: &LinuxSeccomp,
    native: Architecture,
) -> Result<Program, CompileError> {
    let default = rules::default_verdict(profile)?;
    let rules = rules::rules(profile)?;
    let mut unknown = Vec::new();
    let mut calls = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for found in Syscall::resolve(rule.names.iter()) {
            match found {
                Ok(call) => calls.push((index, call)),
                Err(name) => unknown.push(name.clone()),
            }
        }
    }
    let architectures = architectures(profile, native);
    let compiler = Compiler {
        rules: &rules,
        calls: &calls,
        default,
        chains: HashMap::new(),
        assembler: Assembler::default(),
    };
    let instructions = compiler.program(&architectures);
    if instructions.len() > MAXIMUM {
        return Err(CompileError::TooLong(instructions.len()));
    }
    let notifies = rules.iter().any(|rule| rule.verdict == NOTIFY);
    if notifies && !rules::always_allowed("sendmsg", &rules, default) {
        return Err(CompileError::Sendmsg);
    }
    let mut actions: Vec<_> = rules.iter().map(|rule| rule.verdict & ACTION).collect();
    actions.push(default & ACTION);
    actions.sort_unstable();
    actions.dedup();
    let (flags, optional) = flags(profile, notifies);
    Ok(Program {
        instructions,
        flags,
        optional,
        actions,
        unknown,
    })
}

/// The architectures to compile for, each once; none in the profile means the
/// native one.
fn architectures(profile: &LinuxSeccomp, native: Architecture) -> Vec<Architecture> {
    let listed = profile.architectures().as_deref().unwrap_or_default();
    Architecture::executable_on(native)
        .iter()
        .copied()
        .filter(|one| {
            listed.contains(&one.oci())
                || *one == native && (listed.is_empty() || listed.contains(&Arch::ScmpArchNative))
        })
        .collect()
}

/// What the profile's flags are to the kernel, and those that nobody asked for:
/// without a list runc lets speculation be, as the mitigation costs much and the
/// kernel itself no longer turns it on.
fn flags(profile: &LinuxSeccomp, notifies: bool) -> (u32, u32) {
    let listed = profile.flags().as_deref();
    let mut flags = listed.unwrap_or_default().iter().fold(0, |bits, flag| {
        bits | match flag {
            LinuxSeccompFilterFlag::SeccompFilterFlagLog => program::LOG,
            LinuxSeccompFilterFlag::SeccompFilterFlagTsync => program::TSYNC,
            LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => program::SPEC_ALLOW,
            LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => program::WAIT_KILLABLE,
        }
    });
    if !notifies {
        // It is about whom the filter asks, and without him the kernel refuses it.
        flags &= !program::WAIT_KILLABLE;
    }
    if notifies {
        flags |= SECCOMP_NEW_LISTENER;
        if flags & program::TSYNC != 0 {
            flags |= program::TSYNC_ESRCH;
        }
    }
    (
        flags,
        if listed.is_none() {
            program::SPEC_ALLOW
        } else {
            0
        },
    )
}

struct Compiler<'a> {
    rules: &'a [Rule<'a>],
    calls: &'a [(usize, Syscall)],
    default: u32,
    /// Argument conditions that are there already, by their rules.
    chains: HashMap<Vec<usize>, Label>,
    assembler: Assembler,
}

impl Compiler<'_> {
    fn program(mut self, architectures: &[Architecture]) -> Vec<libc::sock_filter> {
        let mut entry = self.assembler.verdict(KILL_PROCESS);
        // Backwards: the native architecture ends up first.
        for architecture in architectures.iter().rev() {
            let search = match architecture {
                Architecture::X32 if architectures.contains(&Architecture::X86_64) => continue,
                Architecture::X32 => {
                    let kill = self.assembler.verdict(KILL_PROCESS);
                    let x32 = self.search(Architecture::X32);
                    self.assembler.branch(Compare::AtLeast, X32_BIT, x32, kill)
                }
                Architecture::X86_64 => {
                    let x32 = if architectures.contains(&Architecture::X32) {
                        self.search(Architecture::X32)
                    } else {
                        self.without_x32()
                    };
                    let x86_64 = self.search(Architecture::X86_64);
                    self.assembler
                        .branch(Compare::AtLeast, X32_BIT, x32, x86_64)
                }
                other => self.search(*other),
            };
            let section = self.assembler.load(NUMBER, search);
            entry = self
                .assembler
                .branch(Compare::Equal, architecture.audit(), section, entry);
        }
        let entry = self.assembler.load(ARCHITECTURE, entry);
        self.assembler.finish(entry)
    }

    /// x32's numbers where the profile does not list x32: as an architecture
    /// that it does not list, but for -1, by which a tracer cancels a call.
    fn without_x32(&mut self) -> Label {
        let kill = self.assembler.verdict(KILL_PROCESS);
        let default = self.assembler.verdict(self.default);
        self.assembler
            .branch(Compare::Equal, u32::MAX, default, kill)
    }

    fn search(&mut self, architecture: Architecture) -> Label {
        let first = if architecture == Architecture::X32 {
            X32_BIT
        } else {
            0
        };
        let newer = newer_verdict(self.default);
        let bounds = (first, self.default, newer);
        let ranges = search::ranges(self.rules, self.calls, architecture, bounds);
        let Compiler {
            rules,
            default,
            chains,
            assembler,
            ..
        } = self;
        search::emit(
            assembler,
            &ranges,
            &mut |assembler, decision| match decision {
                Decision::Verdict(verdict) => assembler.verdict(*verdict),
                Decision::Rules(chain) => *chains
                    .entry(chain.clone())
                    .or_insert_with(|| emit_rules(assembler, rules, chain, *default)),
            },
        )
    }
}

/// The verdict for calls that are newer than the profile.
pub(super) fn newer_verdict(default: u32) -> u32 {
    let permitted = (LOWEST_PERMISSION..KILL_PROCESS).contains(&default);
    if permitted { default } else { ERRNO_ENOSYS }
}

/// The first of the rules `chain` whose conditions hold.
fn emit_rules(
    assembler: &mut Assembler,
    rules: &[Rule<'_>],
    chain: &[usize],
    default: u32,
) -> Label {
    let mut next = None;
    for rule in chain.iter().rev().filter_map(|index| rules.get(*index)) {
        let mut label = match next {
            Some(label) if !rule.alternatives.is_empty() => label,
            None if !rule.alternatives.is_empty() => assembler.verdict(default),
            _ => assembler.verdict(rule.verdict),
        };
        for conditions in rule.alternatives.iter().rev() {
            let otherwise = label;
            label = assembler.verdict(rule.verdict);
            for condition in conditions.iter().rev() {
                label = emit_condition(assembler, *condition, label, otherwise);
            }
        }
        next = Some(label);
    }
    next.unwrap_or_else(|| assembler.verdict(default))
}

fn emit_condition(
    assembler: &mut Assembler,
    condition: Condition,
    then: Label,
    otherwise: Label,
) -> Label {
    let (then, otherwise) = if condition.negated {
        (otherwise, then)
    } else {
        (then, otherwise)
    };
    // Both architectures are little-endian: the low word comes first.
    let low = ARGUMENTS + 8 * u32::from(condition.argument);
    let high = low + 4;
    match condition.test {
        Test::Masked { mask, value } if value & !mask != 0 => otherwise,
        Test::Masked { mask, value } => {
            let (mask_high, mask_low) = words(mask);
            let (value_high, value_low) = words(value);
            let next = emit_masked(assembler, low, mask_low, value_low, then, otherwise);
            emit_masked(assembler, high, mask_high, value_high, next, otherwise)
        }
        Test::Above(value) => emit_order(
            assembler,
            (low, high),
            Compare::Greater,
            value,
            then,
            otherwise,
        ),
        Test::AtLeast(value) => emit_order(
            assembler,
            (low, high),
            Compare::AtLeast,
            value,
            then,
            otherwise,
        ),
    }
}

/// `word & mask == value`.
fn emit_masked(
    assembler: &mut Assembler,
    offset: u32,
    mask: u32,
    value: u32,
    then: Label,
    otherwise: Label,
) -> Label {
    if mask == 0 {
        return then;
    }
    let mut label = assembler.branch(Compare::Equal, value, then, otherwise);
    if mask != u32::MAX {
        label = assembler.and(mask, label);
    }
    assembler.load(offset, label)
}

/// The high words decide, unless they are equal: then `compare` of the low ones.
fn emit_order(
    assembler: &mut Assembler,
    (low, high): (u32, u32),
    compare: Compare,
    value: u64,
    then: Label,
    otherwise: Label,
) -> Label {
    let (value_high, value_low) = words(value);
    let lows = assembler.branch(compare, value_low, then, otherwise);
    let lows = assembler.load(low, lows);
    let equal = assembler.branch(Compare::Equal, value_high, lows, otherwise);
    let above = assembler.branch(Compare::Greater, value_high, then, equal);
    assembler.load(high, above)
}

/// The high and the low word.
fn words(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, (value & u64::from(u32::MAX)) as u32)
}
