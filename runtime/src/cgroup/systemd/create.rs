//! A container's group as a scope of systemd's.

use super::super::create::{make_or_keep, plans};
use super::super::hierarchy::{Controller, Hierarchy, Plan};
use super::super::layout::{Layout, Version};
use super::super::path::CgroupPath;
use super::super::{Cgroup, CgroupError, control_file, v1};
use super::error::SystemdError;
use super::properties::{self, Property};
use super::{Scope, manager};
use oci_spec::runtime::LinuxResources;
use std::sync::Arc;

/// [`Cgroup::create_in_scope`] on any machine's hierarchies.
pub(in super::super) fn create(
    layout: Arc<Layout>,
    path: &str,
    id: &str,
    pid: i32,
    resources: &LinuxResources,
) -> Result<Cgroup, CgroupError> {
    let scope = Scope::for_container(path, id)?;
    let plans = plans(&layout, resources)?;
    let elsewhere = || SystemdError::Elsewhere {
        unit: scope.unit.clone(),
        pid,
    };
    let mut properties = properties::of_scope(
        &scope.slice,
        id,
        u32::try_from(pid).map_err(|_| elsewhere())?,
    );
    properties.extend(limits(&layout, resources, &plans)?);
    let mut manager = manager()?;
    manager.start_scope(&scope.unit, &properties)?;
    let joined = (|| {
        let found = group_of(pid).filter(|path| Scope::unit_of(path) == Some(&scope.unit));
        let cgroup = Cgroup {
            path: CgroupPath::parse(&found.ok_or_else(elsewhere)?)?,
            layout: Arc::clone(&layout),
            within: None,
        };
        for (one, plan) in layout.members().zip(&plans) {
            join(one, &cgroup.path, plan, pid)?;
        }
        Ok(cgroup)
    })();
    if joined.is_err() {
        // The first error is the one to tell. Stopping kills the process, which
        // was started for this container.
        let _ = manager.stop(&scope.unit);
        if let Ok(path) = CgroupPath::parse(&scope.cgroup_path()) {
            for one in layout.members() {
                super::super::remove::undo(one, &path);
            }
        }
    }
    joined
}

/// Tells systemd of new limits of the scope at `cgroup`, if it is one, so that
/// it does not write the old ones again.
pub(in super::super) fn update(
    cgroup: &Cgroup,
    resources: &LinuxResources,
) -> Result<(), CgroupError> {
    let Some(unit) = Scope::unit_of(cgroup.path()) else {
        return Ok(());
    };
    if super::available().is_err() {
        return Ok(());
    }
    let plans = plans(&cgroup.layout, resources)?;
    let properties = limits(&cgroup.layout, resources, &plans)?;
    if !properties.is_empty() {
        manager()?.set(unit, &properties)?;
    }
    Ok(())
}

/// Stops the scope at `cgroup`, if it is one, which kills what is in it.
pub(in super::super) fn stop(cgroup: &Cgroup) -> Result<(), SystemdError> {
    match Scope::unit_of(cgroup.path()) {
        Some(unit) if super::available().is_ok() => manager()?.stop(unit),
        _ => Ok(()),
    }
}

/// The limits that systemd has to know.
fn limits(
    layout: &Layout,
    resources: &LinuxResources,
    plans: &[Plan],
) -> Result<Vec<Property>, CgroupError> {
    let home = layout.home(Controller::Cpu);
    let version = home.map_or(Version::V2, |home| home.version());
    let mut all = properties::of_limits(resources, version)?;
    let devices = layout.home(Controller::Devices);
    if devices.is_some_and(|home| home.version() == Version::V1) {
        let rules = plans.iter().find(|plan| !plan.device_rules.is_empty());
        if let Some(allowed) = rules.and_then(|plan| v1::allowed_devices(&plan.device_rules)) {
            let known = std::fs::read_to_string("/proc/devices").unwrap_or_default();
            all.extend(properties::of_devices(&allowed, &known));
        }
    }
    Ok(all)
}

/// Makes the group in one hierarchy, where systemd has not made it, limits it,
/// and puts the process into it.
fn join(one: &dyn Hierarchy, path: &CgroupPath, plan: &Plan, pid: i32) -> Result<(), CgroupError> {
    make_or_keep(one, path)?;
    one.prepare(path, plan.controllers)?;
    one.apply(path, plan)?;
    let file = one.directory(path).join("cgroup.procs");
    let pid = pid.to_string();
    let inside = control_file::read(&file).unwrap_or_default();
    if inside.lines().any(|line| line == pid) {
        return Ok(());
    }
    control_file::write(&file, &pid).map_err(|source| CgroupError::Set {
        what: "the group of the process".to_owned(),
        file,
        value: pid,
        source,
    })
}

/// The group in which systemd has a process.
fn group_of(pid: i32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    systemds_line(&text).map(str::to_owned)
}

/// v1 has a hierarchy for systemd; else it is v2's.
fn systemds_line(text: &str) -> Option<&str> {
    let path = |mark: &str| {
        let line = text.lines().find(|line| line.contains(mark))?;
        line.splitn(3, ':').nth(2)
    };
    path(":name=systemd:").or_else(|| path("0::"))
}

#[cfg(test)]
mod tests {
    use super::systemds_line;

    #[test]
    fn the_group_of_a_process_is_systemds() {
        let hybrid = "8:memory:/other\n1:name=systemd:/system.slice/a.scope\n0::/x\n";
        assert_eq!(systemds_line(hybrid), Some("/system.slice/a.scope"));
        assert_eq!(
            systemds_line("0::/a.slice/b:c.scope\n"),
            Some("/a.slice/b:c.scope")
        );
        assert_eq!(systemds_line("8:memory:/other\n"), None);
    }
}
