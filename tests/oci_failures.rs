//! What the OCI runtime cannot do leaves nothing behind.

use crate::harness::bundle::command;
use crate::harness::{Host, Runtime};

#[test]
fn a_process_that_cannot_be_executed_leaves_nothing() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["nosuch"]));
    for action in ["create", "run"] {
        let text = runtime.fails(1, &[action, "--bundle", bundle.path(), "box"]);
        assert_eq!(
            text,
            format!(
                "rbox-runtime {action} failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH"
            )
        );
        assert_eq!(runtime.left_behind(), Vec::<String>::new());
    }
    bundle.edit(command(&["/etc/passwd"]));
    let text = runtime.fails(1, &["run", "--bundle", bundle.path(), "box"]);
    assert!(
        text.ends_with("exec: \"/etc/passwd\": permission denied"),
        "{text}"
    );
}

/// What it is about, and the edit.
type Edit = (&'static str, fn(&mut serde_json::Value));

#[test]
fn a_configuration_that_cannot_be_done_leaves_nothing() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let edits: &[Edit] = &[
        ("mount", |spec| {
            spec["mounts"].as_array_mut().unwrap().push(serde_json::json!({
                "destination": "/data", "type": "bind", "source": "/nonexistent", "options": ["bind"],
            }));
        }),
        ("cwd", |spec| spec["process"]["cwd"] = "relative".into()),
        ("rootfs", |spec| spec["root"]["path"] = "nowhere".into()),
        ("sysctl", |spec| {
            spec["linux"]["sysctl"] = serde_json::json!({ "no.such": "1" })
        }),
        ("hook", |spec| {
            spec["hooks"] = serde_json::json!({ "createRuntime": [{ "path": "/bin/false" }] });
        }),
    ];
    for (what, edit) in edits {
        let bundle = runtime.bundle(edit);
        runtime.fails(1, &["run", "--bundle", bundle.path(), "box"]);
        assert_eq!(runtime.left_behind(), Vec::<String>::new(), "{what}");
    }
    let empty = host.scratch();
    assert_eq!(
        runtime.fails(1, &["create", "--bundle", empty.to_str().unwrap(), "box"]),
        format!(
            "rbox-runtime create failed: JSON specification file config.json not found in {}",
            empty.display()
        )
    );
}
