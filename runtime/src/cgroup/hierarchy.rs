//! What the two designs have in common, and the controllers.

use super::device_rule::DeviceRule;
use super::layout::Version;
use super::path::CgroupPath;
use super::setting::Setting;
use super::{CgroupError, FreezeError, Stats, StatsError, stats};
use oci_spec::runtime::LinuxResources;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

/// A controller of the kernel. `Devices` and `Freezer` are v2's own means there
/// (BPF, `cgroup.freeze`), and `Io` is v1's `blkio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Cpu,
    Cpuacct,
    Cpuset,
    Memory,
    Devices,
    Freezer,
    Io,
    Pids,
    Hugetlb,
    Rdma,
    NetworkClass,
    NetworkPriority,
    PerfEvent,
    Misc,
    Debug,
}

const NAMES: [(Controller, &str); 16] = [
    (Controller::Cpu, "cpu"),
    (Controller::Cpuacct, "cpuacct"),
    (Controller::Cpuset, "cpuset"),
    (Controller::Memory, "memory"),
    (Controller::Devices, "devices"),
    (Controller::Freezer, "freezer"),
    (Controller::Io, "io"),
    (Controller::Io, "blkio"),
    (Controller::Pids, "pids"),
    (Controller::Hugetlb, "hugetlb"),
    (Controller::Rdma, "rdma"),
    (Controller::NetworkClass, "net_cls"),
    (Controller::NetworkPriority, "net_prio"),
    (Controller::PerfEvent, "perf_event"),
    (Controller::Misc, "misc"),
    (Controller::Debug, "debug"),
];

impl Controller {
    /// By the name that either design has for it.
    pub(super) fn named(name: &str) -> Option<Controller> {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(controller, _)| *controller)
    }

    /// The kernel's name (v2's, where they differ).
    pub(super) fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(known, _)| *known == self)
            .map_or("", |(_, name)| name)
    }
}

/// A set of controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Controllers(u32);

impl Controllers {
    pub(super) fn insert(&mut self, controller: Controller) {
        self.0 |= 1 << controller as u32;
    }

    pub(super) fn contains(self, controller: Controller) -> bool {
        self.0 & 1 << controller as u32 != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Controller> {
        NAMES
            .iter()
            .filter(|(_, name)| *name != "blkio")
            .map(|(controller, _)| *controller)
            .filter(move |controller| self.contains(*controller))
    }
}

impl Extend<Controller> for Controllers {
    fn extend<T: IntoIterator<Item = Controller>>(&mut self, iter: T) {
        iter.into_iter()
            .for_each(|controller| self.insert(controller));
    }
}

impl FromIterator<Controller> for Controllers {
    fn from_iter<T: IntoIterator<Item = Controller>>(iter: T) -> Controllers {
        let mut set = Controllers::default();
        set.extend(iter);
        set
    }
}

/// What one hierarchy is to do for some resources.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Files to write, in order.
    pub(super) settings: Vec<Setting>,
    /// Device rules; empty when devices are not restricted.
    pub(super) device_rules: Vec<DeviceRule>,
    /// The controllers that it needs.
    pub(super) controllers: Controllers,
}

/// One mounted hierarchy. A group is the directory of the same name in each.
pub(super) trait Hierarchy: Debug {
    fn version(&self) -> Version;

    fn mount(&self) -> &Path;

    /// What tells it from the others.
    fn label(&self) -> &str;

    fn controllers(&self) -> Controllers;

    /// The file that a process writes `0` to, to join.
    fn join_file(&self) -> &'static str;

    /// What to write for those `resources` whose controllers are here. Reads
    /// nothing but what the kernel is capable of.
    fn plan(&self, resources: &LinuxResources) -> Result<Plan, CgroupError>;

    /// Makes a fresh directory fit for groups inside it, before there are any.
    fn made_parent(&self, directory: &Path) -> io::Result<()>;

    /// Makes a fresh group fit for processes and for `controllers`.
    fn prepare(&self, path: &CgroupPath, controllers: Controllers) -> Result<(), CgroupError>;

    /// Carries out `plan` in a fresh group.
    fn apply(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError>;

    /// Carries out `plan` in a group in use, whose processes keep the devices
    /// that they had and still have.
    fn change(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError>;

    /// Kills everything in the group at once, if the kernel has a means for it;
    /// says whether it has.
    fn kill_at_once(&self, path: &CgroupPath) -> bool;

    fn freeze(&self, path: &CgroupPath) -> Result<(), FreezeError>;

    fn thaw(&self, path: &CgroupPath) -> Result<(), FreezeError>;

    /// Whether the processes stand still, or are told to.
    fn is_frozen(&self, path: &CgroupPath) -> Result<bool, FreezeError>;

    /// Adds what is counted here to `stats`. `directory` is the group's.
    fn collect(
        &self,
        path: &CgroupPath,
        directory: &mut stats::Directory,
        stats: &mut Stats,
    ) -> Result<(), StatsError>;

    /// `None` without the memory controller, or when the group is gone.
    fn oom_kills(&self, path: &CgroupPath) -> Option<u64>;

    /// Whether processes are frozen here.
    fn freezes(&self) -> bool {
        self.controllers().contains(Controller::Freezer)
    }

    /// The group's directory.
    fn directory(&self, path: &CgroupPath) -> PathBuf {
        path.below(self.mount())
    }
}
