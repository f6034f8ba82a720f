//! What the OCI runtime prints: states, lists, documents, log lines.

use serde_json::{Value, json};

use crate::harness::bundle::command;
use crate::harness::{Host, Runtime};

#[test]
fn a_state_has_runcs_fields() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| {
        command(&["sleep", "1000"])(spec);
        spec["annotations"] = json!({ "b": "2", "a": "1" });
    });
    runtime.start("box", &bundle);
    let text = runtime.ok(&["state", "box"]);
    assert!(text.starts_with("{\n  \"ociVersion\": "), "{text}");
    let state: Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = state.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "ociVersion",
            "id",
            "pid",
            "status",
            "bundle",
            "rootfs",
            "created",
            "annotations",
            "owner"
        ]
    );
    assert_eq!(state["id"], "box");
    assert_eq!(state["status"], "running");
    assert_eq!(state["bundle"], bundle.path());
    assert_eq!(
        state["rootfs"],
        bundle.inside("").to_str().unwrap().trim_end_matches('/')
    );
    assert_eq!(state["annotations"], json!({ "a": "1", "b": "2" }));
    let created = state["created"].as_str().unwrap();
    assert!(
        created.starts_with("20") && created.ends_with('Z'),
        "{created}"
    );
    runtime.ok(&["delete", "-f", "box"]);
}

#[test]
fn lists_are_tables_ids_or_json() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let header = "ID          PID         STATUS      BUNDLE      CREATED     OWNER";
    assert_eq!(runtime.ok(&["list"]), header);
    assert_eq!(runtime.ok(&["list", "--format", "json"]), "null");
    assert_eq!(runtime.ok(&["list", "-q"]), "");
    let (one, two) = (
        runtime.bundle(command(&["sleep", "1000"])),
        runtime.bundle(command(&["true"])),
    );
    runtime.start("two", &two);
    runtime.ok(&["create", "--bundle", one.path(), "one"]);
    runtime.wait_stopped("two");
    assert_eq!(runtime.ok(&["list", "--quiet"]), "one\ntwo");
    let text = runtime.ok(&["list"]);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), 3);
    let pid = runtime.pid("one").to_string();
    assert_eq!(rows[1][..4], ["one", &pid, "created", one.path()]);
    assert_eq!(rows[2][..4], ["two", "0", "stopped", two.path()]);
    assert_eq!(rows[1][5], "root");
    let all: Value = serde_json::from_str(&runtime.ok(&["list", "-f", "json"])).unwrap();
    assert_eq!(all[0]["id"], "one");
    assert_eq!(all[1]["status"], "stopped");
    assert_eq!(all[0]["owner"], "root");
    assert_eq!(
        runtime.fails(1, &["list", "-f", "yaml"]),
        "invalid format option"
    );
    runtime.ok(&["delete", "-f", "one"]);
    runtime.ok(&["delete", "two"]);
}

#[test]
fn ps_shows_the_containers_processes_alone() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    let pid = runtime.pid("box");
    assert_eq!(
        runtime.ok(&["ps", "--format", "json", "box"]),
        format!("[{pid}]")
    );
    let table = runtime.ok(&["ps", "box"]);
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(
        table.starts_with("UID") && table.ends_with("sleep 1000"),
        "{table}"
    );
    let columns = runtime.ok(&["ps", "box", "-o", "pid,comm"]);
    let words: Vec<&str> = columns.split_whitespace().collect();
    assert_eq!(words, ["PID", "COMMAND", &pid.to_string(), "sleep"]);
    let without = runtime.fails(1, &["ps", "box", "-o", "comm"]);
    assert_eq!(without, "couldn't find PID field in ps output");
    assert_eq!(
        runtime.fails(1, &["ps", "-f", "x", "box"]),
        "invalid format option"
    );
    runtime.ok(&["delete", "-f", "box"]);
}

#[test]
fn errors_are_said_once_on_stderr_and_logged_where_asked() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let log = runtime.new_path("log");
    let log = log.to_str().unwrap();
    let text = runtime.call(&["--log", log, "state", "nobody"]);
    assert_eq!(
        (text.code, text.stderr.as_str()),
        (1, "container does not exist\n")
    );
    let json = runtime.call(&[
        "--log",
        log,
        "--log-format",
        "json",
        "exec",
        "nobody",
        "true",
    ]);
    assert_eq!(
        (json.code, json.stderr.as_str()),
        (255, "exec failed: container does not exist\n")
    );
    let written = std::fs::read_to_string(log).unwrap();
    let [first, second] = written.lines().collect::<Vec<_>>()[..] else {
        panic!("not two lines: {written}");
    };
    assert!(
        first.ends_with("level=error msg=\"container does not exist\""),
        "{first}"
    );
    let line: Value = serde_json::from_str(second).unwrap();
    assert_eq!(line["level"], "error");
    assert_eq!(line["msg"], "exec failed: container does not exist");
    assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    let without = runtime.call(&["--log", "/nonexistent/log", "list"]);
    assert_eq!(without.code, 1);
    assert!(
        without.stderr.contains("open /nonexistent/log: "),
        "{without:?}"
    );
}

#[test]
fn debug_lines_are_for_who_asks() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["true"]));
    let quiet = runtime.call(&["run", "--bundle", bundle.path(), "box"]);
    assert_eq!(quiet.stderr, "");
    let said = runtime.call(&["--debug", "run", "--bundle", bundle.path(), "box"]);
    assert!(
        said.stderr
            .contains("level=debug msg=\"create container box"),
        "{said:?}"
    );
}

#[test]
fn a_specification_to_begin_with_is_written_once() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let dir = runtime.new_path("bundle");
    std::fs::create_dir_all(&dir).unwrap();
    let dir_text = dir.to_str().unwrap();
    runtime.ok(&["spec", "--bundle", dir_text]);
    let text = std::fs::read_to_string(dir.join("config.json")).unwrap();
    assert!(text.starts_with("{\n\t\"ociVersion\": "), "{text}");
    let spec: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(spec["process"]["args"], json!(["sh"]));
    assert_eq!(
        runtime.fails(1, &["spec", "-b", dir_text]),
        format!("file {dir_text}/config.json exists: remove it first")
    );
    assert_eq!(
        runtime.fails(1, &["spec", "--rootless"]),
        "flag --rootless is not supported"
    );
}

#[test]
fn the_features_document_tells_what_can_be_asked_for() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let document: Value = serde_json::from_str(&runtime.ok(&["features"])).unwrap();
    assert_eq!(document["ociVersionMin"], "1.0.0");
    assert_eq!(document["hooks"].as_array().unwrap().len(), 6);
    let linux = &document["linux"];
    assert_eq!(linux["cgroup"]["v1"], true);
    assert_eq!(linux["seccomp"]["enabled"], true);
    assert_eq!(linux["mountExtensions"]["idmap"]["enabled"], true);
    for (list, member) in [
        (&linux["namespaces"], "user"),
        (&linux["capabilities"], "CAP_SYS_ADMIN"),
        (&linux["seccomp"]["actions"], "SCMP_ACT_ERRNO"),
        (&document["mountOptions"], "rro"),
        (&document["mountOptions"], "ridmap"),
    ] {
        assert!(
            list.as_array().unwrap().contains(&json!(member)),
            "{member}"
        );
    }
}
