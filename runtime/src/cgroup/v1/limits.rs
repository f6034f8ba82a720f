//! Limits as settings of v1 control files.

mod block_io;
mod cpu;
mod memory;

#[cfg(test)]
mod tests;

use super::super::CgroupError;
use super::super::either::{huge_pages, is_one_word, nonzero, pids_limit, rdma};
use super::super::hierarchy::{Controller, Controllers};
use super::super::setting::{Setting, Settings, unsupported};
use oci_spec::runtime::{LinuxNetwork, LinuxResources};

/// What to write for the `controllers` of one hierarchy.
pub(super) fn settings(
    resources: &LinuxResources,
    controllers: Controllers,
    kernel: &dyn Kernel,
) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Settings::default();
    let here = |controller| controllers.contains(controller);
    if let Some(memory) = resources.memory()
        && here(Controller::Memory)
    {
        memory::settings(memory, kernel, &mut settings)?;
    }
    if let Some(cpu) = resources.cpu() {
        if here(Controller::Cpu) {
            cpu::settings(cpu, kernel, &mut settings)?;
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
        block_io::settings(io, kernel, &mut settings)?;
    }
    if let Some(limits) = resources.hugepage_limits()
        && here(Controller::Hugetlb)
    {
        let limits = huge_pages(limits, "limit_in_bytes", "-1")?;
        settings.0.extend(limits);
    }
    if here(Controller::Rdma) {
        settings.0.extend(rdma(resources)?);
    }
    if let Some(network) = resources.network() {
        self::network(network, controllers, &mut settings)?;
    }
    Ok(settings.0)
}

/// What has to be known about the kernel to say what it can do.
pub(super) trait Kernel {
    /// Whether the root of the hierarchy has a file.
    fn has(&self, file: &str) -> bool;

    /// The content of a file of the root.
    fn read(&self, file: &str) -> Option<String>;

    /// Its version.
    fn version(&self) -> (u32, u32);
}

fn network(
    network: &LinuxNetwork,
    controllers: Controllers,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    if controllers.contains(Controller::NetworkClass) {
        let class = nonzero(network.class_id());
        settings.set("network class", "net_cls.classid", class);
    }
    if controllers.contains(Controller::NetworkPriority) {
        for priority in network.priorities().iter().flatten() {
            let name = priority.name();
            if !is_one_word(name) {
                return Err(CgroupError::Invalid {
                    what: "network priority",
                    why: format!("{name:?} is not the name of an interface"),
                });
            }
            let what = format!("network priority of {name}");
            let value = format!("{name} {}", priority.priority());
            settings
                .0
                .push(Setting::new(&what, "net_prio.ifpriomap", value));
        }
    }
    Ok(())
}

/// Sets a file that kernels may lack: it is on the root, if at all.
fn known(
    settings: &mut Settings,
    kernel: &dyn Kernel,
    what: &str,
    file: &str,
    value: Option<impl ToString>,
) -> Result<(), CgroupError> {
    if value.is_some() && !kernel.has(file) {
        return Err(unsupported(what, format!("the kernel has no {file}")));
    }
    settings.set(what, file, value);
    Ok(())
}
