//! The memory controller of v2.

use super::super::super::CgroupError;
use super::super::super::either::{check_memory, nonzero};
use super::super::super::setting::{Absent, Setting, Settings};
use super::{or_max, unsupported};
use oci_spec::runtime::LinuxMemory;

pub(super) fn settings(memory: &LinuxMemory, settings: &mut Settings) -> Result<(), CgroupError> {
    check_memory(memory)?;
    let limits = |limit: Option<i64>| nonzero(limit).is_some_and(|limit| limit != -1);
    for (asked, what, why) in [
        (
            memory.swappiness().is_some(),
            "swappiness",
            "cgroup v2 has none for each group",
        ),
        (
            memory.disable_oom_killer() == Some(true),
            "disabling the OOM killer",
            "cgroup v2 cannot",
        ),
        (
            limits(memory.kernel()),
            "a kernel memory limit",
            "cgroup v2 has none",
        ),
        (
            limits(memory.kernel_tcp()),
            "a kernel TCP memory limit",
            "cgroup v2 has none",
        ),
        (
            memory.use_hierarchy() == Some(false),
            "memory without useHierarchy",
            "cgroup v2 always counts groups with those inside them",
        ),
    ] {
        if asked {
            return Err(unsupported(what, why));
        }
    }
    let limit = memory.limit().unwrap_or(0);
    if let Some(swap) = swap_value(limit, memory.swap().unwrap_or(0)) {
        let absent = match swap.as_str() {
            "max" => Absent::Fine,
            _ => Absent::Refused,
        };
        let setting = Setting::new("swap limit", "memory.swap.max", swap);
        settings.0.push(setting.absent(absent));
    }
    settings.set(
        "memory limit",
        "memory.max",
        nonzero(memory.limit()).map(or_max),
    );
    let reservation = nonzero(memory.reservation()).map(or_max);
    settings.set("memory reservation", "memory.low", reservation);
    Ok(())
}

/// v2 limits swap alone, v1 memory and swap together. `check_memory` has passed.
fn swap_value(limit: i64, swap: i64) -> Option<String> {
    match (limit, swap) {
        // Unlimited memory means unlimited swap, unless that is said otherwise.
        (-1, 0) => Some("max".to_owned()),
        (_, 0) => None,
        (_, ..0) => Some("max".to_owned()),
        (limit, swap) => Some((swap - limit).to_string()),
    }
}
