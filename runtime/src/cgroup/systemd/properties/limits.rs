//! Memory, CPUs and tasks.

use super::super::super::CgroupError;
use super::super::super::either::nonzero;
use super::super::super::layout::Version;
use super::super::super::v2::weight_of_shares;
use super::{Property, Value, property};
use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxResources};

/// No limit.
const INFINITY: u64 = u64::MAX;

/// Those for limits, where the controllers are on `version`.
pub(in super::super) fn of_limits(
    resources: &LinuxResources,
    version: Version,
) -> Result<Vec<Property>, CgroupError> {
    let mut all = Vec::new();
    if let Some(memory) = resources.memory() {
        self::memory(memory, version, &mut all);
    }
    if let Some(cpu) = resources.cpu() {
        self::cpu(cpu, version, &mut all)?;
    }
    if let Some(pids) = resources.pids()
        && pids.limit() != 0
    {
        all.push(property("TasksMax", Value::Number(amount(pids.limit()))));
    }
    Ok(all)
}

fn amount(limit: i64) -> u64 {
    u64::try_from(limit).unwrap_or(INFINITY)
}

fn memory(memory: &LinuxMemory, version: Version, all: &mut Vec<Property>) {
    let limit = nonzero(memory.limit());
    let mut set = |name, value| all.push(property(name, Value::Number(value)));
    match version {
        Version::V1 => {
            if let Some(limit) = limit {
                set("MemoryLimit", amount(limit));
            }
        }
        Version::V2 => {
            if let Some(limit) = limit {
                set("MemoryMax", amount(limit));
            }
            if let Some(reservation) = nonzero(memory.reservation()) {
                set("MemoryLow", amount(reservation));
            }
            match (limit, nonzero(memory.swap())) {
                (Some(-1), None) | (_, Some(-1)) => set("MemorySwapMax", INFINITY),
                (Some(limit), Some(both)) => set("MemorySwapMax", amount(both - limit)),
                _ => {}
            }
        }
    }
}

fn cpu(cpu: &LinuxCpu, version: Version, all: &mut Vec<Property>) -> Result<(), CgroupError> {
    if let Some(shares) = nonzero(cpu.shares())
        && cpu.idle() != Some(1)
    {
        all.push(match version {
            Version::V1 => property("CPUShares", Value::Number(shares)),
            Version::V2 => property("CPUWeight", Value::Number(weight_of_shares(shares))),
        });
    }
    if let Some(period) = nonzero(cpu.period()) {
        all.push(property("CPUQuotaPeriodUSec", Value::Number(period)));
    }
    if let Some(quota) = nonzero(cpu.quota()) {
        let period = nonzero(cpu.period()).unwrap_or(100_000);
        all.push(property(
            "CPUQuotaPerSecUSec",
            Value::Number(quota_per_second(quota, period)),
        ));
    }
    if version == Version::V2 {
        for (name, what, list) in [
            ("AllowedCPUs", "set of CPUs", cpu.cpus()),
            ("AllowedMemoryNodes", "set of memory nodes", cpu.mems()),
        ] {
            if let Some(list) = list.as_deref().filter(|list| !list.is_empty()) {
                let bits = bitmap(list).ok_or_else(|| CgroupError::Invalid {
                    what,
                    why: format!("{list:?} is not a list of numbers and ranges"),
                })?;
                all.push(property(name, Value::Bytes(bits)));
            }
        }
    }
    Ok(())
}

/// A quota in microseconds a second, in whole percents as systemd stores it,
/// upwards: what the file gets is exact and not more.
pub(super) fn quota_per_second(quota: i64, period: u64) -> u64 {
    const PERCENT: u64 = 10_000;
    match u64::try_from(quota) {
        Ok(quota) => (quota.saturating_mul(1_000_000) / period).next_multiple_of(PERCENT),
        Err(_) => INFINITY,
    }
}

/// `0-2,9` as bytes, CPU 0 the lowest bit of the first.
pub(super) fn bitmap(list: &str) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for range in list.split(',') {
        let range = range.trim();
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // More than any kernel has.
        if last < first || last >= 1 << 16 {
            return None;
        }
        for number in first..=last {
            let byte = number / 8;
            if bits.len() <= byte {
                bits.resize(byte + 1, 0);
            }
            bits[byte] |= 1 << (number % 8);
        }
    }
    Some(bits)
}
