//! Device rules: what is not allowed cannot be opened.

use super::*;

/// Rules that leave nothing but reading and writing /dev/null.
pub(super) const NULL_ONLY: &str = r#"{"devices": [
    {"allow": true, "type": "a", "access": "rwm"},
    {"allow": false, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"}]}"#;

/// The same and reading /dev/zero.
const NULL_AND_ZERO: &str = r#"{"devices": [
    {"allow": false, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"},
    {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "r"}]}"#;

/// Asserts that [`NULL_ONLY`] is in force.
pub(in super::super) fn assert_null_only(group: &Cgroup) {
    let script = "echo x > /dev/null && read x < /dev/null; [ $? = 1 ] || exit 1; \
                  read x < /dev/zero && exit 2; read x < /dev/urandom && exit 3; exit 0";
    let output = shell(group, script).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(
        errors.matches("Operation not permitted").count(),
        2,
        "{errors}"
    );
}

/// Lets a group that has [`NULL_ONLY`] have /dev/zero, and takes it back.
pub(super) fn assert_changed(group: &Cgroup) {
    let update = |rules: &str| group.update(&serde_json::from_str(rules).unwrap()).unwrap();
    assert_null_only(group);
    update(NULL_AND_ZERO);
    let script = "head -c 1 /dev/zero >/dev/null; cat /dev/urandom";
    let output = shell(group, script).wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("/dev/urandom"), "{errors}");
    assert!(!errors.contains("/dev/zero"), "{errors}");
    update(NULL_ONLY);
    assert_null_only(group);
}

#[test]
fn devices_that_are_not_allowed_cannot_be_opened() {
    let test = "devices_that_are_not_allowed_cannot_be_opened";
    let Some(layout) = machine(test, &[Controller::Devices]) else {
        return;
    };
    let group = group(&layout, NULL_ONLY);
    assert_null_only(&group);
}

#[test]
fn device_rules_can_be_changed() {
    let test = "device_rules_can_be_changed";
    let Some(layout) = machine(test, &[Controller::Devices]) else {
        return;
    };
    assert_changed(&group(&layout, NULL_ONLY));
}

#[test]
fn a_device_that_stays_allowed_is_never_denied() {
    let test = "a_device_that_stays_allowed_is_never_denied";
    let Some(layout) = machine(test, &[Controller::Devices]) else {
        return;
    };
    let group = group(&layout, NULL_ONLY);
    let script = "i=0; while [ $i -lt 3000 ]; do : </dev/null || exit 1; i=$((i+1)); done";
    let mut child = shell(&group, script);
    let mut updates = 0;
    let status = loop {
        for rules in [NULL_AND_ZERO, NULL_ONLY] {
            group.update(&serde_json::from_str(rules).unwrap()).unwrap();
            updates += 1;
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success(), "{status} after {updates} updates");
}
