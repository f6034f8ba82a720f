//! Control groups: a container's limits, and the one place that knows all of its
//! processes.
//!
//! A machine has v1 hierarchies (one for each controller), the v2 hierarchy, or
//! both (hybrid). [`layout`] finds them once in a process; each is a
//! [`hierarchy::Hierarchy`], and a [`Cgroup`] is the directory of the same name
//! in every one of them. A limit goes to whichever hierarchy has its controller.
//!
//! ```text
//! LinuxResources ──plan (pure, names what is missing)──▶ settings per hierarchy
//!                                                           │ mkdir everywhere
//! CLONE_INTO_CGROUP (v2) + "0" into tasks (v1) ◀── limits ◀─┘ undone on failure
//! ```
//!
//! Joining: on v2 the kernel starts the child inside ([`JoinTarget::unified`]);
//! on v1 the child, while it has one thread, writes `0` to `tasks` itself, which
//! is 10 to 40 times cheaper than `cgroup.procs` written by the parent, as
//! nobody waits for an RCU grace period.
//!
//! What is not asked for is not written.

mod asked;
mod control_file;
mod create;
mod device_rule;
mod either;
mod error;
mod hierarchy;
mod join;
mod kill;
mod layout;
mod made;
mod oom;
mod page_size;
mod path;
mod remove;
mod setting;
mod stats;
mod sub;
pub mod systemd;
mod tree;
mod update;
mod v1;
mod v2;
mod write;

#[cfg(test)]
mod tests;

pub use error::{CgroupError, FreezeError, KillError, RemoveError};
pub use join::{JoinError, JoinTarget};
pub use layout::{HierarchyMount, Version, hierarchies, is_unified, supports_swap_limit};
pub use oom::{OomError, OomWatch};
pub use stats::{
    CpuStats, CpuThrottling, CpuUsage, CpusetFlags, CpusetStats, HugetlbStats, IoEntry,
    IoOperation, IoStats, MemoryCounter, MemoryStats, PerCpuUsage, PidsStats, Pressure,
    PressureStats, RdmaStats, Stall, Stats, StatsError,
};

use hierarchy::Hierarchy;
use layout::Layout;
use oci_spec::runtime::LinuxResources;
use path::CgroupPath;
use std::sync::Arc;

/// A container's control group: its directory in every hierarchy of the machine.
#[derive(Debug, Clone)]
pub struct Cgroup {
    path: CgroupPath,
    layout: Arc<Layout>,
    /// For a group inside a container's ([`Cgroup::sub`]).
    within: Option<sub::Within>,
}

impl Cgroup {
    /// Makes the group `path` (from the mount root of each hierarchy, as
    /// `/rbox/ID`) with the limits of `resources`. The parents are made when
    /// they are missing. An empty group of that name is replaced.
    ///
    /// # Errors
    /// A limit that this kernel does not have, by name and before anything is
    /// made; a value that it refuses; a group of that name with processes. What
    /// was made is removed again.
    pub fn create(path: &str, resources: &LinuxResources) -> Result<Cgroup, CgroupError> {
        create::create(Layout::host()?, path, resources)
    }

    /// Has systemd make a scope for the running process `pid`, as `cgroups_path`
    /// (`slice:prefix:name`; empty for one named after the container `id`) says,
    /// with the limits of `resources`, and puts the process into the group of
    /// that name in the hierarchies that systemd does not manage.
    ///
    /// # Errors
    /// [`CgroupError::Systemd`]; else as for [`Cgroup::create`]. Where the scope
    /// was started already it is stopped again, which kills the process.
    pub fn create_in_scope(
        cgroups_path: &str,
        id: &str,
        pid: i32,
        resources: &LinuxResources,
    ) -> Result<Cgroup, CgroupError> {
        systemd::create(Layout::host()?, cgroups_path, id, pid, resources)
    }

    /// The group of that name, which exists in at least one hierarchy.
    ///
    /// # Errors
    /// [`CgroupError::NotFound`], or [`CgroupError::NoHierarchy`].
    pub fn open(path: &str) -> Result<Cgroup, CgroupError> {
        let cgroup = Cgroup {
            path: CgroupPath::parse(path)?,
            layout: Layout::host()?,
            within: None,
        };
        if cgroup.exists() {
            Ok(cgroup)
        } else {
            Err(CgroupError::NotFound(path.to_owned()))
        }
    }

    /// The existing group `name` inside this one, for a process that shall join
    /// it: `PATH`, or `CONTROLLER[,CONTROLLER]:PATH` for those v1 hierarchies
    /// only, as `runc exec --cgroup` takes it. In hierarchies where it does not
    /// exist, or that are not named, the process joins this group.
    ///
    /// # Errors
    /// [`CgroupError::Path`] for a path that leads out, [`CgroupError::Unsupported`]
    /// for an unknown controller, [`CgroupError::NotFound`].
    pub fn sub(&self, name: &str) -> Result<Cgroup, CgroupError> {
        sub::open(self, name)
    }

    /// Changes the limits that `resources` names; the others stay.
    ///
    /// # Errors
    /// As for [`Cgroup::create`], and a memory limit below what is in use with
    /// `checkBeforeUpdate`. The limits then are what they were before.
    pub fn update(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        update::update(self, resources)
    }

    /// Its name: from the mount root of each hierarchy, with a leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.absolute()
    }

    /// What a new process needs to join: open it right before clone3, in the
    /// parent, and drop it afterwards.
    ///
    /// # Errors
    /// [`JoinError`] when the group is gone.
    pub fn join_target(&self) -> Result<JoinTarget, JoinError> {
        join::target(self)
    }

    /// The ids of its processes, groups inside it included, as this process's
    /// pid namespace shows them, sorted. Empty when the group is gone.
    #[must_use]
    pub fn processes(&self) -> Vec<i32> {
        self.primary()
            .map(|one| tree::processes(&one.directory(&self.path)))
            .unwrap_or_default()
    }

    /// Kills everything in the group, fork bombs included, and waits until it is
    /// empty (at most ten seconds).
    ///
    /// # Errors
    /// [`KillError::Survivors`] for processes that do not die.
    pub fn kill_all(&self) -> Result<(), KillError> {
        kill::kill_all(self)
    }

    /// Stops all processes until [`Cgroup::thaw`], and waits until they stand.
    ///
    /// # Errors
    /// [`FreezeError`]: there is no freezer, or some process does not stop.
    pub fn freeze(&self) -> Result<(), FreezeError> {
        self.freezer()?.freeze(&self.path)
    }

    /// Lets the processes run again. Nothing to do if they do.
    ///
    /// # Errors
    /// [`FreezeError`]: there is no freezer, or the group is gone.
    pub fn thaw(&self) -> Result<(), FreezeError> {
        self.freezer()?.thaw(&self.path)
    }

    /// Whether the processes stand still, or are told to: by [`Cgroup::freeze`],
    /// by somebody else, or with a group above this one.
    ///
    /// # Errors
    /// [`FreezeError`]: there is no freezer, or the group is gone.
    pub fn is_frozen(&self) -> Result<bool, FreezeError> {
        self.freezer()?.is_frozen(&self.path)
    }

    /// What it has used so far, and its limits in force.
    ///
    /// # Errors
    /// [`StatsError`]: the group is gone, or a file of the kernel's cannot be
    /// read.
    pub fn stats(&self) -> Result<Stats, StatsError> {
        stats::stats(self)
    }

    /// Begins to watch for the group running out of memory.
    ///
    /// # Errors
    /// [`OomError`]: there is no memory controller, or the group is gone.
    pub fn oom_watch(&self) -> Result<OomWatch, OomError> {
        oom::watch(self)
    }

    /// How many of its processes the kernel killed for want of memory.
    #[must_use]
    pub fn oom_kills(&self) -> u64 {
        self.members()
            .filter_map(|one| one.oom_kills(&self.path))
            .sum()
    }

    /// Removes the group and the groups inside it, and then each parent that was
    /// made for a group and is empty. Dying processes are waited for, for at most five seconds. Nothing
    /// to do if it is gone.
    ///
    /// # Errors
    /// [`RemoveError`], saying what is still inside.
    pub fn delete(&self) -> Result<(), RemoveError> {
        remove::remove(self)
    }

    /// All hierarchies: v1 first, in the order of the mount table, then v2.
    fn members(&self) -> impl Iterator<Item = &dyn Hierarchy> {
        self.layout.members()
    }

    fn exists(&self) -> bool {
        self.members().any(|one| one.directory(&self.path).is_dir())
    }

    /// Where the processes are listed: where they are frozen, else any.
    fn primary(&self) -> Option<&dyn Hierarchy> {
        self.members()
            .find(|one| one.freezes())
            .or_else(|| self.members().next())
    }

    fn freezer(&self) -> Result<&dyn Hierarchy, FreezeError> {
        self.members()
            .find(|one| one.freezes())
            .ok_or(FreezeError::NoFreezer)
    }
}
