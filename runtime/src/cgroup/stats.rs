//! What a group has used so far, read from the kernel's accounting files.
//!
//! One type for both designs. A controller that the machine does not have, or
//! that is not turned on for the group, is absent (`None`), never zero. Where v1
//! and v2 count differently the names here say what is counted, and the numbers
//! are converted.

mod directory;
mod io_stats;
mod parse;
pub(super) mod v1;
pub(super) mod v2;

pub use io_stats::{IoEntry, IoOperation, IoStats};

pub(super) use directory::Directory;

use super::Cgroup;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// The accounting of a group, the groups inside it included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// CPU time.
    pub cpu: CpuStats,
    /// Which CPUs and memory nodes may be used.
    pub cpuset: Option<CpusetStats>,
    /// Memory.
    pub memory: Option<MemoryStats>,
    /// Processes and threads.
    pub pids: Option<PidsStats>,
    /// Block devices.
    pub io: Option<IoStats>,
    /// Huge pages, by their size as the kernel names it: `2MB`.
    pub hugetlb: Option<BTreeMap<String, HugetlbStats>>,
    /// RDMA devices, by name.
    pub rdma: Option<BTreeMap<String, RdmaStats>>,
    /// Pressure stall information, of the v2 hierarchy (Linux 5.2, where it is
    /// turned on).
    pub pressure: PressureStats,
}

/// CPU time and its limitation, which are two controllers on v1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuStats {
    /// Time used.
    pub usage: Option<CpuUsage>,
    /// How often a quota stopped the group.
    pub throttling: Option<CpuThrottling>,
}

/// CPU time used, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuUsage {
    /// All of it.
    pub total_ns: u64,
    /// Outside the kernel. On v1 the kernel tells it in steps of 10 ms.
    pub user_ns: u64,
    /// In the kernel. On v1 in steps of 10 ms.
    pub system_ns: u64,
    /// On each CPU, in their order. Empty on v2, which does not count it.
    pub per_cpu: Vec<PerCpuUsage>,
}

/// The time used on one CPU, in nanoseconds. The parts are sampled, the total
/// is measured: they need not add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerCpuUsage {
    /// All of it.
    pub total_ns: u64,
    /// Outside the kernel.
    pub user_ns: u64,
    /// In the kernel.
    pub system_ns: u64,
}

/// The effect of a CPU quota. All zero without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuThrottling {
    /// Periods in which the group wanted to run.
    pub periods: u64,
    /// Periods in which its quota was used up.
    pub throttled_periods: u64,
    /// For how long its CPUs were kept from it, in nanoseconds.
    pub throttled_ns: u64,
    /// Periods in which it used saved quota (Linux 5.15).
    pub bursts: u64,
    /// How much of it, in nanoseconds.
    pub burst_ns: u64,
}

/// Where the group may run, as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpusetStats {
    /// CPUs.
    pub cpus: Vec<u32>,
    /// Memory nodes.
    pub mems: Vec<u32>,
    /// What only v1 has.
    pub flags: Option<CpusetFlags>,
}

/// The switches of a v1 cpuset, see cpuset(7); 0 or 1 where nothing else is
/// said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpusetFlags {
    /// `cpuset.cpu_exclusive`
    pub cpu_exclusive: u64,
    /// `cpuset.mem_exclusive`
    pub mem_exclusive: u64,
    /// `cpuset.mem_hardwall`
    pub mem_hardwall: u64,
    /// `cpuset.memory_migrate`
    pub memory_migrate: u64,
    /// `cpuset.memory_pressure`: a running average of reclaims for each second,
    /// times 1000.
    pub memory_pressure: u64,
    /// `cpuset.memory_spread_page`
    pub memory_spread_page: u64,
    /// `cpuset.memory_spread_slab`
    pub memory_spread_slab: u64,
    /// `cpuset.sched_load_balance`
    pub sched_load_balance: u64,
    /// `cpuset.sched_relax_domain_level`: -1 (the default) to 5.
    pub sched_relax_domain_level: i64,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Memory without swap.
    pub memory: MemoryCounter,
    /// Memory and swap together; `None` when the kernel does not count swap.
    pub memory_and_swap: Option<MemoryCounter>,
    /// The kernel's memory for the group, which is part of `memory`.
    pub kernel: Option<MemoryCounter>,
    /// The buffers of its TCP sockets; v1 only.
    pub kernel_tcp: Option<MemoryCounter>,
    /// Page cache, part of `memory`.
    pub cache_bytes: u64,
    /// Processes killed for want of memory.
    pub oom_kills: u64,
    /// `memory.stat` as the kernel has it: names and units are its own.
    pub stat: BTreeMap<String, u64>,
}

/// One of the kernel's counters of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryCounter {
    /// In use now.
    pub usage_bytes: u64,
    /// The most that was ever in use; `None` when the kernel does not know.
    pub max_usage_bytes: Option<u64>,
    /// `None` when there is no limit.
    pub limit_bytes: Option<u64>,
    /// How often the limit was hit; `None` when the kernel does not count it.
    pub limit_hits: Option<u64>,
}

/// Processes and threads: each thread counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidsStats {
    /// Now.
    pub current: u64,
    /// At most; `None` when there is no limit.
    pub limit: Option<u64>,
    /// How often a fork failed because of the limit.
    pub limit_hits: u64,
}

/// Huge pages of one size, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HugetlbStats {
    /// In use now.
    pub usage_bytes: u64,
    /// Reserved now, by mmap(2) for instance (Linux 5.7).
    pub reserved_bytes: Option<u64>,
    /// The most that was ever in use; v1 only.
    pub max_usage_bytes: Option<u64>,
    /// `None` when there is no limit.
    pub limit_bytes: Option<u64>,
    /// How often the limit was hit.
    pub limit_hits: u64,
}

/// One RDMA device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RdmaStats {
    /// Handles in use.
    pub hca_handles: u32,
    /// Objects in use.
    pub hca_objects: u32,
    /// `None` when there is no limit.
    pub hca_handles_limit: Option<u32>,
    /// `None` when there is no limit.
    pub hca_objects_limit: Option<u32>,
}

/// Pressure stall information of each resource; `None` where the kernel does
/// not tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PressureStats {
    /// Tasks waiting for a CPU.
    pub cpu: Option<Pressure>,
    /// Tasks waiting for memory.
    pub memory: Option<Pressure>,
    /// Tasks waiting for I/O.
    pub io: Option<Pressure>,
}

/// How much tasks had to wait for a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// At least one task waited.
    pub some: Stall,
    /// All tasks waited; `None` for CPUs before Linux 5.13.
    pub full: Option<Stall>,
}

/// The share of time that was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stall {
    /// Percent of the last 10 seconds.
    pub average_10s_percent: f64,
    /// Percent of the last minute.
    pub average_60s_percent: f64,
    /// Percent of the last five minutes.
    pub average_300s_percent: f64,
    /// Since the group was made, in microseconds.
    pub total_us: u64,
}

/// Why the accounting of a group could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// There is no such group (any more).
    #[error("cgroup {0} not found")]
    NotFound(String),
    /// A file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The kernel wrote what is not understood.
    #[error("unexpected content of {}: {content:?}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is in it.
        content: String,
    },
}

/// [`Cgroup::stats`].
pub(super) fn stats(cgroup: &Cgroup) -> Result<Stats, StatsError> {
    let mut stats = Stats::default();
    let mut found = false;
    for one in cgroup.members() {
        let path = one.directory(&cgroup.path);
        if let Some(mut directory) = directory::Directory::open(path)? {
            found = true;
            one.collect(&cgroup.path, &mut directory, &mut stats)?;
        }
    }
    if found {
        Ok(stats)
    } else {
        Err(StatsError::NotFound(cgroup.path().to_owned()))
    }
}
