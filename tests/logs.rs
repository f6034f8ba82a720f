//! `logs`: what a container said, now, later and across rotations.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use crate::harness::{Host, eventually, wait_until};

/// Runs a script to its end in a container of this name.
fn said(host: &Host, name: &str, flags: &[&str], script: &str) {
    let mut arguments = vec!["run", "--name", name];
    arguments.extend(flags);
    arguments.extend(["alpine", "sh", "-c", script]);
    host.rbox(&arguments).ok();
}

#[test]
fn both_streams_come_back_where_they_came_from() {
    let host = Host::new();
    said(
        &host,
        "h4l",
        &[],
        "for i in 1 2 3 4 5; do echo line $i; done; echo err1 >&2",
    );
    let output = host.rbox(&["logs", "h4l"]);
    assert_eq!(output.stdout, "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert_eq!(output.stderr, "err1\n");
    assert_eq!(host.ok("container logs h4l"), output.stdout.trim_end());
}

#[test]
fn tail_cuts_from_the_end() {
    let host = Host::new();
    said(
        &host,
        "h4l",
        &[],
        "for i in 1 2 3 4 5; do echo line $i; done",
    );
    for (flags, expected) in [
        ("--tail 2", "line 4\nline 5"),
        ("-n 1", "line 5"),
        ("--tail 0", ""),
        ("--tail all", "line 1\nline 2\nline 3\nline 4\nline 5"),
        // As Docker has it: what is no number is all.
        ("--tail bogus", "line 1\nline 2\nline 3\nline 4\nline 5"),
        ("--tail 100", "line 1\nline 2\nline 3\nline 4\nline 5"),
    ] {
        assert_eq!(host.ok(&format!("logs {flags} h4l")), expected, "{flags}");
    }
}

#[test]
fn timestamps_since_and_until_use_the_same_clock() {
    let host = Host::new();
    said(
        &host,
        "h4l",
        &[],
        "echo one; sleep 0.05; echo two; sleep 0.05; echo three",
    );
    let stamped = host.ok("logs -t h4l");
    let times: Vec<&str> = stamped
        .lines()
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    for time in &times {
        assert_eq!(time.len(), "2026-11-21T21:58:34.764095264Z".len(), "{time}");
    }
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    assert_eq!(
        host.ok(&format!("logs --since {} h4l", times[1])),
        "two\nthree"
    );
    assert_eq!(
        host.ok(&format!("logs --until {} h4l", times[1])),
        "one\ntwo"
    );
    assert_eq!(
        host.ok(&format!(
            "logs --since {} --until {} h4l",
            times[1], times[1]
        )),
        "two"
    );
    assert_eq!(host.ok("logs --since 1h h4l"), "one\ntwo\nthree");
    assert_eq!(host.ok("logs --until 1h h4l"), "");
    for flag in ["since", "until"] {
        assert_eq!(
            host.fails(1, &format!("logs --{flag} bogus h4l")),
            format!(
                "rbox: invalid value for \"{flag}\": failed to parse value as time or duration: \"bogus\""
            )
        );
    }
}

#[test]
fn follow_prints_lines_as_they_come_and_ends_with_the_container() {
    let host = Host::new();
    let script = "until_there() { until [ -e $1 ]; do usleep 5000; done; }; echo first; \
                  until_there /1; printf partial; touch /said; until_there /2; echo late; \
                  until_there /3";
    host.rbox(&["run", "-d", "--name", "h4l", "alpine", "sh", "-c", script])
        .ok();
    eventually("the first line", || {
        (host.ok("logs h4l") == "first").then_some(())
    });
    let mut following = host.spawn("logs -f --tail 1 h4l");
    let mut lines = BufReader::new(following.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(next(), "first\n");
    host.ok("exec h4l touch /1");
    eventually("the unfinished line", || {
        (host.rbox(&["exec", "h4l", "test", "-e", "/said"]).code == 0).then_some(())
    });
    assert_eq!(
        host.ok("logs h4l"),
        "first",
        "an unfinished line is not there yet"
    );
    host.ok("exec h4l touch /2");
    assert_eq!(next(), "partiallate\n");
    host.ok("exec h4l touch /3");
    assert_eq!(next(), "", "it ends with the container");
    assert_eq!(following.wait().unwrap().code(), Some(0));
}

#[test]
fn follow_ends_at_until_even_when_nothing_is_said() {
    let host = Host::new();
    host.ok("run -d --name silent alpine sleep 1000");
    let soon = host.sh("date -u -d '+1 second' +%FT%TZ").ok();
    assert_eq!(host.ok(&format!("logs -f --until {soon} silent")), "");
    assert_eq!(host.ok("logs -f --until 1s silent"), "");
}

#[test]
fn follow_of_what_does_not_run_prints_and_returns() {
    let host = Host::new();
    said(&host, "h4l", &[], "echo x");
    assert_eq!(host.ok("logs -f h4l"), "x");
    host.ok("create --name h4n alpine echo x");
    assert_eq!(host.ok("logs h4n"), "");
    assert_eq!(host.ok("logs -f h4n"), "");
    assert_eq!(
        host.fails(1, "logs nosuch"),
        "rbox: No such container: nosuch"
    );
    assert_eq!(
        host.fails(1, "logs"),
        "rbox: 'rbox logs' requires 1 argument\n\nUsage:  rbox logs [OPTIONS] CONTAINER\n\n\
         Run 'rbox logs --help' for more information"
    );
}

#[test]
fn the_file_is_dockers_json_and_a_restart_appends() {
    let host = Host::new();
    said(
        &host,
        "h4l",
        &[],
        "echo 'say \"hi\"'; printf 'tab\\tend'; echo err >&2",
    );
    let path = host.ok("inspect -f {{.LogPath}} h4l");
    let read = || -> Vec<Value> {
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    assert!(
        path.ends_with(&format!("/{0}-json.log", host.id("h4l"))),
        "{path}"
    );
    let lines = read();
    let find = |text: &str| {
        lines
            .iter()
            .find(|line| line["log"] == text)
            .cloned()
            .unwrap()
    };
    assert_eq!(find("say \"hi\"\n")["stream"], "stdout");
    assert_eq!(
        find("tab\tend")["stream"],
        "stdout",
        "the rest without an end of line"
    );
    assert_eq!(find("err\n")["stream"], "stderr");
    assert!(find("err\n")["time"].as_str().unwrap().ends_with('Z'));
    host.ok("start -a h4l");
    assert_eq!(read().len(), 6);
}

#[test]
fn a_terminals_log_keeps_its_ends_of_line() {
    let host = Host::new();
    said(&host, "h4t", &["-t"], "echo out; echo err >&2");
    let output = host.rbox(&["logs", "h4t"]);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("out\r\nerr\r\n", "")
    );
}

#[test]
fn a_log_is_rotated_by_size_and_read_as_one() {
    let host = Host::new();
    let flags = ["--log-opt", "max-size=4k", "--log-opt", "max-file=3"];
    said(
        &host,
        "h4r",
        &flags,
        "i=0; while [ $i -lt 200 ]; do echo number $i; i=$((i+1)); usleep 100; done",
    );
    let path = host.ok("inspect -f {{.LogPath}} h4r");
    for (suffix, there) in [("", true), (".1", true), (".2", true), (".3", false)] {
        let file = format!("{path}{suffix}");
        assert_eq!(std::path::Path::new(&file).exists(), there, "{file}");
        if there && !suffix.is_empty() {
            let size = std::fs::metadata(&file).unwrap().len();
            assert!((4 << 10..24 << 10).contains(&size), "{file}: {size}");
        }
    }
    let text = host.ok("logs h4r");
    let numbers: Vec<u32> = text
        .lines()
        .map(|line| line.strip_prefix("number ").unwrap().parse().unwrap())
        .collect();
    assert_eq!(*numbers.last().unwrap(), 199);
    assert!(numbers[0] > 0, "the oldest went");
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    assert_eq!(
        host.ok("logs --tail 150 h4r").lines().count(),
        150.min(numbers.len())
    );
}

#[test]
fn a_follower_misses_nothing_over_rotations() {
    let host = Host::new();
    let script = "until [ -e /go ]; do usleep 5000; done; i=0; while [ $i -lt 300 ]; do echo number $i; i=$((i+1)); usleep 300; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "h4r",
        "--log-opt",
        "max-size=4k",
        "--log-opt",
        "max-file=3",
        "alpine",
        "sh",
        "-c",
        script,
    ])
    .ok();
    let mut following = host.spawn("logs -f h4r");
    host.ok("exec h4r touch /go");
    let mut text = String::new();
    following
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let expected: String = (0..300)
        .map(|number| format!("number {number}\n"))
        .collect();
    assert_eq!(text, expected);
    assert_eq!(following.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_log_there_is_nothing_to_read() {
    let host = Host::new();
    assert_eq!(
        host.ok("run --name h4n --log-driver none alpine echo x"),
        "x"
    );
    assert_eq!(
        host.fails(1, "logs h4n"),
        "rbox: configured logging driver does not support reading"
    );
}

#[test]
fn a_reader_that_goes_away_ends_logs_quietly() {
    let host = Host::new();
    said(
        &host,
        "h4l",
        &[],
        "i=0; while [ $i -lt 20000 ]; do echo a line of some length $i; i=$((i+1)); done",
    );
    let output = host.sh("$RBOX logs h4l | head -1");
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("a line of some length 0\n", "")
    );
    host.ok("run -d --name h4f alpine sh -c :");
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "h4g",
        "alpine",
        "sh",
        "-c",
        "while :; do echo x; usleep 10000; done",
    ])
    .ok();
    let mut following = host.spawn("logs -f h4g");
    drop(following.stdout.take());
    assert!(
        wait_until(10, || following.try_wait().unwrap().is_some()),
        "it goes on for nobody"
    );
}
