//! `run`: a container from its creation to its end in one command.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::bundle::{command, script};
use crate::harness::{Host, Runtime, eventually};

#[test]
fn the_exit_code_is_the_containers_and_nothing_is_left() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    for (text, code) in [("echo hello", 0), ("exit 3", 3), ("kill -9 $$", 137)] {
        // The first process of a pid namespace cannot kill itself.
        let wrapped = format!("sh -c '{text}'; exit $?");
        let bundle = runtime.bundle(script(&wrapped));
        let output = runtime.call(&["run", "--bundle", bundle.path(), "box"]);
        assert_eq!(output.code, code, "{output:?}");
        assert_eq!(runtime.left_behind(), Vec::<String>::new());
    }
}

#[test]
fn a_container_is_kept_when_asked() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("exit 3"));
    let output = runtime.call(&["run", "--keep", "--bundle", bundle.path(), "box"]);
    assert_eq!(output.code, 3);
    assert_eq!(runtime.status("box"), "stopped");
    runtime.ok(&["delete", "box"]);
}

#[test]
fn the_current_directory_is_the_bundle() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["echo", "here"]));
    let mut command = runtime.command(&["run", "box"]);
    command.current_dir(bundle.path());
    assert_eq!(runtime.finish(command, "run").ok(), "here");
}

#[test]
fn a_detached_container_goes_on() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    let file = runtime.new_path("pid");
    let file_text = file.to_str().unwrap();
    runtime.ok(&[
        "run",
        "-d",
        "--pid-file",
        file_text,
        "--bundle",
        bundle.path(),
        "box",
    ]);
    assert_eq!(runtime.status("box"), "running");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        runtime.pid("box").to_string()
    );
    runtime.ok(&["kill", "box", "KILL"]);
    runtime.wait_stopped("box");
    runtime.ok(&["delete", "box"]);
}

#[test]
fn signals_go_on_to_the_container() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let text = "trap 'echo hup' HUP; trap 'echo int' INT; trap 'echo usr2' USR2; \
                trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done";
    let bundle = runtime.bundle(script(text));
    let mut child = runtime
        .command(&["run", "--bundle", bundle.path(), "box"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(next(), "ready\n");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    use rustix::process::Signal;
    for (signal, line) in [
        (Signal::HUP, "hup\n"),
        (Signal::INT, "int\n"),
        (Signal::USR2, "usr2\n"),
    ] {
        rustix::process::kill_process(pid, signal).unwrap();
        assert_eq!(next(), line);
    }
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn orphans_are_reaped_while_it_waits() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    // Without a pid namespace an orphan's parent is the runtime.
    let bundle = runtime.bundle(|spec| {
        script("(sleep 0.05 &) ; sleep 0.3; exit 4")(spec);
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "pid");
        spec["mounts"].as_array_mut().unwrap().remove(0);
    });
    let output = runtime.call(&["run", "--bundle", bundle.path(), "box"]);
    assert_eq!(output.code, 4, "{output:?}");
    let output = runtime.call(&["run", "--no-subreaper", "--bundle", bundle.path(), "box"]);
    assert_eq!(output.code, 4, "{output:?}");
}

#[test]
fn a_child_signal_that_the_caller_ignores_is_no_end_of_waiting() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("exit 6"));
    let inner = runtime.command(&["run", "--bundle", bundle.path(), "box"]);
    let mut command = Command::new("python3");
    let ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); \
                    os.execv(sys.argv[1], sys.argv[1:])";
    command.args(["-c", ignoring]);
    command.arg(inner.get_program()).args(inner.get_args());
    assert_eq!(runtime.finish(command, "run").code, 6);
}

#[test]
fn descriptors_and_sockets_are_passed_when_asked() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID"));
    host.write("one", "one ");
    let two = host.write("two", "two ");
    let inner = runtime.command(&[
        "run",
        "--preserve-fds",
        "1",
        "--bundle",
        bundle.path(),
        "box",
    ]);
    let mut command = Command::new("sh");
    let open = format!(
        "exec 3<{}/one 4<{two} 5</etc/passwd; export LISTEN_PID=$$; exec \"$@\"",
        host.scratch().display()
    );
    command.args(["-c", &open, "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env("LISTEN_FDS", "1");
    assert_eq!(runtime.finish(command, "run").ok(), "one two 1 1");
    // What was meant for the engine that starts us is not for the container.
    let mut stale = runtime.command(&["run", "--bundle", bundle.path(), "box"]);
    stale.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    bundle.edit(script("echo none $LISTEN_FDS"));
    assert_eq!(runtime.finish(stale, "run").ok(), "none");
    let missing = runtime.fails(
        1,
        &[
            "run",
            "--preserve-fds",
            "3",
            "--bundle",
            bundle.path(),
            "box",
        ],
    );
    assert!(
        missing.ends_with("is to be preserved and is not open"),
        "{missing}"
    );
}

#[test]
fn a_descriptor_that_is_not_passed_does_not_get_in() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("ls /proc/self/fd | tr '\\n' ' '"));
    let inner = runtime.command(&["run", "--bundle", bundle.path(), "box"]);
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3</ 7</etc; exec \"$@\"", "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    // 3 is the directory that ls reads.
    assert_eq!(runtime.finish(command, "run").ok(), "0 1 2 3 ");
}

#[test]
fn hooks_run_and_their_failures_are_told() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let log = runtime.new_path("hooks");
    let hook = |name: &str| {
        let append = format!("echo {name} >> {}", log.display());
        json!([{ "path": "/bin/sh", "args": ["sh", "-c", append] }])
    };
    let bundle = runtime.bundle(|spec| {
        script("echo running")(spec);
        spec["hooks"] = json!({
            "createRuntime": hook("createRuntime"),
            "createContainer": hook("createContainer"),
            "poststart": hook("poststart"),
            "poststop": hook("poststop"),
        });
    });
    runtime.ok(&["run", "--bundle", bundle.path(), "box"]);
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        ["createRuntime", "createContainer", "poststart", "poststop"]
    );
    bundle.edit(|spec| {
        spec["hooks"] = json!({ "poststop": [{ "path": "/bin/false" }] });
    });
    let output = runtime.call(&["run", "--bundle", bundle.path(), "box"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("level=warning"), "{output:?}");
}

#[test]
fn the_runtime_killed_leaves_a_container_that_can_be_deleted() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(script("echo ready; exec sleep 1000"));
    let mut child = runtime
        .command(&["run", "--bundle", bundle.path(), "box"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0u8; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(runtime.status("box"), "running");
    runtime.ok(&["delete", "--force", "box"]);
    assert_eq!(runtime.left_behind(), Vec::<String>::new());
}

#[test]
fn default_devices_can_be_used_and_others_cannot() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let text = "for d in null zero full random urandom tty; do \
                test -c /dev/$d || echo no $d; done; echo x > /dev/null || exit 1; \
                head -c 4 /dev/urandom | wc -c; mknod /dev/kmsg c 1 11 2>/dev/null; \
                cat /dev/kmsg >/dev/null 2>&1 && echo leaked; exit 0";
    let bundle = runtime.bundle(|spec| {
        script(text)(spec);
        for set in ["bounding", "effective", "permitted"] {
            spec["process"]["capabilities"][set] = json!(["CAP_MKNOD"]);
        }
    });
    assert_eq!(
        runtime
            .ok(&["run", "--bundle", bundle.path(), "box"])
            .trim(),
        "4"
    );
}

#[test]
fn the_same_runtime_is_a_command_of_rbox() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["echo", "hello"]));
    let root = runtime.root().to_str().unwrap();
    let said = host.rbox(&[
        "oci",
        "--root",
        root,
        "run",
        "--bundle",
        bundle.path(),
        "box",
    ]);
    assert_eq!(said.ok(), "hello");
    let version = host.rbox(&["oci", "--version"]).ok();
    assert!(version.starts_with("rbox-runtime version "), "{version}");
    eventually("nothing left", || {
        runtime.left_behind().is_empty().then_some(())
    });
}
