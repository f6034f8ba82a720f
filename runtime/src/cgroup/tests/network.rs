//! Network classes and priorities, which only v1 has. Most machines have not
//! mounted them: these tests do, in a mount namespace of their own.

use super::*;

/// Set in the process that has them mounted.
const MOUNTED: &str = "RBOX_TEST_NETWORK_CONTROLLERS";

/// Runs `test` again in a process with `options` mounted; says whether this is
/// that process.
fn with_mounted(test: &str, options: &str) -> bool {
    if std::env::var_os(MOUNTED).is_some() {
        return true;
    }
    if machine(test, &[]).is_none() {
        return false;
    }
    if is_unified() {
        skip(test, "cgroup v2 alone has no network controllers");
        return false;
    }
    let directory = tempfile::tempdir().unwrap();
    // A hierarchy whose groups the kernel has not quite forgotten when it is
    // unmounted stays, for all processes of the machine, until it is unmounted
    // once more.
    let script = r#"
        place=$1 options=$2; shift 2
        take() { mount -t cgroup -o "$options" none "$place"; }
        take || exit 77
        "$@"; code=$?
        for try in 1 2 3 4 5; do
            umount "$place"
            sleep 0.$try
            grep -q ":$options:" /proc/self/cgroup || exit $code
            take
        done
        exit 78"#;
    let status = Command::new("unshare")
        .args(["-m", "/bin/sh", "-c", script, "sh"])
        .arg(directory.path())
        .arg(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("cgroup::tests::network::{test}")])
        .env(MOUNTED, "1")
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.code() == Some(77) => skip(test, "no cgroup v1 network controllers"),
        Ok(status) => assert!(status.success(), "{status}"),
        Err(error) => skip(test, &format!("unshare: {error}")),
    }
    false
}

#[test]
fn classes_and_priorities_are_set() {
    if !with_mounted("classes_and_priorities_are_set", "net_cls,net_prio") {
        return;
    }
    let layout = Layout::host().unwrap();
    let group = group(
        &layout,
        r#"{"network": {"classID": 1048577, "priorities": [{"name": "lo", "priority": 7}]}}"#,
    );
    let class = content(&group, Controller::NetworkClass, "net_cls.classid", "");
    assert_eq!(class, "1048577");
    let map = content(
        &group,
        Controller::NetworkPriority,
        "net_prio.ifpriomap",
        "",
    );
    assert!(map.lines().any(|line| line == "lo 7"), "{map}");
    drop(group);
    let none = r#"{"network": {"priorities": [{"name": "nosuch0", "priority": 7}]}}"#;
    let error = refused(&layout, none);
    assert!(
        error.starts_with("cannot set network priority of nosuch0: writing \"nosuch0 7\""),
        "{error}"
    );
}
