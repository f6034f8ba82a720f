//! `rbox compose up` with a person at the terminal.

use std::process::Command;

use crate::harness::{Host, Terminal, eventually};

const FILE: &str = "
services:
  web:
    image: alpine
    command: sh -c 'echo web is up; exec sleep infinity'
    init: true
  db:
    image: alpine
    command: sh -c 'echo db is up; exec sleep infinity'
    init: true
";

/// Nothing but SIGKILL ends it.
const STUBBORN: &str = "
services:
  mule:
    image: alpine
    command: sh -c 'trap \"\" TERM; echo no; while :; do sleep 0.1; done'
";

fn compose(host: &Host, text: &str, line: &str) -> Command {
    let file = host.write("stage/compose.yaml", text);
    let mut words = vec!["compose", "-f", &file];
    words.extend(line.split_whitespace());
    host.command(&words)
}

fn running(host: &Host) -> String {
    host.ok("ps --format {{.Names}}")
}

#[test]
fn a_terminal_sees_a_picture_then_coloured_logs_and_ctrl_c_stops_all() {
    let host = Host::new();
    let mut terminal = Terminal::start(&compose(&host, FILE, "up -t 5"));
    terminal.expect("[+] Running 3/3");
    terminal.expect("\u{1b}[32m✔\u{1b}[0m Container stage-db-1");
    terminal.expect("Attaching to db-1, web-1");
    terminal.expect("  | \u{1b}[0m");
    terminal.send("\x03");
    terminal.expect("Gracefully Stopping... press Ctrl+C again to force");
    terminal.expect("exited with code 143");
    assert_eq!(terminal.wait(), 130);
    assert_eq!(running(&host), "");
    compose(&host, FILE, "down").output().unwrap();
}

#[test]
fn a_build_is_drawn_above_what_else_is_done() {
    let host = Host::with_own_images();
    let text = "
services:
  web:
    build: {context: ., dockerfile_inline: \"FROM alpine\\nRUN echo made > /made\\n\"}
    command: cat /made
";
    let mut terminal = Terminal::start(&compose(&host, text, "up"));
    terminal.expect("[+] Building");
    // In the last picture, which a fast build has alone.
    terminal.expect("FINISHED");
    terminal.expect("Image stage-web");
    terminal.expect("Container stage-web-1");
    terminal.expect("Attaching to web-1");
    terminal.expect("made");
    terminal.expect("web-1 exited with code 0");
    assert_eq!(terminal.wait(), 0);
    let wrong = text.replace("echo made > /made", "echo alas; exit 3");
    let mut terminal = Terminal::start(&compose(&host, &wrong, "build"));
    terminal.expect("✘");
    terminal.expect("alas");
    terminal.expect("did not complete successfully: exit code: 3");
    assert_eq!(terminal.wait(), 1);
    compose(&host, text, "down --rmi local").output().unwrap();
}

#[test]
fn a_person_may_want_no_colours_or_no_picture() {
    let host = Host::new();
    let mut colourless = compose(&host, FILE, "up -d");
    colourless.env("NO_COLOR", "1");
    let mut terminal = Terminal::start(&colourless);
    terminal.expect(" ✔ Container stage-web-1");
    assert_eq!(terminal.wait(), 0);
    let plain = compose(&host, FILE, "--progress plain up -d");
    let mut terminal = Terminal::start(&plain);
    terminal.expect(" Container stage-web-1  Running\r\n");
    assert_eq!(terminal.wait(), 0);
    let json = compose(&host, FILE, "--progress json down -t 1")
        .output()
        .unwrap();
    let said = String::from_utf8(json.stderr).unwrap();
    for line in said.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["id"].is_string() && line["text"].is_string(), "{line}");
    }
}

#[test]
fn ctrl_c_twice_kills_what_will_not_stop_and_up_runs_again() {
    let host = Host::new();
    let up = || Terminal::start(&compose(&host, STUBBORN, "--ansi never up -t 600"));
    for _ in 0..2 {
        let mut terminal = up();
        terminal.expect("mule-1  | no");
        terminal.send("\x03");
        terminal.expect("Container stage-mule-1  Stopping");
        terminal.send("\x03");
        terminal.expect("mule-1 exited with code 137");
        assert_eq!(terminal.wait(), 130);
        assert_eq!(running(&host), "");
    }
    compose(&host, STUBBORN, "down").output().unwrap();
}

#[test]
fn up_ends_with_its_containers() {
    let host = Host::new();
    let text = "
services:
  a: {image: alpine, command: echo one}
  b: {image: alpine, command: sh -c 'echo two; exit 4'}
";
    let output = compose(&host, text, "up").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for line in [
        "Attaching to a-1, b-1\n",
        "a-1  | one\n",
        "b-1  | two\n",
        "a-1 exited with code 0\n",
        "b-1 exited with code 4\n",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let plain = compose(&host, text, "up --no-log-prefix --no-attach b")
        .output()
        .unwrap();
    let said = String::from_utf8(plain.stdout).unwrap();
    assert!(said.contains("Attaching to a-1\none\n"), "{said}");
    assert!(!said.contains("two"), "{said}");
    compose(&host, text, "down").output().unwrap();
}

#[test]
fn the_first_to_end_ends_all_when_asked() {
    let host = Host::new();
    let text = "
services:
  server: {image: alpine, command: sleep infinity, init: true}
  test: {image: alpine, command: sh -c 'echo tested; exit 5'}
";
    let output = compose(&host, text, "up --exit-code-from test")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("Aborting on container exit...\n"), "{said}");
    assert_eq!(running(&host), "");
    compose(&host, text, "down").output().unwrap();
}

#[test]
fn what_keeps_no_log_is_shown_too() {
    let host = Host::new();
    let text = "
services:
  quiet:
    image: alpine
    command: sh -c 'while :; do echo tick; sleep 0.1; done'
    init: true
    logging: {driver: none}
";
    let mut terminal = Terminal::start(&compose(&host, text, "--ansi never up -t 1"));
    terminal.expect("quiet-1  | tick");
    terminal.send("\x03");
    assert_eq!(terminal.wait(), 130);
    compose(&host, text, "down").output().unwrap();
}

#[test]
fn exec_and_run_have_a_terminal_where_a_person_has_one() {
    let host = Host::new();
    compose(&host, FILE, "up -d").output().unwrap();
    let mut terminal = Terminal::start(&compose(&host, FILE, "exec web sh"));
    terminal.send("test -t 0 && echo it is $((1+1))\n");
    terminal.expect("it is 2");
    terminal.send("exit 3\n");
    assert_eq!(terminal.wait(), 3);
    let mut terminal = Terminal::start(&compose(&host, FILE, "run --rm web sh"));
    terminal.send("test -t 0 && echo it is $((2+2))\n");
    terminal.expect("it is 4");
    terminal.send("exit 6\n");
    assert_eq!(terminal.wait(), 6);
    let mut terminal = Terminal::start(&compose(&host, FILE, "logs -f web"));
    terminal.expect("web is up");
    host.ok("kill stage-web-1");
    eventually("the end of the log", || Some(()));
    assert_eq!(terminal.wait(), 0);
    compose(&host, FILE, "down -t 1").output().unwrap();
}
