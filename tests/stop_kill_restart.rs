//! `stop`, `kill`, `restart`, `wait` and `rm`.

use std::time::{Duration, Instant};

use crate::harness::Host;

/// Says `up`, then ends with 0 on SIGTERM.
const POLITE: &str = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";

fn start(host: &Host, name: &str, flags: &[&str], script: &str) {
    let mut arguments = vec!["run", "-d", "--name", name];
    arguments.extend(flags);
    arguments.extend(["alpine", "sh", "-c", script]);
    host.rbox(&arguments).ok();
    // Its traps are set.
    crate::harness::eventually("the script to begin", || {
        host.ok(&format!("logs {name}"))
            .contains("up")
            .then_some(())
    });
}

fn state(host: &Host, name: &str) -> String {
    host.rbox(&[
        "inspect",
        "-f",
        "{{.State.Status}} {{.State.ExitCode}}",
        name,
    ])
    .ok()
}

#[test]
fn stop_asks_first_and_kills_after_the_time_given() {
    let host = Host::new();
    start(&host, "polite", &[], POLITE);
    start(
        &host,
        "deaf",
        &[],
        "trap '' TERM; echo up; while :; do sleep 0.05; done",
    );
    let begin = Instant::now();
    assert_eq!(host.ok("stop polite"), "polite");
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "it ended by itself"
    );
    assert_eq!(state(&host, "polite"), "exited 0");
    let begin = Instant::now();
    assert_eq!(host.ok("stop -t 1 deaf"), "deaf");
    assert!(
        begin.elapsed() >= Duration::from_secs(1),
        "it had its second"
    );
    assert_eq!(state(&host, "deaf"), "exited 137");
    assert_eq!(host.ok("inspect -f {{.State.OOMKilled}} deaf"), "false");
    // Nothing to do is no failure.
    assert_eq!(host.ok("stop deaf"), "deaf");
    host.ok("create --name never alpine true");
    let output = host.rbox(&["stop", "deaf", "nosuch", "never"]);
    assert_eq!(output.stdout, "deaf\nnever\n");
    assert_eq!(output.fails(1), "rbox: No such container: nosuch");
    assert_eq!(state(&host, "never"), "created 0");
}

#[test]
fn the_old_name_of_timeout_still_works() {
    let host = Host::new();
    host.ok("run -d --name deaf alpine sleep 1000");
    assert_eq!(
        host.ok("stop --time 0 deaf"),
        "Flag --time has been deprecated, use --timeout instead\ndeaf"
    );
}

#[test]
fn stop_signal_and_timeout_of_the_container_are_honoured() {
    let host = Host::new();
    let script =
        "trap 'echo int; exit 4' INT; trap 'echo term' TERM; echo up; while :; do sleep 0.05; done";
    start(
        &host,
        "h4s",
        &["--stop-signal", "INT", "--stop-timeout", "1"],
        script,
    );
    assert_eq!(host.ok("stop h4s"), "h4s");
    assert_eq!(host.ok("logs h4s"), "up\nint");
    let format = "{{.State.ExitCode}} {{.Config.StopSignal}} {{.Config.StopTimeout}}";
    assert_eq!(host.rbox(&["inspect", "-f", format, "h4s"]).ok(), "4 INT 1");
    start(
        &host,
        "deaf",
        &["--stop-timeout", "1"],
        "trap '' TERM; echo up; while :; do sleep 0.05; done",
    );
    let begin = Instant::now();
    host.ok("stop deaf");
    assert!(
        begin.elapsed() < Duration::from_secs(9),
        "its own second, not ten"
    );
    // Given with the command it wins.
    start(&host, "either", &[], script);
    host.ok("stop -s INT either");
    assert_eq!(state(&host, "either"), "exited 4");
}

#[test]
fn kill_sends_any_signal_by_any_of_its_names() {
    let host = Host::new();
    let id = host.ok("run -d --name h4a alpine sleep 1000");
    assert_eq!(host.ok("kill -s TERM h4a"), "h4a");
    assert_eq!(
        state(&host, "h4a"),
        "running 0",
        "sleep as process 1 ignores it"
    );
    assert_eq!(
        host.fails(1, "kill -s BOGUS h4a"),
        "rbox: cannot kill container: h4a: invalid signal: BOGUS"
    );
    assert_eq!(host.ok("kill h4a"), "h4a");
    assert_eq!(
        state(&host, "h4a"),
        "exited 137",
        "it has ended when kill returns"
    );
    assert_eq!(
        host.fails(1, "kill h4a"),
        format!("rbox: cannot kill container: h4a: container {id} is not running")
    );
    assert_eq!(
        host.fails(1, "kill nosuch"),
        "rbox: cannot kill container: nosuch: No such container: nosuch"
    );
    for signal in ["9", "SIGKILL", "kill"] {
        host.ok("start h4a");
        assert_eq!(host.ok(&format!("kill --signal {signal} h4a")), "h4a");
        assert_eq!(host.ok("wait h4a"), "137", "{signal}");
    }
    let script = "trap 'echo usr1; exit 6' USR1; echo up; while :; do sleep 0.05; done";
    start(&host, "handles", &[], script);
    host.ok("kill -s USR1 handles");
    assert_eq!(host.ok("wait handles"), "6");
}

#[test]
fn restart_is_stop_and_start_and_starts_what_was_stopped() {
    let host = Host::new();
    start(&host, "h4a", &[], POLITE);
    let before = host.pid("h4a");
    assert_eq!(host.ok("restart -t 5 h4a"), "h4a");
    assert_ne!(host.pid("h4a"), before);
    crate::harness::eventually("the second start", || {
        (host.ok("logs h4a") == "up\nbye\nup").then_some(())
    });
    host.ok("create --name h4c alpine sleep 1000");
    assert_eq!(host.ok("restart h4c -t 0"), "h4c");
    assert_eq!(state(&host, "h4c"), "running 0");
    assert_eq!(
        host.fails(1, "restart nosuch"),
        "rbox: No such container: nosuch"
    );
}

#[test]
fn run_again_the_stopped_container_and_its_files_are_there() {
    let host = Host::new();
    host.ok("run -itd --name container1 alpine");
    host.rbox(&[
        "exec",
        "container1",
        "sh",
        "-c",
        "echo kept > /kept; echo gone > /dev/shm/x",
    ])
    .ok();
    let address = host.address("container1", "bridge");
    host.ok("stop -t 0 container1");
    assert_eq!(host.ok("ps --format {{.Names}}"), "");
    assert_eq!(host.ok("start container1"), "container1");
    assert_eq!(
        host.ok("start container1"),
        "container1",
        "starting a running one is no failure"
    );
    assert_eq!(host.ok("exec container1 cat /kept"), "kept");
    assert_eq!(
        host.fails(1, "exec container1 cat /dev/shm/x"),
        "cat: can't open '/dev/shm/x': No such file or directory"
    );
    assert_eq!(host.address("container1", "bridge"), address);
}

#[test]
fn wait_prints_the_code_of_each_now_or_when_it_ends() {
    let host = Host::new();
    let output = host.rbox(&["run", "--name", "ended", "alpine", "sh", "-c", "exit 3"]);
    assert_eq!(output.code, 3);
    host.ok("run -d --name runs alpine sleep 1000");
    let mut waiting = host.spawn("wait ended runs nosuch");
    let mut lines = std::io::BufReader::new(waiting.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    assert_eq!(line, "3\n");
    assert_eq!(waiting.try_wait().unwrap(), None, "it waits for the other");
    host.ok("kill runs");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut lines, &mut rest).unwrap();
    assert_eq!(rest, "137\n");
    let mut stderr = String::new();
    std::io::Read::read_to_string(waiting.stderr.as_mut().unwrap(), &mut stderr).unwrap();
    assert_eq!(stderr, "rbox: No such container: nosuch\n");
    assert_eq!(waiting.wait().unwrap().code(), Some(1));
}

#[test]
fn rm_refuses_what_runs_unless_forced() {
    let host = Host::new();
    host.ok("run -d --name h4a alpine sleep 1000");
    host.ok("create --name h4b alpine true");
    let output = host.rbox(&["rm", "h4a", "h4b", "nosuch"]);
    assert_eq!(output.stdout, "h4b\n");
    assert_eq!(
        output.fails(1),
        "rbox: cannot remove container \"h4a\": container is running: stop the container before \
         removing or force remove\nrbox: No such container: nosuch"
    );
    assert_eq!(host.ok("rm -f h4a"), "h4a");
    assert_eq!(host.ok("ps -aq"), "");
    let output = host.rbox(&["rm", "-f", "h4a"]);
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (0, "rbox: No such container: h4a\n")
    );
    host.ok("create --name h4v alpine true");
    assert_eq!(host.ok("rm -v h4v"), "h4v");
}

#[test]
fn container_prune_removes_only_what_does_not_run() {
    let host = Host::new();
    assert_eq!(host.ok("container prune -f"), "Total reclaimed space: 0B");
    host.ok("run -d --name runs alpine sleep 1000");
    let id = host.ok("create --name not alpine true");
    let question = "WARNING! This will remove all stopped containers.\n\
                    Are you sure you want to continue? [y/N] ";
    assert_eq!(host.sh("echo n | $RBOX container prune").stdout, question);
    assert_eq!(
        host.sh("echo y | $RBOX container prune").ok(),
        format!("{question}Deleted Containers:\n{id}\n\nTotal reclaimed space: 0B")
    );
    assert_eq!(host.ok("ps -a --format {{.Names}}"), "runs");
}

#[test]
fn many_who_start_stop_and_restart_at_once_all_succeed() {
    let host = Host::new();
    host.ok("create --name many --stop-timeout 0 alpine sleep 1000");
    let all = |line: &str| {
        let clients: Vec<_> = (0..6).map(|_| host.spawn(line)).collect();
        for client in clients {
            let output = client.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{line}: {text}");
            assert_eq!(output.stdout, b"many\n", "{line}");
        }
    };
    all("start many");
    assert_eq!(state(&host, "many"), "running 0");
    all("restart many");
    assert_eq!(state(&host, "many"), "running 0");
    all("stop many");
    assert_eq!(state(&host, "many"), "exited 137");
}

#[test]
fn rm_forced_while_it_starts_leaves_nothing() {
    let host = Host::new();
    for _ in 0..5 {
        host.ok("create --name brief alpine sleep 1000");
        let start = host.spawn("start brief");
        assert_eq!(host.rbox(&["rm", "-f", "brief"]).code, 0);
        start.wait_with_output().unwrap();
        assert_eq!(host.ok("ps -aq"), "");
    }
}
