//! Groups inside a container's group, for `exec --cgroup`.

use super::*;
use std::os::fd::AsRawFd;

/// Where a process would go: the directory in each hierarchy.
fn joined(group: &Cgroup) -> Vec<PathBuf> {
    let target = group.join_target().unwrap();
    let link = |fd: i32| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
    let tasks = target.tasks.iter().map(|fd| link(fd.as_raw_fd()));
    let mut all: Vec<_> = tasks
        .map(|mut file| {
            file.pop();
            file
        })
        .collect();
    all.extend(target.unified.iter().map(|fd| link(fd.as_raw_fd())));
    all
}

#[test]
fn a_group_inside_is_joined_where_it_exists() {
    let test = "a_group_inside_is_joined_where_it_exists";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let container = group(&layout, "{}");
    let home = layout.home(Controller::Memory).unwrap();
    let inside = home.directory(&container.path).join("inside");
    std::fs::create_dir(&inside).unwrap();
    let sub = container.sub("inside").unwrap();
    let expected: Vec<_> = container
        .members()
        .map(|one| {
            let directory = one.directory(&container.path);
            if one.label() == home.label() {
                inside.clone()
            } else {
                directory
            }
        })
        .collect();
    assert_eq!(joined(&sub), expected);
    assert_eq!(joined(&container.sub("memory:inside").unwrap()), expected);
    let mut child = shell(&sub, "exec sleep 1000");
    let pid = i32::try_from(child.id()).unwrap();
    eventually("joining", || tree::processes(&inside).contains(&pid));
    container.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_group_inside_has_to_exist_and_to_be_inside() {
    let test = "a_group_inside_has_to_exist_and_to_be_inside";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let container = group(&layout, "{}");
    let error = |name: &str| container.sub(name).unwrap_err().to_string();
    assert_eq!(
        error("nosuch"),
        format!("cgroup {}/nosuch not found", container.path())
    );
    assert_eq!(error("../x"), "invalid cgroup path \"../x\"");
    assert_eq!(
        error("dance:x"),
        "the cgroup \"dance:x\" is not supported here: there is no dance cgroup controller"
    );
}
