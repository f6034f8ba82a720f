//! Limits as lines: those of the group, and those of the process itself.

use oci_spec::runtime::{LinuxResources, PosixRlimit, Process};
use rbox_netsetup::script::{Group, word};

/// A file of the container's group, and what is written there.
struct Limit {
    /// Controller and file of version 1.
    v1: (&'static str, &'static str),
    /// File of version 2.
    v2: &'static str,
    /// For version 1.
    value: String,
    /// For version 2; `None` where it is the same file as that of the limit before.
    unified: Option<String>,
}

impl Limit {
    fn same(v1: (&'static str, &'static str), v2: &'static str, value: String) -> Limit {
        Limit {
            v1,
            v2,
            unified: Some(value.clone()),
            value,
        }
    }
}

/// What is written into the files of `group`; on version 2 into those of the unified hierarchy.
pub(super) fn of_group(resources: &LinuxResources, group: &str, unified: bool) -> Group {
    let mut limits = memory(resources);
    let pids = resources.pids().map(|pids| pids.limit());
    if let Some(limit) = pids.filter(|limit| *limit > 0) {
        limits.push(Limit::same(
            ("pids", "pids.max"),
            "pids.max",
            limit.to_string(),
        ));
    }
    limits.extend(processor(resources));
    let mut lines = Vec::new();
    for limit in limits {
        let (directory, file, value) = if unified {
            (format!("/sys/fs/cgroup{group}"), limit.v2, limit.unified)
        } else {
            let (controller, file) = limit.v1;
            let directory = format!("/sys/fs/cgroup/{controller}{group}");
            (directory, file, Some(limit.value))
        };
        let Some(value) = value else { continue };
        let make = format!("mkdir -p {}", word(&directory));
        if !lines.contains(&make) {
            lines.push(make);
        }
        let file = format!("{directory}/{file}");
        lines.push(format!("echo {} > {}", word(&value), word(&file)));
    }
    let mut limited = Group::new(
        format!("limits, in group {group} of each controller"),
        lines,
    );
    let shares = resources.cpu().as_ref().and_then(|cpu| cpu.shares());
    if let (Some(shares), true) = (shares, unified) {
        limited.why.push(format!(
            "({shares} shares become a weight in cpu.weight: docs/cgroups.md)"
        ));
    }
    limited
        .why
        .push("(which devices may be used is a program for the kernel on cgroup v2)".to_owned());
    limited
}

fn memory(resources: &LinuxResources) -> Vec<Limit> {
    let Some(memory) = resources.memory() else {
        return Vec::new();
    };
    let mut limits = Vec::new();
    if let Some(limit) = memory.limit() {
        let v1 = ("memory", "memory.limit_in_bytes");
        limits.push(Limit::same(v1, "memory.max", limit.to_string()));
    }
    if let Some(both) = memory.swap() {
        // Version 1 limits memory and swap together, version 2 swap alone.
        let swap = match both {
            ..0 => "max".to_owned(),
            both => both
                .saturating_sub(memory.limit().unwrap_or_default())
                .to_string(),
        };
        limits.push(Limit {
            v1: ("memory", "memory.memsw.limit_in_bytes"),
            v2: "memory.swap.max",
            value: both.to_string(),
            unified: Some(swap),
        });
    }
    if let Some(reservation) = memory.reservation() {
        let v1 = ("memory", "memory.soft_limit_in_bytes");
        limits.push(Limit::same(v1, "memory.low", reservation.to_string()));
    }
    limits
}

fn processor(resources: &LinuxResources) -> Vec<Limit> {
    let Some(cpu) = resources.cpu() else {
        return Vec::new();
    };
    let mut limits = Vec::new();
    if let Some(shares) = cpu.shares() {
        limits.push(Limit {
            v1: ("cpu", "cpu.shares"),
            v2: "",
            value: shares.to_string(),
            unified: None,
        });
    }
    let period = cpu.period().unwrap_or(100_000);
    if let Some(quota) = cpu.quota() {
        let most = match quota {
            ..=0 => "max".to_owned(),
            quota => quota.to_string(),
        };
        limits.push(Limit {
            v1: ("cpu", "cpu.cfs_period_us"),
            v2: "cpu.max",
            value: period.to_string(),
            unified: Some(format!("{most} {period}")),
        });
        limits.push(Limit {
            v1: ("cpu", "cpu.cfs_quota_us"),
            v2: "cpu.max",
            value: quota.to_string(),
            unified: None,
        });
    } else if cpu.period().is_some() {
        limits.push(Limit {
            v1: ("cpu", "cpu.cfs_period_us"),
            v2: "cpu.max",
            value: period.to_string(),
            unified: Some(format!("max {period}")),
        });
    }
    for (v1, v2, value) in [
        (("cpuset", "cpuset.cpus"), "cpuset.cpus", cpu.cpus()),
        (("cpuset", "cpuset.mems"), "cpuset.mems", cpu.mems()),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            limits.push(Limit::same(v1, v2, value.clone()));
        }
    }
    limits
}

/// What the shell that becomes the process sets for itself.
pub(super) fn of_process(process: &Process) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(score) = process.oom_score_adj() {
        lines.push(format!("echo {score} > /proc/self/oom_score_adj"));
    }
    let limits = process.rlimits().iter().flatten();
    let options: Vec<String> = limits.map(rlimit).collect();
    if !options.is_empty() {
        lines.push(format!("prlimit --pid $$ {}", options.join(" ")));
    }
    lines
}

/// An option of prlimit(1).
fn rlimit(limit: &PosixRlimit) -> String {
    let name = limit.typ().to_string();
    let name = name.strip_prefix("RLIMIT_").unwrap_or(&name);
    let value = |number: u64| match number {
        u64::MAX => "unlimited".to_owned(),
        number => number.to_string(),
    };
    format!(
        "--{}={}:{}",
        name.to_ascii_lowercase(),
        value(limit.soft()),
        value(limit.hard())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(json: &str, unified: bool) -> Vec<String> {
        let resources: LinuxResources = serde_json::from_str(json).unwrap();
        of_group(&resources, "/rbox/box", unified).lines
    }

    #[test]
    fn every_limit_is_a_file_of_either_version() {
        let json = r#"{"memory": {"limit": 64, "swap": 128, "reservation": 32},
            "pids": {"limit": 9}, "cpu": {"shares": 512, "quota": 50000, "period": 100000,
            "cpus": "0", "mems": "0"}}"#;
        assert_eq!(
            lines(json, false),
            [
                "mkdir -p /sys/fs/cgroup/memory/rbox/box",
                "echo 64 > /sys/fs/cgroup/memory/rbox/box/memory.limit_in_bytes",
                "echo 128 > /sys/fs/cgroup/memory/rbox/box/memory.memsw.limit_in_bytes",
                "echo 32 > /sys/fs/cgroup/memory/rbox/box/memory.soft_limit_in_bytes",
                "mkdir -p /sys/fs/cgroup/pids/rbox/box",
                "echo 9 > /sys/fs/cgroup/pids/rbox/box/pids.max",
                "mkdir -p /sys/fs/cgroup/cpu/rbox/box",
                "echo 512 > /sys/fs/cgroup/cpu/rbox/box/cpu.shares",
                "echo 100000 > /sys/fs/cgroup/cpu/rbox/box/cpu.cfs_period_us",
                "echo 50000 > /sys/fs/cgroup/cpu/rbox/box/cpu.cfs_quota_us",
                "mkdir -p /sys/fs/cgroup/cpuset/rbox/box",
                "echo 0 > /sys/fs/cgroup/cpuset/rbox/box/cpuset.cpus",
                "echo 0 > /sys/fs/cgroup/cpuset/rbox/box/cpuset.mems",
            ]
        );
        assert_eq!(
            lines(json, true),
            [
                "mkdir -p /sys/fs/cgroup/rbox/box",
                "echo 64 > /sys/fs/cgroup/rbox/box/memory.max",
                "echo 64 > /sys/fs/cgroup/rbox/box/memory.swap.max",
                "echo 32 > /sys/fs/cgroup/rbox/box/memory.low",
                "echo 9 > /sys/fs/cgroup/rbox/box/pids.max",
                "echo '50000 100000' > /sys/fs/cgroup/rbox/box/cpu.max",
                "echo 0 > /sys/fs/cgroup/rbox/box/cpuset.cpus",
                "echo 0 > /sys/fs/cgroup/rbox/box/cpuset.mems",
            ]
        );
    }

    #[test]
    fn the_process_has_limits_of_its_own() {
        let process: Process = serde_json::from_str(
            r#"{"user": {"uid": 0, "gid": 0}, "cwd": "/", "oomScoreAdj": 500, "rlimits": [
                {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20},
                {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}]}"#,
        )
        .unwrap();
        assert_eq!(
            of_process(&process),
            [
                "echo 500 > /proc/self/oom_score_adj",
                "prlimit --pid $$ --nofile=10:20 --core=0:unlimited"
            ]
        );
    }
}
