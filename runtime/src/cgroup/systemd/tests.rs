//! Conversations with a *double* of systemd: a thread that answers as systemd
//! does, on a socket and by a real D-Bus daemon, which checks that our messages
//! are well formed. What the real systemd makes of them is tested where it is
//! the init (`in_a_scope`).

mod double;
mod real;

use super::error::SystemdError;
use super::manager::Manager;
use super::properties;
use double::Double;

#[test]
fn a_scope_is_started_and_stopped() {
    let double = Double::listening(&[
        ("StartTransientUnit", "done"),
        ("StopUnit", "done"),
        ("ResetFailedUnit", ""),
    ]);
    let mut manager = Manager::direct(double.socket()).unwrap();
    let scope = properties::of_scope("system.slice", "abc", 7);
    manager.start_scope("rbox-abc.scope", &scope).unwrap();
    manager.stop("rbox-abc.scope").unwrap();
    drop(manager);
    let calls = double.calls();
    let [start, stop, forget] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(start.arguments, ["rbox-abc.scope", "fail"]);
    assert_eq!(stop.arguments, ["rbox-abc.scope", "replace"]);
    assert_eq!(forget.arguments, ["rbox-abc.scope"]);
}

#[test]
fn a_job_that_fails_is_told() {
    let double = Double::listening(&[("StartTransientUnit", "failed")]);
    let mut manager = Manager::direct(double.socket()).unwrap();
    let error = manager.start_scope("rbox-abc.scope", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "systemd did not start rbox-abc.scope: the job's result is \"failed\""
    );
    drop(manager);
    double.calls();
}

#[test]
fn a_failed_unit_of_the_same_name_is_forgotten() {
    let double = Double::listening(&[
        ("StartTransientUnit", "!UnitExists"),
        ("ResetFailedUnit", ""),
        ("StartTransientUnit", "done"),
    ]);
    let mut manager = Manager::direct(double.socket()).unwrap();
    manager.start_scope("rbox-abc.scope", &[]).unwrap();
    drop(manager);
    assert_eq!(double.calls().len(), 3);
}

#[test]
fn a_unit_in_use_is_an_error_and_one_that_is_gone_is_not() {
    let double = Double::listening(&[
        ("StartTransientUnit", "!UnitExists"),
        ("ResetFailedUnit", ""),
        ("StartTransientUnit", "!UnitExists"),
        ("StopUnit", "!NoSuchUnit"),
    ]);
    let mut manager = Manager::direct(double.socket()).unwrap();
    let error = manager.start_scope("rbox-abc.scope", &[]).unwrap_err();
    assert!(matches!(error, SystemdError::Bus(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "cannot talk to systemd: StartTransientUnit: a double's error \
         (org.freedesktop.systemd1.UnitExists)"
    );
    manager.stop("rbox-abc.scope").unwrap();
    drop(manager);
    double.calls();
}

#[test]
fn a_connection_that_ends_is_an_error() {
    let double = Double::listening(&[]);
    let mut manager = Manager::direct(double.socket()).unwrap();
    let error = manager.stop("rbox-abc.scope").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot talk to systemd: the connection failed: "),
        "{error}"
    );
}

#[test]
fn nobody_at_a_socket_is_named() {
    let nowhere = std::path::Path::new("/nonexistent/private");
    let error = Manager::direct(nowhere).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot connect to /nonexistent/private: "),
        "{error}"
    );
}

/// The reference implementation takes every type of value that we send.
#[test]
fn a_bus_carries_our_messages() {
    let Some(daemon) = double::Daemon::start("a_bus_carries_our_messages") else {
        return;
    };
    let double = Double::on_bus(
        daemon.socket(),
        &[
            ("Subscribe", ""),
            ("StartTransientUnit", "done"),
            ("SetUnitProperties", ""),
        ],
    );
    let mut manager = Manager::on_bus(daemon.socket()).unwrap();
    let mut scope = properties::of_scope("system.slice", "abc", 7);
    let resources = serde_json::from_str(
        r#"{"memory": {"limit": 100, "swap": 300}, "cpu": {"shares": 9, "cpus": "0,9"},
            "pids": {"limit": 7}}"#,
    )
    .unwrap();
    let limits = properties::of_limits(&resources, super::super::Version::V2).unwrap();
    scope.extend(limits.iter().cloned());
    let rules = [super::super::device_rule::DeviceRule {
        allow: true,
        kind: super::super::device_rule::Kind::Character,
        major: Some(1),
        minor: Some(3),
        access: 7,
    }];
    scope.extend(properties::of_devices(&rules, ""));
    manager.start_scope("rbox-abc.scope", &scope).unwrap();
    manager.set("rbox-abc.scope", &limits).unwrap();
    drop(manager);
    let members: Vec<_> = double.calls().into_iter().map(|one| one.member).collect();
    assert_eq!(
        members,
        ["Subscribe", "StartTransientUnit", "SetUnitProperties"]
    );
}
