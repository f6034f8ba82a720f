//! Limits: what was asked for is what the kernel has, and it has an effect.

use super::*;
use std::os::unix::process::ExitStatusExt;

#[test]
fn a_group_is_in_every_hierarchy_and_then_in_none() {
    let Some(layout) = machine("a_group_is_in_every_hierarchy_and_then_in_none", &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    let directories: Vec<_> = group
        .members()
        .map(|one| one.directory(&group.path))
        .collect();
    assert!(
        directories.iter().all(|directory| directory.is_dir()),
        "{directories:?}"
    );
    assert_eq!(Cgroup::open(group.path()).unwrap().path(), group.path());
    group.delete().unwrap();
    for directory in directories {
        assert!(
            !directory.parent().unwrap().exists(),
            "{}",
            directory.display()
        );
    }
    group.delete().unwrap();
    let error = Cgroup::open(group.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cgroup {} not found", group.path())
    );
}

#[test]
fn limits_read_back_as_they_were_asked_for() {
    let test = "limits_read_back_as_they_were_asked_for";
    let needed = [
        Controller::Memory,
        Controller::Cpu,
        Controller::Pids,
        Controller::Cpuset,
    ];
    let Some(layout) = machine(test, &needed) else {
        return;
    };
    let group = group(
        &layout,
        r#"{"memory": {"limit": 67108864, "reservation": 33554432},
            "cpu": {"shares": 512, "quota": 50000, "period": 200000, "burst": 10000,
                    "cpus": "0", "mems": "0"},
            "pids": {"limit": 42}}"#,
    );
    let memory = |v1, v2| content(&group, Controller::Memory, v1, v2);
    assert_eq!(memory("memory.limit_in_bytes", "memory.max"), "67108864");
    assert_eq!(
        memory("memory.soft_limit_in_bytes", "memory.low"),
        "33554432"
    );
    let cpu = |v1, v2| content(&group, Controller::Cpu, v1, v2);
    if layout.home(Controller::Cpu).unwrap().version() == Version::V1 {
        assert_eq!(cpu("cpu.shares", ""), "512");
        assert_eq!(cpu("cpu.cfs_quota_us", ""), "50000");
        assert_eq!(cpu("cpu.cfs_period_us", ""), "200000");
    } else {
        assert_eq!(cpu("", "cpu.weight"), "59");
        assert_eq!(cpu("", "cpu.max"), "50000 200000");
    }
    assert_eq!(cpu("cpu.cfs_burst_us", "cpu.max.burst"), "10000");
    assert_eq!(
        content(&group, Controller::Cpuset, "cpuset.cpus", "cpuset.cpus"),
        "0"
    );
    assert_eq!(
        content(&group, Controller::Cpuset, "cpuset.mems", "cpuset.mems"),
        "0"
    );
    assert_eq!(
        content(&group, Controller::Pids, "pids.max", "pids.max"),
        "42"
    );
}

#[test]
fn an_oom_kill_is_counted() {
    let Some(layout) = machine("an_oom_kill_is_counted", &[Controller::Memory]) else {
        return;
    };
    let swap = if supports_swap_limit() {
        r#", "swap": 16777216"#
    } else {
        ""
    };
    let group = group(
        &layout,
        &format!(r#"{{"memory": {{"limit": 16777216{swap}}}}}"#),
    );
    assert_eq!(group.oom_kills(), 0);
    // tail keeps the last line, and /dev/zero has no end of line.
    let status = shell(&group, "exec tail /dev/zero").wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status}");
    assert_eq!(group.oom_kills(), 1);
}

#[test]
fn forks_fail_at_the_limit_of_processes() {
    let test = "forks_fail_at_the_limit_of_processes";
    let Some(layout) = machine(test, &[Controller::Pids]) else {
        return;
    };
    let group = group(&layout, r#"{"pids": {"limit": 4}}"#);
    let script = "for i in 1 2 3 4 5 6; do sleep 1000 >/dev/null 2>&1 & done; wait";
    let output = shell(&group, script).wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(message.contains("fork"), "{message}");
    let events = content(&group, Controller::Pids, "pids.events", "pids.events");
    assert!(
        control_file::number_of(&events, "max").unwrap() >= 1,
        "{events}"
    );
    assert_eq!(group.processes().len(), 3);
    let stats = group.stats().unwrap().pids.unwrap();
    assert!(stats.limit_hits >= 1, "{stats:?}");
}

#[test]
fn a_quota_throttles() {
    let Some(layout) = machine("a_quota_throttles", &[Controller::Cpu]) else {
        return;
    };
    let group = group(&layout, r#"{"cpu": {"quota": 2000, "period": 20000}}"#);
    let mut child = shell(&group, "while :; do :; done");
    eventually("throttling", || {
        let stat = content(&group, Controller::Cpu, "cpu.stat", "cpu.stat");
        control_file::number_of(&stat, "nr_throttled").unwrap() > 1
    });
    group.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_missing_controller_is_named_and_nothing_is_made() {
    let test = "a_missing_controller_is_named_and_nothing_is_made";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    if layout.home(Controller::NetworkClass).is_some() {
        return skip(test, "this kernel has the net_cls controller");
    }
    assert_eq!(
        refused(&layout, r#"{"network": {"classID": 7}}"#),
        "a network class is not supported here: there is no net_cls cgroup controller"
    );
}

/// On a hybrid machine v2 may have controllers that v1 left to it.
#[test]
fn huge_pages_are_limited_wherever_their_controller_is() {
    let test = "huge_pages_are_limited_wherever_their_controller_is";
    let Some(layout) = machine(test, &[Controller::Hugetlb]) else {
        return;
    };
    if !std::path::Path::new("/sys/kernel/mm/hugepages/hugepages-2048kB").exists() {
        return skip(test, "the kernel has no huge pages of 2 MB");
    }
    let enabled = || {
        let v2 = layout.v2.as_ref()?;
        let file = v2.mount().join("cgroup.subtree_control");
        Some(std::fs::read_to_string(&file).ok()?.contains("hugetlb")).zip(Some(file))
    };
    let before = enabled();
    let limit = r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}"#;
    let limited = group(&layout, limit);
    let (v1, v2) = ("hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max");
    let set = content(&limited, Controller::Hugetlb, v1, v2);
    assert_eq!(set, "4194304");
    // Reservations, too, where the kernel has them.
    let (v1, v2) = ("hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max");
    if file(&limited, Controller::Hugetlb, v1, v2).exists() {
        assert_eq!(content(&limited, Controller::Hugetlb, v1, v2), "4194304");
    }
    let stats = limited.stats().unwrap().hugetlb.unwrap();
    assert_eq!(stats["2MB"].limit_bytes, Some(4_194_304));
    assert_eq!((stats["2MB"].usage_bytes, stats["2MB"].limit_hits), (0, 0));
    drop(limited);
    let size = r#"{"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}"#;
    let error = refused(&layout, size);
    assert!(
        error.starts_with("3MB huge page limit is not supported here: the sizes of this"),
        "{error}"
    );
    // The root of v2 is everybody's: leave it as it was.
    if let Some((false, file)) = before {
        let _ = std::fs::write(file, "-hugetlb");
    }
}

#[test]
fn a_value_that_the_kernel_refuses_is_named_and_nothing_is_left() {
    let test = "a_value_that_the_kernel_refuses_is_named_and_nothing_is_left";
    let Some(layout) = machine(test, &[Controller::Cpuset]) else {
        return;
    };
    let error = refused(&layout, r#"{"cpu": {"cpus": "0-9999"}}"#);
    assert!(
        error.starts_with("cannot set set of CPUs: writing \"0-9999\" to "),
        "{error}"
    );
}

#[test]
fn contradicting_and_impossible_values_are_refused() {
    let test = "contradicting_and_impossible_values_are_refused";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    assert_eq!(
        refused(&layout, r#"{"memory": {"limit": 2000, "swap": 1000}}"#),
        "invalid swap limit: memory and swap together (1000) are less than memory alone (2000)"
    );
    assert_eq!(
        refused(&layout, r#"{"memory": {"swap": 1000}}"#),
        "invalid swap limit: memory and swap together cannot be limited without a memory limit"
    );
    for name in ["memory", "../memory.max", "memory/x.y"] {
        let error = refused(&layout, &format!(r#"{{"unified": {{"{name}": "1"}}}}"#));
        assert!(
            error.starts_with("invalid unified resource") || error.contains("v2"),
            "{error}"
        );
    }
}

#[test]
fn parents_are_removed_by_who_made_them_only() {
    let test = "parents_are_removed_by_who_made_them_only";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let name = unique();
    let theirs = CgroupPath::parse(name.rsplit_once('/').unwrap().0).unwrap();
    let home = layout.home(Controller::Memory).unwrap();
    let theirs = home.directory(&theirs);
    std::fs::create_dir(&theirs).unwrap();
    let path = format!("{name}/ours/group");
    let group = create::create(Arc::clone(&layout), &path, &LinuxResources::default()).unwrap();
    let ours: Vec<_> = layout
        .members()
        .map(|one| one.directory(&group.path).parent().unwrap().to_path_buf())
        .collect();
    assert!(ours.iter().all(|directory| directory.is_dir()));
    group.delete().unwrap();
    assert!(ours.iter().all(|directory| !directory.exists()));
    assert!(!theirs.join("container").exists());
    assert!(theirs.is_dir(), "it was not ours to remove");
    std::fs::remove_dir(theirs).unwrap();
}

/// The groups above have to have the time that is given to one, and have none
/// when they are made: only a group below the root can be tried.
#[test]
fn realtime_is_divided_or_refused() {
    let test = "realtime_is_divided_or_refused";
    let Some(layout) = machine(test, &[Controller::Cpu]) else {
        return;
    };
    let json = r#"{"cpu": {"realtimePeriod": 1000000, "realtimeRuntime": 10000}}"#;
    let home = layout.home(Controller::Cpu).unwrap();
    if home.version() == Version::V2 {
        assert_eq!(
            refused(&layout, json),
            "realtime CPU scheduling is not supported here: cgroup v2 cannot divide it"
        );
        return;
    }
    if !home.mount().join("cpu.rt_runtime_us").exists() {
        assert_eq!(
            refused(&layout, json),
            "realtime CPU period is not supported here: the kernel has no cpu.rt_period_us"
        );
        return skip(test, "the kernel has no realtime groups");
    }
    let path = unique().replace("/container", "");
    let resources = serde_json::from_str(json).unwrap();
    let group = Group(create::create(Arc::clone(&layout), &path, &resources).unwrap());
    let runtime = content(&group, Controller::Cpu, "cpu.rt_runtime_us", "");
    assert_eq!(runtime, "10000");
}
