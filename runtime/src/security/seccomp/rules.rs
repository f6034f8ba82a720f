//! From an OCI profile to what the compiler works on: checked actions as return
//! values, and alternatives of conditions that hold together.

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator, LinuxSyscall,
};

/// Why a profile cannot be compiled.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompileError {
    /// System calls have six arguments.
    #[error("seccomp rule for {syscall}: argument index {index} is above 5")]
    ArgumentIndex {
        /// The first name of the rule.
        syscall: String,
        /// The index that was given.
        index: usize,
    },
    /// Error numbers end at 4095.
    #[error("seccomp rule for {rule}: errnoRet {errno} is above 4095")]
    Errno {
        /// The first name of the rule, or `the default action`.
        rule: String,
        /// The number that was given.
        errno: u32,
    },
    /// Only errors and traces carry a number.
    #[error("seccomp rule for {rule}: {action} takes no errnoRet")]
    ErrnoUnused {
        /// The first name of the rule, or `the default action`.
        rule: String,
        /// The action's OCI name.
        action: LinuxSeccompAction,
    },
    /// Nobody could receive the descriptor: the runtime itself would be stopped.
    #[error("SCMP_ACT_NOTIFY cannot be the default action")]
    NotifyByDefault,
    /// The same, for the one call that hands the descriptor over.
    #[error(
        "SCMP_ACT_NOTIFY needs sendmsg to be allowed: by it the process hands the descriptor over"
    )]
    Sendmsg,
    /// The kernel takes 4096 instructions.
    #[error("the seccomp profile compiles to {0} instructions, and the kernel takes 4096")]
    TooLong(usize),
}

/// Conditions on one argument, reduced to what BPF can compare, with `negated`
/// for the other half of the operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Condition {
    pub(super) argument: u8,
    pub(super) test: Test,
    pub(super) negated: bool,
}

/// A comparison of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// `argument & mask == value`.
    Masked { mask: u64, value: u64 },
    /// `argument > value`.
    Above(u64),
    /// `argument >= value`.
    AtLeast(u64),
}

/// One rule: any of `alternatives`, each a list of conditions that must all
/// hold, gives `verdict`. No alternatives at all: always.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub(super) names: &'a [String],
    pub(super) alternatives: Vec<Vec<Condition>>,
    pub(super) verdict: u32,
}

/// `SECCOMP_RET_*` for an action. `rule` is for the error only.
pub(super) fn verdict(
    action: LinuxSeccompAction,
    errno: Option<u32>,
    rule: impl Fn() -> String,
) -> Result<u32, CompileError> {
    use LinuxSeccompAction as Action;
    let base = match action {
        Action::ScmpActKill | Action::ScmpActKillThread => 0,
        Action::ScmpActKillProcess => 0x8000_0000,
        Action::ScmpActTrap => 0x0003_0000,
        Action::ScmpActErrno => 0x0005_0000,
        Action::ScmpActNotify => 0x7fc0_0000,
        Action::ScmpActTrace => 0x7ff0_0000,
        Action::ScmpActLog => 0x7ffc_0000,
        Action::ScmpActAllow => 0x7fff_0000,
    };
    match (action, errno) {
        (Action::ScmpActErrno | Action::ScmpActTrace, Some(errno)) if errno > 4095 => {
            Err(CompileError::Errno {
                rule: rule(),
                errno,
            })
        }
        (Action::ScmpActErrno | Action::ScmpActTrace, errno) => Ok(base | errno.unwrap_or(EPERM)),
        (_, Some(_)) => Err(CompileError::ErrnoUnused {
            rule: rule(),
            action,
        }),
        (_, None) => Ok(base),
    }
}

const EPERM: u32 = 1;

/// The verdict when no rule matches.
pub(super) fn default_verdict(profile: &LinuxSeccomp) -> Result<u32, CompileError> {
    if profile.default_action() == LinuxSeccompAction::ScmpActNotify {
        return Err(CompileError::NotifyByDefault);
    }
    let name = || "the default action".to_owned();
    verdict(profile.default_action(), profile.default_errno_ret(), name)
}

/// All rules in order.
pub(super) fn rules(profile: &LinuxSeccomp) -> Result<Vec<Rule<'_>>, CompileError> {
    profile.syscalls().iter().flatten().map(rule).collect()
}

/// Whether the call happens whatever its arguments are.
pub(super) fn always_allowed(name: &str, rules: &[Rule<'_>], default: u32) -> bool {
    const LOG: u32 = 0x7ffc_0000;
    const ALLOW: u32 = 0x7fff_0000;
    let allows = |verdict| matches!(verdict, LOG | ALLOW);
    for rule in rules
        .iter()
        .filter(|rule| rule.names.iter().any(|one| one == name))
    {
        if !allows(rule.verdict) {
            return false;
        }
        if rule.alternatives.is_empty() {
            return true;
        }
    }
    allows(default)
}

fn rule(syscall: &LinuxSyscall) -> Result<Rule<'_>, CompileError> {
    let first = || syscall.names().first().cloned().unwrap_or_default();
    let verdict = verdict(syscall.action(), syscall.errno_ret(), first)?;
    let arguments = syscall.args().as_deref().unwrap_or_default();
    let mut conditions = Vec::with_capacity(arguments.len());
    for argument in arguments {
        conditions.push(
            condition(argument).ok_or_else(|| CompileError::ArgumentIndex {
                syscall: first(),
                index: argument.index(),
            })?,
        );
    }
    let alternatives = if conditions.is_empty() {
        Vec::new()
    } else if repeats_an_argument(&conditions) {
        conditions
            .into_iter()
            .map(|condition| vec![condition])
            .collect()
    } else {
        vec![conditions]
    };
    Ok(Rule {
        names: syscall.names(),
        alternatives,
        verdict,
    })
}

fn repeats_an_argument(conditions: &[Condition]) -> bool {
    let mut seen = 0_u8;
    conditions.iter().any(|condition| {
        let bit = 1 << condition.argument;
        let repeated = seen & bit != 0;
        seen |= bit;
        repeated
    })
}

/// `None` when there is no such argument.
fn condition(argument: &LinuxSeccompArg) -> Option<Condition> {
    use LinuxSeccompOperator as Operator;
    let index = u8::try_from(argument.index())
        .ok()
        .filter(|index| *index < 6)?;
    let value = argument.value();
    let equal = Test::Masked {
        mask: u64::MAX,
        value,
    };
    let (test, negated) = match argument.op() {
        Operator::ScmpCmpEq => (equal, false),
        Operator::ScmpCmpNe => (equal, true),
        Operator::ScmpCmpGt => (Test::Above(value), false),
        Operator::ScmpCmpLe => (Test::Above(value), true),
        Operator::ScmpCmpGe => (Test::AtLeast(value), false),
        Operator::ScmpCmpLt => (Test::AtLeast(value), true),
        Operator::ScmpCmpMaskedEq => (
            Test::Masked {
                mask: value,
                value: argument.value_two().unwrap_or(0),
            },
            false,
        ),
    };
    Some(Condition {
        argument: index,
        test,
        negated,
    })
}
