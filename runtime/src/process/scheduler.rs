//! `process.scheduler` and `process.ioPriority`: checked, then as the kernel
//! takes them.

use oci_spec::runtime::{
    IOPriorityClass, LinuxIOPriority, LinuxSchedulerFlag, LinuxSchedulerPolicy, Scheduler,
};

use super::sys_process::SchedulerAttributes;
use crate::spec::ValidateError;

const SCHED_FIFO: u32 = 1;
const SCHED_RR: u32 = 2;
const SCHED_DEADLINE: u32 = 6;
/// The least runtime of a deadline, in nanoseconds (`DL_SCALE`).
const LEAST_RUNTIME: u64 = 1024;

/// The scheduler's attributes, or what contradicts itself in them.
pub(super) fn attributes(scheduler: &Scheduler) -> Result<SchedulerAttributes, ValidateError> {
    let policy = policy(*scheduler.policy())?;
    let nice = scheduler.nice().unwrap_or(0);
    if !(-20..=19).contains(&nice) {
        return invalid("nice", format!("{nice} is not in -20..19"));
    }
    let priority = scheduler.priority().unwrap_or(0);
    let realtime = matches!(policy, SCHED_FIFO | SCHED_RR);
    if realtime && !(1..=99).contains(&priority) {
        return invalid("priority", format!("{priority} is not in 1..99"));
    }
    if !realtime && priority != 0 {
        return invalid(
            "priority",
            "only SCHED_FIFO and SCHED_RR have one".to_owned(),
        );
    }
    let flags = scheduler.flags().iter().flatten();
    let attributes = SchedulerAttributes {
        policy,
        flags: flags.fold(0, |bits, flag| bits | bit(*flag)),
        nice,
        priority: priority.unsigned_abs(),
        runtime: scheduler.runtime().unwrap_or(0),
        deadline: scheduler.deadline().unwrap_or(0),
        period: scheduler.period().unwrap_or(0),
        ..SchedulerAttributes::default()
    };
    deadlines(&attributes)?;
    Ok(attributes)
}

/// The three times belong to one policy, and are nested.
fn deadlines(attributes: &SchedulerAttributes) -> Result<(), ValidateError> {
    let SchedulerAttributes {
        runtime,
        deadline,
        period,
        ..
    } = *attributes;
    if attributes.policy != SCHED_DEADLINE {
        return match [
            ("runtime", runtime),
            ("deadline", deadline),
            ("period", period),
        ]
        .iter()
        .find(|(_, value)| *value != 0)
        {
            Some((name, _)) => invalid(name, "only SCHED_DEADLINE has one".to_owned()),
            None => Ok(()),
        };
    }
    if runtime < LEAST_RUNTIME {
        return invalid("runtime", format!("{runtime} ns is below {LEAST_RUNTIME}"));
    }
    if deadline < runtime {
        return invalid(
            "deadline",
            format!("{deadline} ns is shorter than the runtime of {runtime} ns"),
        );
    }
    if period != 0 && period < deadline {
        return invalid(
            "period",
            format!("{period} ns is shorter than the deadline of {deadline} ns"),
        );
    }
    Ok(())
}

fn policy(policy: LinuxSchedulerPolicy) -> Result<u32, ValidateError> {
    Ok(match policy {
        LinuxSchedulerPolicy::SchedOther => 0,
        LinuxSchedulerPolicy::SchedFifo => SCHED_FIFO,
        LinuxSchedulerPolicy::SchedRr => SCHED_RR,
        LinuxSchedulerPolicy::SchedBatch => 3,
        LinuxSchedulerPolicy::SchedIdle => 5,
        LinuxSchedulerPolicy::SchedDeadline => SCHED_DEADLINE,
        LinuxSchedulerPolicy::SchedIso => {
            return invalid("policy", "SCHED_ISO was never part of Linux".to_owned());
        }
    })
}

/// `SCHED_FLAG_*`. The specification has no field for the bounds that go with
/// the two of them about utilization: they are 0, as all that is not set.
fn bit(flag: LinuxSchedulerFlag) -> u64 {
    match flag {
        LinuxSchedulerFlag::SchedResetOnFork => 0x01,
        LinuxSchedulerFlag::SchedFlagReclaim => 0x02,
        LinuxSchedulerFlag::SchedFlagDLOverrun => 0x04,
        LinuxSchedulerFlag::SchedFlagKeepPolicy => 0x08,
        LinuxSchedulerFlag::SchedFlagKeepParams => 0x10,
        LinuxSchedulerFlag::SchedFlagUtilClampMin => 0x20,
        LinuxSchedulerFlag::SchedFlagUtilClampMax => 0x40,
    }
}

/// Class and level as ioprio_set(2) takes them.
pub(super) fn io_priority(priority: &LinuxIOPriority) -> Result<u16, ValidateError> {
    const CLASS_SHIFT: u32 = 13;
    let class: u16 = match priority.class() {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    match u16::try_from(priority.priority()) {
        Ok(level @ 0..=7) => Ok(class << CLASS_SHIFT | level),
        _ => Err(ValidateError::Invalid {
            field: "process.ioPriority.priority".to_owned(),
            reason: format!("{} is not in 0..7", priority.priority()),
        }),
    }
}

fn invalid<T>(field: &str, reason: String) -> Result<T, ValidateError> {
    Err(ValidateError::Invalid {
        field: format!("process.scheduler.{field}"),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(scheduler: Value) -> Result<SchedulerAttributes, String> {
        let scheduler = serde_json::from_value(scheduler).unwrap();
        attributes(&scheduler).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_set_is_zero() {
        let other = read(json!({"policy": "SCHED_OTHER"}));
        assert_eq!(other, Ok(SchedulerAttributes::default()));
    }

    #[test]
    fn policies_have_the_kernels_numbers() {
        let policy = |scheduler| read(scheduler).unwrap().policy;
        assert_eq!(policy(json!({"policy": "SCHED_FIFO", "priority": 1})), 1);
        assert_eq!(policy(json!({"policy": "SCHED_RR", "priority": 99})), 2);
        assert_eq!(policy(json!({"policy": "SCHED_BATCH", "nice": -20})), 3);
        assert_eq!(policy(json!({"policy": "SCHED_IDLE"})), 5);
        let deadline = json!({"policy": "SCHED_DEADLINE", "runtime": 1024, "deadline": 2048,
                              "flags": ["SCHED_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]});
        let read = read(deadline).unwrap();
        assert_eq!((read.policy, read.flags), (6, 3));
        assert_eq!((read.runtime, read.deadline, read.period), (1024, 2048, 0));
    }

    #[test]
    fn contradictions_are_named() {
        let refused = |scheduler, text: &str| {
            assert_eq!(read(scheduler), Err(format!("process.scheduler.{text}")));
        };
        refused(
            json!({"policy": "SCHED_OTHER", "nice": 20}),
            "nice: 20 is not in -20..19",
        );
        refused(
            json!({"policy": "SCHED_BATCH", "priority": 1}),
            "priority: only SCHED_FIFO and SCHED_RR have one",
        );
        refused(json!({"policy": "SCHED_RR"}), "priority: 0 is not in 1..99");
        refused(
            json!({"policy": "SCHED_ISO"}),
            "policy: SCHED_ISO was never part of Linux",
        );
        refused(
            json!({"policy": "SCHED_IDLE", "period": 5}),
            "period: only SCHED_DEADLINE has one",
        );
        refused(
            json!({"policy": "SCHED_DEADLINE", "runtime": 5}),
            "runtime: 5 ns is below 1024",
        );
        refused(
            json!({"policy": "SCHED_DEADLINE", "runtime": 5000, "deadline": 4000}),
            "deadline: 4000 ns is shorter than the runtime of 5000 ns",
        );
        refused(
            json!({"policy": "SCHED_DEADLINE", "runtime": 5000, "deadline": 6000, "period": 1}),
            "period: 1 ns is shorter than the deadline of 6000 ns",
        );
    }

    #[test]
    fn io_priorities_have_eight_levels() {
        let read = |value| {
            let priority = serde_json::from_value(value).unwrap();
            io_priority(&priority).map_err(|error| error.to_string())
        };
        assert_eq!(
            read(json!({"class": "IOPRIO_CLASS_BE", "priority": 7})),
            Ok(2 << 13 | 7)
        );
        assert_eq!(
            read(json!({"class": "IOPRIO_CLASS_RT", "priority": 0})),
            Ok(1 << 13)
        );
        for level in [-1, 8, 65536] {
            assert_eq!(
                read(json!({"class": "IOPRIO_CLASS_IDLE", "priority": level})),
                Err(format!(
                    "process.ioPriority.priority: {level} is not in 0..7"
                ))
            );
        }
    }
}
