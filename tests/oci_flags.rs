//! The OCI runtime's command line: what is understood, and how the rest is refused.

use crate::harness::bundle::command;
use crate::harness::{Host, Runtime, skip};

#[test]
fn flags_are_spelled_as_gos_flag_package_has_them() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    let path = bundle.path();
    for words in [
        &["run", "-d", "-b", path, "box"][..],
        &["run", "-detach", "-bundle", path, "box"],
        &["run", "--detach=true", &format!("--bundle={path}"), "box"],
        &[
            "run",
            "--keep=false",
            "-d=t",
            &format!("-b={path}"),
            "--",
            "box",
        ],
        // Most commands take flags behind their arguments, too.
        &["run", "box", "--bundle", path, "-d"],
    ] {
        runtime.ok(words);
        runtime.ok(&["delete", "box", "--force"]);
    }
}

#[test]
fn what_is_not_understood_is_refused_before_anything_is_done() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    for (words, text) in [
        (
            &["run", "--bogus", "x"][..],
            "flag provided but not defined: -bogus",
        ),
        (&["run", "-dt", "x"], "flag provided but not defined: -dt"),
        (
            &["create", "x", "y"],
            "rbox-runtime: \"create\" requires exactly 1 argument(s)",
        ),
        (
            &["create"],
            "rbox-runtime: \"create\" requires exactly 1 argument(s)",
        ),
        (
            &["exec"],
            "rbox-runtime: \"exec\" requires a minimum of 1 argument(s)",
        ),
        (
            &["kill", "a", "b", "c"],
            "rbox-runtime: \"kill\" requires a maximum of 2 argument(s)",
        ),
        (
            &["list", "x"],
            "rbox-runtime: \"list\" requires exactly 0 argument(s)",
        ),
        (&["run", "--bundle"], "flag needs an argument: -bundle"),
        (
            &["run", "--preserve-fds=x", "y"],
            "invalid value \"x\" for flag -preserve-fds: parse error",
        ),
        (
            &["run", "--detach=maybe", "y"],
            "invalid boolean value \"maybe\" for -detach: parse error",
        ),
        (&["checkpoint", "x"], "command checkpoint is not supported"),
        (&["restore", "x"], "command restore is not supported"),
        (&["bogus"], "no such command: bogus"),
        (
            &["update", "--l3-cache-schema", "x", "y"],
            "flag --l3-cache-schema is not supported",
        ),
        (&["--criu", "x", "list"], "flag --criu is not supported"),
        (
            &["--rootless", "true", "list"],
            "--rootless true is not supported: containers are made by root",
        ),
        (
            &["--rootless=auto", "list"],
            "--rootless auto is not supported: containers are made by root",
        ),
        (&["--log-format", "xml", "list"], "invalid log-format: xml"),
        (
            &["events", "--interval", "0s", "x"],
            "duration interval must be greater than 0",
        ),
    ] {
        assert_eq!(runtime.fails(1, words), text, "{words:?}");
    }
    assert!(!runtime.root().exists());
}

#[test]
fn help_and_version_are_there_for_every_command() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let overview = runtime.ok(&["--help"]);
    assert!(overview.contains("COMMANDS:\n   create "), "{overview}");
    for words in [&["help"][..], &["-h"], &[]] {
        assert_eq!(runtime.ok(words), overview);
    }
    for name in ["create", "exec", "run", "update", "spec"] {
        let help = runtime.ok(&[name, "--help"]);
        assert!(
            help.starts_with(&format!("NAME:\n   rbox-runtime {name} - ")),
            "{help}"
        );
        assert_eq!(runtime.ok(&["help", name]), help);
    }
    for flag in ["--version", "-v"] {
        let version = runtime.ok(&[flag]);
        let lines: Vec<&str> = version.lines().collect();
        assert!(lines[0].starts_with("rbox-runtime version 0."), "{version}");
        assert!(lines[1].starts_with("spec: 1."), "{version}");
    }
}

#[test]
fn a_terminal_needs_somebody_who_takes_it() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(|spec| spec["process"]["terminal"] = true.into());
    let needs = "cannot allocate tty if rbox-runtime will detach without setting console socket";
    let useless = "cannot use console socket if rbox-runtime will not detach or allocate tty";
    let with = |action: &[&str]| {
        let words = [action, &["--bundle", bundle.path(), "box"]].concat();
        runtime.fails(1, &words)
    };
    assert_eq!(
        with(&["create"]),
        format!("rbox-runtime create failed: {needs}")
    );
    assert_eq!(
        with(&["run", "-d"]),
        format!("rbox-runtime run failed: {needs}")
    );
    assert_eq!(
        with(&["run", "--console-socket", "/x"]),
        format!("rbox-runtime run failed: {useless}")
    );
    let nobody = with(&["create", "--console-socket", "/nonexistent/s"]);
    assert!(
        nobody.contains("dial unix /nonexistent/s: connect: "),
        "{nobody}"
    );
    bundle.edit(|spec| spec["process"]["terminal"] = false.into());
    assert_eq!(
        with(&["create", "--console-socket", "/x"]),
        format!("rbox-runtime create failed: {useless}")
    );
    assert_eq!(runtime.left_behind(), Vec::<String>::new());
}

#[test]
fn cgroups_by_systemd_are_refused_where_there_is_no_systemd() {
    if std::path::Path::new("/run/systemd/system").exists() {
        skip("cgroups_by_systemd_are_refused", "systemd runs here");
        return;
    }
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = runtime.bundle(command(&["true"]));
    let words = ["--systemd-cgroup", "run", "--bundle", bundle.path(), "box"];
    assert_eq!(
        runtime.fails(1, &words),
        "rbox-runtime run failed: systemd cgroups are not available: \
         systemd is not running (no /run/systemd/system)"
    );
    assert_eq!(runtime.left_behind(), Vec::<String>::new());
}
