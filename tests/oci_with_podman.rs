//! Podman, with `rbox-runtime` in crun's place.

use crate::harness::{Client, Host, Terminal};

/// Without network: what plugins a machine has for that is not the runtime's.
const RUN: [&str; 4] = ["run", "--rm", "--network", "none"];

#[test]
fn a_container_runs_with_its_limits_and_exit_codes() {
    let host = Host::new();
    let Some(podman) = Client::podman(&host, "oci_with_podman::a_container_runs") else {
        return;
    };
    let run = |words: &[&str]| podman.run(&[&RUN[..], words].concat());
    assert_eq!(run(&["alpine", "echo", "hello"]).ok(), "hello");
    assert_eq!(run(&["alpine", "sh", "-c", "exit 7"]).code, 7);
    assert_eq!(run(&["alpine", "nosuch"]).code, 127);
    assert_eq!(run(&["alpine", "/etc"]).code, 126);
    let read = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; \
                cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; true";
    let limits = [
        "-m",
        "64m",
        "--pids-limit",
        "50",
        "alpine",
        "sh",
        "-c",
        read,
    ];
    assert_eq!(run(&limits).ok(), "67108864\n50");
    let script = "id -u; touch /x 2>&1; touch /tmp/y && echo written";
    let read_only = [
        "--read-only",
        "--user",
        "1000:1000",
        "alpine",
        "sh",
        "-c",
        script,
    ];
    assert_eq!(
        run(&read_only).ok(),
        "1000\ntouch: /x: Read-only file system\nwritten"
    );
    let map = run(&[
        "--uidmap",
        "0:100000:65536",
        "alpine",
        "cat",
        "/proc/self/uid_map",
    ])
    .ok();
    let map: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(map, ["0", "100000", "65536"]);
}

#[test]
fn a_container_is_entered_paused_restarted_and_stopped() {
    let host = Host::new();
    let Some(podman) = Client::podman(&host, "oci_with_podman::a_container_is_entered") else {
        return;
    };
    let script = "trap 'exit 3' TERM; while :; do sleep 1000 & wait; done";
    let start = [
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "box",
        "alpine",
        "sh",
        "-c",
        script,
    ];
    podman.ok(&start);
    assert_eq!(
        podman.ok(&["exec", "-u", "1000", "box", "id", "-u"]),
        "1000"
    );
    assert_eq!(podman.run(&["exec", "box", "sh", "-c", "exit 5"]).code, 5);
    let state =
        |field: &str| podman.ok(&["inspect", "-f", &format!("{{{{.State.{field}}}}}"), "box"]);
    podman.ok(&["pause", "box"]);
    assert_eq!(state("Status"), "paused");
    podman.ok(&["unpause", "box"]);
    assert_eq!(state("Status"), "running");
    let mut terminal = Terminal::start(&podman.command(&["exec", "-it", "box", "sh"]));
    terminal.expect("# ");
    terminal.send("tty; exit 6\r");
    terminal.expect("/dev/pts/0");
    assert_eq!(terminal.wait(), 6);
    let before = state("Pid");
    podman.ok(&["restart", "box"]);
    assert_ne!(state("Pid"), before);
    podman.ok(&["stop", "box"]);
    assert_eq!(
        (state("Status"), state("ExitCode")),
        ("exited".into(), "3".into())
    );
    podman.ok(&["rm", "box"]);
}
