//! The v2 hierarchy: one directory for all controllers. Beside v1 hierarchies
//! (hybrid) it has the controllers that they left, often none, and still kills
//! all of a group at once.

mod attached;
mod device_filter;
mod limits;

pub(super) use limits::{unified_controllers, weight_of_shares};

use super::hierarchy::{Controller, Controllers, Hierarchy, Plan};
use super::layout::Version;
use super::path::CgroupPath;
use super::{CgroupError, FreezeError, Stats, StatsError, control_file, device_rule, stats, write};
use oci_spec::runtime::LinuxResources;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long processes get to stop.
const FREEZING: Duration = Duration::from_secs(2);

/// Turned on for every container, as far as the machine has them: OOM kills and
/// statistics need them.
const ACCOUNTING: [Controller; 4] = [
    Controller::Memory,
    Controller::Pids,
    Controller::Cpu,
    Controller::Io,
];

/// The mounted v2 hierarchy.
#[derive(Debug)]
pub(super) struct V2 {
    mount: PathBuf,
    controllers: Controllers,
}

impl V2 {
    pub(super) fn new(mount: PathBuf, controllers: Controllers) -> V2 {
        V2 { mount, controllers }
    }

    /// Turns on `wanted` for the groups inside `directory`.
    fn enable(&self, directory: &Path, wanted: Controllers, needed: Controllers) -> io::Result<()> {
        let file = directory.join("cgroup.subtree_control");
        let all: Vec<String> = wanted
            .iter()
            .map(|one| format!("+{}", one.name()))
            .collect();
        // Not read first: while somebody else turns them on, the file shows them
        // as on before the groups inside have all their files. A write waits
        // for that, and costs no more.
        if control_file::write(&file, &all.join(" ")).is_ok() {
            return Ok(());
        }
        // One of them is refused: it matters only if a limit needs it.
        for one in wanted.iter() {
            let enabled = control_file::write(&file, &format!("+{}", one.name()));
            if needed.contains(one) {
                enabled?;
            }
        }
        Ok(())
    }

    /// Attaches the device rules of `plan`, if it has any.
    fn restrict(
        &self,
        directory: PathBuf,
        plan: &Plan,
        attach: fn(&OwnedFd, &[u64]) -> io::Result<()>,
    ) -> Result<(), CgroupError> {
        if plan.device_rules.is_empty() {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        open(&directory, flags, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|cgroup| attach(&cgroup, &device_filter::encode(&plan.device_rules)))
            .map_err(|source| CgroupError::Devices { directory, source })
    }

    fn set_frozen(&self, path: &CgroupPath, frozen: bool) -> Result<(), FreezeError> {
        let directory = self.directory(path);
        let file = directory.join("cgroup.freeze");
        let value = if frozen { "1" } else { "0" };
        control_file::write(&file, value).map_err(|source| FreezeError::Write { file, source })?;
        let file = directory.join("cgroup.events");
        match wait_for_event(
            &file,
            "frozen",
            u64::from(frozen),
            Instant::now() + FREEZING,
        ) {
            Ok(true) => Ok(()),
            Ok(false) => Err(FreezeError::Stuck(path.absolute().to_owned())),
            Err(source) => Err(FreezeError::Read { file, source }),
        }
    }
}

impl Hierarchy for V2 {
    fn version(&self) -> Version {
        Version::V2
    }

    fn mount(&self) -> &Path {
        &self.mount
    }

    fn label(&self) -> &str {
        "unified"
    }

    fn controllers(&self) -> Controllers {
        self.controllers
    }

    fn join_file(&self) -> &'static str {
        "cgroup.procs"
    }

    fn plan(&self, resources: &LinuxResources) -> Result<Plan, CgroupError> {
        let settings = limits::settings(resources, self.controllers)?;
        let mut plan = Plan {
            settings,
            ..Plan::default()
        };
        if self.controllers.contains(Controller::Devices) {
            let listed = resources.devices().as_deref().unwrap_or_default();
            plan.device_rules = device_rule::rules(listed)?;
        }
        Ok(plan)
    }

    fn made_parent(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn prepare(&self, path: &CgroupPath, needed: Controllers) -> Result<(), CgroupError> {
        let ours = |one: &Controller| {
            self.controllers.contains(*one)
                && !matches!(one, Controller::Devices | Controller::Freezer)
        };
        let wanted: Controllers = ACCOUNTING
            .into_iter()
            .chain(needed.iter())
            .filter(ours)
            .collect();
        if wanted == Controllers::default() {
            return Ok(());
        }
        let mut above = vec![self.mount.clone()];
        above.extend(path.parents(&self.mount));
        for directory in above {
            self.enable(&directory, wanted, needed)
                .map_err(|source| CgroupError::Set {
                    what: "the controllers of cgroup v2".to_owned(),
                    file: directory.join("cgroup.subtree_control"),
                    value: wanted
                        .iter()
                        .map(Controller::name)
                        .collect::<Vec<_>>()
                        .join(" "),
                    source,
                })?;
        }
        Ok(())
    }

    fn apply(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError> {
        if *plan == Plan::default() {
            return Ok(());
        }
        let directory = self.directory(path);
        let settings = plan.settings.iter().filter(|setting| !setting.initial);
        write::settings(&directory, settings)?;
        self.restrict(directory, plan, attached::first)
    }

    fn change(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError> {
        let directory = self.directory(path);
        write::settings(&directory, plan.settings.iter())?;
        self.restrict(directory, plan, attached::instead)
    }

    fn kill_at_once(&self, path: &CgroupPath) -> bool {
        control_file::write(&self.directory(path).join("cgroup.kill"), "1").is_ok()
    }

    fn freeze(&self, path: &CgroupPath) -> Result<(), FreezeError> {
        let frozen = self.set_frozen(path, true);
        if matches!(frozen, Err(FreezeError::Stuck(_))) {
            // Nobody shall stay half frozen.
            let _ = self.set_frozen(path, false);
        }
        frozen
    }

    fn thaw(&self, path: &CgroupPath) -> Result<(), FreezeError> {
        self.set_frozen(path, false)
    }

    fn is_frozen(&self, path: &CgroupPath) -> Result<bool, FreezeError> {
        let directory = self.directory(path);
        let read = |name: &str| {
            let file = directory.join(name);
            control_file::read(&file).map_err(|source| FreezeError::Read { file, source })
        };
        // Told to, and not all there yet; or with a group above.
        Ok(read("cgroup.freeze")?.trim() == "1"
            || control_file::number_of(&read("cgroup.events")?, "frozen") == Some(1))
    }

    fn collect(
        &self,
        _: &CgroupPath,
        directory: &mut stats::Directory,
        stats: &mut Stats,
    ) -> Result<(), StatsError> {
        stats::v2::collect(directory, self.controllers, stats)
    }

    fn oom_kills(&self, path: &CgroupPath) -> Option<u64> {
        if !self.controllers.contains(Controller::Memory) {
            return None;
        }
        // Counts the groups inside, too.
        let text = control_file::read(&self.directory(path).join("memory.events")).ok()?;
        control_file::number_of(&text, "oom_kill")
    }
}

/// Waits until `key` of a `cgroup.events` file is `value`; whether it came to
/// that before `deadline`. The kernel announces each change of the file.
fn wait_for_event(file: &Path, key: &str, value: u64, deadline: Instant) -> io::Result<bool> {
    let mut events = File::open(file)?;
    let mut text = String::new();
    loop {
        text.clear();
        events.rewind()?;
        events.read_to_string(&mut text)?;
        // An old kernel without the key has nothing to wait for.
        if control_file::number_of(&text, key).is_none_or(|now| now == value) {
            return Ok(true);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
