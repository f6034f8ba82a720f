use super::*;

fn written(json: &str) -> Result<Vec<String>, String> {
    let resources = serde_json::from_str(json).unwrap();
    let all = ["memory", "cpu", "cpuset", "pids", "io", "rdma", "hugetlb"];
    let all = all
        .iter()
        .filter_map(|name| Controller::named(name))
        .collect();
    let settings = settings(&resources, all).map_err(|error| error.to_string())?;
    Ok(settings
        .into_iter()
        .map(|one| format!("{}={}", one.file, one.value))
        .collect())
}

#[test]
fn only_what_is_asked_for_is_written() {
    let json = r#"{"memory": {"limit": 0, "swap": 0, "kernel": -1, "useHierarchy": true},
                   "cpu": {"shares": 0, "cpus": ""}, "pids": {"limit": 0},
                   "blockIO": {"weight": 0}, "rdma": {"mlx": {}}}"#;
    assert_eq!(written(json).unwrap(), [""; 0]);
}

#[test]
fn swap_is_what_is_above_memory() {
    let swap = |limit: i64, swap: i64| {
        written(&format!(
            r#"{{"memory": {{"limit": {limit}, "swap": {swap}}}}}"#
        ))
        .unwrap()
    };
    assert_eq!(swap(100, 300), ["memory.swap.max=200", "memory.max=100"]);
    assert_eq!(swap(100, 100), ["memory.swap.max=0", "memory.max=100"]);
    assert_eq!(swap(100, -1), ["memory.swap.max=max", "memory.max=100"]);
    assert_eq!(swap(100, 0), ["memory.max=100"]);
    assert_eq!(swap(-1, 0), ["memory.swap.max=max", "memory.max=max"]);
}

#[test]
fn quota_and_period_are_one_value() {
    for (cpu, value) in [
        (r#"{"quota": 5000, "period": 7000}"#, "cpu.max=5000 7000"),
        (r#"{"quota": 5000}"#, "cpu.max=5000"),
        (r#"{"quota": -1}"#, "cpu.max=max"),
        (r#"{"period": 7000}"#, "cpu.max=max 7000"),
    ] {
        assert_eq!(written(&format!(r#"{{"cpu": {cpu}}}"#)).unwrap(), [value]);
    }
}

#[test]
fn every_limit_has_its_file() {
    let json = r#"{
        "memory": {"reservation": -1, "disableOOMKiller": false},
        "cpu": {"shares": 1024, "quota": 5000, "burst": 6, "idle": 0, "cpus": "0", "mems": "1"},
        "pids": {"limit": 3},
        "blockIO": {"weight": 1000, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}],
                    "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 0}],
                    "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 1}],
                    "throttleReadIOPSDevice": [{"major": 8, "minor": 1, "rate": 2}],
                    "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 3}]},
        "rdma": {"mlx": {"hcaHandles": 4}},
        "unified": {"memory.high": "5", "io.latency": "8:0 target=1\n8:1 target=2",
                    "cgroup.max.depth": "6"}}"#;
    assert_eq!(
        written(json).unwrap(),
        [
            "memory.low=max",
            "cpu.idle=0",
            "cpu.weight=100",
            "cpu.max=5000",
            "cpu.max.burst=6",
            "cpuset.cpus=0",
            "cpuset.mems=1",
            "pids.max=3",
            "io.bfq.weight=default 1000",
            "io.weight=default 10000",
            "io.bfq.weight=8:0 10",
            "io.weight=8:0 1",
            "io.max=8:1 rbps=max",
            "io.max=8:1 wbps=1",
            "io.max=8:1 riops=2",
            "io.max=8:1 wiops=3",
            "rdma.max=mlx hca_handle=4",
            "cgroup.max.depth=6",
            "io.latency=8:0 target=1",
            "io.latency=8:1 target=2",
            "memory.high=5",
        ]
    );
}

#[test]
fn what_v2_does_not_have_is_named() {
    for (json, what) in [
        (r#"{"memory": {"swappiness": 1}}"#, "swappiness"),
        (
            r#"{"memory": {"disableOOMKiller": true}}"#,
            "disabling the OOM killer",
        ),
        (r#"{"memory": {"kernel": 1}}"#, "a kernel memory limit"),
        (
            r#"{"memory": {"kernelTCP": 1}}"#,
            "a kernel TCP memory limit",
        ),
        (
            r#"{"memory": {"useHierarchy": false}}"#,
            "memory without useHierarchy",
        ),
        (
            r#"{"cpu": {"realtimeRuntime": 1}}"#,
            "realtime CPU scheduling",
        ),
        (r#"{"blockIO": {"leafWeight": 1}}"#, "block I/O leaf weight"),
        (
            r#"{"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 1}]}}"#,
            "block I/O leaf weight",
        ),
        (
            r#"{"unified": {"misc.max": "1"}}"#,
            "unified resource \"misc.max\"",
        ),
        (
            r#"{"unified": {"dance.max": "1"}}"#,
            "unified resource \"dance.max\"",
        ),
    ] {
        let error = written(json).unwrap_err();
        assert!(
            error.starts_with(&format!("{what} is not supported here: ")),
            "{error}"
        );
    }
}

#[test]
fn unified_names_are_control_files_of_limits() {
    for name in [
        "../memory.max",
        "memory",
        "memory/x.y",
        ".max",
        "memory.",
        "memory...",
        "memory.m x",
        "memory.m\\u0000x",
        "",
    ] {
        let error = written(&format!(r#"{{"unified": {{"{name}": "1"}}}}"#)).unwrap_err();
        assert!(
            error.ends_with(" is not the name of a control file"),
            "{error}"
        );
    }
    for name in NOT_LIMITS {
        let error = written(&format!(r#"{{"unified": {{"{name}": "1"}}}}"#)).unwrap_err();
        assert_eq!(
            error,
            format!("invalid unified resource: {name:?} is no limit")
        );
    }
}

const NOT_LIMITS: [&str; 3] = ["cgroup.procs", "cgroup.kill", "cgroup.subtree_control"];
