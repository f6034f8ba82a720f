//! The accounting files of a v1 hierarchy.

use super::super::hierarchy::{Controller, Controllers};
use super::super::page_size;
use super::{
    CpuThrottling, CpuUsage, CpusetFlags, CpusetStats, Directory, HugetlbStats, IoStats,
    MemoryCounter, MemoryStats, PerCpuUsage, PidsStats, Stats, StatsError, parse,
};

/// The kernel tells `cpuacct.stat` in hundredths of a second.
const TICK_NS: u64 = 10_000_000;
/// From here on a limit is none: the kernel's greatest number of pages.
const UNLIMITED: u64 = 0x7fff_ffff_ffff_0000;

/// What the `controllers` of one hierarchy count.
pub(in super::super) fn collect(
    directory: &mut Directory,
    controllers: Controllers,
    stats: &mut Stats,
) -> Result<(), StatsError> {
    for controller in controllers.iter() {
        match controller {
            Controller::Cpu => stats.cpu.throttling = throttling(directory)?,
            Controller::Cpuacct => stats.cpu.usage = usage(directory)?,
            Controller::Cpuset => stats.cpuset = cpuset(directory)?,
            Controller::Memory => stats.memory = memory(directory)?,
            Controller::Pids => stats.pids = pids(directory)?,
            Controller::Io => stats.io = Some(io(directory)?),
            Controller::Hugetlb => {
                let mut sizes = std::collections::BTreeMap::new();
                for size in page_size::all() {
                    if let Some(pages) = hugetlb(directory, &size)? {
                        sizes.insert(size, pages);
                    }
                }
                stats.hugetlb = Some(sizes);
            }
            Controller::Rdma => stats.rdma = super::v2::rdma(directory)?,
            Controller::Devices
            | Controller::Freezer
            | Controller::NetworkClass
            | Controller::NetworkPriority
            | Controller::PerfEvent
            | Controller::Misc
            | Controller::Debug => {}
        }
    }
    Ok(())
}

fn throttling(directory: &mut Directory) -> Result<Option<CpuThrottling>, StatsError> {
    Ok(directory.read("cpu.stat", parse::keyed)?.map(|stat| {
        let number = |key: &str| stat.get(key).copied().unwrap_or(0);
        CpuThrottling {
            periods: number("nr_periods"),
            throttled_periods: number("nr_throttled"),
            throttled_ns: number("throttled_time"),
            bursts: number("nr_bursts"),
            burst_ns: number("burst_time"),
        }
    }))
}

fn usage(directory: &mut Directory) -> Result<Option<CpuUsage>, StatsError> {
    let Some(totals) = directory.read("cpuacct.usage_percpu", parse::row)? else {
        return Ok(None);
    };
    let parts = directory.read("cpuacct.usage_all", parse::user_and_system)?;
    let parts = parts.unwrap_or_default();
    let stat = directory.read("cpuacct.stat", parse::keyed)?;
    let ticks = |key: &str| {
        let ticks = stat.as_ref().and_then(|stat| stat.get(key).copied());
        ticks.unwrap_or(0).saturating_mul(TICK_NS)
    };
    let per_cpu = totals.iter().enumerate().map(|(cpu, total)| {
        let (user_ns, system_ns) = parts.get(cpu).copied().unwrap_or_default();
        PerCpuUsage {
            total_ns: *total,
            user_ns,
            system_ns,
        }
    });
    Ok(Some(CpuUsage {
        total_ns: totals.iter().sum(),
        user_ns: ticks("user"),
        system_ns: ticks("system"),
        per_cpu: per_cpu.collect(),
    }))
}

fn cpuset(directory: &mut Directory) -> Result<Option<CpusetStats>, StatsError> {
    let Some(cpus) = directory.read("cpuset.effective_cpus", parse::ranges)? else {
        return Ok(None);
    };
    let mems = directory.read("cpuset.effective_mems", parse::ranges)?;
    let mut number = |name: &str| {
        let value = directory.number(&format!("cpuset.{name}"))?;
        Ok::<u64, StatsError>(value.unwrap_or(0))
    };
    let mut flags = CpusetFlags {
        cpu_exclusive: number("cpu_exclusive")?,
        mem_exclusive: number("mem_exclusive")?,
        mem_hardwall: number("mem_hardwall")?,
        memory_migrate: number("memory_migrate")?,
        memory_pressure: number("memory_pressure")?,
        memory_spread_page: number("memory_spread_page")?,
        memory_spread_slab: number("memory_spread_slab")?,
        sched_load_balance: number("sched_load_balance")?,
        sched_relax_domain_level: 0,
    };
    let level = directory.read("cpuset.sched_relax_domain_level", |text| {
        text.trim().parse().ok()
    })?;
    flags.sched_relax_domain_level = level.unwrap_or(-1);
    Ok(Some(CpusetStats {
        cpus,
        mems: mems.unwrap_or_default(),
        flags: Some(flags),
    }))
}

fn memory(directory: &mut Directory) -> Result<Option<MemoryStats>, StatsError> {
    let Some(memory) = counter(directory, "memory")? else {
        return Ok(None);
    };
    let stat = directory.read("memory.stat", parse::keyed)?;
    let stat = stat.unwrap_or_default();
    Ok(Some(MemoryStats {
        memory,
        memory_and_swap: counter(directory, "memory.memsw")?,
        kernel: counter(directory, "memory.kmem")?,
        kernel_tcp: counter(directory, "memory.kmem.tcp")?,
        cache_bytes: stat.get("total_cache").copied().unwrap_or(0),
        // Told for each group alone: the caller adds them up.
        oom_kills: 0,
        stat,
    }))
}

fn counter(directory: &mut Directory, prefix: &str) -> Result<Option<MemoryCounter>, StatsError> {
    let mut number = |name: &str| directory.number(&format!("{prefix}.{name}"));
    let Some(usage_bytes) = number("usage_in_bytes")? else {
        return Ok(None);
    };
    Ok(Some(MemoryCounter {
        usage_bytes,
        max_usage_bytes: number("max_usage_in_bytes")?,
        limit_bytes: number("limit_in_bytes")?.filter(|limit| *limit < UNLIMITED),
        limit_hits: number("failcnt")?,
    }))
}

fn pids(directory: &mut Directory) -> Result<Option<PidsStats>, StatsError> {
    super::v2::pids(directory)
}

/// BFQ and the old CFQ count what they schedule, the throttling layer counts
/// everything.
fn io(directory: &mut Directory) -> Result<IoStats, StatsError> {
    for prefix in ["blkio.bfq.", "blkio."] {
        let mut list = |name: &str| {
            let file = format!("{prefix}{name}_recursive");
            let entries = directory.read(&file, parse::io_v1)?;
            Ok::<_, StatsError>(entries.unwrap_or_default())
        };
        let serviced = list("io_serviced")?;
        if !serviced.is_empty() {
            return Ok(IoStats {
                serviced,
                service_bytes: list("io_service_bytes")?,
                queued: list("io_queued")?,
                service_time_ns: list("io_service_time")?,
                wait_time_ns: list("io_wait_time")?,
                merged: list("io_merged")?,
                time_ms: list("time")?,
                sectors: list("sectors")?,
            });
        }
    }
    // Recursive since Linux 4.14.
    let mut list = |name: &str| {
        for suffix in ["_recursive", ""] {
            let file = format!("blkio.throttle.{name}{suffix}");
            if let Some(entries) = directory.read(&file, parse::io_v1)? {
                return Ok::<_, StatsError>(entries);
            }
        }
        Ok(Vec::new())
    };
    Ok(IoStats {
        service_bytes: list("io_service_bytes")?,
        serviced: list("io_serviced")?,
        ..IoStats::default()
    })
}

fn hugetlb(directory: &mut Directory, size: &str) -> Result<Option<HugetlbStats>, StatsError> {
    let mut number = |name: &str| directory.number(&format!("hugetlb.{size}.{name}"));
    let Some(usage_bytes) = number("usage_in_bytes")? else {
        return Ok(None);
    };
    Ok(Some(HugetlbStats {
        usage_bytes,
        reserved_bytes: number("rsvd.usage_in_bytes")?,
        max_usage_bytes: number("max_usage_in_bytes")?,
        limit_bytes: number("limit_in_bytes")?.filter(|limit| *limit < UNLIMITED),
        limit_hits: number("failcnt")?.unwrap_or(0),
    }))
}
