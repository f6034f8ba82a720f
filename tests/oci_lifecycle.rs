//! A container's life by the OCI runtime's commands: which are legal when, and
//! what is left.

use std::path::Path;

use crate::harness::bundle::{command, script};
use crate::harness::{Host, Runtime};

const SLEEP: &[&str] = &["sleep", "1000"];

#[test]
fn create_start_kill_delete_are_commands_of_their_own() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("echo started > /mark; exec sleep 1000"));
    runtime.ok(&["create", "--bundle", bundle.path(), "box"]);
    assert_eq!(runtime.status("box"), "created");
    let pid = runtime.pid("box");
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    assert!(!bundle.inside("mark").exists(), "it runs before its start");
    runtime.ok(&["start", "box"]);
    assert_eq!(runtime.status("box"), "running");
    assert_eq!(runtime.pid("box"), pid);
    assert!(crate::harness::wait_until(5, || bundle
        .inside("mark")
        .exists()));
    runtime.ok(&["kill", "box", "KILL"]);
    runtime.wait_stopped("box");
    assert_eq!(runtime.pid("box"), 0);
    runtime.ok(&["delete", "box"]);
    assert_eq!(
        runtime.fails(1, &["state", "box"]),
        "container does not exist"
    );
}

/// The commands and whether they are legal; `Err` holds the refusal.
type Rules<'a> = &'a [(&'a [&'a str], Result<(), &'a str>)];

#[track_caller]
fn obeys(runtime: &Runtime, rules: Rules) {
    for (words, wanted) in rules {
        let output = runtime.call(words);
        match wanted {
            Ok(()) => {
                output.ok();
            }
            Err(text) => {
                let code = if words[0] == "exec" { 255 } else { 1 };
                let got = crate::harness::runtime::message(&output.fails(code));
                assert_eq!(&got, text, "{words:?}");
            }
        }
    }
}

#[test]
fn every_command_knows_what_a_created_container_can_do() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(SLEEP));
    runtime.ok(&["create", "--bundle", bundle.path(), "box"]);
    obeys(
        &runtime,
        &[
            (
                &["create", "--bundle", bundle.path(), "box"],
                Err("rbox-runtime create failed: container with given ID already exists"),
            ),
            (
                &["run", "--bundle", bundle.path(), "box"],
                Err("rbox-runtime run failed: container with given ID already exists"),
            ),
            (
                &["resume", "box"],
                Err("cannot resume a container that is created"),
            ),
            (
                &["delete", "box"],
                Err("cannot delete container box that is not stopped: created"),
            ),
            (&["state", "box"], Ok(())),
            (&["ps", "box"], Ok(())),
            (&["events", "--stats", "box"], Ok(())),
            (&["update", "--pids-limit", "100", "box"], Ok(())),
            (&["exec", "box", "true"], Ok(())),
            (&["kill", "box", "0"], Ok(())),
            (&["pause", "box"], Ok(())),
            (
                &["start", "box"],
                Err("cannot start a container in the paused state"),
            ),
            (&["resume", "box"], Ok(())),
            (&["start", "box"], Ok(())),
            (&["kill", "box", "KILL"], Ok(())),
        ],
    );
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}

#[test]
fn every_command_knows_what_a_running_and_a_paused_container_can_do() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(SLEEP));
    runtime.start("box", &bundle);
    obeys(
        &runtime,
        &[
            (
                &["start", "box"],
                Err("cannot start an already running container"),
            ),
            (
                &["resume", "box"],
                Err("cannot resume a container that is running"),
            ),
            (
                &["delete", "box"],
                Err("cannot delete container box that is not stopped: running"),
            ),
            (&["exec", "box", "true"], Ok(())),
            (&["update", "--pids-limit", "100", "box"], Ok(())),
            (&["pause", "box"], Ok(())),
            (
                &["pause", "box"],
                Err("cannot pause a container that is paused"),
            ),
            (
                &["start", "box"],
                Err("cannot start a container in the paused state"),
            ),
            (
                &["exec", "box", "true"],
                Err("exec failed: cannot exec in a paused container \
                     (use --ignore-paused to override)"),
            ),
            (
                &["delete", "box"],
                Err("cannot delete container box that is not stopped: paused"),
            ),
            (&["state", "box"], Ok(())),
            (&["ps", "box"], Ok(())),
            (&["events", "--stats", "box"], Ok(())),
            (&["update", "--pids-limit", "100", "box"], Ok(())),
            (&["kill", "box", "KILL"], Ok(())),
        ],
    );
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}

#[test]
fn every_command_knows_what_a_stopped_container_can_do() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["true"]));
    runtime.start("box", &bundle);
    runtime.wait_stopped("box");
    obeys(
        &runtime,
        &[
            (
                &["start", "box"],
                Err("cannot start a container that has stopped"),
            ),
            (&["kill", "box"], Err("container not running")),
            (
                &["kill", "--all", "box", "KILL"],
                Err("container not running"),
            ),
            (
                &["pause", "box"],
                Err("cannot pause a container that is stopped"),
            ),
            (
                &["resume", "box"],
                Err("cannot resume a container that is stopped"),
            ),
            (
                &["update", "--pids-limit", "9", "box"],
                Err("cannot update a container that is stopped"),
            ),
            (
                &["exec", "box", "true"],
                Err("exec failed: cannot exec in a stopped container"),
            ),
            (
                &["events", "--stats", "box"],
                Err("container with id box is not running"),
            ),
            (&["state", "box"], Ok(())),
            (&["ps", "box"], Ok(())),
            (&["delete", "box"], Ok(())),
        ],
    );
}

#[test]
fn no_command_finds_a_container_that_is_not_there() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    for words in [
        &["start", "nobody"][..],
        &["state", "nobody"],
        &["kill", "nobody"],
        &["delete", "nobody"],
        &["pause", "nobody"],
        &["resume", "nobody"],
        &["update", "nobody"],
        &["events", "nobody"],
        &["ps", "nobody"],
    ] {
        assert_eq!(
            runtime.fails(1, words),
            "container does not exist",
            "{words:?}"
        );
    }
    assert_eq!(
        runtime.fails(255, &["exec", "nobody", "true"]),
        "exec failed: container does not exist"
    );
    runtime.ok(&["delete", "--force", "nobody"]);
    for id in ["../x", "a/b", "", ".", ".."] {
        assert_eq!(
            runtime.fails(1, &["state", id]),
            "invalid container ID format"
        );
    }
}

#[test]
fn delete_by_force_ends_a_container_in_any_state() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(SLEEP));
    for steps in [&[][..], &["start"], &["start", "pause"], &["pause"]] {
        runtime.ok(&["create", "--bundle", bundle.path(), "box"]);
        for step in steps {
            runtime.ok(&[step, "box"]);
        }
        let pid = runtime.pid("box");
        runtime.ok(&["delete", "--force", "box"]);
        assert!(
            !Path::new(&format!("/proc/{pid}/root/bin")).exists(),
            "{steps:?}"
        );
        assert_eq!(runtime.left_behind(), Vec::<String>::new(), "{steps:?}");
    }
}
