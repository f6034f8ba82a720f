//! Limits as settings of v2 control files, with the conversions that runc
//! documents for configurations that were written with v1 in mind.

use super::super::CgroupError;
use super::super::hierarchy::{Controller, Controllers, Setting};
use super::super::v1::{check_swap, pids_limit, rdma};
use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources};

/// The period that a quota is for if none is given, in microseconds.
const DEFAULT_PERIOD: u64 = 100_000;

/// What to write for the `controllers` that v2 has here.
pub(super) fn settings(
    resources: &LinuxResources,
    controllers: Controllers,
) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    let here = |controller| controllers.contains(controller);
    if let Some(memory) = resources
        .memory()
        .as_ref()
        .filter(|_| here(Controller::Memory))
    {
        self::memory(memory, &mut settings)?;
    }
    if let Some(cpu) = resources.cpu() {
        if here(Controller::Cpu) {
            self::cpu(cpu, &mut settings)?;
        }
        for (what, file, value) in [
            ("set of CPUs", "cpuset.cpus", cpu.cpus()),
            ("set of memory nodes", "cpuset.mems", cpu.mems()),
        ] {
            if let Some(value) = value.as_deref().filter(|text| !text.is_empty())
                && here(Controller::Cpuset)
            {
                settings.push(Setting::new(what, file, value));
            }
        }
    }
    if let Some(pids) = resources.pids().as_ref().filter(|_| here(Controller::Pids))
        && let Some(limit) = pids_limit(pids.limit())
    {
        settings.push(Setting::new("limit of processes", "pids.max", limit));
    }
    if let Some(io) = resources
        .block_io()
        .as_ref()
        .filter(|_| here(Controller::Io))
    {
        block_io(io, &mut settings)?;
    }
    for limit in resources
        .hugepage_limits()
        .iter()
        .flatten()
        .filter(|_| here(Controller::Hugetlb))
    {
        let size = limit.page_size();
        let what = format!("{size} huge page limit");
        settings.push(Setting::new(
            &what,
            format!("hugetlb.{size}.max"),
            limit.limit(),
        ));
    }
    for (device, limit) in resources
        .rdma()
        .iter()
        .flatten()
        .filter(|_| here(Controller::Rdma))
    {
        let value = rdma(device, limit.hca_handles(), limit.hca_objects());
        settings.push(Setting::new("RDMA limit", "rdma.max", value));
    }
    unified(resources, controllers, &mut settings)?;
    Ok(settings)
}

fn memory(memory: &LinuxMemory, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    check_swap(memory)?;
    if memory.swappiness().is_some() {
        return Err(unsupported(
            "swappiness",
            "cgroup v2 has none for each group",
        ));
    }
    if memory.disable_oom_killer() == Some(true) {
        return Err(unsupported("disabling the OOM killer", "cgroup v2 cannot"));
    }
    if memory.kernel_tcp().is_some_and(|limit| limit != 0) {
        return Err(unsupported(
            "a kernel TCP memory limit",
            "cgroup v2 has none",
        ));
    }
    let limit = memory.limit().unwrap_or(0);
    if let Some(swap) = swap_value(limit, memory.swap().unwrap_or(0)) {
        settings.push(Setting::new("swap limit", "memory.swap.max", swap));
    }
    if limit != 0 {
        settings.push(Setting::new("memory limit", "memory.max", or_max(limit)));
    }
    if let Some(reservation) = memory.reservation().filter(|value| *value != 0) {
        settings.push(Setting::new(
            "memory reservation",
            "memory.low",
            or_max(reservation),
        ));
    }
    Ok(())
}

/// v2 limits swap alone, v1 memory and swap together. `check_swap` has passed.
fn swap_value(limit: i64, swap: i64) -> Option<String> {
    match (limit, swap) {
        // Unlimited memory means unlimited swap, unless that is said otherwise.
        (-1, 0) => Some("max".to_owned()),
        (_, 0) => None,
        (_, ..0) => Some("max".to_owned()),
        (limit, swap) => Some((swap - limit).to_string()),
    }
}

fn or_max(value: i64) -> String {
    if value < 0 {
        "max".to_owned()
    } else {
        value.to_string()
    }
}

fn cpu(cpu: &LinuxCpu, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    if cpu.realtime_runtime().unwrap_or(0) != 0 || cpu.realtime_period().unwrap_or(0) != 0 {
        return Err(unsupported(
            "realtime CPU scheduling",
            "cgroup v2 cannot divide it",
        ));
    }
    if let Some(idle) = cpu.idle() {
        settings.push(Setting::new("idle CPU class", "cpu.idle", idle));
    }
    // An idle group has no weight.
    if let Some(shares) = cpu
        .shares()
        .filter(|shares| *shares != 0 && cpu.idle() != Some(1))
    {
        settings.push(Setting::new(
            "CPU shares",
            "cpu.weight",
            weight_of_shares(shares),
        ));
    }
    let (quota, period) = (cpu.quota().unwrap_or(0), cpu.period().unwrap_or(0));
    if quota != 0 || period != 0 {
        let quota = if quota > 0 {
            quota.to_string()
        } else {
            "max".to_owned()
        };
        let period = if period == 0 { DEFAULT_PERIOD } else { period };
        settings.push(Setting::new(
            "CPU quota",
            "cpu.max",
            format!("{quota} {period}"),
        ));
    }
    if let Some(burst) = cpu.burst() {
        settings.push(Setting::new("CPU burst", "cpu.max.burst", burst));
    }
    Ok(())
}

/// Shares 2..262144 to weights 1..10000, linearly.
fn weight_of_shares(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// Weights 10..1000 of v1 to 1..10000, linearly.
fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight).max(10) - 10) * 9999 / 990
}

fn block_io(io: &LinuxBlockIo, settings: &mut Vec<Setting>) -> Result<(), CgroupError> {
    const WEIGHT: &str = "block I/O weight";
    if io.leaf_weight().is_some_and(|weight| weight != 0) {
        return Err(unsupported("block I/O leaf weight", "cgroup v2 has none"));
    }
    if let Some(weight) = io.weight().filter(|weight| *weight != 0) {
        settings.push(Setting::new(
            WEIGHT,
            "io.weight",
            format!("default {}", io_weight(weight)),
        ));
    }
    for device in io.weight_device().iter().flatten() {
        if let Some(weight) = device.weight() {
            let value = format!(
                "{}:{} {}",
                device.major(),
                device.minor(),
                io_weight(weight)
            );
            settings.push(Setting::new(WEIGHT, "io.weight", value));
        }
    }
    for (key, list) in [
        ("rbps", io.throttle_read_bps_device()),
        ("wbps", io.throttle_write_bps_device()),
        ("riops", io.throttle_read_iops_device()),
        ("wiops", io.throttle_write_iops_device()),
    ] {
        for device in list.iter().flatten() {
            // 0 takes the limit away, as on v1.
            let rate = match device.rate() {
                0 => "max".to_owned(),
                rate => rate.to_string(),
            };
            let value = format!("{}:{} {key}={rate}", device.major(), device.minor());
            settings.push(Setting::new("block I/O throttling", "io.max", value));
        }
    }
    Ok(())
}

/// Files of v2 by name, in the order of their names.
fn unified(
    resources: &LinuxResources,
    controllers: Controllers,
    settings: &mut Vec<Setting>,
) -> Result<(), CgroupError> {
    let mut files: Vec<_> = resources.unified().iter().flatten().collect();
    files.sort_unstable();
    for (file, value) in files {
        let what = format!("unified resource {file:?}");
        let prefix = file.split('.').next().unwrap_or("");
        if file.contains('/') || !file.contains('.') {
            let why = format!("{file:?} is not the name of a control file");
            return Err(CgroupError::Invalid {
                what: "unified resource",
                why,
            });
        }
        if prefix != "cgroup"
            && !Controller::named(prefix).is_some_and(|one| controllers.contains(one))
        {
            let why = format!("cgroup v2 has no {prefix} controller here");
            return Err(CgroupError::Unsupported { what, why });
        }
        for line in value.lines() {
            settings.push(Setting::new(&what, file.as_str(), line));
        }
    }
    Ok(())
}

fn unsupported(what: &str, why: &str) -> CgroupError {
    CgroupError::Unsupported {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> Result<Vec<String>, String> {
        let resources = serde_json::from_str(json).unwrap();
        let all = ["memory", "cpu", "cpuset", "pids", "io", "hugetlb", "rdma"];
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
        let json = r#"{"memory": {"limit": 0, "swap": 0}, "cpu": {"shares": 0, "cpus": ""},
                       "pids": {"limit": 0}, "blockIO": {"weight": 0}}"#;
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
    fn shares_become_weights() {
        for (shares, weight) in [
            (0, 1),
            (2, 1),
            (1024, 39),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
        for (v1, v2) in [(10, 1), (500, 4950), (1000, 10_000)] {
            assert_eq!(io_weight(v1), v2, "{v1}");
        }
    }

    #[test]
    fn every_limit_has_its_file() {
        let json = r#"{
            "memory": {"reservation": -1, "kernel": 7, "disableOOMKiller": false},
            "cpu": {"shares": 1024, "quota": 5000, "burst": 6, "idle": 0, "cpus": "0", "mems": "1"},
            "pids": {"limit": 3},
            "blockIO": {"weight": 1000, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}],
                        "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 0}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 9}],
            "unified": {"memory.high": "5", "io.latency": "8:0 target=1\n8:1 target=2"}}"#;
        assert_eq!(
            written(json).unwrap(),
            [
                "memory.low=max",
                "cpu.idle=0",
                "cpu.weight=39",
                "cpu.max=5000 100000",
                "cpu.max.burst=6",
                "cpuset.cpus=0",
                "cpuset.mems=1",
                "pids.max=3",
                "io.weight=default 10000",
                "io.weight=8:0 1",
                "io.max=8:1 rbps=max",
                "hugetlb.2MB.max=9",
                "io.latency=8:0 target=1",
                "io.latency=8:1 target=2",
                "memory.high=5",
            ]
        );
        assert_eq!(
            written(r#"{"cpu": {"period": 7}}"#).unwrap(),
            ["cpu.max=max 7"]
        );
    }

    #[test]
    fn what_v2_does_not_have_is_named() {
        for (json, what) in [
            (
                r#"{"memory": {"disableOOMKiller": true}}"#,
                "disabling the OOM killer",
            ),
            (
                r#"{"memory": {"kernelTCP": 1}}"#,
                "a kernel TCP memory limit",
            ),
            (
                r#"{"cpu": {"realtimeRuntime": 1}}"#,
                "realtime CPU scheduling",
            ),
            (r#"{"blockIO": {"leafWeight": 1}}"#, "block I/O leaf weight"),
            (
                r#"{"unified": {"misc.max": "1"}}"#,
                "unified resource \"misc.max\"",
            ),
        ] {
            let error = written(json).unwrap_err();
            assert!(
                error.starts_with(&format!("{what} is not supported here: ")),
                "{error}"
            );
        }
        let error = written(r#"{"unified": {"../memory.max": "1"}}"#).unwrap_err();
        assert_eq!(
            error,
            "invalid unified resource: \"../memory.max\" is not the name of a control file"
        );
    }
}
