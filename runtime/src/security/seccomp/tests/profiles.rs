//! Profiles as text, and what they become.

use super::super::arch::Architecture;
use super::super::default_profile::default_profile_for;
use super::super::parse::{Machine, parse_for};
use super::super::rules::CompileError;
use super::super::{compile, program};
use super::skipped;
use crate::security::capabilities::{Capability, DEFAULT};
use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction as Action};
use std::collections::BTreeSet;

fn parse(json: &str, capabilities: &[Capability]) -> LinuxSeccomp {
    let machine = Machine {
        capabilities,
        native: Architecture::X86_64,
        kernel: (5, 10),
    };
    parse_for(json, &machine).unwrap()
}

fn refused(json: &str) -> String {
    let machine = Machine {
        capabilities: &[],
        native: Architecture::X86_64,
        kernel: (5, 10),
    };
    parse_for(json, &machine).unwrap_err().to_string()
}

/// The names of the rules, in order.
fn names(profile: &LinuxSeccomp) -> Vec<&str> {
    let rules = profile.syscalls().as_deref().unwrap_or_default();
    rules
        .iter()
        .flat_map(|rule| rule.names())
        .map(String::as_str)
        .collect()
}

/// The calls that `profile` allows under some circumstances.
fn allowed(profile: &LinuxSeccomp) -> BTreeSet<&str> {
    let rules = profile.syscalls().as_deref().unwrap_or_default();
    let allowing = rules
        .iter()
        .filter(|rule| rule.action() == Action::ScmpActAllow);
    allowing
        .flat_map(|rule| rule.names())
        .map(String::as_str)
        .collect()
}

#[test]
fn a_plain_oci_profile_is_taken_as_it_is() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [{"names": ["mkdir", "rmdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7,
            "args": [{"index": 1, "value": 2, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#;
    assert_eq!(parse(json, &[]), serde_json::from_str(json).unwrap());
}

#[test]
fn rules_are_there_under_their_conditions() {
    let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "comment": "ignored",
        "archMap": [
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "NEW"]}],
        "syscalls": [
            {"name": "a", "action": "SCMP_ACT_ALLOW", "args": null, "includes": {}},
            {"names": ["b"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["c"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["d"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
            {"names": ["e"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
            {"names": ["f"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["amd64"]}},
            {"names": ["g"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["h"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.11"}},
            {"names": ["i"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "5.10"}},
            {"names": ["j"], "action": "SCMP_ACT_ALLOW",
             "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}}]}"#;
    let without = parse(json, &[Capability::Chown]);
    assert_eq!(names(&without), ["a", "c", "d", "g"]);
    let with = parse(json, &[Capability::SysAdmin]);
    assert_eq!(names(&with), ["a", "b", "d", "g"]);
    let both = parse(json, &[Capability::SysAdmin, Capability::Chown]);
    assert_eq!(names(&both), ["a", "b", "d", "g", "j"]);
    let expected = Some(vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86]);
    assert_eq!(*with.architectures(), expected);
}

#[test]
fn bad_profiles_are_refused_with_their_reason() {
    assert_eq!(
        refused(
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
                    "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}"#
        ),
        "'architectures' and 'archMap' were specified in the seccomp profile, use either \
         'architectures' or 'archMap'"
    );
    let rule = |rule: &str| {
        refused(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}"#
        ))
    };
    assert_eq!(
        rule(r#"{"name": "a", "names": ["b"], "action": "SCMP_ACT_ALLOW"}"#),
        "'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'"
    );
    assert_eq!(
        rule(r#"{"action": "SCMP_ACT_ALLOW"}"#),
        "a rule of the seccomp profile names no system call"
    );
    assert_eq!(
        rule(r#"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5"}}"#),
        "invalid kernel version \"5\" in the seccomp profile, expected VERSION.MINOR"
    );
    for bad in [
        "",
        "nonsense",
        "{}",
        r#"{"defaultAction": "SCMP_ACT_NONSENSE"}"#,
    ] {
        assert!(
            refused(bad).starts_with("decoding seccomp profile failed: "),
            "{bad:?}"
        );
    }
}

#[test]
fn what_cannot_be_compiled_is_refused_with_its_reason() {
    let compile = |json: &str| compile(&serde_json::from_str(json).unwrap()).unwrap_err();
    let rule = |rule: &str| {
        compile(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}"#
        ))
    };
    assert_eq!(
        rule(
            r#"{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}"#
        ),
        CompileError::ArgumentIndex {
            syscall: "kill".to_owned(),
            index: 6
        }
    );
    assert_eq!(
        rule(r#"{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096}"#).to_string(),
        "seccomp rule for kill: errnoRet 4096 is above 4095"
    );
    assert_eq!(
        rule(r#"{"names": ["kill"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}"#).to_string(),
        "seccomp rule for kill: SCMP_ACT_ALLOW takes no errnoRet"
    );
    assert_eq!(
        compile(r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#).to_string(),
        "SCMP_ACT_NOTIFY cannot be the default action"
    );
    let notify = r#"{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}"#;
    let needs = "SCMP_ACT_NOTIFY needs sendmsg to be allowed: \
                 by it the process hands the descriptor over";
    for sendmsg in [
        r#"{"names": ["sendmsg"], "action": "SCMP_ACT_NOTIFY"}"#.to_owned(),
        format!(r#"{notify}, {{"names": ["bind", "sendmsg"], "action": "SCMP_ACT_ERRNO"}}"#),
        format!(
            r#"{notify}, {{"names": ["sendmsg"], "action": "SCMP_ACT_KILL",
                "args": [{{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}}]}}"#
        ),
    ] {
        assert_eq!(rule(&sendmsg).to_string(), needs, "{sendmsg}");
    }
    let others = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{notify}]}}"#);
    assert_eq!(compile(&others).to_string(), needs);
}

#[test]
fn flags_are_the_kernels() {
    let flags = |list: &str| {
        let json = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW"{list}}}"#);
        let program = compile(&serde_json::from_str(&json).unwrap()).unwrap();
        (program.flags, program.optional)
    };
    assert_eq!(flags(""), (0, program::SPEC_ALLOW), "nobody asked for it");
    assert_eq!(flags(r#", "flags": []"#), (0, 0));
    let log = r#", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"]"#;
    assert_eq!(flags(log), (program::LOG | program::TSYNC, 0));
    let notify =
        format!(r#"{log}, "syscalls": [{{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}}]"#);
    let all = program::LOG | program::TSYNC | program::TSYNC_ESRCH | 1 << 3;
    assert_eq!(flags(&notify), (all, 0));
    let killable = r#", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#;
    assert_eq!(flags(killable), (0, 0), "it asks nobody");
    let notify =
        format!(r#"{killable}, "syscalls": [{{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}}]"#);
    assert_eq!(flags(&notify), (program::WAIT_KILLABLE | 1 << 3, 0));
}

#[test]
fn unknown_names_are_passed_over_but_told() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdri"], "action": "SCMP_ACT_ERRNO"}]}"#;
    let program = compile(&serde_json::from_str(json).unwrap()).unwrap();
    assert_eq!(program.unknown_names(), ["mkdri"]);
}

#[test]
fn every_name_of_the_default_profile_is_known() {
    for native in [Architecture::X86_64, Architecture::Aarch64] {
        let all: Vec<Capability> = crate::security::capabilities::available();
        let profile = default_profile_for(&all, native, true);
        let program = super::super::compile::compile_for(&profile, native).unwrap();
        assert_eq!(program.unknown_names(), [""; 0]);
    }
}

#[test]
fn capabilities_open_their_calls() {
    let profile =
        |capabilities: &[Capability]| default_profile_for(capabilities, Architecture::X86_64, true);
    let base = profile(&DEFAULT);
    for closed in [
        "mount",
        "unshare",
        "setns",
        "bpf",
        "reboot",
        "keyctl",
        "add_key",
        "io_uring_setup",
        "kexec_load",
        "userfaultfd",
        "clone3",
        "settimeofday",
        "syslog",
    ] {
        assert!(!allowed(&base).contains(closed), "{closed}");
    }
    assert!(
        allowed(&base).contains("chroot"),
        "CAP_SYS_CHROOT is a default capability"
    );
    for (capability, call) in [
        (Capability::SysAdmin, "clone3"),
        (Capability::SysAdmin, "mount"),
        (Capability::SysBoot, "reboot"),
        (Capability::SysModule, "init_module"),
        (Capability::SysTime, "settimeofday"),
        (Capability::Syslog, "syslog"),
        (Capability::Bpf, "bpf"),
        (Capability::DacReadSearch, "open_by_handle_at"),
    ] {
        assert!(!allowed(&profile(&[])).contains(call), "{call}");
        assert!(allowed(&profile(&[capability])).contains(call), "{call}");
    }
    let old = default_profile_for(&DEFAULT, Architecture::X86_64, false);
    assert!(!allowed(&old).contains("ptrace") && allowed(&base).contains("ptrace"));
}

/// podman's profile is a cousin of Docker's. What they are known to decide
/// differently is listed here; anything else would be a mistake in our tables.
#[test]
fn the_default_profile_agrees_with_podmans_but_for_known_differences() {
    let file = "/usr/share/containers/seccomp.json";
    let test = "the_default_profile_agrees_with_podmans_but_for_known_differences";
    let Ok(json) = std::fs::read_to_string(file) else {
        return skipped(
            test,
            &format!("{file} is not installed (golang-github-containers-common)"),
        );
    };
    let ours = default_profile_for(&DEFAULT, Architecture::X86_64, true);
    let theirs = parse(&json, &DEFAULT);
    assert_eq!(ours.architectures(), theirs.architectures());
    let (ours, theirs) = (allowed(&ours), allowed(&theirs));
    // podman lets a container use what its capabilities allow anyway.
    let only_theirs: BTreeSet<&str> = "clone3 fsconfig fsmount fsopen fspick get_mempolicy keyctl \
        mbind mount mount_setattr move_mount open_tree pidfd_getfd pivot_root readdir reboot \
        set_mempolicy setns sigaction signal sigpending sigsuspend syscall syslog umount umount2 \
        unshare timerfd"
        .split_whitespace()
        .collect();
    // Newer calls than its release, and a few that it refuses.
    let only_ours: BTreeSet<&str> = "cachestat fchmodat2 futex_requeue futex_wait futex_waitv \
        futex_wake getxattrat io_pgetevents io_pgetevents_time64 listmount listxattrat \
        map_shadow_stack mseal process_madvise removexattrat setxattrat statmount uretprobe \
        vmsplice"
        .split_whitespace()
        .collect();
    let unexpected: Vec<_> = theirs
        .difference(&ours)
        .filter(|name| !only_theirs.contains(*name))
        .collect();
    assert!(unexpected.is_empty(), "podman allows {unexpected:?}");
    let unexpected: Vec<_> = ours
        .difference(&theirs)
        .filter(|name| !only_ours.contains(*name))
        .collect();
    assert!(
        unexpected.is_empty(),
        "podman does not allow {unexpected:?}"
    );
}
