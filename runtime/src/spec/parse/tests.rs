//! What is read, and how what cannot be read is named.

use oci_spec::runtime::{LinuxSchedulerFlag, Spec};

use super::*;
use crate::spec::defaults;

/// The default configuration with one JSON pointer replaced or added.
fn with(pointer: &str, value: Value) -> Result<Parsed<Spec>, ParseError> {
    let mut config = serde_json::to_value(defaults::spec(false)).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() {
        &mut config
    } else {
        config.pointer_mut(parent).unwrap()
    };
    parent[key] = value;
    parse(config.to_string().as_bytes())
}

fn text(pointer: &str, value: Value) -> String {
    with(pointer, value).unwrap_err().to_string()
}

use serde_json::json;

#[test]
fn what_is_written_is_read_again() {
    let spec = defaults::spec(false);
    let json = serde_json::to_vec(&spec).unwrap();
    let parsed = parse(&json).unwrap();
    assert_eq!(parsed.value, spec);
    assert!(parsed.warnings.is_empty());
    assert_eq!(spec, serde_json::from_slice(&json).unwrap());
}

#[test]
fn an_unknown_word_is_named_with_its_field() {
    let limits = json!([{"type": "RLIMIT_CPU", "soft": 1, "hard": 1},
                        {"type": "RLIMIT_FOO", "soft": 1, "hard": 1}]);
    let error = text("/process/rlimits", limits);
    assert!(
        error.starts_with("process.rlimits[1].type: unknown variant `RLIMIT_FOO`, expected one of"),
        "{error}"
    );
    let error = text("/linux/namespaces", json!([{"type": "nonsense"}]));
    assert!(
        error.starts_with("linux.namespaces[0].type: unknown variant `nonsense`"),
        "{error}"
    );
    let seccomp = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["a"], "action": "SCMP_ACT_ALLOW"}, {"names": ["b"], "action": "DENY"}]});
    let error = text("/linux/seccomp", seccomp);
    assert!(
        error.starts_with("linux.seccomp.syscalls[1].action: unknown variant `DENY`"),
        "{error}"
    );
}

#[test]
fn a_wrong_type_and_a_missing_field_are_named() {
    assert_eq!(
        text("/process/args", json!("sh")),
        "process.args: invalid type: string \"sh\", expected a sequence"
    );
    assert_eq!(
        text("/process/user", json!({"uid": -1})),
        "process.user.uid: invalid value: integer `-1`, expected u32"
    );
    assert_eq!(
        text("/process", json!({"args": ["sh"]})),
        "process: missing field `cwd`"
    );
    assert_eq!(
        text("/linux/sysctl", json!({"net.a": 1})),
        "linux.sysctl.net.a: invalid type: integer `1`, expected a string"
    );
    assert!(
        parse(b"{")
            .unwrap_err()
            .to_string()
            .starts_with("not JSON: ")
    );
    assert_eq!(
        parse(b"[]").unwrap_err().to_string(),
        "invalid type: sequence, expected struct Spec"
    );
}

#[test]
fn unknown_properties_are_passed_over() {
    let parsed = with("/process/newerThanThis", json!({"a": [1]})).unwrap();
    assert_eq!(parsed.value, defaults::spec(false));
}

#[test]
fn the_specifications_scheduler_flags_are_read() {
    let scheduler = json!({"policy": "SCHED_OTHER", "flags": [
        "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN",
        "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
        "SCHED_FLAG_UTIL_CLAMP_MAX"]});
    let parsed = with("/process/scheduler", scheduler).unwrap();
    let process = parsed.value.process().clone().unwrap();
    let scheduler = process.scheduler().clone().unwrap();
    let flags = scheduler.flags().clone().unwrap();
    assert_eq!(flags.len(), 7);
    assert_eq!(flags[0], LinuxSchedulerFlag::SchedResetOnFork);
    assert_eq!(flags[2], LinuxSchedulerFlag::SchedFlagDLOverrun);
}

#[test]
fn an_empty_or_spaced_processor_list_is_read() {
    let parsed = with(
        "/process/execCPUAffinity",
        json!({"initial": "", "final": "0, 2-3"}),
    );
    let process = parsed.unwrap().value.process().clone().unwrap();
    let affinity = process.exec_cpu_affinity().clone().unwrap();
    assert_eq!(*affinity.initial(), None);
    assert_eq!(affinity.cpu_affinity_final().as_deref(), Some("0,2-3"));
}

#[test]
fn a_capability_of_a_future_kernel_is_left_out_and_told() {
    let parsed = with(
        "/process/capabilities",
        json!({"bounding": ["CAP_CHOWN", "CAP_FUTURE"]}),
    )
    .unwrap();
    assert_eq!(
        parsed.warnings,
        ["process.capabilities.bounding: \"CAP_FUTURE\" is unknown here and left out"]
    );
    let process = parsed.value.process().clone().unwrap();
    let sets = process.capabilities().clone().unwrap();
    assert_eq!(sets.bounding().as_ref().unwrap().len(), 1);
}

#[test]
fn a_process_of_its_own_is_read_without_a_user() {
    let parsed = parse_process(br#"{"cwd": "/", "args": ["true"]}"#).unwrap();
    assert_eq!(parsed.value.user().uid(), 0);
    let error = parse_process(br#"{"cwd": "/", "rlimits": [{"type": "X"}]}"#).unwrap_err();
    assert!(
        error.to_string().starts_with("rlimits[0].type: "),
        "{error}"
    );
}
