//! Changing limits of a group in use.

use super::*;

fn update(group: &Cgroup, resources: &str) -> Result<(), String> {
    let resources = serde_json::from_str(resources).unwrap();
    group.update(&resources).map_err(|error| error.to_string())
}

#[test]
fn only_what_is_named_changes() {
    let test = "only_what_is_named_changes";
    let needed = [Controller::Memory, Controller::Cpu, Controller::Pids];
    let Some(layout) = machine(test, &needed) else {
        return;
    };
    let group = group(
        &layout,
        r#"{"memory": {"limit": 67108864}, "pids": {"limit": 42},
            "cpu": {"quota": 50000, "period": 200000}}"#,
    );
    let quota = || match layout.home(Controller::Cpu).unwrap().version() {
        Version::V1 => format!(
            "{} {}",
            content(&group, Controller::Cpu, "cpu.cfs_quota_us", ""),
            content(&group, Controller::Cpu, "cpu.cfs_period_us", "")
        ),
        Version::V2 => content(&group, Controller::Cpu, "", "cpu.max"),
    };
    update(&group, r#"{"cpu": {"quota": 60000}}"#).unwrap();
    assert_eq!(quota(), "60000 200000");
    update(&group, r#"{"cpu": {"period": 100000}}"#).unwrap();
    assert_eq!(quota(), "60000 100000");
    update(&group, r#"{"pids": {"limit": -1}}"#).unwrap();
    update(&group, r#"{"pids": {"limit": 0}}"#).unwrap();
    let stats = group.stats().unwrap();
    assert_eq!(stats.pids.unwrap().limit, None);
    assert_eq!(stats.memory.unwrap().memory.limit_bytes, Some(67_108_864));
}

#[test]
fn an_update_that_fails_changes_nothing() {
    let test = "an_update_that_fails_changes_nothing";
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
        r#"{"memory": {"limit": 67108864}, "pids": {"limit": 42},
            "cpu": {"shares": 512, "cpus": "0"}}"#,
    );
    let state = || {
        let shares = content(&group, Controller::Cpu, "cpu.shares", "cpu.weight");
        let stats = group.stats().unwrap();
        let memory = stats.memory.unwrap();
        (
            shares,
            memory.memory.limit_bytes,
            memory.memory_and_swap.map(|both| both.limit_bytes),
            stats.pids.unwrap().limit,
            content(&group, Controller::Cpuset, "cpuset.cpus", "cpuset.cpus"),
        )
    };
    let before = state();
    let swap = if supports_swap_limit() {
        r#", "swap": 134217728"#
    } else {
        ""
    };
    // The kernel refuses the CPUs; the rest it would take.
    let error = update(
        &group,
        &format!(
            r#"{{"memory": {{"limit": 134217728{swap}}}, "pids": {{"limit": 1}},
                 "cpu": {{"shares": 9, "cpus": "4000"}}}}"#
        ),
    )
    .unwrap_err();
    assert!(
        error.starts_with("cannot set set of CPUs: writing \"4000\""),
        "{error}"
    );
    assert_eq!(state(), before);
    // What is known to be missing is refused before anything is written.
    let error = update(
        &group,
        r#"{"pids": {"limit": 1}, "rdma": {"nosuch0": {"hcaHandles": 1}}}"#,
    )
    .unwrap_err();
    assert!(error.contains("RDMA limit"), "{error}");
    assert_eq!(state(), before);
}

#[test]
fn swap_alone_is_understood_beside_the_memory_limit_in_force() {
    let test = "swap_alone_is_understood_beside_the_memory_limit_in_force";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    if !supports_swap_limit() {
        return skip(test, "the kernel does not limit swap");
    }
    let group = group(&layout, r#"{"memory": {"limit": 67108864}}"#);
    update(&group, r#"{"memory": {"swap": 100663296}}"#).unwrap();
    let both = || {
        let memory = group.stats().unwrap().memory.unwrap();
        memory.memory_and_swap.unwrap().limit_bytes
    };
    assert_eq!(both(), Some(100_663_296));
    let error = update(&group, r#"{"memory": {"swap": 1048576}}"#).unwrap_err();
    assert!(error.starts_with("invalid swap limit"), "{error}");
    // Unlimited memory needs unlimited swap first.
    update(&group, r#"{"memory": {"limit": -1}}"#).unwrap();
    assert_eq!(both(), None);
}

#[test]
fn memory_in_use_is_not_limited_away() {
    let test = "memory_in_use_is_not_limited_away";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let group = group(&layout, r#"{"memory": {"limit": 67108864}}"#);
    // A variable of 8 MB, kept.
    let script = "x=$(head -c 8388608 /dev/zero | tr '\\0' x); echo; sleep 1000; echo $x";
    let mut child = shell(&group, script);
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let memory = group.stats().unwrap().memory.unwrap();
    assert!(memory.memory.usage_bytes > 8 << 20, "{memory:?}");
    let less = r#"{"memory": {"limit": 1048576, "swap": 1048576, "checkBeforeUpdate": true}}"#;
    let error = update(&group, less).unwrap_err();
    assert!(
        error.starts_with("invalid memory limit: ") || error.starts_with("cannot set memory limit"),
        "{error}"
    );
    assert_eq!(group.oom_kills(), 0);
    let limit = group.stats().unwrap().memory.unwrap().memory.limit_bytes;
    assert_eq!(limit, Some(67_108_864));
    group.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_idle_class_is_entered_and_left() {
    let test = "the_idle_class_is_entered_and_left";
    let Some(layout) = machine(test, &[Controller::Cpu]) else {
        return;
    };
    let group = group(&layout, r#"{"cpu": {"idle": 1}}"#);
    if !file(&group, Controller::Cpu, "cpu.idle", "cpu.idle").exists() {
        return skip(test, "the kernel has no idle groups");
    }
    let idle = || content(&group, Controller::Cpu, "cpu.idle", "cpu.idle");
    assert_eq!(idle(), "1");
    update(&group, r#"{"cpu": {"idle": 0}}"#).unwrap();
    assert_eq!(idle(), "0");
}
