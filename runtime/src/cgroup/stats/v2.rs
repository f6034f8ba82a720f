//! The accounting files of the v2 hierarchy.

use super::super::hierarchy::{Controller, Controllers};
use super::super::page_size;
use super::{
    CpuThrottling, CpuUsage, CpusetStats, Directory, HugetlbStats, IoStats, MemoryCounter,
    MemoryStats, PidsStats, PressureStats, RdmaStats, Stats, StatsError, parse,
};
use std::collections::BTreeMap;

/// What v2 counts with `controllers`; CPU time, when no v1 hierarchy has told
/// it, and pressure need none of them.
pub(in super::super) fn collect(
    directory: &mut Directory,
    controllers: Controllers,
    stats: &mut Stats,
) -> Result<(), StatsError> {
    cpu(directory, stats)?;
    stats.pressure = PressureStats {
        cpu: directory.read("cpu.pressure", parse::pressure)?,
        memory: directory.read("memory.pressure", parse::pressure)?,
        io: directory.read("io.pressure", parse::pressure)?,
    };
    let has = |controller| controllers.contains(controller);
    if has(Controller::Cpuset) {
        stats.cpuset = cpuset(directory)?;
    }
    if has(Controller::Memory) {
        stats.memory = memory(directory)?;
    }
    if has(Controller::Pids) {
        stats.pids = pids(directory)?;
    }
    if has(Controller::Io) {
        stats.io = directory
            .read("io.stat", parse::io_v2)?
            .map(|(service_bytes, serviced)| IoStats {
                service_bytes,
                serviced,
                ..IoStats::default()
            });
    }
    if has(Controller::Hugetlb) {
        let mut sizes = BTreeMap::new();
        for size in page_size::all() {
            if let Some(pages) = hugetlb(directory, &size)? {
                sizes.insert(size, pages);
            }
        }
        // Not turned on for this group: no size has its files.
        stats.hugetlb = Some(sizes).filter(|sizes| !sizes.is_empty());
    }
    if has(Controller::Rdma) {
        stats.rdma = rdma(directory)?;
    }
    Ok(())
}

fn cpu(directory: &mut Directory, stats: &mut Stats) -> Result<(), StatsError> {
    if stats.cpu.usage.is_some() && stats.cpu.throttling.is_some() {
        return Ok(());
    }
    let Some(stat) = directory.read("cpu.stat", parse::keyed)? else {
        return Ok(());
    };
    let number = |key: &str| stat.get(key).copied().unwrap_or(0);
    let nanoseconds = |key: &str| number(key).saturating_mul(1000);
    if stats.cpu.usage.is_none() {
        stats.cpu.usage = Some(CpuUsage {
            total_ns: nanoseconds("usage_usec"),
            user_ns: nanoseconds("user_usec"),
            system_ns: nanoseconds("system_usec"),
            per_cpu: Vec::new(),
        });
    }
    // There with the cpu controller only.
    if stats.cpu.throttling.is_none() && stat.contains_key("nr_periods") {
        stats.cpu.throttling = Some(CpuThrottling {
            periods: number("nr_periods"),
            throttled_periods: number("nr_throttled"),
            throttled_ns: nanoseconds("throttled_usec"),
            bursts: number("nr_bursts"),
            burst_ns: nanoseconds("burst_usec"),
        });
    }
    Ok(())
}

fn cpuset(directory: &mut Directory) -> Result<Option<CpusetStats>, StatsError> {
    let Some(cpus) = directory.read("cpuset.cpus.effective", parse::ranges)? else {
        return Ok(None);
    };
    let mems = directory.read("cpuset.mems.effective", parse::ranges)?;
    Ok(Some(CpusetStats {
        cpus,
        mems: mems.unwrap_or_default(),
        flags: None,
    }))
}

fn memory(directory: &mut Directory) -> Result<Option<MemoryStats>, StatsError> {
    let Some(usage) = directory.number("memory.current")? else {
        return Ok(None);
    };
    let events = directory.read("memory.events", parse::keyed)?;
    let event = |key: &str| events.as_ref().and_then(|events| events.get(key).copied());
    let memory = MemoryCounter {
        usage_bytes: usage,
        // Linux 5.19.
        max_usage_bytes: directory.number("memory.peak")?,
        limit_bytes: directory.read("memory.max", parse::or_max)?.flatten(),
        limit_hits: event("max"),
    };
    let memory_and_swap = match directory.number("memory.swap.current")? {
        Some(swap) => {
            let limit = directory.read("memory.swap.max", parse::or_max)?.flatten();
            let swap_events = directory.read("memory.swap.events", parse::keyed)?;
            Some(MemoryCounter {
                usage_bytes: usage.saturating_add(swap),
                // The greatest of the two need not have been at the same time.
                max_usage_bytes: None,
                limit_bytes: memory
                    .limit_bytes
                    .zip(limit)
                    .map(|(memory, swap)| memory.saturating_add(swap)),
                limit_hits: swap_events.and_then(|events| events.get("max").copied()),
            })
        }
        None => None,
    };
    let stat = directory.read("memory.stat", parse::keyed)?;
    let stat = stat.unwrap_or_default();
    Ok(Some(MemoryStats {
        memory,
        memory_and_swap,
        // Linux 5.18.
        kernel: stat.get("kernel").map(|usage| MemoryCounter {
            usage_bytes: *usage,
            ..MemoryCounter::default()
        }),
        kernel_tcp: None,
        cache_bytes: stat.get("file").copied().unwrap_or(0),
        oom_kills: event("oom_kill").unwrap_or(0),
        stat,
    }))
}

/// The same files in both designs.
pub(super) fn pids(directory: &mut Directory) -> Result<Option<PidsStats>, StatsError> {
    let Some(current) = directory.number("pids.current")? else {
        return Ok(None);
    };
    let events = directory.read("pids.events", parse::keyed)?;
    Ok(Some(PidsStats {
        current,
        limit: directory.read("pids.max", parse::or_max)?.flatten(),
        limit_hits: events
            .and_then(|events| events.get("max").copied())
            .unwrap_or(0),
    }))
}

fn hugetlb(directory: &mut Directory, size: &str) -> Result<Option<HugetlbStats>, StatsError> {
    let file = |name: &str| format!("hugetlb.{size}.{name}");
    let Some(usage_bytes) = directory.number(&file("current"))? else {
        return Ok(None);
    };
    let events = directory.read(&file("events"), parse::keyed)?;
    Ok(Some(HugetlbStats {
        usage_bytes,
        reserved_bytes: directory.number(&file("rsvd.current"))?,
        max_usage_bytes: None,
        limit_bytes: directory.read(&file("max"), parse::or_max)?.flatten(),
        limit_hits: events
            .and_then(|events| events.get("max").copied())
            .unwrap_or(0),
    }))
}

/// The same files in both designs.
pub(super) fn rdma(
    directory: &mut Directory,
) -> Result<Option<BTreeMap<String, RdmaStats>>, StatsError> {
    let Some(current) = directory.read("rdma.current", parse::rdma)? else {
        return Ok(None);
    };
    let limits = directory.read("rdma.max", parse::rdma)?;
    let limits = limits.unwrap_or_default();
    let devices = current.into_iter().map(|(device, (handles, objects))| {
        let (hca_handles_limit, hca_objects_limit) =
            limits.get(&device).copied().unwrap_or_default();
        let stats = RdmaStats {
            hca_handles: handles.unwrap_or(0),
            hca_objects: objects.unwrap_or(0),
            hca_handles_limit,
            hca_objects_limit,
        };
        (device, stats)
    });
    Ok(Some(devices.collect()))
}
