//! How a process is scheduled, and where its memory comes from.

use std::os::fd::AsFd;

use rbox_runtime::Running;
use rustix::process::{Resource, getrlimit};
use rustix::thread::sched_getaffinity;
use serde_json::{Value, json};

use crate::support::{Trial, alpine, apart, end, enter, reap, skip, sleeper};

/// Fields 18, 19, 40 and 41 of /proc/self/stat: priority, nice value, real-time
/// priority and policy, of a process that is not a child of the first.
const STAT: [&str; 2] = ["cat", "/proc/self/stat"];

fn scheduled(trial: &mut Trial, scheduler: Value) {
    trial.process(|process| {
        process.set_scheduler(Some(serde_json::from_value(scheduler).unwrap()));
    });
}

/// Nice value, real-time priority and policy.
fn read(stat: &str) -> (i32, u32, u32) {
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    // The third field of the file is the first here.
    let field = |number: usize| fields[number - 3];
    (
        field(19).parse().unwrap(),
        field(40).parse().unwrap(),
        field(41).parse().unwrap(),
    )
}

/// What a later process says.
fn entered(running: &Running, trial: &Trial) -> String {
    let (process, text) = enter(running, trial).unwrap();
    assert_eq!(reap(process.pidfd.as_fd()), 0, "{text}");
    text
}

#[test]
fn batch_idle_and_a_nice_value_are_set() {
    let Some(image) = alpine("scheduling::batch_idle_and_a_nice_value") else {
        return;
    };
    apart("batch_idle_and_a_nice_value", || {
        let mut trial = Trial::new(&image, &STAT);
        scheduled(&mut trial, json!({"policy": "SCHED_BATCH", "nice": 7}));
        assert_eq!(read(&trial.output()), (7, 0, 3));
        let mut trial = Trial::new(&image, &STAT);
        scheduled(&mut trial, json!({"policy": "SCHED_IDLE"}));
        assert_eq!(read(&trial.output()), (0, 0, 5));
        let mut trial = Trial::new(&image, &STAT);
        // Another user: set while the privileges are still there.
        trial.user(1000, 1000);
        scheduled(&mut trial, json!({"policy": "SCHED_OTHER", "nice": -5}));
        assert_eq!(read(&trial.output()), (-5, 0, 0));
    });
}

/// Whether a group of processes of its own may have real-time processes.
fn realtime_in_groups() -> bool {
    // Version 1's cpu hierarchy gives a new group no real-time share.
    !std::path::Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists()
}

#[test]
fn real_time_policies_and_their_priority_are_set() {
    let Some(image) = alpine("scheduling::real_time_policies") else {
        return;
    };
    apart("real_time_policies", || {
        for (policy, number) in [("SCHED_FIFO", 1), ("SCHED_RR", 2)] {
            let mut trial = Trial::new(&image, &STAT);
            scheduled(&mut trial, json!({"policy": policy, "priority": 3}));
            if realtime_in_groups() {
                assert_eq!(read(&trial.output()), (0, 3, number));
                continue;
            }
            // The kernel's refusal arrives, and a share of the group's mends it.
            assert_eq!(
                trial.failure().1,
                "error during container init: process.scheduler: sched_setattr: \
                 operation not permitted"
            );
            trial.linux(|linux| {
                let mut resources = linux.resources().clone().unwrap();
                let cpu = json!({"realtimeRuntime": 1000, "realtimePeriod": 1_000_000});
                resources.set_cpu(Some(serde_json::from_value(cpu).unwrap()));
                linux.set_resources(Some(resources));
            });
            assert_eq!(read(&trial.output()), (0, 3, number));
        }
    });
}

#[test]
fn a_deadline_and_flags_are_set() {
    let Some(image) = alpine("scheduling::a_deadline_and_flags") else {
        return;
    };
    apart("a_deadline_and_flags", || {
        // A child is an ordinary process again, as the flag says; without the
        // flag there would be none.
        let script = "cat /proc/$$/stat; cat /proc/self/stat; true";
        let mut trial = Trial::shell(&image, script);
        let scheduler = json!({"policy": "SCHED_DEADLINE", "flags": ["SCHED_RESET_ON_FORK"],
            "runtime": 10_000_000, "deadline": 500_000_000, "period": 500_000_000});
        scheduled(&mut trial, scheduler);
        let outcome = trial.run();
        let lines: Vec<_> = outcome.stdout.lines().collect();
        assert_eq!(read(lines[0]).2, 6, "{outcome:?}");
        assert_eq!(read(lines[1]).2, 0, "{outcome:?}");
    });
}

#[test]
fn the_io_priority_is_set() {
    let Some(image) = alpine("scheduling::the_io_priority") else {
        return;
    };
    apart("the_io_priority", || {
        for (class, level, shown) in [
            ("IOPRIO_CLASS_BE", 6, "best-effort: prio 6\n"),
            ("IOPRIO_CLASS_RT", 2, "realtime: prio 2\n"),
            ("IOPRIO_CLASS_IDLE", 0, "idle\n"),
        ] {
            // The shell's child has its priority.
            let mut trial = Trial::shell(&image, "ionice -p $$");
            trial.process(|process| {
                let priority = json!({"class": class, "priority": level});
                process.set_io_priority(Some(serde_json::from_value(priority).unwrap()));
            });
            assert_eq!(trial.output(), shown);
        }
    });
}

#[test]
fn memory_comes_from_the_nodes_asked_for() {
    let test = "scheduling::memory_comes_from_the_nodes_asked_for";
    let Some(image) = alpine(test) else {
        return;
    };
    if !std::path::Path::new("/proc/self/numa_maps").exists() {
        return skip(test, "the kernel has no NUMA");
    }
    apart("memory_comes_from_the_nodes_asked_for", || {
        let mut trial = Trial::new(&image, &["cat", "/proc/self/numa_maps"]);
        trial.linux(|linux| {
            let policy =
                json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]});
            linux.set_memory_policy(Some(serde_json::from_value(policy).unwrap()));
        });
        let output = trial.output();
        assert!(output.contains(" bind=static:0 "), "{output}");
        trial.linux(|linux| {
            let policy = json!({"mode": "MPOL_BIND", "nodes": "1000"});
            linux.set_memory_policy(Some(serde_json::from_value(policy).unwrap()));
        });
        assert_eq!(
            trial.failure().1,
            "error during container init: linux.memoryPolicy: set_mempolicy: invalid argument"
        );
    });
}

#[test]
fn a_32_bit_machine_is_shown() {
    let Some(image) = alpine("scheduling::a_32_bit_machine") else {
        return;
    };
    apart("a_32_bit_machine", || {
        let mut trial = Trial::new(&image, &["uname", "-m"]);
        trial.linux(|linux| {
            let personality = json!({"domain": "LINUX32"});
            linux.set_personality(Some(serde_json::from_value(personality).unwrap()));
        });
        let machine = if cfg!(target_arch = "x86_64") {
            "i686\n"
        } else {
            "armv8l\n"
        };
        assert_eq!(trial.output(), machine);
        let (_sleeper, running) = sleeper(&image);
        assert_eq!(entered(&running, &trial), machine, "a later process, too");
        end(&running);
    });
}

#[test]
fn a_later_process_runs_on_the_processors_asked_for() {
    let test = "scheduling::a_later_process_runs_on_the_processors";
    let Some(image) = alpine(test) else {
        return;
    };
    let ours = sched_getaffinity(None).unwrap();
    if !(ours.is_set(0) && ours.is_set(1)) {
        return skip(test, "processors 0 and 1 are not both here");
    }
    apart("a_later_process_runs_on_the_processors", || {
        let (_sleeper, running) = sleeper(&image);
        let allowed = |affinity: Value| {
            let mut trial = Trial::new(&image, &["grep", "Cpus_allowed_list", "/proc/self/status"]);
            trial.process(|process| {
                process
                    .set_exec_cpu_affinity(Some(serde_json::from_value(affinity).unwrap()))
                    .set_scheduler(None);
            });
            let text = entered(&running, &trial);
            text.rsplit('\t').next().unwrap().trim().to_owned()
        };
        assert_eq!(allowed(json!({"initial": "1", "final": "0"})), "0");
        assert_eq!(allowed(json!({"final": "1"})), "1");
        // The child is born where its parent was, and the kernel keeps that.
        assert_eq!(allowed(json!({"initial": "1"})), "1");
        let after = sched_getaffinity(None).unwrap();
        assert!(after.is_set(0) && after.is_set(1), "we stay there");
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            let affinity = json!({"final": "1000"});
            process.set_exec_cpu_affinity(Some(serde_json::from_value(affinity).unwrap()));
        });
        assert_eq!(
            enter(&running, &trial).unwrap_err().to_string(),
            "process.execCPUAffinity: sched_setaffinity: invalid argument"
        );
        end(&running);
        // It is not for a container's first process.
        trial.output();
    });
}

#[test]
fn a_later_process_is_scheduled_by_its_own_description() {
    let Some(image) = alpine("scheduling::a_later_process_is_scheduled") else {
        return;
    };
    apart("a_later_process_is_scheduled", || {
        let (_sleeper, running) = sleeper(&image);
        let mut trial = Trial::new(&image, &STAT);
        scheduled(&mut trial, json!({"policy": "SCHED_BATCH", "nice": 3}));
        assert_eq!(read(&entered(&running, &trial)), (3, 0, 3));
        end(&running);
        assert!(
            getrlimit(Resource::Nice).current.is_some(),
            "ours is as before"
        );
    });
}
