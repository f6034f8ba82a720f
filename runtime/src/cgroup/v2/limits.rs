//! Limits as settings of v2 control files, with conversions for configurations
//! that were written with v1 in mind.

mod block_io;
mod convert;
mod cpu;
mod memory;
mod unified;

#[cfg(test)]
mod tests;

use super::super::CgroupError;
use super::super::either::{huge_pages, pids_limit, rdma};
use super::super::hierarchy::{Controller, Controllers};
use super::super::setting::{Setting, Settings, unsupported};
use oci_spec::runtime::LinuxResources;

pub(in super::super) use convert::weight_of_shares;
pub(in super::super) use unified::controllers as unified_controllers;

/// What to write for the `controllers` that v2 has here.
pub(super) fn settings(
    resources: &LinuxResources,
    controllers: Controllers,
) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Settings::default();
    let here = |controller| controllers.contains(controller);
    if let Some(memory) = resources.memory()
        && here(Controller::Memory)
    {
        memory::settings(memory, &mut settings)?;
    }
    if let Some(cpu) = resources.cpu() {
        if here(Controller::Cpu) {
            cpu::settings(cpu, &mut settings)?;
        }
        if here(Controller::Cpuset) {
            settings.text("set of CPUs", "cpuset.cpus", cpu.cpus().as_deref());
            settings.text("set of memory nodes", "cpuset.mems", cpu.mems().as_deref());
        }
    }
    if let Some(pids) = resources.pids()
        && here(Controller::Pids)
    {
        settings.set("limit of processes", "pids.max", pids_limit(pids.limit()));
    }
    if let Some(io) = resources.block_io()
        && here(Controller::Io)
    {
        block_io::settings(io, &mut settings)?;
    }
    if let Some(limits) = resources.hugepage_limits()
        && here(Controller::Hugetlb)
    {
        settings.0.extend(huge_pages(limits, "max", "max")?);
    }
    if here(Controller::Rdma) {
        settings.0.extend(rdma(resources)?);
    }
    unified::settings(resources, controllers, &mut settings)?;
    Ok(settings.0)
}

/// -1 as v2 writes it.
fn or_max(value: i64) -> String {
    if value < 0 {
        "max".to_owned()
    } else {
        value.to_string()
    }
}
