//! `run`, `create` and `start`: what they print and the code they end with.

use crate::harness::{Host, eventually};

/// What the engine says when the runtime cannot start a process.
const CANNOT_START: &str = "rbox: failed to create task for container: failed to create shim \
    task: OCI runtime create failed: runc create failed: unable to start container process: ";

/// What `run` adds to every failure.
const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn the_exit_code_is_the_containers_own() {
    let host = Host::new();
    for (script, code) in [
        ("true", 0),
        ("false", 1),
        ("exit 42", 42),
        // The first process of a container has no default for this signal.
        ("kill -TERM $$", 0),
        ("(sh -c 'kill -SEGV $$'); exit $?", 139),
    ] {
        let output = host.rbox(&["run", "--rm", "alpine", "sh", "-c", script]);
        assert_eq!(output.code, code, "{script}: {output:#?}");
        assert_eq!(output.stdout, "", "{script}");
    }
    assert_eq!(
        host.fails(1, "run --rm --entrypoint sleep alpine bogus"),
        "sleep: invalid number 'bogus'"
    );
}

#[test]
fn a_command_that_cannot_be_executed_is_127_or_126_and_says_why() {
    let host = Host::new();
    for (command, code, reason) in [
        (
            "nosuchcmd",
            127,
            "exec: \"nosuchcmd\": executable file not found in $PATH",
        ),
        (
            "/no/such/cmd",
            127,
            "exec: \"/no/such/cmd\": stat /no/such/cmd: no such file or directory",
        ),
        (
            "./foo",
            127,
            "exec: \"./foo\": stat ./foo: no such file or directory",
        ),
        ("", 127, "exec: \"\": executable file not found in $PATH"),
        (
            "/etc/passwd",
            126,
            "exec: \"/etc/passwd\": permission denied",
        ),
        ("/etc", 126, "exec: \"/etc\": permission denied"),
    ] {
        let output = host.rbox(&["run", "--rm", "alpine", command]);
        let stderr = output.clone().fails(code);
        assert_eq!(stderr, format!("{CANNOT_START}{reason}: unknown{RUN_HELP}"));
        assert_eq!(output.stdout, "");
    }
    assert_eq!(
        host.ok("ps -aq"),
        "",
        "--rm leaves nothing of a start that failed"
    );
}

#[test]
fn a_container_whose_start_failed_stays_created_with_the_reason() {
    let host = Host::new();
    let output = host.rbox(&["run", "-d", "--name", "broken", "alpine", "nosuchcmd"]);
    assert_eq!(output.code, 127);
    let id = output.stdout.trim_end();
    assert_eq!(id.len(), 64, "the id comes before the failure: {output:#?}");
    let reason = "exec: \"nosuchcmd\": executable file not found in $PATH: unknown";
    assert_eq!(output.stderr, format!("{CANNOT_START}{reason}{RUN_HELP}\n"));
    assert_eq!(
        host.ok("ps -a --format {{.Names}}|{{.Status}}"),
        "broken|Created"
    );
    let state = [
        "inspect",
        "-f",
        "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}",
        "broken",
    ];
    let reason = format!("{}{reason}", CANNOT_START.trim_start_matches("rbox: "));
    assert_eq!(host.rbox(&state).ok(), format!("created 127 {reason}"));
    // Docker points to the help for `run` alone.
    assert_eq!(
        host.fails(1, "start broken"),
        format!("rbox: {reason}\nrbox: failed to start containers: broken")
    );
    assert_eq!(host.ok("rm broken"), "broken");
}

#[test]
fn run_detached_prints_the_id_and_the_container_goes_on() {
    let host = Host::new();
    let id = host.ok("run -d --name web alpine sleep 1000");
    assert_eq!(id.len(), 64);
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(host.id("web"), id);
    assert_eq!(host.ok("inspect -f {{.State.Status}} web"), "running");
    host.ok("run -d --rm --name brief alpine sleep 0.1");
    eventually("a container run with --rm to go by itself", || {
        (host.ok("ps -aq --filter name=brief").is_empty()).then_some(())
    });
}

#[test]
fn create_prints_the_id_and_start_runs_it_attached_or_not() {
    let host = Host::new();
    let id = host.ok("create --name h4b alpine sh -c exit\u{a0}3");
    assert_eq!(id.len(), 64);
    assert_eq!(host.ok("rm h4b"), "h4b");
    host.rbox(&[
        "create",
        "--name",
        "h4b",
        "alpine",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
    ])
    .ok();
    assert_eq!(host.ok("ps -a --format {{.Status}}"), "Created");
    let output = host.rbox(&["start", "-a", "h4b"]);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (3, "out\n", "err\n")
    );
    assert_eq!(host.ok("start h4b"), "h4b");
    assert_eq!(host.ok("wait h4b"), "3");
    assert_eq!(
        host.fails(1, "start h4b nosuch"),
        "rbox: No such container: nosuch\nrbox: failed to start containers: nosuch"
    );
    assert_eq!(
        host.fails(1, "start -a h4b nosuch"),
        "rbox: you cannot start and attach multiple containers at once"
    );
}

#[test]
fn stdout_and_stderr_stay_apart_and_can_be_chosen() {
    let host = Host::new();
    let script = ["alpine", "sh", "-c", "echo out; echo err >&2"];
    let run = |flags: &[&str]| {
        let arguments: Vec<&str> = ["run", "--rm"]
            .iter()
            .chain(flags)
            .chain(&script)
            .copied()
            .collect();
        let output = host.rbox(&arguments);
        assert_eq!(output.code, 0, "{output:#?}");
        (output.stdout, output.stderr)
    };
    assert_eq!(run(&[]), ("out\n".into(), "err\n".into()));
    assert_eq!(run(&["-a", "stdout"]), ("out\n".into(), String::new()));
    assert_eq!(run(&["-a", "stderr"]), (String::new(), "err\n".into()));
    // A terminal has one stream, and its own ends of line.
    assert_eq!(run(&["-t"]), ("out\r\nerr\r\n".into(), String::new()));
}

#[test]
fn a_mebibyte_of_output_arrives_whole() {
    let host = Host::new();
    let output = host.rbox(&[
        "run",
        "--rm",
        "alpine",
        "sh",
        "-c",
        "dd if=/dev/zero bs=1024 count=1024 2>/dev/null; exit 5",
    ]);
    assert_eq!(output.code, 5);
    assert_eq!(output.stdout.len(), 1 << 20);
}

#[test]
fn the_user_inside_is_root_unless_told_otherwise() {
    let host = Host::new();
    assert_eq!(host.ok("run --rm alpine whoami"), "root");
    host.ok("run -itd --name container1 alpine");
    assert_eq!(host.ok("exec container1 whoami"), "root");
    assert_eq!(host.ok("exec container1 id -u"), "0");
    for (user, id) in [
        ("1000", "uid=1000 gid=0(root) groups=0(root)"),
        (
            "nobody",
            "uid=65534(nobody) gid=65534(nobody) groups=65534(nobody)",
        ),
        ("nobody:tty", "uid=65534(nobody) gid=5(tty) groups=5(tty)"),
        ("1000:1000", "uid=1000 gid=1000 groups=1000"),
    ] {
        assert_eq!(
            host.ok(&format!("run --rm -u {user} alpine id")),
            id,
            "{user}"
        );
    }
}

#[test]
fn cidfile_gets_the_id_and_is_never_overwritten() {
    let host = Host::new();
    let path = host.scratch().join("cid");
    let path = path.to_str().unwrap();
    let id = host.ok(&format!("create --name one --cidfile {path} alpine true"));
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        id,
        "64 digits, no end of line"
    );
    assert_eq!(
        host.fails(125, &format!("run --cidfile {path} alpine true")),
        format!(
            "rbox: container ID file found, make sure the other container isn't running or delete \
             {path}{RUN_HELP}"
        )
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), id);
    assert_eq!(
        host.ok("ps -a --format {{.Names}}"),
        "one",
        "nothing was created"
    );
}

#[test]
fn init_passes_signals_on_and_reaps() {
    let host = Host::new();
    host.ok("run -d --init --name tidy alpine sleep 1000");
    assert_eq!(host.ok("exec tidy cat /proc/1/comm"), "docker-init");
    assert_eq!(host.ok("kill -s TERM tidy"), "tidy");
    assert_eq!(
        host.ok("wait tidy"),
        "143",
        "sleep itself has no handler for SIGTERM"
    );
}
