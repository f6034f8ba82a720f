//! The cpu controller of v1.

use super::super::super::CgroupError;
use super::super::super::either::nonzero;
use super::super::super::setting::Settings;
use super::{Kernel, known};
use oci_spec::runtime::LinuxCpu;

pub(super) fn settings(
    cpu: &LinuxCpu,
    kernel: &dyn Kernel,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    let mut known =
        |what: &str, file: &str, value: Option<String>| known(settings, kernel, what, file, value);
    let text = |value: Option<u64>| value.map(|value| value.to_string());
    let signed = |value: Option<i64>| value.map(|value| value.to_string());
    known("idle CPU class", "cpu.idle", signed(cpu.idle()))?;
    // An idle group has no shares of its own.
    let shares = nonzero(cpu.shares()).filter(|_| cpu.idle() != Some(1));
    known("CPU shares", "cpu.shares", text(shares))?;
    let period = nonzero(cpu.period());
    known("CPU period", "cpu.cfs_period_us", text(period))?;
    let quota = nonzero(cpu.quota());
    known("CPU quota", "cpu.cfs_quota_us", signed(quota))?;
    known("CPU burst", "cpu.cfs_burst_us", text(cpu.burst()))?;
    let period = nonzero(cpu.realtime_period());
    known("realtime CPU period", "cpu.rt_period_us", text(period))?;
    let runtime = nonzero(cpu.realtime_runtime());
    known("realtime CPU runtime", "cpu.rt_runtime_us", signed(runtime))
}
