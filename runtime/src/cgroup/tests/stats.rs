//! Accounting: the numbers are about the group's processes.

use super::unified::unified;
use super::*;

/// Waits until `script` has printed a line, and leaves it running.
fn started(group: &Cgroup, script: &str) -> Child {
    use std::io::BufRead;
    let mut child = shell(group, &format!("{script}; echo done; exec sleep 1000"));
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "done\n");
    child
}

#[test]
fn what_processes_use_is_counted() {
    let test = "what_processes_use_is_counted";
    let Some(layout) = machine(test, &[Controller::Memory, Controller::Pids]) else {
        return;
    };
    let group = group(
        &layout,
        r#"{"memory": {"limit": 67108864}, "pids": {"limit": 42}}"#,
    );
    let mut child = started(&group, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    let stats = group.stats().unwrap();
    group.kill_all().unwrap();
    child.wait().unwrap();
    let usage = stats.cpu.usage.unwrap();
    assert!(usage.total_ns > 5_000_000, "{usage:?}");
    assert!(usage.user_ns + usage.system_ns <= usage.total_ns + 20_000_000);
    if !usage.per_cpu.is_empty() {
        let sum: u64 = usage.per_cpu.iter().map(|cpu| cpu.total_ns).sum();
        assert_eq!(sum, usage.total_ns);
    }
    let memory = stats.memory.unwrap();
    assert!(memory.memory.usage_bytes > 4096, "{memory:?}");
    assert_eq!(memory.memory.limit_bytes, Some(67_108_864));
    assert_eq!(memory.memory.limit_hits, Some(0));
    assert_eq!(memory.oom_kills, 0);
    assert!(memory.stat.contains_key("inactive_file"));
    let pids = stats.pids.unwrap();
    assert_eq!((pids.current, pids.limit), (1, Some(42)));
}

#[test]
fn without_limits_there_are_none() {
    let test = "without_limits_there_are_none";
    let Some(layout) = machine(test, &[Controller::Memory, Controller::Pids]) else {
        return;
    };
    let stats = group(&layout, "{}").stats().unwrap();
    assert_eq!(stats.memory.unwrap().memory.limit_bytes, None);
    assert_eq!(stats.pids.unwrap().limit, None);
}

#[test]
fn throttled_periods_are_counted() {
    let test = "throttled_periods_are_counted";
    let Some(layout) = machine(test, &[Controller::Cpu]) else {
        return;
    };
    let group = group(&layout, r#"{"cpu": {"quota": 2000, "period": 20000}}"#);
    let mut child = shell(&group, "while :; do :; done");
    eventually("throttling", || {
        let throttling = group.stats().unwrap().cpu.throttling.unwrap();
        throttling.throttled_periods > 1 && throttling.throttled_ns > 0
    });
    let stats = group.stats().unwrap();
    group.kill_all().unwrap();
    child.wait().unwrap();
    let throttling = stats.cpu.throttling.unwrap();
    assert!(throttling.periods >= throttling.throttled_periods);
}

#[test]
fn saved_quota_is_used_in_bursts() {
    let test = "saved_quota_is_used_in_bursts";
    let Some(layout) = machine(test, &[Controller::Cpu]) else {
        return;
    };
    let limit = r#"{"cpu": {"quota": 5000, "period": 50000, "burst": 5000}}"#;
    let group = group(&layout, limit);
    let script = "while :; do sleep 0.12; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done";
    let mut child = shell(&group, script);
    eventually("a burst", || {
        let throttling = group.stats().unwrap().cpu.throttling.unwrap();
        throttling.bursts > 0 && throttling.burst_ns > 0
    });
    group.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn writing_to_a_disk_is_counted() {
    let test = "writing_to_a_disk_is_counted";
    let Some(layout) = machine(test, &[Controller::Io]) else {
        return;
    };
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR"))
        .or_else(|_| tempfile::NamedTempFile::new())
        .unwrap();
    let group = group(&layout, "{}");
    let script = format!(
        "exec dd if=/dev/zero of={} bs=4096 count=16 oflag=direct",
        file.path().display()
    );
    let output = shell(&group, &script).wait_with_output().unwrap();
    if !output.status.success() {
        return skip(test, &String::from_utf8_lossy(&output.stderr));
    }
    let io = group.stats().unwrap().io.unwrap();
    let written = |list: &[IoEntry]| {
        list.iter()
            .filter(|one| one.operation == IoOperation::Write)
            .map(|one| one.value)
            .sum::<u64>()
    };
    if io.service_bytes.is_empty() {
        return skip(test, "temporary files are on no disk");
    }
    assert!(written(&io.service_bytes) >= 65536, "{io:?}");
    assert!(written(&io.serviced) >= 1, "{io:?}");
}

#[test]
fn cpus_and_memory_nodes_are_those_in_force() {
    let test = "cpus_and_memory_nodes_are_those_in_force";
    let Some(layout) = machine(test, &[Controller::Cpuset]) else {
        return;
    };
    let group = group(&layout, r#"{"cpu": {"cpus": "0", "mems": "0"}}"#);
    let cpuset = group.stats().unwrap().cpuset.unwrap();
    assert_eq!((cpuset.cpus, cpuset.mems), (vec![0], vec![0]));
    let v1 = layout.home(Controller::Cpuset).unwrap().version() == Version::V1;
    assert_eq!(
        cpuset.flags.map(|flags| flags.sched_load_balance),
        v1.then_some(1)
    );
}

#[test]
fn pressure_is_told_where_the_kernel_has_it() {
    let test = "pressure_is_told_where_the_kernel_has_it";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    let pressure = group.stats().unwrap().pressure;
    let Some(v2) = &layout.v2 else {
        assert_eq!(pressure, PressureStats::default());
        return skip(test, "cgroup v2 is not mounted");
    };
    let file = v2.directory(&group.path).join("cpu.pressure");
    assert_eq!(pressure.cpu.is_some(), std::fs::read(file).is_ok());
}

#[test]
fn a_missing_controller_is_absent() {
    let test = "a_missing_controller_is_absent";
    let Some(layout) = unified(test) else { return };
    let group = group(&layout, "{}");
    let stats = group.stats().unwrap();
    let has = |controller| layout.home(controller).is_some();
    assert_eq!(stats.memory.is_some(), has(Controller::Memory));
    assert_eq!(stats.pids.is_some(), has(Controller::Pids));
    // It is not turned on for every container.
    assert_eq!(stats.rdma, None);
    assert_eq!(stats.cpu.throttling.is_some(), has(Controller::Cpu));
    // v2 counts time for every group.
    assert_eq!(stats.cpu.usage, Some(CpuUsage::default()));
}

#[test]
fn a_group_that_is_gone_has_no_accounting() {
    let test = "a_group_that_is_gone_has_no_accounting";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    group.delete().unwrap();
    assert_eq!(
        group.stats().unwrap_err().to_string(),
        format!("cgroup {} not found", group.path())
    );
}

/// Not a test of right and wrong: prints what it costs.
#[test]
fn the_cost_of_reading_is_printed() {
    let Some(layout) = machine("the_cost_of_reading_is_printed", &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    let begin = Instant::now();
    for _ in 0..50 {
        group.stats().unwrap();
    }
    eprintln!("stats: {} µs", begin.elapsed().as_micros() / 50);
}
