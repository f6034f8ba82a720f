//! Signals by the OCI runtime: to a container's first process, or to all.

use crate::harness::bundle::script;
use crate::harness::{Host, Runtime};

#[test]
fn signals_go_by_name_and_number_and_to_all() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let trap = "trap 'echo usr1 >> /log' USR1; trap 'echo term >> /log' TERM; \
                touch /ready; while :; do sleep 0.01; done";
    let bundle = runtime.bundle(script(trap));
    runtime.start("box", &bundle);
    assert!(crate::harness::wait_until(5, || bundle
        .inside("ready")
        .exists()));
    let mut log = String::new();
    for (signal, line) in [
        ("USR1", "usr1"),
        ("SIGUSR1", "usr1"),
        ("10", "usr1"),
        ("sigterm", "term"),
    ] {
        runtime.ok(&["kill", "box", signal]);
        log.push_str(&format!("{line}\n"));
        crate::harness::eventually(signal, || {
            let text = std::fs::read_to_string(bundle.inside("log")).unwrap_or_default();
            (text == log).then_some(())
        });
    }
    // Without one it is SIGTERM.
    runtime.ok(&["kill", "box"]);
    log.push_str("term\n");
    crate::harness::eventually("SIGTERM", || {
        let text = std::fs::read_to_string(bundle.inside("log")).unwrap();
        (text == log).then_some(())
    });
    assert_eq!(
        runtime.fails(1, &["kill", "box", "BOGUS"]),
        "unknown signal \"BOGUS\""
    );
    runtime.ok(&["kill", "box", "--all", "9"]);
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}

#[test]
fn kill_all_reaches_what_shares_the_hosts_processes() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        script("sleep 1001 & touch /ready; exec sleep 1000")(spec);
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "pid");
        // The host's processes are seen only where its proc may be mounted.
        spec["mounts"].as_array_mut().unwrap()[0] = serde_json::json!({
            "destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind", "ro"],
        });
    });
    runtime.start("box", &bundle);
    assert!(crate::harness::wait_until(5, || bundle
        .inside("ready")
        .exists()));
    let all: Vec<i32> =
        serde_json::from_str(&runtime.ok(&["ps", "--format", "json", "box"])).unwrap();
    assert_eq!(all.len(), 2);
    runtime.ok(&["kill", "--all", "box", "KILL"]);
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}
