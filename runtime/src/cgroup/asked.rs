//! What some resources ask for, by name, so that a missing controller can be
//! named before anything is made.

use super::CgroupError;
use super::device_rule;
use super::hierarchy::{Controller, Controllers};
use super::layout::Layout;
use super::v2;
use oci_spec::runtime::LinuxResources;

/// Refuses what no hierarchy of `layout` has a controller for.
pub(super) fn check(layout: &Layout, resources: &LinuxResources) -> Result<(), CgroupError> {
    for (controller, what) in asked(resources) {
        if layout.home(controller).is_none() {
            return Err(CgroupError::Unsupported {
                what: what.to_owned(),
                why: format!("there is no {} cgroup controller", controller.name()),
            });
        }
    }
    if resources
        .unified()
        .as_ref()
        .is_some_and(|unified| !unified.is_empty())
        && layout.v2.is_none()
    {
        return Err(CgroupError::Unsupported {
            what: "unified resources".to_owned(),
            why: "cgroup v2 is not mounted".to_owned(),
        });
    }
    Ok(())
}

/// The controllers that `resources` need.
pub(super) fn controllers(resources: &LinuxResources) -> Controllers {
    asked(resources)
        .into_iter()
        .map(|(controller, _)| controller)
        .chain(v2::unified_controllers(resources).iter())
        .collect()
}

fn asked(resources: &LinuxResources) -> Vec<(Controller, &'static str)> {
    let mut asked = Vec::new();
    let mut ask = |wanted: bool, controller, what| {
        if wanted {
            asked.push((controller, what));
        }
    };
    if let Some(memory) = resources.memory() {
        let wants = |value: Option<i64>| value.is_some_and(|value| value != 0);
        let limits = |value: Option<i64>| value.is_some_and(|value| !matches!(value, 0 | -1));
        ask(
            limits(memory.kernel()),
            Controller::Memory,
            "a kernel memory limit",
        );
        ask(wants(memory.limit()), Controller::Memory, "a memory limit");
        ask(wants(memory.swap()), Controller::Memory, "a swap limit");
        ask(
            wants(memory.reservation()),
            Controller::Memory,
            "a memory reservation",
        );
        ask(
            limits(memory.kernel_tcp()),
            Controller::Memory,
            "a kernel TCP memory limit",
        );
        ask(
            memory.swappiness().is_some(),
            Controller::Memory,
            "swappiness",
        );
        ask(
            memory.disable_oom_killer() == Some(true),
            Controller::Memory,
            "disabling the OOM killer",
        );
        ask(
            memory.use_hierarchy() == Some(false),
            Controller::Memory,
            "memory without useHierarchy",
        );
    }
    if let Some(cpu) = resources.cpu() {
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        ask(
            cpu.shares().unwrap_or(0) != 0,
            Controller::Cpu,
            "CPU shares",
        );
        ask(
            cpu.quota().unwrap_or(0) != 0,
            Controller::Cpu,
            "a CPU quota",
        );
        ask(
            cpu.period().unwrap_or(0) != 0,
            Controller::Cpu,
            "a CPU period",
        );
        ask(cpu.burst().is_some(), Controller::Cpu, "a CPU burst");
        ask(cpu.idle().is_some(), Controller::Cpu, "the idle CPU class");
        ask(
            cpu.realtime_runtime().unwrap_or(0) != 0,
            Controller::Cpu,
            "a realtime CPU runtime",
        );
        ask(
            cpu.realtime_period().unwrap_or(0) != 0,
            Controller::Cpu,
            "a realtime CPU period",
        );
        ask(filled(cpu.cpus()), Controller::Cpuset, "a set of CPUs");
        ask(
            filled(cpu.mems()),
            Controller::Cpuset,
            "a set of memory nodes",
        );
    }
    let pids = resources.pids().as_ref();
    ask(
        pids.is_some_and(|pids| pids.limit() != 0),
        Controller::Pids,
        "a limit of processes",
    );
    if let Some(io) = resources.block_io() {
        let weights = io.weight_device().iter().flatten().any(|device| {
            device.weight().unwrap_or(0) != 0 || device.leaf_weight().unwrap_or(0) != 0
        });
        let weight = io.weight().unwrap_or(0) != 0 || io.leaf_weight().unwrap_or(0) != 0;
        ask(weight || weights, Controller::Io, "a block I/O weight");
        let throttled = [
            io.throttle_read_bps_device(),
            io.throttle_write_bps_device(),
            io.throttle_read_iops_device(),
            io.throttle_write_iops_device(),
        ];
        let throttled = throttled
            .iter()
            .any(|list| list.as_ref().is_some_and(|l| !l.is_empty()));
        ask(throttled, Controller::Io, "block I/O throttling");
    }
    let pages = resources.hugepage_limits().as_ref();
    ask(
        pages.is_some_and(|list| !list.is_empty()),
        Controller::Hugetlb,
        "a huge page limit",
    );
    let rdma = resources.rdma().as_ref();
    ask(
        rdma.is_some_and(|map| {
            map.values()
                .any(|limit| limit.hca_handles().is_some() || limit.hca_objects().is_some())
        }),
        Controller::Rdma,
        "an RDMA limit",
    );
    if let Some(network) = resources.network() {
        let class = network.class_id().unwrap_or(0) != 0;
        ask(class, Controller::NetworkClass, "a network class");
        let priorities = network
            .priorities()
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        ask(
            priorities,
            Controller::NetworkPriority,
            "network priorities",
        );
    }
    let restricts = device_rule::restrict(resources.devices().as_deref().unwrap_or_default());
    ask(restricts, Controller::Devices, "restricting devices");
    asked
}
