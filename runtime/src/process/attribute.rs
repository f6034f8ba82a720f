//! What the kernel keeps for a process beside its credentials and limits: how
//! it is scheduled, where its memory comes from, which system it is shown.

use oci_spec::runtime::{Linux, LinuxPersonality, LinuxPersonalityDomain, Process};
use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::memory_policy::{self, MemoryPolicy};
use super::sys_process::{self, SchedulerAttributes};
use super::{Failure, Naming, scheduler};
use crate::spec::{NumberSet, ValidateError};

/// One of them, checked and ready to be set on the calling thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// `linux.personality`: the number of its domain.
    Personality(u32),
    /// `linux.memoryPolicy`
    MemoryPolicy(MemoryPolicy),
    /// `process.ioPriority`: class and level.
    IoPriority(u16),
    /// `process.scheduler`
    Scheduler(SchedulerAttributes),
}

/// All that the description of a process and its container's `linux` ask for.
///
/// # Errors
/// The first contradiction, with its field.
pub(crate) fn attributes(
    process: &Process,
    linux: Option<&Linux>,
) -> Result<Vec<Attribute>, ValidateError> {
    let mut list = Vec::new();
    if let Some(personality) = linux.and_then(|linux| linux.personality().as_ref()) {
        list.push(Attribute::Personality(domain(personality)?));
    }
    if let Some(policy) = linux.and_then(|linux| linux.memory_policy().as_ref()) {
        list.push(Attribute::MemoryPolicy(memory_policy::read(policy)?));
    }
    if let Some(priority) = process.io_priority() {
        list.push(Attribute::IoPriority(scheduler::io_priority(priority)?));
    }
    if let Some(scheduler) = process.scheduler() {
        list.push(Attribute::Scheduler(scheduler::attributes(scheduler)?));
    }
    Ok(list)
}

impl Attribute {
    /// Sets it, with the caller's privileges.
    pub(crate) fn set(&self) -> Result<(), Failure> {
        match self {
            Self::Personality(persona) => {
                sys_process::set_personality(*persona).naming(|| "linux.personality: personality")
            }
            Self::MemoryPolicy(MemoryPolicy { mode, nodes }) => {
                sys_process::set_memory_policy(*mode, nodes)
                    .naming(|| "linux.memoryPolicy: set_mempolicy")
            }
            Self::IoPriority(priority) => {
                sys_process::set_io_priority(*priority).naming(|| "process.ioPriority: ioprio_set")
            }
            Self::Scheduler(attributes) => {
                // Policies that have no use for it forget it otherwise.
                setpriority_process(None, attributes.nice)
                    .naming(|| "process.scheduler.nice: setpriority")?;
                sys_process::set_scheduler(attributes).naming(|| "process.scheduler: sched_setattr")
            }
        }
    }
}

fn domain(personality: &LinuxPersonality) -> Result<u32, ValidateError> {
    if let Some(flag) = personality.flags().iter().flatten().next() {
        return Err(ValidateError::Invalid {
            field: "linux.personality.flags[0]".to_owned(),
            reason: format!("{flag:?}: the specification defines no flags"),
        });
    }
    Ok(match personality.domain() {
        LinuxPersonalityDomain::PerLinux => 0x0,
        LinuxPersonalityDomain::PerLinux32 => 0x8,
    })
}

/// `process.execCPUAffinity`, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affinity {
    /// The processors of the one who starts the process, until it is in its cgroup.
    pub(crate) initial: Option<NumberSet>,
    /// The processors of the process from then on.
    pub(crate) last: Option<NumberSet>,
}

impl Affinity {
    /// Reads both lists.
    pub(crate) fn of(process: &Process) -> Result<Self, ValidateError> {
        let Some(affinity) = process.exec_cpu_affinity() else {
            return Ok(Self::default());
        };
        let read = |name: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.trim().is_empty());
            text.map(NumberSet::parse)
                .transpose()
                .map_err(|error| ValidateError::Invalid {
                    field: format!("process.execCPUAffinity.{name}"),
                    reason: error.to_string(),
                })
        };
        Ok(Self {
            initial: read("initial", affinity.initial())?,
            last: read("final", affinity.cpu_affinity_final())?,
        })
    }
}

/// Lets the calling thread run on these processors only.
pub(crate) fn set_affinity(processors: &NumberSet) -> Result<(), Failure> {
    sched_setaffinity(None, &cpu_set(processors))
        .naming(|| "process.execCPUAffinity: sched_setaffinity")
}

/// The calling thread on other processors, for as long as this lives.
pub(crate) struct Elsewhere(CpuSet);

impl Elsewhere {
    /// Moves there.
    pub(crate) fn go(processors: &NumberSet) -> Result<Self, Failure> {
        let before =
            sched_getaffinity(None).naming(|| "process.execCPUAffinity: sched_getaffinity")?;
        set_affinity(processors)?;
        Ok(Self(before))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It ran there before; were those processors unplugged meanwhile, the
        // kernel would have chosen others already.
        let _ = sched_setaffinity(None, &self.0);
    }
}

fn cpu_set(processors: &NumberSet) -> CpuSet {
    let mut set = CpuSet::new();
    for number in processors.numbers() {
        set.set(number);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_process_that_asks_for_nothing_has_none() {
        assert_eq!(
            attributes(&Process::default(), Some(&Linux::default())),
            Ok(Vec::new())
        );
        assert_eq!(Affinity::of(&Process::default()), Ok(Affinity::default()));
    }

    #[test]
    fn personality_takes_no_flags() {
        let linux = |personality| {
            let mut linux = Linux::default();
            linux.set_personality(Some(serde_json::from_value(personality).unwrap()));
            attributes(&Process::default(), Some(&linux))
        };
        assert_eq!(
            linux(json!({"domain": "LINUX32"})),
            Ok(vec![Attribute::Personality(8)])
        );
        let error = linux(json!({"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}));
        assert_eq!(
            error.unwrap_err().to_string(),
            "linux.personality.flags[0]: \"ADDR_NO_RANDOMIZE\": the specification defines no flags"
        );
    }

    #[test]
    fn an_affinity_is_two_lists() {
        let mut process = Process::default();
        let affinity = json!({"initial": "0-1", "final": "2000"});
        process.set_exec_cpu_affinity(Some(serde_json::from_value(affinity).unwrap()));
        assert_eq!(
            Affinity::of(&process).unwrap_err().to_string(),
            "process.execCPUAffinity.final: 2000 is above 1023"
        );
    }
}
