//! Limits by the OCI runtime: changed, accounted, and told when they are hit.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::bundle::{command, script};
use crate::harness::{Host, Runtime};

/// A file of the container's cgroup: the first name is v2's, the second v1's,
/// with the controller in front.
fn limit(runtime: &Runtime, v2: &str, v1: (&str, &str)) -> String {
    let pid = runtime.pid("box");
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let root = PathBuf::from("/sys/fs/cgroup");
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let controllers = fields.nth(1).unwrap();
        let group = fields.next().unwrap().trim_start_matches('/');
        if controllers.split(',').any(|one| one == v1.0) {
            let path = root.join(controllers).join(group).join(v1.1);
            let other = root.join(v1.0).join(group).join(v1.1);
            let text = std::fs::read_to_string(path).or_else(|_| std::fs::read_to_string(other));
            return text.unwrap().trim().to_owned();
        }
    }
    let group = groups
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .unwrap();
    std::fs::read_to_string(root.join(group).join(v2))
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn limits_are_changed_by_flags_and_by_json() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    runtime.ok(&["update", "--pids-limit", "77", "--memory", "64m", "box"]);
    let pids = || limit(&runtime, "pids.max", ("pids", "pids.max"));
    let memory = || limit(&runtime, "memory.max", ("memory", "memory.limit_in_bytes"));
    assert_eq!(
        (pids(), memory()),
        ("77".to_owned(), (64 << 20).to_string())
    );
    let file = host.write(
        "limits.json",
        &json!({ "pids": { "limit": 55 }, "memory": { "limit": 0 }, "cpu": { "cpus": "" } })
            .to_string(),
    );
    runtime.ok(&["update", "--resources", &file, "box"]);
    assert_eq!(
        (pids(), memory()),
        ("55".to_owned(), (64 << 20).to_string())
    );
    let mut from_stdin = runtime.command(&["update", "-r", "-", "box"]);
    let other = host.write(
        "other.json",
        &json!({ "pids": { "limit": 33 } }).to_string(),
    );
    from_stdin.stdin(std::fs::File::open(other).unwrap());
    runtime.finish(from_stdin, "update -r -").ok();
    assert_eq!(pids(), "33");
    runtime.ok(&["update", "box"]);
    let wrong = runtime.fails(1, &["update", "--memory", "lots", "box"]);
    assert_eq!(wrong, "invalid value for memory: \"lots\"");
    runtime.ok(&["delete", "-f", "box"]);
}

#[test]
fn accounting_is_in_runcs_form() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        command(&["sleep", "1000"])(spec);
        spec["linux"]["resources"]["pids"] = json!({ "limit": 20 });
        spec["linux"]["resources"]["memory"] = json!({ "limit": 64 << 20 });
    });
    runtime.start("box", &bundle);
    let event: Value = serde_json::from_str(&runtime.ok(&["events", "--stats", "box"])).unwrap();
    assert_eq!(
        (&event["type"], &event["id"]),
        (&json!("stats"), &json!("box"))
    );
    let data = &event["data"];
    assert_eq!(data["pids"], json!({ "current": 1, "limit": 20 }));
    assert_eq!(data["memory"]["usage"]["limit"], json!(64 << 20));
    assert!(data["memory"]["usage"]["usage"].as_u64().unwrap() > 0);
    assert!(data["cpu"]["usage"]["total"].as_u64().unwrap() > 0);
    runtime.ok(&["delete", "-f", "box"]);
}

#[test]
fn events_tell_of_a_container_out_of_memory_and_end_with_it() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        script("sh -c 'read x </go; x=x; while :; do x=$x$x; done'; read x </end")(spec);
        spec["linux"]["resources"]["memory"] = json!({ "limit": 16 << 20, "swap": 16 << 20 });
    });
    for fifo in ["go", "end"] {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            bundle.inside(fifo),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )
        .unwrap();
    }
    runtime.start("box", &bundle);
    let mut child = runtime
        .command(&["events", "--interval", "20ms", "box"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Option<Value> {
        lines
            .next()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    };
    assert_eq!(next().unwrap()["type"], "stats");
    std::fs::write(bundle.inside("go"), "now\n").unwrap();
    while next().unwrap()["type"] != "oom" {}
    std::fs::write(bundle.inside("end"), "now\n").unwrap();
    while next().is_some() {}
    assert!(child.wait().unwrap().success());
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}
