//! Changing the limits of a group in use: all of them or none.
//!
//! Everything that can be known to fail is refused before the first write. A
//! value that the kernel then refuses still leaves the group as it was: what
//! the files contained before is written back.

use super::create::plans;
use super::hierarchy::{Controller, Hierarchy, Plan};
use super::layout::Version;
use super::setting::Setting;
use super::{Cgroup, CgroupError, control_file, systemd, write};
use oci_spec::runtime::{LinuxMemory, LinuxResources};
use std::path::{Path, PathBuf};

/// [`Cgroup::update`].
pub(super) fn update(cgroup: &Cgroup, resources: &LinuxResources) -> Result<(), CgroupError> {
    let resources = complete(cgroup, resources);
    check_usage(cgroup, &resources)?;
    let plans = plans(&cgroup.layout, &resources)?;
    let mut steps: Vec<(&dyn Hierarchy, &Plan)> = cgroup
        .members()
        .zip(&plans)
        .filter(|(_, plan)| **plan != Plan::default())
        .collect();
    // Device rules cannot be taken back, so they come last.
    steps.sort_by_key(|(_, plan)| !plan.device_rules.is_empty());
    for (one, plan) in &steps {
        one.prepare(&cgroup.path, plan.controllers)?;
        write::check(&one.directory(&cgroup.path), plan.settings.iter())?;
    }
    let mut before = Vec::new();
    for (one, plan) in &steps {
        let directory = one.directory(&cgroup.path);
        before.extend(contents(&directory, &plan.settings));
        if let Err(error) = one.change(&cgroup.path, plan) {
            restore(before);
            return Err(error);
        }
    }
    systemd::update(cgroup, &resources).inspect_err(|_| restore(before))
}

/// Adds the limits in force where a new one is only understood beside them: swap
/// beside memory, and on v2 a period beside its quota.
fn complete(cgroup: &Cgroup, resources: &LinuxResources) -> LinuxResources {
    let mut resources = resources.clone();
    let current = |controller, v1: &str, v2: &str| {
        let home = cgroup.layout.home(controller)?;
        let file = match home.version() {
            Version::V1 => v1,
            Version::V2 => v2,
        };
        control_file::read(&home.directory(&cgroup.path).join(file)).ok()
    };
    if let Some(memory) = resources.memory_mut()
        && memory.swap().is_some_and(|swap| swap > 0)
        && memory.limit().unwrap_or(0) == 0
    {
        let limit = current(Controller::Memory, "memory.limit_in_bytes", "memory.max");
        // Without a limit (`max`) the swap limit is refused as in a new group.
        let limit = limit.and_then(|limit| limit.trim().parse().ok());
        memory.set_limit(limit);
    }
    if let Some(cpu) = resources.cpu_mut()
        && cpu.period().unwrap_or(0) != 0
        && cpu.quota().unwrap_or(0) == 0
    {
        let both = current(Controller::Cpu, "cpu.cfs_quota_us", "cpu.max");
        let quota = both.and_then(|both| both.split_whitespace().next()?.parse().ok());
        cpu.set_quota(quota);
    }
    resources
}

/// `checkBeforeUpdate`: v2 kills processes when memory is limited to less than
/// is in use; v1 refuses by itself.
fn check_usage(cgroup: &Cgroup, resources: &LinuxResources) -> Result<(), CgroupError> {
    let Some(memory) = resources.memory() else {
        return Ok(());
    };
    let home = cgroup.layout.home(Controller::Memory);
    let Some(home) = home.filter(|home| home.version() == Version::V2) else {
        return Ok(());
    };
    if memory.check_before_update() != Some(true) {
        return Ok(());
    }
    let directory = home.directory(&cgroup.path);
    let usage = |file: &str| {
        let text = control_file::read(&directory.join(file)).ok()?;
        text.trim().parse::<i64>().ok()
    };
    let used = usage("memory.current").unwrap_or(0);
    let with_swap = used.saturating_add(usage("memory.swap.current").unwrap_or(0));
    fits(memory, used, with_swap)
}

fn fits(memory: &LinuxMemory, used: i64, with_swap: i64) -> Result<(), CgroupError> {
    for (what, limit, used) in [
        ("memory limit", memory.limit(), used),
        ("swap limit", memory.swap(), with_swap),
    ] {
        if let Some(limit) = limit.filter(|limit| *limit > 0 && *limit < used) {
            return Err(CgroupError::Invalid {
                what,
                why: format!("{limit} is less than the {used} in use"),
            });
        }
    }
    Ok(())
}

/// What to write, and where, to have the files of `settings` as they are now.
fn contents(directory: &Path, settings: &[Setting]) -> Vec<(PathBuf, Vec<String>)> {
    let mut before: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for setting in settings {
        let file = directory.join(&setting.file);
        if before.iter().any(|(known, _)| *known == file) {
            continue;
        }
        let Ok(now) = control_file::read(&file) else {
            continue;
        };
        let values = settings
            .iter()
            .filter(|other| other.file == setting.file)
            .map(|other| former(&other.file, &other.value, &now))
            .collect();
        before.push((file, values));
    }
    before
}

/// The value of a file with content `now` that the new `value` replaces: all of
/// it, or the line of the same device.
fn former(file: &str, value: &str, now: &str) -> String {
    let by_device = value.split_once(' ').map(|(device, _)| device);
    let Some(device) = by_device.filter(|device| device.contains(':') || *device == "default")
    else {
        return match file {
            // A file of several lines, of which one is written.
            "memory.oom_control" => control_file::number_of(now, "oom_kill_disable")
                .unwrap_or(0)
                .to_string(),
            _ => now.trim().to_owned(),
        };
    };
    let line = now.lines().find(|line| {
        line.strip_prefix(device)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    match (line, file) {
        (Some(line), _) => line.to_owned(),
        (None, "io.max") => format!("{device} rbps=max wbps=max riops=max wiops=max"),
        (None, "io.weight" | "io.bfq.weight") => format!("{device} default"),
        (None, _) => format!("{device} 0"),
    }
}

/// Backwards, and then once more: a value may have to wait for another one.
fn restore(before: Vec<(PathBuf, Vec<String>)>) {
    for _ in 0..2 {
        for (file, values) in before.iter().rev() {
            for value in values.iter().rev() {
                // The error that is told is the one of the update.
                let _ = control_file::write(file, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_known_by_file_or_device() {
        for (file, value, now, expected) in [
            ("pids.max", "5", "max\n", "max"),
            ("cpu.max", "5 10", "max 100000\n", "max 100000"),
            (
                "memory.oom_control",
                "1",
                "oom_kill_disable 0\nunder_oom 0\n",
                "0",
            ),
            (
                "blkio.throttle.read_bps_device",
                "8:0 5",
                "8:0 7\n8:16 9\n",
                "8:0 7",
            ),
            ("blkio.throttle.read_bps_device", "8:0 5", "", "8:0 0"),
            (
                "io.max",
                "8:0 rbps=5",
                "",
                "8:0 rbps=max wbps=max riops=max wiops=max",
            ),
            (
                "io.max",
                "8:0 rbps=5",
                "8:0 rbps=7 wbps=max riops=max wiops=max\n",
                "8:0 rbps=7 wbps=max riops=max wiops=max",
            ),
            (
                "io.weight",
                "default 5",
                "default 100\n8:0 7\n",
                "default 100",
            ),
            ("io.weight", "8:1 5", "default 100\n8:0 7\n", "8:1 default"),
        ] {
            assert_eq!(former(file, value, now), expected, "{file}");
        }
    }

    #[test]
    fn less_than_what_is_in_use_is_refused() {
        let memory = |json: &str| serde_json::from_str(json).unwrap();
        assert!(fits(&memory(r#"{"limit": 100, "swap": 300}"#), 100, 200).is_ok());
        assert!(fits(&memory(r#"{"limit": -1, "swap": -1}"#), 100, 200).is_ok());
        assert_eq!(
            fits(&memory(r#"{"limit": 99}"#), 100, 200)
                .unwrap_err()
                .to_string(),
            "invalid memory limit: 99 is less than the 100 in use"
        );
        assert_eq!(
            fits(&memory(r#"{"limit": 150, "swap": 199}"#), 100, 200)
                .unwrap_err()
                .to_string(),
            "invalid swap limit: 199 is less than the 200 in use"
        );
    }
}
