//! `--restart`: what ends is started again, by its monitor, until a person says otherwise.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Host, eventually, kill, patience, wait_until};

const STATE: &str = "{{.RestartCount}} {{.State.ExitCode}} {{.State.Status}}";

fn state(host: &Host, name: &str) -> String {
    host.rbox(&["inspect", "-f", STATE, name]).ok()
}

fn run(host: &Host, name: &str, policy: &str, script: &str) {
    host.rbox(&[
        "run",
        "-d",
        "--name",
        name,
        "--restart",
        policy,
        "alpine",
        "sh",
        "-c",
        script,
    ])
    .ok();
}

/// One that fails at once, and now waits seconds for its next restart.
fn in_a_long_wait(host: &Host, name: &str) {
    run(host, name, "always", "echo run; exit 4");
    let waits = wait_until(60, || {
        let state = state(host, name);
        let (count, rest) = state.split_once(' ').unwrap();
        count.parse::<u32>().unwrap() >= 6 && rest == "4 restarting"
    });
    assert!(waits, "{}", state(host, name));
}

/// What is said at a port of the host's loopback.
fn asked(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(patience(2)))?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

fn again(host: &Host, name: &str, restarts: u32) {
    eventually("the restart", || {
        (state(host, name) == format!("{restarts} 0 running")).then_some(())
    });
}

#[test]
fn on_failure_restarts_as_often_as_it_says() {
    let host = Host::new();
    run(&host, "web", "on-failure:2", "echo run; exit 3");
    assert_eq!(host.ok("wait web"), "3");
    assert_eq!(state(&host, "web"), "2 3 exited");
    assert_eq!(host.ok("logs web"), "run\nrun\nrun");
    let policy = "{{json .HostConfig.RestartPolicy}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", policy, "web"]).ok(),
        r#"{"Name":"on-failure","MaximumRetryCount":2}"#
    );
    run(&host, "job", "on-failure", "echo done");
    assert_eq!(host.ok("wait job"), "0");
    assert_eq!(state(&host, "job"), "0 0 exited");
    // Started by hand it has all its tries again.
    host.ok("start web");
    assert_eq!(host.ok("wait web"), "3");
    assert_eq!(state(&host, "web"), "2 3 exited");
    assert_eq!(host.ok("logs web").lines().count(), 6);
}

#[test]
fn one_that_waits_for_its_restart_says_so_and_can_be_stopped_at_once() {
    let host = Host::new();
    in_a_long_wait(&host, "web");
    let id = host.id("web");
    let status = host.ok("ps --filter status=restarting --format {{.Names}}|{{.Status}}");
    assert!(status.starts_with("web|Restarting (4) "), "{status}");
    assert!(status.ends_with(" ago"), "{status}");
    let flags = "{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", flags, "web"]).ok(),
        "true true 0"
    );
    assert_eq!(
        host.fails(1, "exec web true"),
        format!("rbox: Container {id} is restarting, wait until the container is running")
    );
    assert_eq!(
        host.fails(1, "attach web"),
        "rbox: You cannot attach to a restarting container, wait until it is running"
    );
    let refused = host.fails(1, "rm web");
    assert!(
        refused.contains("container is restarting: stop"),
        "{refused}"
    );
    let refused = host.fails(1, "kill -s HUP web");
    assert!(refused.contains("is restarting, wait until"), "{refused}");
    assert_eq!(host.ok("start web"), "web", "it is about to");
    let waiting = host.spawn("wait web");
    host.ok("rename web www");
    // As a monitor that is killed here would do, it leaves the address and the name free.
    assert_eq!(host.sh("ls /run/netns").ok(), "");
    let begun = Instant::now();
    assert_eq!(host.ok("stop -t 60 www"), "www");
    assert!(begun.elapsed() < Duration::from_secs(30), "{begun:?}");
    let state = state(&host, "www");
    assert!(state.ends_with(" 4 exited"), "{state}");
    let waited = waiting.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&waited.stdout), "4\n");
}

#[test]
fn kill_and_forced_removal_end_a_wait_too() {
    let host = Host::new();
    in_a_long_wait(&host, "one");
    assert_eq!(host.ok("kill one"), "one");
    assert!(state(&host, "one").ends_with(" 4 exited"));
    in_a_long_wait(&host, "two");
    assert_eq!(host.ok("rm -f two"), "two");
    in_a_long_wait(&host, "three");
    host.kill_waiting_monitor("three");
    // Nobody is left who would start it.
    assert!(state(&host, "three").ends_with(" 4 exited"));
    host.ok("rm one three");
    host.nothing_is_left();
}

#[test]
fn what_dies_by_itself_comes_back_with_its_address_its_ports_and_its_name() {
    let host = Host::new();
    host.ok("network create lan");
    let serve = "while :; do echo hello | nc -l -p 80; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "web",
        "--restart",
        "unless-stopped",
        "--network",
        "lan",
        "-p",
        "8080:80",
        "alpine",
        "sh",
        "-c",
        serve,
    ])
    .ok();
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    host.ok("exec web touch /kept");
    let address = host.address("web", "lan");
    let (pid, monitor) = (host.pid("web"), host.monitor("web"));
    for restarts in 1..=2 {
        kill(host.pid("web"));
        again(&host, "web", restarts);
        assert_eq!(host.address("web", "lan"), address);
        host.ok("exec web test -e /kept");
        eventually("an answer", || {
            let asked = host.rbox(&["exec", "peer", "nc", "-w", "2", "web", "80"]);
            (asked.stdout == "hello\n").then_some(())
        });
        eventually("an answer by the published port", || {
            (asked(8080).ok()? == "hello\n").then_some(())
        });
    }
    assert_ne!(host.pid("web"), pid);
    assert_eq!(host.monitor("web"), monitor, "the same one");
    // A person's word counts, also when it is said with `kill`.
    host.ok("kill web");
    assert_eq!(state(&host, "web"), "2 137 exited");
    host.ok("start web");
    assert_eq!(state(&host, "web"), "0 0 running", "counted anew");
    kill(host.pid("web"));
    again(&host, "web", 1);
    host.ok("restart -t 0 web");
    assert_eq!(state(&host, "web"), "0 0 running");
}

#[test]
fn a_signal_that_tells_something_does_not_end_the_policy() {
    let host = Host::new();
    run(
        &host,
        "web",
        "always",
        "trap 'exit 5' HUP; echo up; while :; do sleep 0.05; done",
    );
    let up = |times: usize| {
        eventually("the script to begin", || {
            (host.ok("logs web").lines().count() >= times).then_some(())
        });
    };
    up(1);
    host.ok("kill -s HUP web");
    up(2);
    again(&host, "web", 1);
    host.ok("kill -s INT web");
    assert_eq!(host.ok("wait web"), "130");
    assert_eq!(state(&host, "web"), "1 130 exited");
}

#[test]
fn a_client_that_is_attached_hears_of_the_first_end() {
    let host = Host::new();
    let output = host.rbox(&[
        "run",
        "--name",
        "job",
        "--restart",
        "on-failure:1",
        "alpine",
        "sh",
        "-c",
        "echo x; exit 7",
    ]);
    assert_eq!((output.code, output.stdout.as_str()), (7, "x\n"));
    assert_eq!(host.ok("wait job"), "7");
    assert_eq!(state(&host, "job"), "1 7 exited");
    assert_eq!(host.ok("logs job"), "x\nx");
}

#[test]
fn a_start_that_fails_is_an_end_like_any_other() {
    let host = Host::new();
    run(&host, "job", "on-failure:3", "rm /bin/sh; exit 1");
    assert_eq!(host.ok("wait job"), "127");
    assert_eq!(state(&host, "job"), "3 127 exited");
    let error = host.ok("inspect -f {{.State.Error}} job");
    assert!(error.contains("sh"), "{error}");
    assert_eq!(host.sh("ls /run/netns").ok(), "");
    host.ok("rm job");
    host.nothing_is_left();
}

#[test]
fn followed_logs_go_on_over_a_restart() {
    let host = Host::new();
    run(&host, "job", "on-failure:2", "echo run; exit 3");
    let followed = host.ok("logs -f job");
    assert_eq!(followed, "run\nrun\nrun");
}

#[test]
fn a_restart_is_told_as_an_end_and_a_start_and_its_health_begins_anew() {
    let host = Host::new();
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "web",
        "--restart",
        "always",
        "--health-cmd",
        "test -e /ok",
        "--health-interval",
        "50ms",
        "--health-retries",
        "1",
        "alpine",
        "sh",
        "-c",
        "rm -f /ok; exec sleep 1000",
    ])
    .ok();
    let health = |wanted: &str| {
        eventually(wanted, || {
            let format = "{{.RestartCount}} {{.State.Health.Status}}";
            (host.rbox(&["inspect", "-f", format, "web"]).stdout.trim() == wanted).then_some(())
        });
    };
    health("0 unhealthy");
    host.ok("exec web touch /ok");
    health("0 healthy");
    kill(host.pid("web"));
    health("1 unhealthy");
    host.ok("exec web touch /ok");
    health("1 healthy");
    host.ok("stop -t 0 web");
    let told = host.rbox(&[
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--filter",
        "container=web",
        "--filter",
        "event=start",
        "--filter",
        "event=die",
        "--format",
        "{{.Action}}",
    ]);
    assert_eq!(told.ok(), "start\ndie\nstart\ndie");
}
