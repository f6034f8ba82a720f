//! With systemd as the init.

use super::super::super::tests::{Group, machine, skip};
use super::super::{Scope, available};
use crate::cgroup::{Cgroup, CgroupError};
use std::process::{Child, Command, Stdio};

/// A process of its own, killed with the test.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Sleeper {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "while read line; do eval \"$line\"; done"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Sleeper(command.spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn runs(test: &str) -> bool {
    if machine(test, &[]).is_none() {
        return false;
    }
    match available() {
        Ok(()) => true,
        Err(why) => {
            skip(test, &why.to_string());
            false
        }
    }
}

#[test]
fn in_a_scope_limits_hold_and_it_goes_away() {
    let test = "in_a_scope_limits_hold_and_it_goes_away";
    if !runs(test) {
        return;
    }
    let process = Sleeper::new();
    let resources = serde_json::from_str(
        r#"{"memory": {"limit": 67108864}, "pids": {"limit": 42},
            "cpu": {"shares": 512, "quota": 50000, "period": 200000},
            "devices": [{"allow": false, "access": "rwm"},
                        {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"}]}"#,
    )
    .unwrap();
    let path = format!("rbox-test.slice:rbox-test:{}", process.pid());
    let group = Cgroup::create_in_scope(&path, "test", process.pid(), &resources).unwrap();
    let group = Group(group);
    assert_eq!(group.path(), Scope::parse(&path).unwrap().cgroup_path());
    assert!(group.processes().contains(&process.pid()));
    let limits = || {
        let stats = group.stats().unwrap();
        (
            stats.memory.unwrap().memory.limit_bytes,
            stats.pids.unwrap().limit,
        )
    };
    assert_eq!(limits(), (Some(67_108_864), Some(42)));
    // systemd writes what it knows.
    let reload = || {
        let done = Command::new("systemctl").arg("daemon-reload").status();
        assert!(done.unwrap().success());
    };
    reload();
    assert_eq!(limits(), (Some(67_108_864), Some(42)));
    let more = r#"{"memory": {"limit": 134217728}, "pids": {"limit": 43}}"#;
    group.update(&serde_json::from_str(more).unwrap()).unwrap();
    reload();
    assert_eq!(limits(), (Some(134_217_728), Some(43)));
    super::super::super::tests::devices::assert_null_only(&group);
    group.freeze().unwrap();
    assert!(group.is_frozen().unwrap());
    group.kill_all().unwrap();
    group.delete().unwrap();
    assert!(Cgroup::open(group.path()).is_err());
    let unit = format!("rbox-test-{}.scope", process.pid());
    let shown = Command::new("systemctl")
        .args(["show", "--property=LoadState", &unit])
        .output()
        .unwrap();
    assert_eq!(shown.stdout, b"LoadState=not-found\n");
}

#[test]
fn what_fails_in_a_scope_leaves_none() {
    let test = "what_fails_in_a_scope_leaves_none";
    if !runs(test) {
        return;
    }
    let process = Sleeper::new();
    let path = format!("rbox-test.slice:rbox-failing:{}", process.pid());
    let cgroup = Scope::parse(&path).unwrap().cgroup_path();
    let resources = serde_json::from_str(r#"{"cpu": {"mems": "200"}}"#).unwrap();
    let error = Cgroup::create_in_scope(&path, "test", process.pid(), &resources).unwrap_err();
    assert!(error.to_string().contains("set of memory nodes"), "{error}");
    assert!(matches!(
        Cgroup::open(&cgroup).unwrap_err(),
        CgroupError::NotFound(_)
    ));
}

#[test]
fn without_systemd_a_scope_is_refused() {
    let test = "without_systemd_a_scope_is_refused";
    if machine(test, &[]).is_none() {
        return;
    }
    if available().is_ok() {
        return skip(test, "systemd is running");
    }
    let process = Sleeper::new();
    let resources = oci_spec::runtime::LinuxResources::default();
    let error = Cgroup::create_in_scope("", "test", process.pid(), &resources).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("systemd cgroups are not available: "),
        "{error}"
    );
}
