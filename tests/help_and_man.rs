//! `--help`, hints for what is misspelt, and the manual pages.

use std::process::Command;

use crate::harness::{Host, installed};

/// All commands, as their completion lists them: `run`, `network create`.
fn commands(host: &Host) -> Vec<String> {
    let after = |words: &[&str]| -> Vec<String> {
        let words = [&["__complete"], words].concat();
        let answer = host.rbox(&words).ok();
        let first = |line: &str| line.split('\t').next().unwrap().to_owned();
        answer.lines().map(first).collect()
    };
    let mut all = Vec::new();
    for name in after(&[""]) {
        let help = host.rbox(&[&name, "--help"]).ok();
        if help.contains("\n\nCommands:\n") && name != "oci" {
            let below = after(&[&name, ""]);
            all.extend(below.iter().map(|below| format!("{name} {below}")));
        } else {
            all.push(name);
        }
    }
    all
}

#[test]
fn every_command_explains_itself_with_examples() {
    let host = Host::without_images();
    let commands = commands(&host);
    assert!(commands.len() > 60, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "oci") {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = host.rbox(&words).ok();
        assert!(
            help.starts_with(&format!("Usage:  rbox {command}")),
            "{help}"
        );
        assert!(help.contains("\n\nExamples:\n  rbox "), "{help}");
        let words = [&["help"], &words[..words.len() - 1]].concat();
        assert_eq!(host.rbox(&words).ok(), help, "{command}");
    }
}

#[test]
fn what_is_misspelt_gets_a_hint() {
    let host = Host::with_own_images();
    host.ok("network create backend");
    host.ok("volume create database");
    host.ok("create --name frontend alpine true");
    for (code, line, hint) in [
        (1, "rnu", "did you mean 'rbox run'?"),
        (1, "network conect", "did you mean 'rbox network connect'?"),
        (1, "netwrok ls", "did you mean 'rbox network'?"),
        (125, "run --deatch alpine", "did you mean --detach?"),
        (1, "start frontned", "did you mean frontend?"),
        (1, "inspect fronted", "did you mean frontend?"),
        (1, "network rm bakcend", "did you mean backend?"),
        (
            1,
            "network connect backend frotnend",
            "did you mean frontend?",
        ),
        (1, "volume rm databse", "did you mean database?"),
        (1, "rmi alpien", "did you mean alpine:latest?"),
        (1, "history flsk:3.1", "did you mean flask:3.1?"),
    ] {
        let said = host.fails(code, line);
        assert!(said.contains(&format!("\nhint: {hint}")), "{line}: {said}");
    }
    for (code, line) in [
        (1, "frobnicate"),
        (1, "start other"),
        (125, "run --bogus x"),
    ] {
        let said = host.fails(code, line);
        assert!(!said.contains("did you mean"), "{line}: {said}");
    }
}

#[test]
fn every_command_has_a_manual_page_without_faults() {
    let host = Host::without_images();
    let dir = host.scratch().join("man1");
    std::fs::create_dir(&dir).unwrap();
    host.ok(&format!("generate man {}", dir.display()));
    let run = std::fs::read_to_string(dir.join("rbox-run.1")).unwrap();
    for part in [
        ".TH RBOX\\-RUN 1",
        ".SH OPTIONS\n",
        "\\fB\\-d, \\-\\-detach\\fR\n",
        "\\fB\\-\\-add\\-host\\fR \\fIlist\\fR\n",
        ".SH EXAMPLES\n.nf\nrbox run",
    ] {
        assert!(run.contains(part), "{part}");
    }
    let alias = std::fs::read_to_string(dir.join("rbox-container-run.1")).unwrap();
    assert_eq!(alias, ".so man1/rbox-run.1\n");
    for command in commands(&host) {
        let page = dir.join(format!("rbox-{}.1", command.replace(' ', "-")));
        assert!(page.is_file(), "{command}");
    }
    assert_eq!(
        host.fails(1, "generate man /nosuch"),
        "rbox: write /nosuch/rbox.1: No such file or directory (os error 2)"
    );
    if !installed(
        &["mandoc"],
        "every_command_has_a_manual_page_without_faults",
    ) {
        return;
    }
    let mut lint = Command::new("mandoc");
    lint.args(["-T", "lint", "-W", "warning"]);
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if !std::fs::read_to_string(&path).unwrap().starts_with(".so") {
            lint.arg(path);
        }
    }
    let output = lint.output().unwrap();
    // A page has no date: the same version makes the same pages.
    let faults: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.contains("missing date"))
        .map(String::from)
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
