use super::*;

/// A kernel with all files but some; `memory.use_hierarchy` is always 1.
struct Lacks(&'static [&'static str]);

impl Kernel for Lacks {
    fn has(&self, file: &str) -> bool {
        !self.0.iter().any(|lacking| file.starts_with(lacking))
    }

    fn read(&self, file: &str) -> Option<String> {
        self.has(file).then(|| "1\n".to_owned())
    }

    fn version(&self) -> (u32, u32) {
        (5, 15)
    }
}

const ALL: Lacks = Lacks(&[]);

fn written(json: &str, kernel: &dyn Kernel) -> Result<Vec<String>, String> {
    let resources = serde_json::from_str(json).unwrap();
    let all = [
        "memory", "cpu", "cpuset", "pids", "blkio", "rdma", "net_cls", "net_prio",
    ];
    let all = all
        .iter()
        .filter_map(|name| Controller::named(name))
        .collect();
    let settings = settings(&resources, all, kernel).map_err(|error| error.to_string())?;
    Ok(settings
        .into_iter()
        .map(|one| format!("{}={}", one.file, one.value))
        .collect())
}

#[test]
fn only_what_is_asked_for_is_written() {
    let json = r#"{"memory": {"limit": 0, "swap": 0, "kernel": 0}, "cpu": {"shares": 0, "cpus": ""},
                   "pids": {"limit": 0}, "blockIO": {"weight": 0, "weightDevice": []},
                   "network": {"classID": 0}}"#;
    assert_eq!(written(json, &ALL).unwrap(), [""; 0]);
    assert_eq!(written("{}", &ALL).unwrap(), [""; 0]);
}

#[test]
fn every_limit_has_its_file() {
    let json = r#"{
        "memory": {"limit": 100, "swap": -1, "reservation": 50, "kernel": 7, "kernelTCP": 8,
                   "swappiness": 10, "disableOOMKiller": true, "useHierarchy": true},
        "cpu": {"shares": 2, "quota": -1, "period": 3, "burst": 6, "idle": 0, "cpus": "0-1",
                "mems": "0", "realtimeRuntime": 4, "realtimePeriod": 5},
        "pids": {"limit": -1},
        "blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 20}],
                    "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 27}],
                    "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 28}],
                    "throttleReadIOPSDevice": [{"major": 8, "minor": 1, "rate": 29}],
                    "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 30}]},
        "rdma": {"mlx": {"hcaHandles": 1, "hcaObjects": 2}},
        "network": {"classID": 6, "priorities": [{"name": "eth0", "priority": 9}]}}"#;
    assert_eq!(
        written(json, &ALL).unwrap(),
        [
            "memory.limit_in_bytes=100",
            "memory.memsw.limit_in_bytes=-1",
            "memory.soft_limit_in_bytes=50",
            "memory.kmem.limit_in_bytes=7",
            "memory.kmem.tcp.limit_in_bytes=8",
            "memory.swappiness=10",
            "memory.oom_control=1",
            "cpu.idle=0",
            "cpu.shares=2",
            "cpu.cfs_period_us=3",
            "cpu.cfs_quota_us=-1",
            "cpu.cfs_burst_us=6",
            "cpu.rt_period_us=5",
            "cpu.rt_runtime_us=4",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
            "pids.max=max",
            "blkio.bfq.weight=10",
            "blkio.bfq.weight_device=8:0 20",
            "blkio.throttle.read_bps_device=8:1 27",
            "blkio.throttle.write_bps_device=8:1 28",
            "blkio.throttle.read_iops_device=8:1 29",
            "blkio.throttle.write_iops_device=8:1 30",
            "rdma.max=mlx hca_handle=1 hca_object=2",
            "net_cls.classid=6",
            "net_prio.ifpriomap=eth0 9",
        ]
    );
}

#[test]
fn the_old_scheduler_has_leaf_weights() {
    let json = r#"{"blockIO": {"leafWeight": 5,
                   "weightDevice": [{"major": 8, "minor": 0, "leafWeight": 6}]}}"#;
    assert_eq!(
        written(json, &Lacks(&["blkio.bfq."])).unwrap(),
        ["blkio.leaf_weight=5", "blkio.leaf_weight_device=8:0 6"]
    );
    for json in [
        r#"{"blockIO": {"leafWeight": 5}}"#,
        r#"{"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 6}]}}"#,
    ] {
        assert_eq!(
            written(json, &ALL).unwrap_err(),
            "block I/O leaf weight is not supported here: BFQ has none"
        );
    }
}

#[test]
fn unlimited_memory_is_unlimited_with_swap() {
    let unlimited = r#"{"memory": {"limit": -1}}"#;
    assert_eq!(
        written(unlimited, &ALL).unwrap(),
        ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"]
    );
    let without = Lacks(&["memory.memsw", "memory.kmem.limit"]);
    assert_eq!(
        written(unlimited, &without).unwrap(),
        ["memory.limit_in_bytes=-1"]
    );
    let all = r#"{"memory": {"limit": 1, "swap": -1, "kernel": -1}}"#;
    assert_eq!(written(all, &without).unwrap(), ["memory.limit_in_bytes=1"]);
}

#[test]
fn an_idle_group_has_no_shares() {
    let json = r#"{"cpu": {"shares": 512, "idle": 1}}"#;
    assert_eq!(written(json, &ALL).unwrap(), ["cpu.idle=1"]);
}

#[test]
fn a_file_that_the_kernel_lacks_is_named() {
    for (json, file, what) in [
        (
            r#"{"memory": {"limit": 1, "swap": 2}}"#,
            "memory.memsw.limit_in_bytes",
            "swap limit",
        ),
        (
            r#"{"memory": {"kernel": 2}}"#,
            "memory.kmem.limit_in_bytes",
            "kernel memory limit",
        ),
        (r#"{"cpu": {"burst": 1}}"#, "cpu.cfs_burst_us", "CPU burst"),
        (
            r#"{"cpu": {"realtimeRuntime": 1}}"#,
            "cpu.rt_runtime_us",
            "realtime CPU runtime",
        ),
    ] {
        let kernel = match file {
            "memory.memsw.limit_in_bytes" => Lacks(&["memory.memsw"]),
            "memory.kmem.limit_in_bytes" => Lacks(&["memory.kmem"]),
            "cpu.cfs_burst_us" => Lacks(&["cpu.cfs_burst"]),
            _ => Lacks(&["cpu.rt_"]),
        };
        assert_eq!(
            written(json, &kernel).unwrap_err(),
            format!("{what} is not supported here: the kernel has no {file}")
        );
    }
    assert_eq!(
        written(r#"{"blockIO": {"weight": 10}}"#, &Lacks(&["blkio"])).unwrap_err(),
        "block I/O weight is not supported here: the kernel has no BFQ or CFQ"
    );
    assert_eq!(
        written(r#"{"memory": {"useHierarchy": false}}"#, &ALL).unwrap_err(),
        "memory without useHierarchy is not supported here: the kernel always counts groups \
         with those inside them"
    );
}

#[test]
fn values_that_can_never_be_right_are_refused() {
    for (json, error) in [
        (
            r#"{"memory": {"swappiness": 101}}"#,
            "invalid swappiness: 101 is not between 0 and 100",
        ),
        (
            r#"{"network": {"priorities": [{"name": "a b", "priority": 1}]}}"#,
            "invalid network priority: \"a b\" is not the name of an interface",
        ),
    ] {
        assert_eq!(written(json, &ALL).unwrap_err(), error);
    }
}

#[test]
fn later_kernels_do_not_limit_their_memory() {
    struct Later;
    impl Kernel for Later {
        fn has(&self, _: &str) -> bool {
            true
        }

        fn read(&self, _: &str) -> Option<String> {
            Some("1\n".to_owned())
        }

        fn version(&self) -> (u32, u32) {
            (5, 16)
        }
    }
    assert_eq!(
        written(r#"{"memory": {"kernel": 7}}"#, &Later).unwrap_err(),
        "kernel memory limit is not supported here: Linux 5.16 and later have none"
    );
    assert!(written(r#"{"memory": {"kernel": -1}}"#, &Later).is_ok());
}
