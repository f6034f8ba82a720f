//! Streams between a client and its container: stdin, `attach`, signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Host, eventually};

fn signal(client: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(client.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The first line a client prints.
fn first_line(client: &mut Child) -> (String, BufReader<std::process::ChildStdout>) {
    let mut lines = BufReader::new(client.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    (line, lines)
}

#[test]
fn stdin_is_piped_with_i_to_its_end() {
    let host = Host::new();
    assert_eq!(
        host.sh("echo hello | $RBOX run --rm -i alpine cat").ok(),
        "hello"
    );
    assert_eq!(
        host.sh("printf 'a\\nb\\nc\\n' | $RBOX run --rm -i alpine wc -l")
            .ok(),
        "3"
    );
    let output = host.sh("echo 'echo from-stdin; exit 5' | $RBOX run --rm -i alpine");
    assert_eq!((output.code, output.stdout.as_str()), (5, "from-stdin\n"));
    assert_eq!(host.sh("$RBOX run --rm -i alpine cat < /dev/null").ok(), "");
    assert_eq!(
        host.sh("head -c 5000000 /dev/zero | $RBOX run --rm -i alpine wc -c")
            .ok(),
        "5000000"
    );
}

#[test]
fn stdin_is_left_alone_without_i() {
    let host = Host::new();
    assert_eq!(host.sh("echo hello | $RBOX run --rm alpine cat").ok(), "");
    let rest = host.sh("echo mine | ($RBOX run --rm alpine cat; cat)");
    assert_eq!(rest.ok(), "mine", "the next command gets it");
}

#[test]
fn a_detached_i_keeps_stdin_open_for_whoever_attaches() {
    let host = Host::new();
    host.sh("echo hello | $RBOX run -i -d --name h4c alpine cat")
        .ok();
    assert_eq!(host.ok("logs h4c"), "");
    assert_eq!(host.ok("inspect -f {{.State.Status}} h4c"), "running");
    for word in ["one", "two"] {
        let mut client = host.spawn("attach h4c");
        client
            .stdin
            .as_mut()
            .unwrap()
            .write_all(format!("{word}\n").as_bytes())
            .unwrap();
        let (line, _lines) = first_line(&mut client);
        assert_eq!(line, format!("{word}\n"));
        // The client goes, with or without a word; cat goes on.
        drop(client.stdin.take());
        signal(&client, Signal::KILL);
        client.wait().unwrap();
        assert_eq!(host.ok("inspect -f {{.State.Status}} h4c"), "running");
    }
    assert_eq!(host.ok("logs h4c"), "one\ntwo");
}

#[test]
fn attach_shows_what_is_new_and_ends_with_the_container() {
    let host = Host::new();
    let script = "echo before; read line; echo after; exit 6";
    host.rbox(&[
        "run", "-d", "-i", "--name", "h4at", "alpine", "sh", "-c", script,
    ])
    .ok();
    eventually("the first line", || {
        (host.ok("logs h4at") == "before").then_some(())
    });
    let mut first = host.spawn("attach --no-stdin h4at");
    let mut second = host.spawn("attach h4at");
    second.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    let (line, _lines) = first_line(&mut second);
    assert_eq!(line, "after\n", "not what was said before");
    assert_eq!(second.wait().unwrap().code(), Some(6));
    let mut text = String::new();
    first
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(["after\n", ""].contains(&text.as_str()), "{text}");
    first.wait().unwrap();
    assert_eq!(
        host.fails(1, "attach h4at"),
        "rbox: You cannot attach to a stopped container, start it first"
    );
    assert_eq!(
        host.fails(1, "attach nosuch"),
        "rbox: No such container: nosuch"
    );
}

#[test]
fn all_who_are_attached_see_the_same() {
    let host = Host::new();
    let script = "read line; for i in 1 2 3 4 5; do echo tick $i; done; exit 6";
    host.rbox(&[
        "run", "-d", "-i", "--name", "h4at", "alpine", "sh", "-c", script,
    ])
    .ok();
    let mut clients: Vec<Child> = (0..3).map(|_| host.spawn("attach h4at")).collect();
    let monitor = host.monitor("h4at");
    eventually("three clients at the monitor", || {
        (sockets(monitor) >= 3 + BARE_SOCKETS).then_some(())
    });
    // SIGWINCH is caught once the request to attach is sent.
    eventually("three clients attached", || {
        clients
            .iter()
            .all(|client| catches(client.id(), 28))
            .then_some(())
    });
    clients[0]
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"go\n")
        .unwrap();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        assert_eq!(output.stdout, b"tick 1\ntick 2\ntick 3\ntick 4\ntick 5\n");
        assert_eq!(output.status.code(), Some(6));
    }
}

/// Sockets of a monitor that nobody is attached to, at most.
const BARE_SOCKETS: usize = 2;

/// Connected sockets of a process.
fn sockets(pid: i32) -> usize {
    let names = std::fs::read_to_string("/proc/thread-self/net/unix").unwrap();
    let inodes: std::collections::BTreeSet<String> = names
        .lines()
        .filter(|line| line.split_whitespace().nth(5) == Some("03"))
        .filter_map(|line| {
            line.split_whitespace()
                .nth(6)
                .map(|inode| format!("socket:[{inode}]"))
        })
        .collect();
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|target| inodes.contains(target.to_str().unwrap_or_default()))
        .count()
}

#[test]
fn signals_to_the_client_reach_the_process() {
    let host = Host::new();
    let traps = "trap 'echo got TERM; exit 9' TERM; trap 'echo got HUP; exit 8' HUP; \
                 trap 'echo got USR1; exit 7' USR1; echo up; while :; do sleep 0.05; done";
    for (number, name, code) in [
        (Signal::TERM, "TERM", 9),
        (Signal::HUP, "HUP", 8),
        (Signal::USR1, "USR1", 7),
    ] {
        let mut client = spawn(&host, &["run", "--rm", "alpine", "sh", "-c", traps]);
        let (line, mut rest) = first_line(&mut client);
        assert_eq!(line, "up\n");
        signal(&client, number);
        let mut text = String::new();
        rest.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("got {name}\n"));
        assert_eq!(client.wait().unwrap().code(), Some(code));
    }
    // `attach` does the same.
    host.rbox(&["run", "-d", "--name", "h4sig", "alpine", "sh", "-c", traps])
        .ok();
    eventually("the traps", || {
        (host.ok("logs h4sig") == "up").then_some(())
    });
    let mut client = host.spawn("attach h4sig");
    let monitor = host.monitor("h4sig");
    eventually("the client to be attached", || {
        (sockets(monitor) > BARE_SOCKETS).then_some(())
    });
    // It is attached before it listens for signals.
    eventually("the client to catch SIGTERM", || {
        catches(client.id(), 15).then_some(())
    });
    signal(&client, Signal::TERM);
    assert_eq!(client.wait().unwrap().code(), Some(9));
}

/// Whether a process has a handler for a signal.
fn catches(pid: u32, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (signal - 1)) != 0
}

#[test]
fn with_init_a_signal_ends_what_has_no_handler() {
    let host = Host::new();
    let mut client = spawn(
        &host,
        &[
            "run",
            "--rm",
            "--init",
            "alpine",
            "sh",
            "-c",
            "echo up; exec sleep 1000",
        ],
    );
    assert_eq!(first_line(&mut client).0, "up\n");
    signal(&client, Signal::TERM);
    assert_eq!(client.wait().unwrap().code(), Some(143));
}

#[test]
fn without_sig_proxy_the_client_goes_and_the_container_stays() {
    let host = Host::new();
    let script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done";
    let mut client = spawn(
        &host,
        &[
            "run",
            "--sig-proxy=false",
            "--name",
            "stays",
            "alpine",
            "sh",
            "-c",
            script,
        ],
    );
    assert_eq!(first_line(&mut client).0, "up\n");
    signal(&client, Signal::TERM);
    assert_eq!(
        client.wait().unwrap().code(),
        None,
        "it died of the signal itself"
    );
    assert_eq!(host.ok("inspect -f {{.State.Status}} stays"), "running");
}

#[test]
fn a_container_killed_elsewhere_ends_its_client() {
    let host = Host::new();
    let mut client = spawn(
        &host,
        &[
            "run",
            "--name",
            "h4sig",
            "alpine",
            "sh",
            "-c",
            "echo up; exec sleep 1000",
        ],
    );
    assert_eq!(first_line(&mut client).0, "up\n");
    host.ok("kill h4sig");
    assert_eq!(client.wait().unwrap().code(), Some(137));
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_container() {
    let host = Host::new();
    let script = "echo up; read line; for i in 1 2 3 4 5 6 7 8 9; do echo $i; done; exit 4";
    let mut client = spawn(
        &host,
        &["run", "-i", "--name", "goes", "alpine", "sh", "-c", script],
    );
    let (line, reader) = first_line(&mut client);
    assert_eq!(line, "up\n");
    drop(reader);
    client.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(client.wait().unwrap().code(), Some(4));
    assert_eq!(host.ok("logs --tail 1 goes"), "9");
}

fn spawn(host: &Host, arguments: &[&str]) -> Child {
    use std::process::Stdio;
    host.command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
