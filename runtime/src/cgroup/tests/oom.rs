//! Watching for want of memory.

use super::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until the watch has something to say; at most ten seconds, times what a slow machine
/// is given (`RBOX_TEST_PATIENCE`).
fn wait(watch: &OomWatch) {
    let patience = std::env::var("RBOX_TEST_PATIENCE");
    let times: i64 = patience.map_or(1, |times| times.parse().unwrap());
    let timeout = Timespec {
        tv_sec: 10 * times,
        tv_nsec: 0,
    };
    let ready = poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&timeout)).unwrap();
    assert_eq!(ready, 1, "nothing was said");
}

#[test]
fn running_out_of_memory_is_told() {
    let test = "running_out_of_memory_is_told";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let swap = if supports_swap_limit() {
        r#", "swap": 16777216"#
    } else {
        ""
    };
    let limit = format!(r#"{{"memory": {{"limit": 16777216{swap}}}}}"#);
    let group = group(&layout, &limit);
    let mut watch = group.oom_watch().unwrap();
    assert_eq!(watch.take().unwrap(), Some(0));
    for _ in 0..2 {
        let mut child = shell(&group, "exec tail /dev/zero");
        let mut told = 0;
        while told == 0 {
            wait(&watch);
            told = watch.take().unwrap().unwrap();
        }
        child.wait().unwrap();
    }
    assert_eq!(group.oom_kills(), 2);
    assert_eq!(group.stats().unwrap().memory.unwrap().oom_kills, 2);
    group.delete().unwrap();
    wait(&watch);
    assert_eq!(watch.take().unwrap(), None);
}

#[test]
fn without_a_memory_controller_nothing_can_be_watched() {
    let test = "without_a_memory_controller_nothing_can_be_watched";
    let Some(layout) = unified::unified(test) else {
        return;
    };
    if layout.home(Controller::Memory).is_some() {
        return skip(test, "cgroup v2 has the memory controller here");
    }
    let group = group(&layout, "{}");
    assert_eq!(
        group.oom_watch().unwrap_err().to_string(),
        format!("cgroup {} has no memory controller", group.path())
    );
}

#[test]
fn a_group_that_is_gone_cannot_be_watched() {
    let test = "a_group_that_is_gone_cannot_be_watched";
    let Some(layout) = machine(test, &[Controller::Memory]) else {
        return;
    };
    let group = group(&layout, "{}");
    group.delete().unwrap();
    let error = group.oom_watch().unwrap_err().to_string();
    assert!(error.starts_with("cannot watch /"), "{error}");
}
