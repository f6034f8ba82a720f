//! A v1 hierarchy: one controller, or a few that are mounted together.

mod cpuset;
mod devices;
mod limits;

pub(super) use devices::allowed as allowed_devices;

use super::device_rule;
use super::hierarchy::{Controller, Controllers, Hierarchy, Plan};
use super::layout::Version;
use super::path::CgroupPath;
use super::{CgroupError, FreezeError, Stats, StatsError, control_file, stats, tree, write};
use oci_spec::runtime::LinuxResources;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long processes get to stop.
const FREEZING: Duration = Duration::from_secs(2);

/// One mounted v1 hierarchy.
#[derive(Debug)]
pub(super) struct V1 {
    mount: PathBuf,
    label: String,
    controllers: Controllers,
}

impl V1 {
    pub(super) fn new(mount: PathBuf, label: String, controllers: Controllers) -> V1 {
        V1 {
            mount,
            label,
            controllers,
        }
    }

    fn set_state(&self, directory: &Path, state: &str) -> Result<(), FreezeError> {
        let file = directory.join("freezer.state");
        control_file::write(&file, state).map_err(|source| FreezeError::Write { file, source })
    }
}

impl limits::Kernel for V1 {
    fn has(&self, file: &str) -> bool {
        self.mount.join(file).exists()
    }

    fn read(&self, file: &str) -> Option<String> {
        control_file::read(&self.mount.join(file)).ok()
    }

    fn version(&self) -> (u32, u32) {
        let system = rustix::system::uname();
        let release = system.release().to_string_lossy();
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|number| number.parse().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }
}

impl Hierarchy for V1 {
    fn version(&self) -> Version {
        Version::V1
    }

    fn mount(&self) -> &Path {
        &self.mount
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn controllers(&self) -> Controllers {
        self.controllers
    }

    fn join_file(&self) -> &'static str {
        "tasks"
    }

    fn plan(&self, resources: &LinuxResources) -> Result<Plan, CgroupError> {
        let mut plan = Plan {
            settings: limits::settings(resources, self.controllers, self)?,
            ..Plan::default()
        };
        if self.controllers.contains(Controller::Devices) {
            let listed = resources.devices().as_deref().unwrap_or_default();
            plan.device_rules = device_rule::rules(listed)?;
            // What cannot be said in v1's way is refused now.
            devices::settings(&plan.device_rules)?;
        }
        Ok(plan)
    }

    fn made_parent(&self, directory: &Path) -> io::Result<()> {
        if self.controllers.contains(Controller::Cpuset) {
            cpuset::fill(&self.mount, directory)?;
        }
        Ok(())
    }

    fn prepare(&self, path: &CgroupPath, _: Controllers) -> Result<(), CgroupError> {
        if self.controllers.contains(Controller::Cpuset) {
            let directory = self.directory(path);
            cpuset::inherit(&self.mount, &directory)
                .map_err(|source| CgroupError::Make { directory, source })?;
        }
        Ok(())
    }

    fn apply(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError> {
        if *plan == Plan::default() {
            return Ok(());
        }
        let devices = devices::settings(&plan.device_rules)?;
        let settings = plan.settings.iter().filter(|setting| !setting.initial);
        write::settings(&self.directory(path), settings.chain(&devices))
    }

    fn change(&self, path: &CgroupPath, plan: &Plan) -> Result<(), CgroupError> {
        let directory = self.directory(path);
        write::settings(&directory, plan.settings.iter())?;
        if plan.device_rules.is_empty() {
            return Ok(());
        }
        let list = control_file::read(&directory.join("devices.list"));
        let list = list.map_err(|source| CgroupError::Devices {
            directory: directory.clone(),
            source,
        })?;
        let changes = devices::changes(&list, &plan.device_rules)?;
        write::settings(&directory, changes.iter())
    }

    fn kill_at_once(&self, _: &CgroupPath) -> bool {
        false
    }

    fn freeze(&self, path: &CgroupPath) -> Result<(), FreezeError> {
        let directory = self.directory(path);
        let deadline = Instant::now() + FREEZING;
        let mut pause = Duration::from_micros(50);
        loop {
            // Written again each time: what was forked while the kernel froze the
            // rest may have been missed.
            self.set_state(&directory, "FROZEN")?;
            let file = directory.join("freezer.state");
            let state =
                control_file::read(&file).map_err(|source| FreezeError::Read { file, source })?;
            if state.trim() == "FROZEN" {
                return Ok(());
            }
            if Instant::now() >= deadline {
                // Nobody shall stay half frozen.
                let _ = self.set_state(&directory, "THAWED");
                return Err(FreezeError::Stuck(path.absolute().to_owned()));
            }
            // v1 has no event for it.
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    fn thaw(&self, path: &CgroupPath) -> Result<(), FreezeError> {
        let directory = self.directory(path);
        let mut result = self.set_state(&directory, "THAWED");
        // Groups inside may have been frozen by the container itself.
        for inner in tree::directories(&directory).iter().skip(1) {
            result = result.and(self.set_state(inner, "THAWED"));
        }
        result
    }

    fn is_frozen(&self, path: &CgroupPath) -> Result<bool, FreezeError> {
        let file = self.directory(path).join("freezer.state");
        match control_file::read(&file) {
            Ok(state) => Ok(state.trim() != "THAWED"),
            Err(source) => Err(FreezeError::Read { file, source }),
        }
    }

    fn collect(
        &self,
        path: &CgroupPath,
        directory: &mut stats::Directory,
        stats: &mut Stats,
    ) -> Result<(), StatsError> {
        stats::v1::collect(directory, self.controllers, stats)?;
        if let Some(memory) = &mut stats.memory {
            memory.oom_kills = self.oom_kills(path).unwrap_or(memory.oom_kills);
        }
        Ok(())
    }

    fn oom_kills(&self, path: &CgroupPath) -> Option<u64> {
        if !self.controllers.contains(Controller::Memory) {
            return None;
        }
        // Each group counts for itself.
        let counts: Vec<u64> = tree::directories(&self.directory(path))
            .iter()
            .filter_map(|directory| control_file::read(&directory.join("memory.oom_control")).ok())
            .filter_map(|text| control_file::number_of(&text, "oom_kill"))
            .collect();
        if counts.is_empty() {
            None
        } else {
            Some(counts.iter().sum())
        }
    }
}
