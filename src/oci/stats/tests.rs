use super::*;
use rbox_runtime::cgroup::{CpuThrottling, CpuUsage, IoOperation, PerCpuUsage};

#[test]
fn nothing_known_is_runcs_empty_line() {
    let line = event("c1", &Stats::default());
    assert_eq!(
        line.to_string(),
        "{\"type\":\"stats\",\"id\":\"c1\",\"data\":{\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\
             \"throttling\":{}},\"cpuset\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\
             \"hugetlb\":{},\"intel_rdt\":{},\"network_interfaces\":null}}"
    );
    assert_eq!(
        out_of_memory("c1").to_string(),
        "{\"type\":\"oom\",\"id\":\"c1\"}"
    );
}

#[test]
fn cpu_time_and_throttling() {
    let one = PerCpuUsage {
        total_ns: 5,
        user_ns: 1,
        system_ns: 2,
    };
    let stats = CpuStats {
        usage: Some(CpuUsage {
            total_ns: 5,
            user_ns: 1,
            system_ns: 2,
            per_cpu: vec![one],
        }),
        throttling: Some(CpuThrottling {
            periods: 9,
            throttled_ns: 7,
            ..Default::default()
        }),
    };
    assert_eq!(
        cpu(&stats, None),
        json!({
            "usage": {
                "total": 5, "percpu": [5], "percpu_kernel": [2], "percpu_user": [1],
                "kernel": 2, "user": 1,
            },
            "throttling": { "periods": 9, "throttledTime": 7 },
        })
    );
}

#[test]
fn memory_without_a_limit_has_the_kernels_greatest() {
    let stats = MemoryStats {
        memory: MemoryCounter {
            usage_bytes: 4096,
            limit_hits: Some(2),
            ..Default::default()
        },
        cache_bytes: 1,
        ..Default::default()
    };
    let value = memory(&stats).object();
    assert_eq!(
        value["usage"],
        json!({ "limit": 9_223_372_036_854_771_712_u64, "usage": 4096, "failcnt": 2 })
    );
    assert_eq!(
        (value["cache"].as_u64(), &value["raw"]),
        (Some(1), &json!({}))
    );
}

#[test]
fn devices_and_huge_pages() {
    let read = IoEntry {
        major: 8,
        minor: 0,
        operation: IoOperation::Read,
        value: 3,
    };
    let io = IoStats {
        service_bytes: vec![read],
        ..Default::default()
    };
    assert_eq!(
        block_io(&io).object(),
        json!({ "ioServiceBytesRecursive": [{ "major": 8, "op": "Read", "value": 3 }] })
    );
    let pages = HugetlbStats {
        usage_bytes: 2 << 20,
        ..Default::default()
    };
    assert_eq!(
        huge_pages(&pages),
        json!({ "usage": 2 << 20, "failcnt": 0 })
    );
}
