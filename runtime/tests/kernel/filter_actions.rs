//! Each action, operator and flag of a seccomp profile, by what it does to a
//! container.

use std::path::Path;

use rbox_runtime::security::{capabilities, seccomp};
use serde_json::{Value, json};

use crate::support::{Trial, alpine, apart};

/// What mkdir says and ends with under a profile of these rules.
fn outcome(image: &Path, seccomp: Value, command: &[&str]) -> (String, i32) {
    let mut trial = Trial::new(image, command);
    trial.linux(|linux| {
        linux.set_seccomp(Some(serde_json::from_value(seccomp).unwrap()));
    });
    let outcome = trial.run();
    (outcome.stderr.trim().to_owned(), outcome.code)
}

const MKDIR: [&str; 2] = ["mkdir", "/x"];

#[test]
fn every_action_does_what_it_says() {
    let Some(image) = alpine("filter_actions::every_action") else {
        return;
    };
    apart("every_action", || {
        const SIGSYS: i32 = 128 + 31;
        let failed = |reason: &str| (format!("mkdir: can't create directory '/x': {reason}"), 1);
        for (rule, expected) in [
            (json!({"action": "SCMP_ACT_ALLOW"}), (String::new(), 0)),
            (json!({"action": "SCMP_ACT_LOG"}), (String::new(), 0)),
            (
                json!({"action": "SCMP_ACT_ERRNO"}),
                failed("Operation not permitted"),
            ),
            (
                json!({"action": "SCMP_ACT_ERRNO", "errnoRet": 71}),
                failed("Protocol error"),
            ),
            // Without a tracer.
            (
                json!({"action": "SCMP_ACT_TRACE", "errnoRet": 5}),
                failed("Function not implemented"),
            ),
            (json!({"action": "SCMP_ACT_TRAP"}), (String::new(), SIGSYS)),
            (json!({"action": "SCMP_ACT_KILL"}), (String::new(), SIGSYS)),
            (
                json!({"action": "SCMP_ACT_KILL_THREAD"}),
                (String::new(), SIGSYS),
            ),
            (
                json!({"action": "SCMP_ACT_KILL_PROCESS"}),
                (String::new(), SIGSYS),
            ),
        ] {
            let mut rule = rule;
            rule["names"] = json!(["mkdir", "mkdirat"]);
            let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
            assert_eq!(
                outcome(&image, profile.clone(), &MKDIR),
                expected,
                "{profile}"
            );
        }
    });
}

#[test]
fn the_default_action_has_a_number_too() {
    let Some(image) = alpine("filter_actions::the_default_action") else {
        return;
    };
    apart("the_default_action", || {
        let mut profile = seccomp::default_profile(&capabilities::DEFAULT);
        let mut rules = profile.syscalls().clone().unwrap();
        for rule in &mut rules {
            let mut names = rule.names().clone();
            names.retain(|name| !name.starts_with("mkdir"));
            rule.set_names(names);
        }
        profile
            .set_syscalls(Some(rules))
            .set_default_errno_ret(Some(71));
        let profile = serde_json::to_value(profile).unwrap();
        let (text, _) = outcome(&image, profile, &MKDIR);
        assert!(text.ends_with("Protocol error"), "{text}");
    });
}

#[test]
fn every_operator_compares() {
    let Some(image) = alpine("filter_actions::every_operator") else {
        return;
    };
    apart("every_operator", || {
        // The mode of chmod is its second argument, that of fchmodat the third.
        let refused = |mode: &str, op: &str, value: u64, two: u64| {
            let rule = |name: &str, index: u64| {
                json!({"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": 71,
                    "args": [{"index": index, "value": value, "valueTwo": two, "op": op}]})
            };
            let rules = [rule("chmod", 1), rule("fchmodat", 2)];
            let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules});
            outcome(&image, profile, &["chmod", mode, "/etc/hostname"]).1 == 1
        };
        for (op, value, two, below, equal, above) in [
            ("SCMP_CMP_EQ", 0o700, 0, false, true, false),
            ("SCMP_CMP_NE", 0o700, 0, true, false, true),
            ("SCMP_CMP_LT", 0o700, 0, true, false, false),
            ("SCMP_CMP_LE", 0o700, 0, true, true, false),
            ("SCMP_CMP_GT", 0o700, 0, false, false, true),
            ("SCMP_CMP_GE", 0o700, 0, false, true, true),
            ("SCMP_CMP_MASKED_EQ", 0o077, 0o055, false, false, true),
        ] {
            let seen = [
                refused("0677", op, value, two),
                refused("0700", op, value, two),
                refused("0755", op, value, two),
            ];
            assert_eq!(seen, [below, equal, above], "{op}");
        }
    });
}

#[test]
fn every_flag_and_architecture_is_taken() {
    let Some(image) = alpine("filter_actions::every_flag") else {
        return;
    };
    apart("every_flag", || {
        for flag in ["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"] {
            let flag = format!("SECCOMP_FILTER_FLAG_{flag}");
            let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": [flag],
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32",
                                  "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_RISCV64"]});
            let status = ["grep", "-c", "^Seccomp:.2$", "/proc/self/status"];
            assert_eq!(
                outcome(&image, profile, &status),
                (String::new(), 0),
                "{flag}"
            );
        }
    });
}
