//! `rbox doctor`: what it finds, what it advises, and that it changes nothing.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Host, Output};

/// What it says of one check.
fn found<'a>(findings: &'a Value, check: &str) -> &'a Value {
    let mut all = findings.as_array().unwrap().iter();
    all.find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("no {check} in {findings}"))
}

fn examine(host: &Host) -> (i32, Value) {
    let output = host.rbox(&["doctor", "--format", "json"]);
    (output.code, serde_json::from_str(&output.stdout).unwrap())
}

#[test]
fn a_machine_that_runs_containers_has_no_problem() {
    let host = Host::without_images();
    let (code, findings) = examine(&host);
    assert_eq!(code, 0, "{findings:#}");
    for check in [
        "kernel",
        "namespaces",
        "overlay",
        "seccomp",
        "openat2",
        "firewall",
    ] {
        assert_eq!(found(&findings, check)["verdict"], "ok", "{check}");
    }
    for check in [
        "cgroups",
        "forwarding",
        "br_netfilter",
        "other engines",
        "leftovers",
    ] {
        found(&findings, check);
    }
    let text = host.ok("doctor");
    assert!(text.starts_with("ok       kernel "), "{text}");
    assert_eq!(text.matches("\n").count() + 1, text.lines().count());
    host.nothing_is_left();
    assert_eq!(
        host.fails(1, "doctor --format yaml"),
        "rbox: unknown format: \"yaml\": must be one of \"text\", \"json\""
    );
}

#[test]
fn a_firewall_that_drops_what_it_does_not_know_is_a_problem_with_a_way_out() {
    let host = Host::without_images();
    host.sh("nft 'add table inet mine; add chain inet mine fw { type filter hook forward priority 0; policy drop; }'")
        .ok();
    let (code, findings) = examine(&host);
    assert_eq!(code, 1);
    let wall = found(&findings, "firewall");
    assert_eq!(wall["verdict"], "problem");
    let text = wall["found"].as_str().unwrap();
    assert!(text.contains("chain inet mine fw is drop"), "{text}");
    let advice = wall["advice"].as_str().unwrap().to_owned();
    host.sh(&advice).ok();
    let (code, findings) = examine(&host);
    assert_eq!(code, 0, "{findings:#}");
    host.sh("nft delete table inet mine").ok();
}

#[test]
fn what_a_dead_monitor_left_is_told_and_left_alone() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    host.kill_monitor("web");
    let (code, findings) = examine(&host);
    assert_eq!(code, 0);
    assert_eq!(found(&findings, "leftovers")["verdict"], "warning");
    let (_, again) = examine(&host);
    assert_eq!(found(&again, "leftovers"), found(&findings, "leftovers"));
    host.ok("ps");
    let (_, findings) = examine(&host);
    assert_eq!(found(&findings, "leftovers")["verdict"], "ok");
}

#[test]
fn without_root_it_says_what_it_could_not_see() {
    let host = Host::without_images();
    let binary = host.scratch().join("rbox");
    std::fs::copy(env!("CARGO_BIN_EXE_rbox"), &binary).unwrap();
    host.sh(&format!(
        "chmod 755 {} {}",
        binary.display(),
        host.scratch().display()
    ))
    .ok();
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "sh",
            "-c",
        ])
        .arg("exec /proc/self/fd/0 doctor --format json")
        .stdin(std::fs::File::open(&binary).unwrap());
    let output = Output::new("doctor".into(), command.output().unwrap());
    let findings: Value = serde_json::from_str(&output.ok()).unwrap();
    assert_eq!(found(&findings, "rights")["verdict"], "warning");
    assert_eq!(found(&findings, "overlay")["verdict"], "ok");
}
