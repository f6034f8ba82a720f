//! The cpu controller of v2.

use super::super::super::CgroupError;
use super::super::super::either::nonzero;
use super::super::super::setting::{Setting, Settings};
use super::convert::weight_of_shares;
use super::unsupported;
use oci_spec::runtime::LinuxCpu;

pub(super) fn settings(cpu: &LinuxCpu, settings: &mut Settings) -> Result<(), CgroupError> {
    if cpu.realtime_runtime().unwrap_or(0) != 0 || cpu.realtime_period().unwrap_or(0) != 0 {
        return Err(unsupported(
            "realtime CPU scheduling",
            "cgroup v2 cannot divide it",
        ));
    }
    if let Some(idle) = cpu.idle() {
        let setting = Setting::new("idle CPU class", "cpu.idle", idle);
        settings.0.push(setting.initial(idle == 0));
    }
    // An idle group has no weight.
    let shares = nonzero(cpu.shares()).filter(|_| cpu.idle() != Some(1));
    settings.set("CPU shares", "cpu.weight", shares.map(weight_of_shares));
    let (quota, period) = (nonzero(cpu.quota()), nonzero(cpu.period()));
    let quota_text = match quota {
        Some(quota @ 1..) => quota.to_string(),
        _ => "max".to_owned(),
    };
    // The kernel keeps the period when none is written.
    let value = match (quota, period) {
        (None, None) => None,
        (_, Some(period)) => Some(format!("{quota_text} {period}")),
        (Some(_), None) => Some(quota_text),
    };
    settings.set("CPU quota", "cpu.max", value);
    settings.set("CPU burst", "cpu.max.burst", cpu.burst());
    Ok(())
}
