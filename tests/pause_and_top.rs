//! `pause`, `unpause` and `top`.

use crate::harness::{Host, eventually, kill};

/// A container that counts in its log, and one that only sleeps.
fn counting(host: &Host, name: &str) {
    let script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";
    host.rbox(&["run", "-d", "--name", name, "alpine", "sh", "-c", script])
        .ok();
    goes_on(host, name);
}

fn lines(host: &Host, name: &str) -> usize {
    host.ok(&format!("logs {name}")).lines().count()
}

#[track_caller]
fn goes_on(host: &Host, name: &str) {
    let before = lines(host, name);
    eventually("another line", || {
        (lines(host, name) > before).then_some(())
    });
}

fn status(host: &Host, name: &str) -> String {
    host.rbox(&[
        "inspect",
        "-f",
        "{{.State.Status}} {{.State.Paused}} {{.State.Running}}",
        name,
    ])
    .ok()
}

#[test]
fn a_paused_container_stands_still_until_it_is_unpaused() {
    let host = Host::new();
    counting(&host, "h4c");
    assert_eq!(host.ok("pause h4c"), "h4c");
    assert_eq!(status(&host, "h4c"), "paused true true");
    assert!(host.ok("ps").contains(" (Paused)"));
    assert_eq!(host.ok("ps -q --filter status=paused").len(), 12);
    // What was on its way to the log has arrived by now.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let before = lines(&host, "h4c");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(lines(&host, "h4c"), before);
    assert_eq!(host.ok("unpause h4c"), "h4c");
    assert_eq!(status(&host, "h4c"), "running false true");
    goes_on(&host, "h4c");
}

#[test]
fn what_cannot_be_done_to_a_paused_container_says_so() {
    let host = Host::new();
    let id = host.ok("run -d --name h4c alpine sleep 1000");
    let refused = |line: &str| host.fails(1, line);
    assert_eq!(
        refused("unpause h4c"),
        format!("rbox: Container {id} is not paused")
    );
    host.ok("pause h4c");
    assert_eq!(
        refused("pause h4c"),
        format!("rbox: Container {id} is already paused")
    );
    assert_eq!(
        refused("exec h4c true"),
        "rbox: Container h4c is paused, unpause the container before exec"
    );
    assert_eq!(
        refused("attach h4c"),
        "rbox: You cannot attach to a paused container, unpause it first"
    );
    assert!(refused("start h4c").contains("cannot start a paused container, try unpause instead"));
    assert!(
        refused("rm h4c").contains("container is paused and must be unpaused first"),
        "and how"
    );
    let output = host.rbox(&["pause", "nosuch", "h4c"]);
    assert!(output.stdout.is_empty());
    output.fails(1);
    host.ok("stop -t 0 h4c");
    assert_eq!(
        refused("pause h4c"),
        format!("rbox: container {id} is not running")
    );
    assert_eq!(
        refused("unpause h4c"),
        format!("rbox: container {id} is not running")
    );
}

#[test]
fn a_paused_container_can_be_ended_in_every_way() {
    let host = Host::new();
    let script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done";
    for (command, code) in [
        ("stop", "7"),
        ("kill", "137"),
        ("kill -s TERM", "7"),
        ("stop -t 0", "7"),
    ] {
        host.rbox(&["run", "-d", "--name", "h4c", "alpine", "sh", "-c", script])
            .ok();
        eventually("the script", || {
            host.ok("logs h4c").contains("up").then_some(())
        });
        host.ok("pause h4c");
        host.ok(&format!("{command} h4c"));
        let ended = host.ok("wait h4c");
        if command != "stop -t 0" {
            assert_eq!(ended, code, "{command}");
        }
        host.ok("rm h4c");
    }
    host.ok("run -d --name h4c alpine sleep 1000");
    host.ok("pause h4c");
    host.ok("restart -t 0 h4c");
    assert_eq!(status(&host, "h4c"), "running false true");
    host.ok("pause h4c");
    host.ok("rm -f h4c");
    host.ok("run -d --name h4c alpine sleep 1000");
    host.ok("pause h4c");
    // What stands still does not even die with its monitor: whoever looks sees to that.
    kill(host.monitor("h4c"));
    eventually("its end to be seen", || {
        status(&host, "h4c").starts_with("exited").then_some(())
    });
}

#[test]
fn a_commit_of_a_paused_container_leaves_it_paused() {
    let host = Host::with_own_images();
    host.ok("run -d --name h4c alpine sleep 1000");
    host.ok("pause h4c");
    host.ok("commit h4c saved");
    assert_eq!(status(&host, "h4c"), "paused true true");
    let pid = host.pid("h4c");
    host.ok("unpause h4c");
    assert_eq!(host.pid("h4c"), pid);
    host.ok("exec h4c true");
}

#[test]
fn top_shows_the_processes_of_the_container_and_no_others() {
    let host = Host::new();
    let script = "sleep 4711 & exec sleep 4712";
    host.rbox(&[
        "run", "-d", "--name", "h4t", "-u", "65533", "alpine", "sh", "-c", script,
    ])
    .ok();
    host.ok("run -d --name other alpine sleep 4713");
    let table = eventually("both processes", || {
        let table = host.ok("top h4t");
        (table.contains("sleep 4711") && table.contains("sleep 4712")).then_some(table)
    });
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "UID                 PID                 PPID                C                   \
         STIME               TTY                 TIME                CMD"
    );
    assert_eq!(lines.len(), 3, "{table}");
    let pid = host.pid("h4t").to_string();
    let first: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(first[..2], ["65533", pid.as_str()], "the host's ids");
    assert_eq!(first[2], host.monitor("h4t").to_string());
    assert_eq!(first[5], "?");
    assert_eq!(first[7..], ["sleep", "4712"]);
    let asked = host.ok("top h4t -o pid,ppid,args");
    assert!(asked.lines().nth(2).unwrap().contains(&pid), "{asked}");
    assert!(host.ok("top h4t aux").starts_with("USER "));
    // What stands still can be looked at.
    host.ok("pause h4t");
    assert_eq!(host.ok("top h4t").lines().count(), 3);
}

#[test]
fn top_takes_no_orders_from_processes() {
    let host = Host::new();
    let script = "sleep 1000; : \u{1b}[2J\nroot 1\tevil";
    host.rbox(&["run", "-d", "--name", "h4t", "alpine", "sh", "-c", script])
        .ok();
    let table = eventually("the shell's child", || {
        let table = host.ok("top h4t");
        (table.lines().count() > 2).then_some(table)
    });
    assert!(
        table.contains("sh -c sleep 1000; : ?[2J?root 1?evil"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 3);
}

#[test]
fn top_refuses_what_it_cannot_show() {
    let host = Host::new();
    let id = host.ok("run -d --name h4t alpine sleep 1000");
    for (line, text) in [
        ("top nosuch", "rbox: No such container: nosuch"),
        ("top h4t -o bogus", "rbox: unknown ps column: bogus"),
        (
            "top h4t -o comm",
            "rbox: Couldn't find PID field in ps output",
        ),
        (
            "top h4t --sort=pid",
            "rbox: unsupported ps option: --sort=pid",
        ),
    ] {
        let said = host.fails(1, line);
        assert!(said.starts_with(text), "{said}");
    }
    host.ok("stop -t 0 h4t");
    assert_eq!(
        host.fails(1, "top h4t"),
        format!("rbox: container {id} is not running")
    );
}

#[test]
fn events_tell_of_pauses() {
    let host = Host::new();
    host.ok("run -d --name h4e --network none alpine sleep 1000");
    host.ok("pause h4e");
    host.ok("unpause h4e");
    host.ok("pause h4e");
    host.ok("top h4e");
    host.ok("kill h4e");
    host.ok("wait h4e");
    let words = [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--format",
        "{{.Action}}",
    ];
    let told = host
        .rbox(&[&words[..], &["--filter", "type=container"]].concat())
        .ok();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(
        told,
        [
            "create", "start", "pause", "unpause", "pause", "top", "kill", "unpause", "die"
        ]
    );
}
