//! Health checks: what they find, what is shown of it, and what does not disturb them.

use crate::harness::{Host, eventually};

/// A container that looks after itself ten times a second.
fn start(host: &Host, name: &str, flags: &[&str], check: &str) {
    let mut arguments = vec!["run", "-d", "--name", name, "--health-interval", "100ms"];
    arguments.extend(flags);
    arguments.extend(["--health-cmd", check, "alpine", "sleep", "1000"]);
    host.rbox(&arguments).ok();
}

fn health(host: &Host, name: &str, field: &str) -> String {
    let format = format!("{{{{json .State.Health.{field}}}}}");
    host.rbox(&["inspect", "-f", &format, name]).ok()
}

#[track_caller]
fn becomes(host: &Host, name: &str, status: &str) {
    eventually(&format!("{name} to be {status}"), || {
        (health(host, name, "Status") == format!("\"{status}\"")).then_some(())
    });
}

fn shown(host: &Host, filter: &str) -> String {
    host.rbox(&["ps", "-a", "--filter", filter, "--format", "{{.Names}}"])
        .ok()
}

fn log(host: &Host, name: &str) -> Vec<serde_json::Value> {
    serde_json::from_str(&health(host, name, "Log")).unwrap()
}

#[test]
fn a_container_is_unhealthy_until_its_check_succeeds() {
    let host = Host::new();
    start(&host, "h4h1", &["--health-retries", "2"], "test -f /ok");
    becomes(&host, "h4h1", "unhealthy");
    assert!(host.ok("ps").contains("(unhealthy)"));
    assert_eq!(shown(&host, "health=unhealthy"), "h4h1");
    host.ok("exec h4h1 touch /ok");
    becomes(&host, "h4h1", "healthy");
    assert!(host.ok("ps").contains("(healthy)"));
    assert_eq!(shown(&host, "health=healthy"), "h4h1");
    assert_eq!(health(&host, "h4h1", "FailingStreak"), "0");
    let probes = log(&host, "h4h1");
    assert!((1..=5).contains(&probes.len()), "{probes:?}");
    assert_eq!(probes[probes.len() - 1]["ExitCode"], 0);
    // As Docker: inspect says unhealthy, ps nothing.
    host.ok("stop -t 0 h4h1");
    assert_eq!(health(&host, "h4h1", "Status"), "\"unhealthy\"");
    assert!(!host.ok("ps -a").contains("healthy)"));
}

#[test]
fn what_a_probe_says_and_how_it_ends_is_kept() {
    let host = Host::new();
    let check = "echo out; echo err >&2; exit 5";
    start(&host, "h4h2", &["--health-start-period", "1h"], check);
    let probes = eventually("a probe", || {
        let probes = log(&host, "h4h2");
        (!probes.is_empty()).then_some(probes)
    });
    assert_eq!(probes[0]["ExitCode"], 5);
    assert_eq!(probes[0]["Output"], "out\nerr\n");
    // Its start period covers the failures, however many.
    assert_eq!(health(&host, "h4h2", "Status"), "\"starting\"");
    assert_eq!(health(&host, "h4h2", "FailingStreak"), "0");
    assert!(host.ok("ps").contains("(health: starting)"));
    start(&host, "loud", &[], "yes | head -c 100000");
    let probes = eventually("a loud probe", || {
        let probes = log(&host, "loud");
        (!probes.is_empty()).then_some(probes)
    });
    let said = probes[0]["Output"].as_str().unwrap();
    assert_eq!(said.len(), 4096 + 3);
    assert!(said.ends_with("y\n..."));
}

#[test]
fn a_probe_that_takes_too_long_is_killed_with_what_it_started() {
    let host = Host::new();
    let check = "echo begun; sleep 4321; true";
    let flags = ["--health-timeout", "700ms", "--health-retries", "1"];
    start(&host, "h4h4", &flags, check);
    becomes(&host, "h4h4", "unhealthy");
    eventually("a probe that got as far as saying so", || {
        let probes = log(&host, "h4h4");
        assert_eq!(probes[0]["ExitCode"], -1);
        let said = "Health check exceeded timeout (700ms): begun\n";
        probes
            .iter()
            .any(|probe| probe["Output"] == said)
            .then_some(())
    });
    // Of all probes so far at most the last one's is there.
    let left = host.ok("top h4h4");
    assert!(left.matches("sleep 4321").count() <= 2, "{left}");
}

#[test]
fn a_check_that_cannot_be_executed_fails_and_says_why() {
    let host = Host::with_own_images();
    let file = "FROM alpine\nHEALTHCHECK --interval=100ms --retries=1 CMD [\"/nosuch\"]\n";
    host.write("context/Dockerfile", file);
    let context = host.scratch().join("context");
    host.rbox(&["build", "-q", "-t", "checked", context.to_str().unwrap()])
        .ok();
    host.ok("run -d --name h4h5 checked sleep 1000");
    becomes(&host, "h4h5", "unhealthy");
    let probes = log(&host, "h4h5");
    assert_eq!(probes[0]["ExitCode"], -1);
    let said = probes[0]["Output"].as_str().unwrap();
    assert!(said.contains("/nosuch"), "{said}");
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .Config.Healthcheck}}", "h4h5"])
            .ok(),
        r#"{"Test":["CMD","/nosuch"],"Interval":100000000,"Retries":1}"#
    );
    // The command line goes over the image's, and may turn it off.
    host.ok("run -d --name own --health-cmd true checked sleep 1000");
    becomes(&host, "own", "healthy");
    host.ok("run -d --name without --no-healthcheck checked sleep 1000");
    let format = "{{json .State.Health}}{{json .Config.Healthcheck}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", format, "without"]).ok(),
        r#"null{"Test":["NONE"],"Interval":100000000,"Retries":1}"#
    );
    assert_eq!(shown(&host, "health=none"), "without");
}

#[test]
fn a_commit_keeps_the_check() {
    let host = Host::with_own_images();
    host.ok("create --name h4c --health-cmd true --health-retries 7 alpine true");
    host.ok("commit h4c checked");
    assert_eq!(
        host.rbox(&[
            "image",
            "inspect",
            "-f",
            "{{json .Config.Healthcheck}}",
            "checked"
        ])
        .ok(),
        r#"{"Test":["CMD-SHELL","true"],"Retries":7}"#
    );
}

#[test]
fn a_shell_of_the_image_runs_its_checks() {
    let host = Host::with_own_images();
    let file = "FROM alpine\nSHELL [\"/bin/echo\", \"by echo:\"]\nHEALTHCHECK --interval=100ms CMD a | b\n";
    host.write("context/Dockerfile", file);
    let context = host.scratch().join("context");
    host.rbox(&["build", "-q", "-t", "echoed", context.to_str().unwrap()])
        .ok();
    host.ok("run -d --name echoed echoed sleep 1000");
    becomes(&host, "echoed", "healthy");
    assert_eq!(log(&host, "echoed")[0]["Output"], "by echo: a | b\n");
}

#[test]
fn a_probe_runs_as_the_container_does() {
    let host = Host::new();
    let flags = [
        "-u",
        "1234",
        "-w",
        "/tmp",
        "-e",
        "WHERE=here",
        "--cap-drop",
        "ALL",
    ];
    start(
        &host,
        "h4h6",
        &flags,
        "id -u; pwd; echo $WHERE; cat /proc/self/attr/x /proc/1/comm",
    );
    let probes = eventually("a probe", || {
        let probes = log(&host, "h4h6");
        (!probes.is_empty()).then_some(probes)
    });
    let said = probes[0]["Output"].as_str().unwrap();
    assert!(said.starts_with("1234\n/tmp\nhere\n"), "{said}");
    assert!(said.ends_with("sleep\n"), "{said}");
}

#[test]
fn a_pause_keeps_probes_away_and_is_no_failure() {
    let host = Host::new();
    start(&host, "h4h7", &["--health-retries", "1"], "test ! -f /bad");
    becomes(&host, "h4h7", "healthy");
    host.ok("pause h4h7");
    let before = health(&host, "h4h7", "Log");
    // Long enough for several probes, were there any.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(health(&host, "h4h7", "Log"), before);
    assert!(host.ok("ps").contains("(Paused)"));
    host.ok("unpause h4h7");
    eventually("another probe", || {
        (health(&host, "h4h7", "Log") != before).then_some(())
    });
    assert_eq!(health(&host, "h4h7", "Status"), "\"healthy\"");
}

#[test]
fn a_container_ends_at_once_in_the_middle_of_a_probe() {
    let host = Host::new();
    start(
        &host,
        "h4h8",
        &[],
        "echo probing > /proc/1/fd/1; sleep 1000",
    );
    eventually("a probe", || {
        host.ok("logs h4h8").contains("probing").then_some(())
    });
    host.ok("kill h4h8");
    assert_eq!(host.ok("wait h4h8"), "137");
    assert_eq!(
        health(&host, "h4h8", "Log"),
        "[]",
        "that one counts as none"
    );
    host.ok("start h4h8");
    eventually("a probe", || {
        (host.ok("logs h4h8").matches("probing").count() == 2).then_some(())
    });
    host.ok("pause h4h8");
    host.ok("rm -f h4h8");
    start(&host, "gone", &["--rm"], "sleep 1000");
    host.ok("rm -f gone");
}

#[test]
fn a_monitor_that_is_killed_leaves_what_was_known() {
    let host = Host::new();
    start(&host, "h4h9", &["--health-retries", "1"], "echo ok");
    becomes(&host, "h4h9", "healthy");
    host.kill_monitor("h4h9");
    assert_eq!(health(&host, "h4h9", "Status"), "\"unhealthy\"");
    assert_eq!(log(&host, "h4h9")[0]["Output"], "ok\n");
}

#[test]
fn probes_that_cannot_be_started_do_not_hold_the_monitor_up() {
    let host = Host::new();
    // No room for another process; and hardly any processor time.
    let flags = ["--pids-limit", "1", "--health-retries", "1"];
    start(&host, "full", &flags, "/bin/sh -c true; /bin/sh -c true");
    becomes(&host, "full", "unhealthy");
    let flags = ["--cpus", "0.01", "--health-timeout", "1s"];
    start(&host, "slow", &flags, "while :; do :; done");
    eventually("a probe that takes too long", || {
        (!log(&host, "slow").is_empty()).then_some(())
    });
    host.ok("rm -f full slow");
}

#[test]
fn wrong_flags_are_refused_with_dockers_words() {
    let host = Host::new();
    for (flags, text) in [
        (
            "--health-interval 0.5ms --health-cmd true",
            "rbox: Interval in Healthcheck cannot be less than 1ms",
        ),
        (
            "--health-retries -1 --health-cmd true",
            "rbox: --health-retries cannot be negative",
        ),
        (
            "--no-healthcheck --health-cmd x",
            "rbox: --no-healthcheck conflicts with --health-* options",
        ),
        (
            "--health-timeout 5",
            "invalid argument \"5\" for \"--health-timeout\" flag: time: missing unit in duration \"5\"",
        ),
    ] {
        let said = host.fails(125, &format!("run --rm {flags} alpine true"));
        assert!(said.starts_with(text), "{said}");
    }
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn events_tell_of_changes_of_health_and_not_of_probes() {
    let host = Host::new();
    start(&host, "h4e", &["--health-retries", "1"], "test -f /ok");
    becomes(&host, "h4e", "unhealthy");
    host.ok("exec h4e touch /ok");
    becomes(&host, "h4e", "healthy");
    let words = [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--format",
        "{{.Action}}",
    ];
    let told = host.rbox(&words).ok();
    let told: Vec<&str> = told
        .lines()
        .filter(|line| !line.contains("connect"))
        .collect();
    assert_eq!(
        told,
        [
            "create",
            "start",
            "health_status: unhealthy",
            "exec_create: touch /ok",
            "exec_start: touch /ok",
            "exec_die",
            "health_status: healthy",
        ]
    );
}

#[test]
fn a_restart_begins_with_a_health_that_is_not_known() {
    let host = Host::new();
    let script = "test -f /again && exec sleep 1000; touch /again; sleep 0.7; exit 1";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "h4r",
        "--restart",
        "always",
        "--health-interval",
        "100ms",
        "--health-retries",
        "1",
        "--health-cmd",
        "test ! -f /again || test -f /ok",
        "alpine",
        "sh",
        "-c",
        script,
    ])
    .ok();
    eventually("the second run", || {
        (host.ok("inspect -f {{.RestartCount}} h4r") == "1").then_some(())
    });
    becomes(&host, "h4r", "unhealthy");
    host.ok("exec h4r touch /ok");
    becomes(&host, "h4r", "healthy");
    host.ok("pause h4r");
    host.ok("kill h4r");
    assert_eq!(host.ok("wait h4r"), "137");
}
