//! `--trace-timing`: where the time of a command went, in every process that had part in it.

use crate::harness::{Host, Output};

const HEADER: &str = "      at    took  milliseconds";

/// A line of the table: when, who, what.
type Line = (f64, String, String);

/// Runs rbox with the flag; the table.
#[track_caller]
fn traced(host: &Host, line: &str) -> Vec<Line> {
    let words: Vec<&str> = ["--trace-timing"]
        .into_iter()
        .chain(line.split(' '))
        .collect();
    let output = host.rbox(&words);
    let lines = table(&output);
    output.ok();
    lines
}

#[track_caller]
fn table(output: &Output) -> Vec<Line> {
    let stderr = &output.stderr;
    assert!(stderr.starts_with(HEADER), "{output:#?}");
    let columns = |line: &str| -> Option<Line> {
        let at = line.get(..8)?.trim().parse().ok()?;
        let who = line.get(16..32)?.trim();
        Some((at, who.to_owned(), line.get(32..)?.trim().to_owned()))
    };
    stderr.lines().skip(1).filter_map(columns).collect()
}

/// Whether these are among the lines, in this order.
#[track_caller]
fn are_there(lines: &[Line], expected: &[(&str, &str)]) {
    let mut rest = lines.iter();
    for (who, what) in expected {
        assert!(
            rest.any(|line| line.1 == *who && line.2 == *what),
            "{who}: {what} is not there, or not in its place: {lines:#?}"
        );
    }
}

#[track_caller]
fn are_in_order(lines: &[Line]) {
    assert!(lines.is_sorted_by(|a, b| a.0 <= b.0), "{lines:#?}");
    assert_eq!(lines[0], (0.0, "client".to_owned(), "main".to_owned()));
}

#[test]
fn a_run_tells_of_client_monitor_and_process_to_the_very_end() {
    let host = Host::new();
    host.ok("network create lan");
    let lines = traced(&host, "run --rm --network lan -p 8080 alpine true");
    are_in_order(&lines);
    are_there(
        &lines,
        &[
            ("client", "flags parsed"),
            ("client", "record written"),
            ("monitor", "request read"),
            ("monitor", "root filesystem mounted"),
            ("monitor", "network planned, addresses leased"),
            ("monitor", "cgroups made"),
            ("monitor", "process cloned"),
            ("monitor", "interface configured"),
            ("monitor", "ports led to the container"),
            ("monitor", "program executed"),
            ("monitor", "client told that it runs"),
            ("monitor", "process ended"),
            ("monitor", "end recorded"),
            ("monitor", "network undone"),
            ("monitor", "run directory removed"),
            ("client", "nobody else is at it"),
        ],
    );
    are_there(
        &lines,
        &[
            ("process", "born"),
            ("process", "mounted /proc"),
            ("process", "root entered"),
            ("process", "told to start"),
            ("process", "seccomp filter installed"),
        ],
    );
    are_there(
        &lines,
        &[
            ("client", "heard that it runs"),
            ("client", "heard how it ended"),
            ("client", "done"),
        ],
    );
}

#[test]
fn a_detached_container_runs_on_without_the_trace() {
    let host = Host::new();
    let lines = traced(&host, "run -d --name web alpine sleep 1000");
    are_in_order(&lines);
    are_there(
        &lines,
        &[
            ("process", "born"),
            ("monitor", "program executed"),
            ("client", "done"),
        ],
    );
    assert!(!lines.iter().any(|line| line.2 == "process ended"));

    let lines = traced(&host, "exec web true");
    are_in_order(&lines);
    are_there(
        &lines,
        &[
            ("client", "process prepared"),
            ("client", "process cloned"),
            ("client", "process ended"),
            ("client", "done"),
        ],
    );
    are_there(
        &lines,
        &[("process", "born"), ("process", "namespaces entered")],
    );

    // The monitor takes part in the trace of who ends its container.
    let lines = traced(&host, "rm -f web");
    are_in_order(&lines);
    are_there(
        &lines,
        &[
            ("monitor", "request read"),
            ("monitor", "process ended"),
            ("monitor", "network undone"),
            ("client", "container's files removed"),
            ("client", "done"),
        ],
    );
}

#[test]
fn a_failure_is_told_before_the_table_and_keeps_its_code() {
    let host = Host::new();
    let output = host.rbox(&["--trace-timing", "run", "--rm", "alpine", "/no/such"]);
    assert_eq!(output.code, 127, "{output:#?}");
    let (failure, rest) = output.stderr.split_once(HEADER).unwrap();
    assert!(failure.contains("no such file or directory"), "{failure}");
    assert!(rest.contains("process    root entered"), "{rest}");

    let output = host.rbox(&["--trace-timing", "inspect", "nobody"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains(HEADER), "{output:#?}");
}

#[test]
fn nothing_is_said_unasked() {
    let host = Host::new();
    let output = host.rbox(&["run", "--rm", "alpine", "true"]);
    assert_eq!((output.code, &*output.stderr), (0, ""));
    let output = host.rbox(&["ps"]);
    assert_eq!(output.stderr, "");
}

#[test]
fn the_container_finds_nothing_of_the_trace() {
    let host = Host::new();
    let look = "env; ls -l /proc/self/fd /proc/1/fd; cat /proc/1/maps /proc/1/environ";
    let traced = host.rbox(&["--trace-timing", "run", "--rm", "alpine", "sh", "-c", look]);
    assert!(traced.stderr.contains(HEADER));
    assert!(traced.stdout.contains("/proc/1/fd:"), "{traced:#?}");
    let found = |output: &Output| {
        let lines = output.stdout.lines();
        lines
            .filter(|line| line.to_lowercase().contains("timing") || line.contains("memfd"))
            .count()
    };
    assert_eq!(found(&traced), 0, "{traced:#?}");
    host.ok("run -d --name web alpine sleep 1000");
    let exec = host.rbox(&["--trace-timing", "exec", "web", "sh", "-c", look]);
    assert!(exec.stdout.contains("/proc/1/fd:"), "{exec:#?}");
    assert_eq!(found(&exec), 0, "{exec:#?}");
}
