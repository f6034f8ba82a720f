//! Docker's default profile (engine 28), from data tables.

use super::arch::{Architecture, NATIVE};
use super::default_names::ALWAYS;
use super::parse::kernel_at_least;
use oci_spec::runtime::{
    Capability, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg,
    LinuxSeccompArgBuilder, LinuxSeccompOperator as Operator, LinuxSyscall,
};

/// Calls that a capability allows beyond the rest.
const BY_CAPABILITY: &[(Capability, &str)] = &[
    (Capability::DacReadSearch, "open_by_handle_at"),
    (
        Capability::SysAdmin,
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie \
         lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog \
         umount umount2 unshare",
    ),
    (Capability::SysBoot, "reboot"),
    (Capability::SysChroot, "chroot"),
    (
        Capability::SysModule,
        "delete_module finit_module init_module",
    ),
    (Capability::SysPacct, "acct"),
    (
        Capability::SysPtrace,
        "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    ),
    (Capability::SysRawio, "ioperm iopl"),
    (
        Capability::SysTime,
        "clock_settime clock_settime64 settimeofday stime",
    ),
    (Capability::SysTtyConfig, "vhangup"),
    (
        Capability::SysNice,
        "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    ),
    (Capability::Syslog, "syslog"),
    (Capability::Bpf, "bpf"),
    (Capability::Perfmon, "perf_event_open"),
];

/// Calls that only some architectures have.
const BY_ARCHITECTURE: &[(&[Architecture], &str)] = &[
    (
        &[Architecture::X86_64, Architecture::X86, Architecture::X32],
        "arch_prctl modify_ldt",
    ),
    (
        &[Architecture::Aarch64, Architecture::Arm],
        "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    ),
];

/// From Linux 4.8 on a tracer can no longer step around the filter.
const TRACING: &str = "process_vm_readv process_vm_writev ptrace";
const TRACING_SAFE_SINCE: (u32, u32) = (4, 8);

/// The domains of personality(2) that are harmless: Linux, Linux32, either
/// with UNAME26, and the question for the present one.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Every `CLONE_NEW*` that clone(2) takes.
const NEW_NAMESPACES: u64 = 0x7e02_0000;

const AF_VSOCK: u64 = 40;
const LOW_WORD: u64 = 0xffff_ffff;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The profile that Docker gives a container whose bounding set is
/// `capabilities`, for the running kernel.
///
/// It differs from Docker's in one point: socket(2)'s address family is
/// compared as the 32 bits that the kernel looks at. Docker allows any 64 bits
/// other than 40, so that AF_VSOCK with a bit set above them passes.
#[must_use]
pub fn default_profile(capabilities: &[Capability]) -> LinuxSeccomp {
    default_profile_for(capabilities, NATIVE, kernel_at_least(TRACING_SAFE_SINCE))
}

/// [`default_profile`] as a function of what it asks the machine for.
pub(super) fn default_profile_for(
    capabilities: &[Capability],
    native: Architecture,
    tracing_is_safe: bool,
) -> LinuxSeccomp {
    let holds = |capability: Capability| capabilities.contains(&capability);
    let mut rules = vec![allow(ALWAYS)];
    if tracing_is_safe {
        rules.push(allow(TRACING));
    }
    // In this order: the first rule decides.
    let vsock = when(0, Operator::ScmpCmpMaskedEq, LOW_WORD, Some(AF_VSOCK));
    rules.push(rule(
        "socket",
        Action::ScmpActErrno,
        Some(EPERM),
        Some(vsock),
    ));
    rules.push(allow("socket"));
    for domain in PERSONALITIES {
        let argument = when(0, Operator::ScmpCmpEq, domain, None);
        rules.push(rule(
            "personality",
            Action::ScmpActAllow,
            None,
            Some(argument),
        ));
    }
    for (architectures, names) in BY_ARCHITECTURE {
        if architectures.contains(&native) {
            rules.push(allow(names));
        }
    }
    for (capability, names) in BY_CAPABILITY {
        if holds(*capability) {
            rules.push(allow(names));
        }
    }
    if !holds(Capability::SysAdmin) {
        let argument = when(0, Operator::ScmpCmpMaskedEq, NEW_NAMESPACES, Some(0));
        rules.push(rule("clone", Action::ScmpActAllow, None, Some(argument)));
        // Its flags are in memory, where no filter can look; ENOSYS makes
        // libraries fall back to clone.
        rules.push(rule("clone3", Action::ScmpActErrno, Some(ENOSYS), None));
    }
    let architectures = Architecture::executable_on(native)
        .iter()
        .map(|one| one.oci())
        .collect();
    let mut profile = LinuxSeccomp::default();
    profile
        .set_default_action(Action::ScmpActErrno)
        .set_default_errno_ret(Some(EPERM))
        .set_architectures(Some(architectures))
        .set_syscalls(Some(rules));
    profile
}

fn allow(names: &str) -> LinuxSyscall {
    rule(names, Action::ScmpActAllow, None, None)
}

fn rule(
    names: &str,
    action: Action,
    errno: Option<u32>,
    argument: Option<LinuxSeccompArg>,
) -> LinuxSyscall {
    let mut rule = LinuxSyscall::default();
    rule.set_names(names.split(' ').map(str::to_owned).collect())
        .set_action(action)
        .set_errno_ret(errno)
        .set_args(argument.map(|argument| vec![argument]));
    rule
}

fn when(index: usize, op: Operator, value: u64, value_two: Option<u64>) -> LinuxSeccompArg {
    let builder = LinuxSeccompArgBuilder::default()
        .index(index)
        .op(op)
        .value(value);
    let builder = match value_two {
        Some(value) => builder.value_two(value),
        None => builder,
    };
    // All its fields have defaults, so building cannot fail.
    builder.build().unwrap_or_default()
}
