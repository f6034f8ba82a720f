//! Groups as the one place that knows a container's processes.

use super::*;

/// Fifteen processes, each of which forks another one and ends: whoever kills
/// what he has just listed comes too late.
const FORK_BOMB: &str = "hop() { hop & }; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; \
                         do hop 2>/dev/null & done; sleep 1000";

#[test]
fn a_fork_bomb_dies() {
    let Some(layout) = machine("a_fork_bomb_dies", &[Controller::Pids]) else {
        return;
    };
    let group = group(&layout, r#"{"pids": {"limit": 2000}}"#);
    let mut child = shell(&group, FORK_BOMB);
    eventually("the fork bomb", || group.processes().len() > 10);
    group.kill_all().unwrap();
    assert_eq!(group.processes(), [0; 0]);
    child.wait().unwrap();
    group.delete().unwrap();
    assert!(!group.exists());
}

#[test]
fn a_fork_bomb_dies_by_freezing_where_nothing_kills_at_once() {
    let test = "a_fork_bomb_dies_by_freezing_where_nothing_kills_at_once";
    let Some(layout) = machine(test, &[Controller::Pids, Controller::Freezer]) else {
        return;
    };
    let layout = without_v2(&layout);
    if layout.home(Controller::Freezer).is_none() {
        return skip(test, "no cgroup v1 freezer");
    }
    let group = group(&layout, r#"{"pids": {"limit": 2000}}"#);
    let mut child = shell(&group, FORK_BOMB);
    eventually("the fork bomb", || group.processes().len() > 10);
    group.kill_all().unwrap();
    child.wait().unwrap();
    group.delete().unwrap();
}

/// The machine as if it had v1 hierarchies only.
fn without_v2(layout: &Layout) -> Arc<Layout> {
    let v1 = layout.v1.iter().map(|one| {
        v1::V1::new(
            one.mount().to_path_buf(),
            one.label().to_owned(),
            one.controllers(),
        )
    });
    Arc::new(Layout {
        v1: v1.collect(),
        v2: None,
    })
}

#[test]
fn frozen_processes_stand_still_and_can_be_killed() {
    let test = "frozen_processes_stand_still_and_can_be_killed";
    let Some(layout) = machine(test, &[Controller::Freezer]) else {
        return;
    };
    let group = group(&layout, "{}");
    let mut child = shell(&group, "while :; do :; done");
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        stat.rsplit(')')
            .next()
            .unwrap()
            .split(' ')
            .nth(12)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    eventually("the loop", || ticks() > 3);
    assert!(!group.is_frozen().unwrap());
    group.freeze().unwrap();
    assert!(group.is_frozen().unwrap());
    // v2 counts a process as frozen just before it leaves the processor.
    let mut before = ticks();
    eventually("150 ms without CPU time while frozen", || {
        std::thread::sleep(Duration::from_millis(150));
        let last = std::mem::replace(&mut before, ticks());
        last == before
    });
    group.thaw().unwrap();
    assert!(!group.is_frozen().unwrap());
    eventually("the loop after thawing", || ticks() > before);
    group.freeze().unwrap();
    group.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn groups_inside_are_killed_and_removed_too() {
    let test = "groups_inside_are_killed_and_removed_too";
    let Some(layout) = machine(test, &[Controller::Freezer]) else {
        return;
    };
    let outer = group(&layout, "{}");
    let path = format!("{}/a/b/c", outer.path());
    let inner = create::create(Arc::clone(&layout), &path, &LinuxResources::default()).unwrap();
    let mut child = shell(&inner, "exec sleep 1000");
    eventually("joining", || {
        outer
            .processes()
            .contains(&i32::try_from(child.id()).unwrap())
    });
    outer.kill_all().unwrap();
    child.wait().unwrap();
    outer.delete().unwrap();
    assert!(!inner.exists() && !outer.exists());
}

#[test]
fn deleting_waits_for_who_is_dying_and_names_who_is_not() {
    let test = "deleting_waits_for_who_is_dying_and_names_who_is_not";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    let mut child = shell(&group, "exec sleep 0.3");
    let pid = i32::try_from(child.id()).unwrap();
    eventually("joining", || group.processes().contains(&pid));
    group.delete().unwrap();
    child.wait().unwrap();
    assert!(!group.exists());
}

#[test]
fn a_group_with_processes_is_not_taken_over_but_an_empty_one_is() {
    let test = "a_group_with_processes_is_not_taken_over_but_an_empty_one_is";
    let Some(layout) = machine(test, &[Controller::Pids]) else {
        return;
    };
    let first = group(&layout, r#"{"pids": {"limit": 9}}"#);
    let again = || {
        create::create(
            Arc::clone(&layout),
            first.path(),
            &LinuxResources::default(),
        )
    };
    again().unwrap();
    assert_eq!(
        content(&first, Controller::Pids, "pids.max", "pids.max"),
        "max"
    );
    let mut child = shell(&first, "exec sleep 1000");
    let pid = i32::try_from(child.id()).unwrap();
    eventually("joining", || {
        let everywhere =
            |one: &dyn Hierarchy| tree::processes(&one.directory(&first.path)).contains(&pid);
        first.members().all(everywhere)
    });
    let error = again().unwrap_err().to_string();
    assert_eq!(
        error,
        format!("cgroup {} exists and has processes", first.path())
    );
    assert_eq!(first.processes(), [pid], "it was left alone");
    first.kill_all().unwrap();
    child.wait().unwrap();
}

#[test]
fn many_come_and_go_below_one_parent_at_once() {
    let test = "many_come_and_go_below_one_parent_at_once";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let name = unique();
    let (parent, _) = name.rsplit_once('/').unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let layout = &layout;
            scope.spawn(move || {
                for round in 0..15 {
                    let path = format!("{parent}/{thread}-{round}");
                    let resources = LinuxResources::default();
                    let group = create::create(Arc::clone(layout), &path, &resources).unwrap();
                    let cpus = file(&group, Controller::Cpuset, "cpuset.cpus", "cgroup.procs");
                    if cpus.ends_with("cpuset.cpus") {
                        assert_ne!(std::fs::read_to_string(cpus).unwrap().trim(), "");
                    }
                    group.delete().unwrap();
                }
            });
        }
    });
    let parent = CgroupPath::parse(parent).unwrap();
    for one in layout.members() {
        assert!(
            !one.directory(&parent).exists(),
            "{}",
            one.directory(&parent).display()
        );
    }
}

#[test]
fn a_join_target_has_every_hierarchy() {
    let Some(layout) = machine("a_join_target_has_every_hierarchy", &[]) else {
        return;
    };
    let group = group(&layout, "{}");
    let target = group.join_target().unwrap();
    assert_eq!(target.tasks.len(), layout.v1.len());
    assert_eq!(target.unified.is_some(), layout.v2.is_some());
    group.delete().unwrap();
    let error = group.join_target().unwrap_err().to_string();
    assert!(error.starts_with("cannot join cgroup by /"), "{error}");
}

/// Not a test of right and wrong: prints what each hierarchy costs at a start.
#[test]
fn the_cost_of_each_hierarchy_is_printed() {
    let test = "the_cost_of_each_hierarchy_is_printed";
    let Some(layout) = machine(test, &[]) else {
        return;
    };
    let parent = group(&layout, "{}");
    // Keeps the parent from being removed with the last group inside it.
    let keep = format!("{}/keep", parent.path());
    create::create(Arc::clone(&layout), &keep, &LinuxResources::default()).unwrap();
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_nanos() / 1000
    };
    let mut whole = Vec::new();
    let mut deleted = Vec::new();
    for round in 0..30 {
        let path = format!("{}/{round}", parent.path());
        let begin = Instant::now();
        let resources = LinuxResources::default();
        let group = create::create(Arc::clone(&layout), &path, &resources).unwrap();
        let target = group.join_target().unwrap();
        whole.push(begin.elapsed());
        drop(target);
        let begin = Instant::now();
        group.delete().unwrap();
        deleted.push(begin.elapsed());
    }
    eprintln!(
        "all: create+open {} µs, delete {} µs",
        median(whole),
        median(deleted)
    );
    let (mut whole, mut deleted) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let begin = Instant::now();
        let resources = LinuxResources::default();
        let group = create::create(Arc::clone(&layout), &unique(), &resources).unwrap();
        drop(group.join_target().unwrap());
        whole.push(begin.elapsed());
        let begin = Instant::now();
        group.delete().unwrap();
        deleted.push(begin.elapsed());
    }
    eprintln!(
        "all, with a parent: create+open {} µs, delete {} µs",
        median(whole),
        median(deleted)
    );
    for one in layout.members() {
        let mut times = Vec::new();
        for round in 0..30 {
            let directory = one.directory(&parent.path).join(format!("{round}"));
            let begin = Instant::now();
            std::fs::create_dir(&directory).unwrap();
            times.push(begin.elapsed());
            std::fs::remove_dir(&directory).unwrap();
        }
        eprintln!("{}: mkdir {} µs", one.label(), median(times));
    }
}
