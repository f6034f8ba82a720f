//! Limits of memory beside the plain one.

use super::*;

#[test]
fn memory_and_swap_together_can_be_limited_and_raised_at_once() {
    let test = "memory_and_swap_together_can_be_limited_and_raised_at_once";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    if !supports_swap_limit() {
        return skip(test, "the kernel does not limit swap");
    }
    let group = group(
        &layout,
        r#"{"memory": {"limit": 33554432, "swap": 67108864}}"#,
    );
    let swap = || {
        content(
            &group,
            Controller::Memory,
            "memory.memsw.limit_in_bytes",
            "memory.swap.max",
        )
    };
    let v1 = layout.home(Controller::Memory).unwrap().version() == Version::V1;
    assert_eq!(swap(), if v1 { "67108864" } else { "33554432" });
    // The new limit is above the old limit of both: the order matters on v1.
    let more = r#"{"memory": {"limit": 134217728, "swap": 134217728}}"#;
    group.update(&serde_json::from_str(more).unwrap()).unwrap();
    assert_eq!(swap(), if v1 { "134217728" } else { "0" });
    let memory = content(
        &group,
        Controller::Memory,
        "memory.limit_in_bytes",
        "memory.max",
    );
    assert_eq!(memory, "134217728");
}

#[test]
fn all_that_v1_has_reads_back() {
    let test = "all_that_v1_has_reads_back";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    if layout.home(Controller::Memory).unwrap().version() == Version::V2 {
        return skip(test, "memory is on cgroup v2");
    }
    let group = group(
        &layout,
        r#"{"memory": {"kernelTCP": 8388608, "swappiness": 17, "disableOOMKiller": true,
                       "useHierarchy": true}}"#,
    );
    let read = |name: &str| content(&group, Controller::Memory, name, "");
    assert_eq!(read("memory.kmem.tcp.limit_in_bytes"), "8388608");
    assert_eq!(read("memory.swappiness"), "17");
    assert!(read("memory.oom_control").contains("oom_kill_disable 1"));
    let on = r#"{"memory": {"disableOOMKiller": false}}"#;
    group.update(&serde_json::from_str(on).unwrap()).unwrap();
    assert!(read("memory.oom_control").contains("oom_kill_disable 0"));
}

#[test]
fn without_an_oom_killer_processes_wait_for_memory() {
    let test = "without_an_oom_killer_processes_wait_for_memory";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let limit = r#"{"memory": {"limit": 16777216, "disableOOMKiller": true}}"#;
    if layout.home(Controller::Memory).unwrap().version() == Version::V2 {
        assert_eq!(
            refused(&layout, limit),
            "disabling the OOM killer is not supported here: cgroup v2 cannot"
        );
        return;
    }
    let group = group(&layout, limit);
    let mut child = shell(&group, "exec tail /dev/zero");
    eventually("running out of memory", || {
        content(&group, Controller::Memory, "memory.oom_control", "").contains("under_oom 1")
    });
    assert_eq!(group.oom_kills(), 0);
    group.kill_all().unwrap();
    child.wait().unwrap();
}

/// Linux 5.16 took the limit of the kernel's memory out of v1, and left its file.
#[test]
fn what_the_kernel_took_out_is_refused_by_name() {
    let test = "what_the_kernel_took_out_is_refused_by_name";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let limited = r#"{"memory": {"kernel": 8388608}}"#;
    let resources = serde_json::from_str(limited).unwrap();
    match create::create(Arc::clone(&layout), &unique(), &resources) {
        // Before that it has to be in force.
        Ok(group) => {
            let group = Group(group);
            let set = content(&group, Controller::Memory, "memory.kmem.limit_in_bytes", "");
            assert_eq!(set, "8388608");
        }
        Err(error) => assert!(
            error
                .to_string()
                .contains("kernel memory limit is not supported here: "),
            "{error}"
        ),
    }
    let alone = r#"{"memory": {"useHierarchy": false}}"#;
    if layout.home(Controller::Memory).unwrap().version() == Version::V2 {
        assert!(refused(&layout, alone).starts_with("memory without useHierarchy is not"));
    }
}
