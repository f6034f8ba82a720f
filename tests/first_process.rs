//! PID 1 of a container: signals, orphans, and the end of all that it started.

use std::fs;

use crate::harness::{Host, eventually, wait_until};

/// Pids on the machine of processes with this command line.
fn running(command: &[&str]) -> Vec<String> {
    let line = command.join("\0") + "\0";
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| fs::read_to_string(entry.path().join("cmdline")).is_ok_and(|c| c == line))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_command_itself_is_process_one() {
    let host = Host::new();
    let table = host
        .rbox(&["run", "--rm", "alpine", "ps", "-o", "pid,ppid,args"])
        .ok();
    assert_eq!(
        table,
        "PID   PPID  COMMAND\n    1     0 ps -o pid,ppid,args"
    );
}

#[test]
fn process_one_ignores_signals_that_it_does_not_handle() {
    let host = Host::new();
    assert_eq!(
        host.shell("", "kill -TERM $$; kill -KILL $$; echo still here")
            .ok(),
        "still here"
    );
    host.shell("", "(kill -SEGV $$); (sh -c 'kill -SEGV $$'); exit $?")
        .fails(139);
}

#[test]
fn everything_ends_with_process_one() {
    let host = Host::new();
    let script = "setsid sleep 91317 & (sleep 91317 &) ; trap '' TERM HUP; sleep 91317 & \
                  read line; exit 3";
    let mut child = host.command(&["run", "--rm", "-i", "alpine", "sh", "-c", script]);
    let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
    eventually("three processes", || {
        (running(&["sleep", "91317"]).len() == 3).then_some(())
    });
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(wait_until(5, || running(&["sleep", "91317"]).is_empty()));
}

#[test]
fn everything_ends_with_process_one_among_the_hosts_processes_too() {
    let host = Host::new();
    let script = "setsid sleep 91318 & (trap '' TERM HUP INT; setsid sleep 91318 &); exit 4";
    host.shell("--pid host", script).fails(4);
    assert!(wait_until(5, || running(&["sleep", "91318"]).is_empty()));
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "box",
        "--pid",
        "host",
        "alpine",
        "sh",
        "-c",
        "setsid sleep 91319 & sleep 91319",
    ])
    .ok();
    eventually("two processes", || {
        (running(&["sleep", "91319"]).len() == 2).then_some(())
    });
    host.ok("kill box");
    assert!(wait_until(5, || running(&["sleep", "91319"]).is_empty()));
}

#[test]
fn an_init_passes_signals_on_and_ends_with_the_commands_code() {
    let host = Host::new();
    let table = host
        .rbox(&[
            "run",
            "--rm",
            "--init",
            "alpine",
            "ps",
            "-o",
            "pid,ppid,args",
        ])
        .ok();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(
        lines[1],
        "    1     0 /sbin/docker-init -- ps -o pid,ppid,args"
    );
    assert!(lines[2].ends_with("    1 ps -o pid,ppid,args"), "{table}");
    host.shell("--init", "exit 42").fails(42);
    host.ok("run -d --name box --init alpine sleep 1000");
    // Without an init, sleep would not see the signal and stop would have to wait.
    assert_eq!(host.ok("stop -t 60 box"), "box");
    assert_eq!(host.ok("inspect -f {{.State.ExitCode}} box"), "143");
    let script = "trap 'echo got USR1; exit 9' USR1; echo ready; while :; do sleep 0.05; done";
    host.rbox(&[
        "run", "-d", "--name", "other", "--init", "alpine", "sh", "-c", script,
    ])
    .ok();
    eventually("the trap", || {
        (host.ok("logs other") == "ready").then_some(())
    });
    host.ok("kill -s USR1 other");
    assert_eq!(host.ok("wait other"), "9");
    assert_eq!(host.ok("logs other"), "ready\ngot USR1");
}

#[test]
fn an_init_reaps_the_orphans_that_a_command_leaves() {
    let host = Host::new();
    let zombies = "(sh -c 'sleep 0 & exec sh -c \"exit 0\"' &); i=0; \
                   while ps -o stat,args | grep -q '^Z' || test $i -lt 20; do \
                   i=$((i+1)); test $i -lt 400 || exit 1; done";
    host.shell("--init", zombies).ok();
    // Nothing but an init does that.
    let kept = host.shell(
        "",
        "sh -c 'sh -c \"exit 0\" & sh -c \"exit 0\" & exec sleep 0.2' & \
                               exec sh -c 'while ! ps -o stat | grep -q Z; do :; done'",
    );
    kept.ok();
}

#[test]
fn an_init_without_its_command_says_so() {
    let host = Host::new();
    let error = host.ok_or_error(&["run", "--rm", "--init", "alpine", "nosuchcmd"]);
    assert_eq!(
        error,
        (
            127,
            "docker-init: exec nosuchcmd failed: no such file or directory".into()
        )
    );
}

impl Host {
    fn ok_or_error(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.rbox(arguments);
        (output.code, output.stderr.trim_end().to_owned())
    }
}

#[test]
fn what_a_process_learns_of_its_neighbours_stays_known() {
    let host = Host::new();
    host.ok("network create --subnet 10.9.0.0/24 lan");
    let script = "arp -s 10.9.0.99 02:42:0a:09:00:63 && echo learnt && sleep 1000";
    for round in 0..8 {
        let name = format!("box{round}");
        let options = format!("-d --name {name} --network lan --cap-add NET_ADMIN");
        host.shell(&options, script).ok();
        eventually("it has learnt", || {
            (host.ok(&format!("logs {name}")) == "learnt").then_some(())
        });
        let known = host.ok(&format!("exec {name} arp -n"));
        assert!(known.contains("02:42:0a:09:00:63"), "{round}: {known:?}");
    }
}
