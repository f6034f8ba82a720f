//! Docker, with `rbox-runtime` in runc's place.

use crate::harness::{Client, Host, Terminal, eventually};

#[test]
fn a_container_runs_and_its_exit_code_is_dockers() {
    let host = Host::new();
    let Some(docker) = Client::docker(&host, "oci_with_docker::a_container_runs") else {
        return;
    };
    assert_eq!(
        docker.ok(&["run", "--rm", "alpine", "echo", "hello"]),
        "hello"
    );
    assert_eq!(
        docker
            .run(&["run", "--rm", "alpine", "sh", "-c", "exit 7"])
            .code,
        7
    );
    let missing = docker.run(&["run", "--rm", "alpine", "nosuch"]).fails(127);
    assert!(
        missing.contains("exec: \"nosuch\": executable file not found in $PATH"),
        "{missing}"
    );
    let denied = docker.run(&["run", "--rm", "alpine", "/etc"]).fails(126);
    assert!(
        denied.contains("exec: \"/etc\": permission denied"),
        "{denied}"
    );
    let script = "id -u; id -g; touch /x 2>&1; touch /tmp/y && echo written";
    let read_only = [
        "run",
        "--rm",
        "--read-only",
        "--user",
        "1000:1000",
        "--tmpfs",
        "/tmp",
    ];
    let words = [&read_only[..], &["alpine", "sh", "-c", script]].concat();
    assert_eq!(
        docker.ok(&words),
        "1000\n1000\ntouch: /x: Read-only file system\nwritten"
    );
    let status = ["grep", "-E", "^(CapBnd|Seccomp):", "/proc/self/status"];
    let default = docker.ok(&[&["run", "--rm", "alpine"][..], &status].concat());
    assert_eq!(default, "CapBnd:\t00000000a80425fb\nSeccomp:\t2");
    let open = [
        "run",
        "--rm",
        "--security-opt",
        "seccomp=unconfined",
        "--cap-drop",
        "ALL",
        "alpine",
    ];
    let open = docker.ok(&[&open[..], &status].concat());
    assert_eq!(open, "CapBnd:\t0000000000000000\nSeccomp:\t0");
    let devices = docker.ok(&["run", "--rm", "--privileged", "alpine", "ls", "/dev"]);
    assert!(devices.lines().any(|name| name == "kmsg"), "{devices}");
}

#[test]
fn limits_are_the_kernels() {
    let host = Host::new();
    let Some(docker) = Client::docker(&host, "oci_with_docker::limits_are_the_kernels") else {
        return;
    };
    let read = "for f in memory/memory.limit_in_bytes memory.max pids/pids.max pids.max \
                cpu/cpu.cfs_quota_us cpu.max; do \
                [ -e /sys/fs/cgroup/$f ] && cat /sys/fs/cgroup/$f; done; ulimit -n";
    let limits = [
        "-m",
        "64m",
        "--pids-limit",
        "50",
        "--cpus",
        "0.5",
        "--ulimit",
        "nofile=99:99",
    ];
    let words = [&["run", "--rm"][..], &limits, &["alpine", "sh", "-c", read]].concat();
    let text = docker.ok(&words);
    let lines: Vec<&str> = text.lines().collect();
    assert!(["50000", "50000 100000"].contains(&lines[2]), "{lines:?}");
    assert_eq!((lines[0], lines[1], lines[3]), ("67108864", "50", "99"));
    docker.ok(&[
        "run", "-d", "--name", "box", "-m", "64m", "alpine", "sleep", "1000",
    ]);
    docker.ok(&["update", "-m", "100m", "--memory-swap", "100m", "box"]);
    let read =
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null";
    assert_eq!(
        docker.run(&["exec", "box", "sh", "-c", read]).stdout,
        "104857600\n"
    );
    let stats = docker.ok(&["stats", "--no-stream", "--format", "{{.Name}}", "box"]);
    assert_eq!(stats, "box");
    let killed = docker.run(&[
        "run",
        "--rm",
        "-m",
        "16m",
        "alpine",
        "sh",
        "-c",
        "tail /dev/zero",
    ]);
    assert_eq!(killed.code, 137);
}

#[test]
fn a_container_is_entered_paused_restarted_and_stopped() {
    let host = Host::new();
    let Some(docker) = Client::docker(&host, "oci_with_docker::a_container_is_entered") else {
        return;
    };
    let health = [
        "--health-cmd",
        "test -e /etc/alpine-release",
        "--health-interval",
        "1s",
    ];
    let script = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done";
    let words = [
        &["run", "-d", "--name", "box"][..],
        &health,
        &["alpine", "sh", "-c", script],
    ];
    docker.ok(&words.concat());
    let ids = docker.ok(&[
        "exec",
        "-u",
        "1000",
        "-w",
        "/tmp",
        "-e",
        "A=b",
        "box",
        "sh",
        "-c",
        "id -u; pwd; echo $A",
    ]);
    assert_eq!(ids, "1000\n/tmp\nb");
    assert_eq!(docker.run(&["exec", "box", "sh", "-c", "exit 5"]).code, 5);
    let missing = docker.run(&["exec", "box", "nosuch"]);
    // By its version docker takes the one or the other.
    assert!(matches!(missing.code, 126 | 127), "{missing:#?}");
    let state =
        |field: &str| docker.ok(&["inspect", "-f", &format!("{{{{.State.{field}}}}}"), "box"]);
    docker.ok(&["pause", "box"]);
    assert_eq!(state("Status"), "paused");
    docker.ok(&["unpause", "box"]);
    assert_eq!(state("Status"), "running");
    eventually("a healthy container", || {
        (state("Health.Status") == "healthy").then_some(())
    });
    let top = docker.ok(&["top", "box"]);
    assert!(top.contains("sleep 1000"), "{top}");
    let before = state("Pid");
    docker.ok(&["restart", "box"]);
    assert_ne!(state("Pid"), before);
    docker.ok(&["stop", "box"]);
    assert_eq!(
        (state("Status"), state("ExitCode")),
        ("exited".into(), "3".into())
    );
    assert_eq!(docker.ok(&["logs", "box"]), "up\nup");
    docker.ok(&["rm", "box"]);
}

#[test]
fn terminals_are_dockers() {
    let host = Host::new();
    let Some(docker) = Client::docker(&host, "oci_with_docker::terminals_are_dockers") else {
        return;
    };
    let mut terminal = Terminal::start(&docker.command(&["run", "--rm", "-it", "alpine"]));
    terminal.expect("# ");
    terminal.send("tty\r");
    terminal.expect("/dev/pts/0");
    terminal.send("exit 4\r");
    assert_eq!(terminal.wait(), 4);
    docker.ok(&["run", "-d", "--name", "box", "alpine", "sleep", "1000"]);
    let mut terminal = Terminal::start(&docker.command(&["exec", "-it", "box", "sh"]));
    terminal.expect("# ");
    terminal.send("tty; exit 6\r");
    terminal.expect("/dev/pts/0");
    assert_eq!(terminal.wait(), 6);
}
