//! What runs again after the machine was down, and what systemd is told.

use std::path::Path;

use crate::harness::{Host, eventually, kill, skip, wait_until};

fn run(host: &Host, name: &str, flags: &str) {
    host.ok(&format!("run -d --name {name} {flags} alpine sleep 1000"));
}

fn state(host: &Host, name: &str) -> String {
    let format = "{{.State.Status}} {{.State.ExitCode}}";
    host.rbox(&["inspect", "-f", format, name]).ok()
}

/// The power goes: all is killed at once, and what is in memory is gone.
fn lose_the_power(host: &Host, running: &[&str]) {
    let ids: Vec<String> = running.iter().map(|name| host.id(name)).collect();
    let monitors: Vec<i32> = running.iter().map(|name| host.monitor(name)).collect();
    let pids: Vec<i32> = running.iter().map(|name| host.pid(name)).collect();
    monitors.iter().for_each(|pid| kill(*pid));
    for pid in pids.iter().chain(&monitors) {
        eventually("the end", || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    }
    // A boot clears cgroups and networks with /run.
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap() {
        for id in &ids {
            let group = hierarchy.as_ref().unwrap().path().join("rbox").join(id);
            wait_until(5, || std::fs::remove_dir(&group).is_ok() || !group.exists());
        }
    }
    host.sh(
        "ip -o link | grep -o 'rbox0\\|br-[0-9a-f]*\\|veth[0-9a-f]*' | xargs -rn1 ip link del; \
             rm -rf /run/netns/rbox-*; nft flush ruleset; true",
    );
    std::fs::remove_dir_all(host.run_root()).unwrap();
}

#[test]
fn after_a_power_cut_what_should_run_runs() {
    let host = Host::new();
    run(&host, "plain", "");
    run(&host, "always", "--restart always");
    run(&host, "unless", "--restart unless-stopped");
    run(&host, "failing", "--restart on-failure:3");
    run(&host, "always-stopped", "--restart always");
    run(&host, "unless-stopped", "--restart unless-stopped");
    host.ok("create --name never --restart always alpine sleep 1000");
    host.ok("run --name done --restart on-failure alpine true");
    host.ok("stop -t 0 always-stopped unless-stopped");
    lose_the_power(&host, &["plain", "always", "unless", "failing"]);
    assert_eq!(state(&host, "always"), "exited 255");
    let booted = host.ok("system boot");
    let mut started: Vec<&str> = booted.lines().collect();
    started.sort_unstable();
    assert_eq!(started, ["always", "always-stopped", "failing", "unless"]);
    for name in started {
        assert_eq!(state(&host, name), "running 0");
    }
    for name in ["plain", "unless-stopped", "never", "done"] {
        assert!(!state(&host, name).starts_with("running"), "{name}");
    }
    assert_eq!(host.ok("system boot"), "", "all of them run");
}

#[test]
fn a_machine_that_goes_down_in_order_finds_its_containers_again() {
    let host = Host::new();
    let script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    for (name, policy) in [("web", "on-failure"), ("job", "unless-stopped")] {
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
        eventually("the script to begin", || {
            host.ok(&format!("logs {name}"))
                .contains("up")
                .then_some(())
        });
        host.sh(&format!("kill -TERM {}", host.monitor(name))).ok();
        assert_eq!(host.ok(&format!("wait {name}")), "0");
        assert_eq!(state(&host, name), "exited 0");
        assert_eq!(host.ok(&format!("logs {name}")), "up\nbye");
    }
    let booted = host.ok("system boot");
    assert_eq!(booted.lines().count(), 2, "{booted}");
    // A person stops it: the next boot does not start it.
    host.ok("stop -t 0 web job");
    assert_eq!(host.ok("system boot"), "");
}

#[test]
fn sources_of_links_and_what_compose_depends_on_come_first() {
    let host = Host::new();
    run(&host, "db", "--restart always");
    run(&host, "app", "--restart always --link db");
    let labels = "--label com.docker.compose.project=shop --label com.docker.compose.service";
    run(&host, "shop-api", &format!("--restart always {labels}=api"));
    let depends = "--label com.docker.compose.depends_on=api:service_started:false";
    run(
        &host,
        "shop-web",
        &format!("--restart always {depends} {labels}=web"),
    );
    run(
        &host,
        "guest",
        "--restart always --network container:shop-web",
    );
    host.ok("stop -t 0 app db guest shop-web shop-api");
    let booted = host.ok("system boot");
    let at = |name: &str| booted.lines().position(|line| line == name).unwrap();
    assert!(at("db") < at("app"), "{booted}");
    assert!(
        at("shop-api") < at("shop-web") && at("shop-web") < at("guest"),
        "{booted}"
    );
}

#[test]
fn one_that_cannot_be_started_is_named_and_does_not_keep_the_others() {
    let host = Host::new();
    run(&host, "good", "--restart always");
    let source = host.write("there", "x");
    host.ok(&format!(
        "run -d --name bad --restart always --mount type=bind,source={source},target=/x alpine \
         sleep 1000"
    ));
    host.ok("stop -t 0 good bad");
    std::fs::remove_file(&source).unwrap();
    let output = host.rbox(&["system", "boot"]);
    assert_eq!((output.code, output.stdout.as_str()), (1, "good\n"));
    let text = output.stderr;
    assert!(text.starts_with("rbox: start container bad: "), "{text}");
}

#[test]
fn a_unit_is_one_that_systemd_takes() {
    let host = Host::new();
    run(&host, "web", "--stop-timeout 3");
    let unit = host.ok("generate systemd --name web");
    let id = host.id("web");
    assert!(unit.contains("start --attach web\n") && unit.contains("stop --timeout 3 web\n"));
    let by_id = host.ok("generate systemd web");
    assert!(by_id.contains(&format!("start --attach {id}\n")), "{by_id}");
    let policy = host.fails(1, "generate systemd --restart-policy sometimes web");
    assert!(
        policy.contains("sometimes is not a valid restart policy"),
        "{policy}"
    );
    let unknown = host.fails(1, "generate systemd nosuch");
    assert_eq!(unknown, "rbox: No such container: nosuch");
    host.ok("update --restart always web");
    let twice = host.fails(1, "generate systemd web");
    assert!(
        twice.contains("\nhint: rbox update --restart no web"),
        "{twice}"
    );
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/rbox.service");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let ours = shipped.replace("/usr/bin/rbox", env!("CARGO_BIN_EXE_rbox"));
    assert_ne!(ours, shipped);
    if host.sh("command -v systemd-analyze").code != 0 {
        return skip(
            "a_unit_is_one_that_systemd_takes",
            "systemd-analyze is not installed",
        );
    }
    for (name, text) in [("container-web.service", &unit), ("rbox.service", &ours)] {
        let path = host.write(name, text);
        let output = host.sh(&format!("systemd-analyze verify --man=no {path}"));
        let told: Vec<&str> = output.stderr.lines().filter(|l| l.contains(name)).collect();
        assert!(output.code == 0 && told.is_empty(), "{output:?}");
    }
}
