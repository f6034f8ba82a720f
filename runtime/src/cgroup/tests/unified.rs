//! The v2 code on the v2 hierarchy alone, which a hybrid machine has, too.

use super::devices::{NULL_ONLY, assert_null_only};
use super::*;
use crate::cgroup::hierarchy::Controllers;
use crate::cgroup::v2::V2;

/// The v2 hierarchy as if there were no v1 beside it.
pub(super) fn unified(test: &str) -> Option<Arc<Layout>> {
    let layout = machine(test, &[])?;
    let Some(v2) = &layout.v2 else {
        skip(test, "cgroup v2 is not mounted");
        return None;
    };
    let mut controllers: Controllers = v2.controllers().iter().collect();
    controllers.insert(Controller::Devices);
    controllers.insert(Controller::Freezer);
    Some(Arc::new(Layout {
        v1: Vec::new(),
        v2: Some(V2::new(v2.mount().to_path_buf(), controllers)),
    }))
}

#[test]
fn everything_is_killed_at_once() {
    let Some(layout) = unified("everything_is_killed_at_once") else {
        return;
    };
    let group = group(&layout, "{}");
    // No controller limits it, so it is a small one.
    let mut child = shell(
        &group,
        "for i in 1 2 3 4 5; do (sleep 1000 & sleep 1000) & done; wait",
    );
    eventually("the processes", || group.processes().len() > 8);
    group.kill_all().unwrap();
    assert!(group.processes().is_empty());
    child.wait().unwrap();
    group.delete().unwrap();
}

#[test]
fn groups_that_are_made_at_once_inside_a_new_one_have_all_their_files() {
    let test = "groups_that_are_made_at_once_inside_a_new_one_have_all_their_files";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    if !layout.v1.is_empty() {
        return skip(test, "cgroup v2 is not alone");
    }
    let limits = r#"{"memory": {"limit": 33554432, "swap": 67108864}, "pids": {"limit": 9}}"#;
    let limits: LinuxResources = serde_json::from_str(limits).unwrap();
    for _ in 0..20 {
        let parent = unique();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (layout, limits, parent) = (&layout, &limits, &parent);
                scope.spawn(move || {
                    let path = format!("{parent}/{number}");
                    let made = create::create(Arc::clone(layout), &path, limits);
                    Group(made.unwrap());
                });
            }
        });
    }
}

#[test]
fn v2_freezes_and_thaws() {
    let Some(layout) = unified("v2_freezes_and_thaws") else {
        return;
    };
    let group = group(&layout, "{}");
    let mut child = shell(&group, "while :; do sleep 0.01; done");
    let pid = i32::try_from(child.id()).unwrap();
    eventually("joining", || group.processes().contains(&pid));
    let frozen = || {
        let events = file(&group, Controller::Freezer, "", "cgroup.events");
        control_file::number_of(&std::fs::read_to_string(events).unwrap(), "frozen").unwrap()
    };
    assert!(!group.is_frozen().unwrap());
    group.freeze().unwrap();
    assert_eq!(frozen(), 1);
    assert!(group.is_frozen().unwrap());
    group.thaw().unwrap();
    assert!(!group.is_frozen().unwrap());
    assert_eq!(frozen(), 0);
    group.freeze().unwrap();
    group.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_bpf_program_restricts_devices() {
    let test = "a_bpf_program_restricts_devices";
    let Some(layout) = unified(test) else { return };
    let resources = serde_json::from_str(NULL_ONLY).unwrap();
    match create::create(Arc::clone(&layout), &unique(), &resources) {
        Ok(group) => assert_null_only(&Group(group)),
        Err(CgroupError::Devices { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            skip(test, "the kernel has no cgroup BPF");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_v2_cannot_do_is_refused_by_name() {
    let test = "what_v2_cannot_do_is_refused_by_name";
    let Some(layout) = unified(test) else { return };
    if layout.home(Controller::Memory).is_none() {
        assert_eq!(
            refused(&layout, r#"{"memory": {"limit": 1048576}}"#),
            "a memory limit is not supported here: there is no memory cgroup controller"
        );
        assert_eq!(
            refused(&layout, r#"{"unified": {"memory.max": "1"}}"#),
            "unified resource \"memory.max\" is not supported here: cgroup v2 has no memory \
             controller here"
        );
        return;
    }
    assert_eq!(
        refused(&layout, r#"{"memory": {"swappiness": 10}}"#),
        "swappiness is not supported here: cgroup v2 has none for each group"
    );
}

#[test]
fn unified_resources_are_written_by_their_names() {
    let Some(layout) = unified("unified_resources_are_written_by_their_names") else {
        return;
    };
    let group = group(&layout, r#"{"unified": {"cgroup.max.descendants": "7"}}"#);
    let set = content(&group, Controller::Freezer, "", "cgroup.max.descendants");
    assert_eq!(set, "7");
}

#[test]
fn a_controller_is_turned_on_for_a_unified_resource() {
    let test = "a_controller_is_turned_on_for_a_unified_resource";
    let Some(layout) = unified(test) else { return };
    let Some(v2) = &layout.v2 else { return };
    // One that is not on for every container.
    let (controller, name, value) = if layout.home(Controller::Cpuset).is_some() {
        (Controller::Cpuset, "cpuset.cpus", "0")
    } else if layout.home(Controller::Hugetlb).is_some() {
        (Controller::Hugetlb, "hugetlb.2MB.max", "4194304")
    } else {
        return skip(test, "cgroup v2 has neither cpuset nor hugetlb");
    };
    let subtree = v2.mount().join("cgroup.subtree_control");
    let on = std::fs::read_to_string(&subtree).unwrap();
    let was_on = on.split_whitespace().any(|one| one == controller.name());
    let limits = format!(r#"{{"unified": {{"{name}": "{value}"}}}}"#);
    let limited = group(&layout, &limits);
    assert_eq!(content(&limited, controller, "", name), value);
    drop(limited);
    // The root of v2 is everybody's: leave it as it was.
    if !was_on {
        let _ = std::fs::write(subtree, format!("-{}", controller.name()));
    }
}

#[test]
fn a_unified_resource_cannot_move_processes() {
    let test = "a_unified_resource_cannot_move_processes";
    let Some(layout) = unified(test) else { return };
    assert_eq!(
        refused(&layout, r#"{"unified": {"cgroup.procs": "1"}}"#),
        "invalid unified resource: \"cgroup.procs\" is no limit"
    );
}

#[test]
fn another_device_program_takes_the_place_of_the_first() {
    let test = "another_device_program_takes_the_place_of_the_first";
    let Some(layout) = unified(test) else { return };
    let resources = serde_json::from_str(NULL_ONLY).unwrap();
    let group = match create::create(Arc::clone(&layout), &unique(), &resources) {
        Ok(group) => Group(group),
        Err(CgroupError::Devices { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            return skip(test, "the kernel has no cgroup BPF");
        }
        Err(error) => panic!("{error}"),
    };
    super::devices::assert_changed(&group);
    let directory = layout.v2.as_ref().unwrap().directory(&group.path);
    let directory = std::fs::File::open(directory).unwrap();
    let attached = crate::process::sys_security::attached_device_programs;
    let attached = attached(std::os::fd::AsFd::as_fd(&directory)).unwrap();
    assert_eq!(attached.len(), 1);
}
