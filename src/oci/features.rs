//! `features`: what this build can do, in the form of the runtime specification's
//! features document, which clients read before they write a configuration.

use oci_spec::runtime::LinuxSeccomp;
use rbox_runtime::lifecycle::OCI_VERSION;
use rbox_runtime::security::{capabilities, seccomp};
use serde_json::{Value, json};

use super::call::Call;
use super::command::{Arity, Command};
use crate::engine::failure::{Context, Failure};
use crate::output::stdout::say;

/// `features`.
pub static COMMAND: Command = Command {
    name: "features",
    usage: "",
    about: "print what this runtime supports",
    flags: &[],
    arity: Arity::Exactly(0),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

/// Oldest version of the specification whose configurations are understood.
const OLDEST: &str = "1.0.0";

/// All six kinds.
const HOOKS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

/// All namespaces that Linux has.
const NAMESPACES: [&str; 8] = [
    "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts",
];

/// Options with a meaning of their own; others go to the filesystem.
const MOUNT_OPTIONS: &[&str] = &[
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "idmap",
    "iversion",
    "lazytime",
    "loud",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "remount",
    "rexec",
    "ridmap",
    "rnoatime",
    "rnodev",
    "rnodiratime",
    "rnoexec",
    "rnorelatime",
    "rnostrictatime",
    "rnosuid",
    "rnosymfollow",
    "ro",
    "rprivate",
    "rrelatime",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rstrictatime",
    "rsuid",
    "rsymfollow",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
];

const MEMORY_MODES: [&str; 7] = [
    "MPOL_BIND",
    "MPOL_DEFAULT",
    "MPOL_INTERLEAVE",
    "MPOL_LOCAL",
    "MPOL_PREFERRED",
    "MPOL_PREFERRED_MANY",
    "MPOL_WEIGHTED_INTERLEAVE",
];

const MEMORY_FLAGS: [&str; 3] = [
    "MPOL_F_NUMA_BALANCING",
    "MPOL_F_RELATIVE_NODES",
    "MPOL_F_STATIC_NODES",
];

const SECCOMP_OPERATORS: [&str; 7] = [
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_LE",
    "SCMP_CMP_LT",
    "SCMP_CMP_MASKED_EQ",
    "SCMP_CMP_NE",
];

#[cfg(target_arch = "x86_64")]
const SECCOMP_ARCHITECTURES: [&str; 3] = ["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"];
#[cfg(target_arch = "aarch64")]
const SECCOMP_ARCHITECTURES: [&str; 2] = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"];

const SECCOMP_FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

/// The specification's names and the kernel's.
const SECCOMP_ACTIONS: [(&str, &str); 9] = [
    ("SCMP_ACT_ALLOW", "allow"),
    ("SCMP_ACT_ERRNO", "errno"),
    ("SCMP_ACT_KILL", "kill_thread"),
    ("SCMP_ACT_KILL_PROCESS", "kill_process"),
    ("SCMP_ACT_KILL_THREAD", "kill_thread"),
    ("SCMP_ACT_LOG", "log"),
    ("SCMP_ACT_NOTIFY", "user_notif"),
    ("SCMP_ACT_TRACE", "trace"),
    ("SCMP_ACT_TRAP", "trap"),
];

fn run(_: &Call) -> Result<u8, Failure> {
    let text = serde_json::to_string_pretty(&document()).context(|| "print the features".into())?;
    say(&format!("{text}\n"));
    Ok(0)
}

fn document() -> Value {
    json!({
        "ociVersionMin": OLDEST,
        "ociVersionMax": OCI_VERSION,
        "hooks": HOOKS,
        "mountOptions": MOUNT_OPTIONS,
        "linux": {
            "namespaces": NAMESPACES,
            "capabilities": capability_names(),
            "cgroup": { "v1": true, "v2": true, "systemd": true, "systemdUser": false, "rdma": true },
            "seccomp": seccomp(),
            "apparmor": { "enabled": true },
            "selinux": { "enabled": true },
            "intelRdt": { "enabled": false },
            "memoryPolicy": { "modes": MEMORY_MODES, "flags": MEMORY_FLAGS },
            "mountExtensions": { "idmap": { "enabled": true } },
        },
        "annotations": { "rbox.version": env!("CARGO_PKG_VERSION") },
    })
}

fn capability_names() -> Vec<&'static str> {
    (0..)
        .map_while(capabilities::by_number)
        .map(capabilities::name)
        .collect()
}

fn seccomp() -> Value {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    json!({
        "enabled": kernel.is_ok(),
        "actions": actions(&kernel.unwrap_or_default()),
        "operators": SECCOMP_OPERATORS,
        "archs": SECCOMP_ARCHITECTURES,
        "knownFlags": SECCOMP_FLAGS,
        "supportedFlags": SECCOMP_FLAGS.into_iter().filter(|flag| kernel_takes(flag)).collect::<Vec<_>>(),
    })
}

/// Whether the kernel takes a filter with that flag.
fn kernel_takes(flag: &str) -> bool {
    // This one is for filters that notify, and only for them.
    let action = match flag {
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => "SCMP_ACT_NOTIFY",
        _ => "SCMP_ACT_ERRNO",
    };
    let profile = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "flags": [flag],
        "listenerPath": "/",
        "syscalls": [{ "names": ["mkdir"], "action": action }],
    });
    serde_json::from_value::<LinuxSeccomp>(profile)
        .ok()
        .and_then(|profile| seccomp::compile(&profile).ok())
        .is_some_and(|program| program.check_kernel().is_ok())
}

/// The actions that the kernel has: it lists them by its own names.
fn actions(kernel: &str) -> Vec<&'static str> {
    let has = |name: &str| kernel.split_whitespace().any(|known| known == name);
    SECCOMP_ACTIONS
        .iter()
        .filter(|(_, name)| has(name))
        .map(|(action, _)| *action)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rbox_runtime::security::seccomp::compile;
    use rbox_runtime::spec::mount_options::MountOptions;

    #[test]
    fn every_mount_option_that_is_listed_means_something_to_the_runtime() {
        assert!(MOUNT_OPTIONS.is_sorted());
        for option in MOUNT_OPTIONS {
            let data = MountOptions::parse(&[option]).map(|parsed| parsed.data);
            assert_eq!(data, Ok(String::new()), "{option}");
        }
    }

    #[test]
    fn everything_that_is_listed_for_seccomp_compiles() {
        for (action, _) in SECCOMP_ACTIONS {
            for operator in SECCOMP_OPERATORS {
                let profile: LinuxSeccomp = serde_json::from_value(json!({
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "architectures": SECCOMP_ARCHITECTURES,
                    "flags": SECCOMP_FLAGS,
                    "syscalls": [{
                        "names": ["mkdir"],
                        "action": action,
                        "args": [{ "index": 0, "value": 1, "op": operator }],
                    }],
                }))
                .unwrap();
                assert!(compile(&profile).is_ok(), "{action} {operator}");
            }
        }
    }

    #[test]
    fn memory_policies_that_are_listed_can_be_read() {
        for mode in MEMORY_MODES {
            for flag in MEMORY_FLAGS {
                let policy = json!({ "mode": mode, "nodes": "0", "flags": [flag] });
                let read = serde_json::from_value::<oci_spec::runtime::LinuxMemoryPolicy>(policy);
                assert!(read.is_ok(), "{mode} {flag}");
            }
        }
    }

    #[test]
    fn flags_that_the_kernel_does_not_take_are_left_out() {
        // Of 3.17 and of nobody.
        assert!(kernel_takes("SECCOMP_FILTER_FLAG_TSYNC"));
        assert!(!kernel_takes("SECCOMP_FILTER_FLAG_OF_THE_FUTURE"));
    }

    #[test]
    fn actions_that_the_kernel_has_not_are_left_out() {
        assert_eq!(actions("errno allow"), ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"]);
    }

    #[test]
    fn the_document_is_one_that_clients_understand() {
        let features: oci_spec::runtime::Features = serde_json::from_value(document()).unwrap();
        let linux = features.linux().as_ref().unwrap();
        let names = linux.capabilities().as_ref().unwrap();
        assert_eq!(names.len(), capabilities::COUNT);
        assert!(names.contains(&"CAP_CHECKPOINT_RESTORE".to_owned()));
    }
}
