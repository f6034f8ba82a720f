//! `stats`: what containers use at this moment, by the accounting of their cgroups (v1 and v2 alike)
//! and of the interfaces in their sandboxes.

mod interfaces;

use std::fs;
use std::time::Instant;

use rbox_runtime::cgroup::{Cgroup, IoOperation, MemoryStats, Stats};

use super::failure::Failure;
use super::record::{Container, RunState};
use super::request::NetworkMode;
use super::{Engine, containers};
use interfaces::Traffic;

/// What a container had used when somebody looked. Bytes, where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    taken: Instant,
    /// Nanoseconds of processor time.
    processor: u64,
    /// In use, without what the page cache could give back at once.
    pub memory: u64,
    /// Its limit, or all of the machine's.
    pub memory_limit: u64,
    /// By its interfaces.
    pub received: u64,
    /// By its interfaces.
    pub sent: u64,
    /// From block devices.
    pub read: u64,
    /// To block devices.
    pub written: u64,
    /// Processes and threads.
    pub processes: u64,
}

impl Sample {
    /// Percent of one processor since an earlier sample; two busy processors are 200.
    pub fn processor_share(&self, before: &Sample) -> f64 {
        let time = self.taken.saturating_duration_since(before.taken);
        let used = self.processor.saturating_sub(before.processor);
        if time.is_zero() {
            return 0.0;
        }
        used as f64 / time.as_nanos() as f64 * 100.0
    }

    /// Percent of its limit.
    pub fn memory_share(&self) -> f64 {
        if self.memory_limit == 0 {
            return 0.0;
        }
        self.memory as f64 / self.memory_limit as f64 * 100.0
    }
}

/// One container and what it uses; nothing where it does not run.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Full id.
    pub id: String,
    /// Name.
    pub name: String,
    /// While it runs.
    pub sample: Option<Sample>,
}

impl Engine {
    /// What containers use now, newest first: those that run, or `all`.
    pub fn observe_all(&self, all: bool) -> Result<Vec<Observed>, Failure> {
        let containers = containers::survey(&self.dirs)?.containers;
        let chosen = containers
            .iter()
            .filter(|container| all || container.run.is_some());
        Ok(chosen.map(|container| self.observed(container)).collect())
    }

    /// What one container uses now.
    pub fn observe(&self, name: &str) -> Result<Observed, Failure> {
        Ok(self.observed(&containers::find(&self.dirs, name)?))
    }

    fn observed(&self, container: &Container) -> Observed {
        let run = container.run.as_ref().filter(|run| run.pid > 0);
        Observed {
            id: container.record.id.clone(),
            name: container.record.name.clone(),
            // One that ends at this moment has no cgroup any more.
            sample: run.and_then(|run| {
                let stats = Cgroup::open(&run.cgroup).ok()?.stats().ok()?;
                Some(sample(&stats, self.traffic(container, run)))
            }),
        }
    }

    /// Of the interfaces that networks gave it, or the container whose sandbox it shares.
    fn traffic(&self, container: &Container, run: &RunState) -> Traffic {
        let shared = match &container.record.host.network_mode {
            NetworkMode::Container(other) => containers::run_state(&self.dirs, other),
            _ => None,
        };
        let sandbox = &shared.as_ref().unwrap_or(run).sandbox;
        let names: Vec<&str> = sandbox
            .endpoints
            .iter()
            .map(|endpoint| endpoint.ifname.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() {
            return Traffic::default();
        }
        interfaces::traffic(run.pid, &names)
    }
}

fn sample(stats: &Stats, traffic: Traffic) -> Sample {
    let (memory, memory_limit) = stats.memory.as_ref().map_or((0, 0), memory);
    let moved = |operation| {
        let entries = stats.io.iter().flat_map(|io| &io.service_bytes);
        let of_kind = entries.filter(|entry| entry.operation == operation);
        of_kind.map(|entry| entry.value).sum()
    };
    Sample {
        taken: Instant::now(),
        processor: stats.cpu.usage.as_ref().map_or(0, |usage| usage.total_ns),
        memory,
        memory_limit,
        received: traffic.received,
        sent: traffic.sent,
        read: moved(IoOperation::Read),
        written: moved(IoOperation::Write),
        processes: stats.pids.map_or(0, |pids| pids.current),
    }
}

/// Use as Docker counts it, and the limit.
fn memory(stats: &MemoryStats) -> (u64, u64) {
    let usage = stats.memory.usage_bytes;
    // v1 counts the groups inside under another name.
    let idle = ["total_inactive_file", "inactive_file"]
        .iter()
        .find_map(|key| stats.stat.get(*key).copied())
        .filter(|idle| *idle < usage)
        .unwrap_or(0);
    let all = host_memory();
    let limit = stats.memory.limit_bytes.map_or(all, |limit| limit.min(all));
    (usage - idle, limit)
}

/// Bytes of the machine's memory; 0 where the kernel does not tell.
pub fn host_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use rbox_runtime::cgroup::MemoryCounter;
    use std::time::Duration;

    fn used(usage: u64, limit: Option<u64>, stat: &[(&str, u64)]) -> (u64, u64) {
        memory(&MemoryStats {
            memory: MemoryCounter {
                usage_bytes: usage,
                limit_bytes: limit,
                ..MemoryCounter::default()
            },
            stat: stat
                .iter()
                .map(|(key, value)| ((*key).to_owned(), *value))
                .collect(),
            ..MemoryStats::default()
        })
    }

    #[test]
    fn cache_that_nobody_needs_is_not_in_use() {
        assert_eq!(used(100, Some(500), &[("inactive_file", 30)]), (70, 500));
        let v1 = [("inactive_file", 1), ("total_inactive_file", 40)];
        assert_eq!(used(100, Some(500), &v1), (60, 500));
        assert_eq!(used(100, Some(500), &[("inactive_file", 101)]).0, 100);
        assert_eq!(used(100, None, &[]).1, host_memory());
        assert_eq!(used(100, Some(u64::MAX), &[]).1, host_memory());
        assert!(host_memory() > 1 << 20);
    }

    #[test]
    fn a_processor_that_is_busy_all_the_time_is_a_hundred_percent() {
        let before = sample(&Stats::default(), Traffic::default());
        let after = Sample {
            taken: before.taken + Duration::from_secs(2),
            processor: 3_000_000_000,
            ..before
        };
        assert!((after.processor_share(&before) - 150.0).abs() < 1e-9);
        assert!(before.processor_share(&before).abs() < 1e-9);
        assert!(before.memory_share().abs() < 1e-9);
        assert!(before.processor_share(&after).abs() < 1e-9, "another run");
    }
}
