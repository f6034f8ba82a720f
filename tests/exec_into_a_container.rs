//! `exec`: another process in a running container.

use std::io::Write;
use std::process::Stdio;

use crate::harness::{Host, eventually};

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn running(host: &Host) -> String {
    host.ok("run -d --name h4e -e A=1 -w /tmp alpine sleep 1000")
}

#[test]
fn it_runs_with_the_containers_environment_and_directory() {
    let host = Host::new();
    let id = running(&host);
    let short = &id[..12];
    assert_eq!(host.ok("exec h4e pwd"), "/tmp");
    assert_eq!(host.ok("exec -w /etc h4e pwd"), "/etc");
    assert_eq!(
        host.ok("exec h4e env"),
        format!("{PATH}\nHOSTNAME={short}\nA=1\nHOME=/root")
    );
    assert_eq!(
        host.ok("exec -e B=2 -e A=9 h4e env"),
        format!("{PATH}\nHOSTNAME={short}\nA=9\nB=2\nHOME=/root")
    );
    let file = host.write("env", "# comment\nC=3\n");
    assert!(
        host.ok(&format!("exec --env-file {file} h4e env"))
            .contains("\nC=3\n")
    );
}

#[test]
fn it_runs_as_any_user_with_that_users_home_and_no_more_rights() {
    let host = Host::new();
    running(&host);
    for (user, id) in [
        ("1000", "uid=1000 gid=0(root) groups=0(root)"),
        (
            "nobody",
            "uid=65534(nobody) gid=65534(nobody) groups=65534(nobody)",
        ),
        ("nobody:tty", "uid=65534(nobody) gid=5(tty) groups=5(tty)"),
    ] {
        assert_eq!(host.ok(&format!("exec -u {user} h4e id")), id);
    }
    assert_eq!(host.ok("exec -u nobody h4e sh -c echo\u{a0}$HOME").len(), 0);
    assert_eq!(
        host.rbox(&["exec", "-u", "nobody", "h4e", "sh", "-c", "echo $HOME"])
            .ok(),
        "/"
    );
    let status = [
        "exec",
        "h4e",
        "grep",
        "-E",
        "Cap(Prm|Eff|Bnd)|Seccomp:",
        "/proc/self/status",
    ];
    assert_eq!(
        host.rbox(&status).ok(),
        "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2"
    );
    assert_eq!(
        host.ok("exec -u 1000 h4e grep CapEff /proc/self/status"),
        "CapEff:\t0000000000000000"
    );
    assert_eq!(
        host.fails(1, "exec -u nosuch h4e id"),
        "rbox: unable to find user nosuch: no matching entries in passwd file"
    );
}

#[test]
fn it_is_inside_all_namespaces_and_nobodys_child_there() {
    let host = Host::new();
    running(&host);
    let table = host.ok("exec h4e ps -o pid,ppid,args");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[1], ["1", "0", "sleep", "1000"]);
    assert_eq!(lines[2][1], "0", "{table}");
    assert_eq!(lines.len(), 3, "{table}");
    for namespace in ["pid", "net", "mnt", "ipc", "uts", "cgroup"] {
        let of = |process: &str| {
            host.rbox(&[
                "exec",
                "h4e",
                "readlink",
                &format!("/proc/{process}/ns/{namespace}"),
            ])
            .ok()
        };
        assert_eq!(of("1"), of("self"), "{namespace}");
    }
}

#[test]
fn the_exit_code_is_the_commands_own() {
    let host = Host::new();
    running(&host);
    for (script, code) in [("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        assert_eq!(
            host.rbox(&["exec", "h4e", "sh", "-c", script]).code,
            code,
            "{script}"
        );
    }
    let output = host.rbox(&["exec", "h4e", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("out\n", "err\n")
    );
}

#[test]
fn what_cannot_be_executed_is_told_with_dockers_codes() {
    let host = Host::new();
    running(&host);
    let failed = "rbox: OCI runtime exec failed: exec failed: unable to start container process: ";
    for (line, code, reason) in [
        (
            "exec h4e nosuch",
            127,
            "exec: \"nosuch\": executable file not found in $PATH",
        ),
        (
            "exec h4e /etc/passwd",
            126,
            "exec: \"/etc/passwd\": permission denied",
        ),
        (
            "exec -w /nosuch h4e true",
            127,
            "chdir to cwd (\"/nosuch\") set in config.json failed: no such file or directory",
        ),
        ("exec -w rel h4e true", 126, "Cwd must be an absolute path"),
        (
            "exec -d h4e nosuch",
            1,
            "exec: \"nosuch\": executable file not found in $PATH",
        ),
    ] {
        assert_eq!(
            host.fails(code, line),
            format!("{failed}{reason}: unknown"),
            "{line}"
        );
    }
    assert_eq!(
        host.fails(1, "exec h4e"),
        "rbox: 'rbox exec' requires at least 2 arguments\n\n\
         Usage:  rbox exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\n\
         See 'rbox exec --help' for more information"
    );
}

#[test]
fn only_a_running_container_can_be_entered() {
    let host = Host::new();
    assert_eq!(
        host.fails(1, "exec nosuch ls"),
        "rbox: No such container: nosuch"
    );
    let id = host.ok("create --name h4e alpine sleep 1000");
    let not = format!("rbox: container {id} is not running");
    assert_eq!(host.fails(1, "exec h4e true"), not);
    host.ok("start h4e");
    host.ok("exec h4e true");
    host.ok("kill h4e");
    assert_eq!(host.fails(1, "exec h4e true"), not);
}

#[test]
fn stdin_is_piped_with_i_and_empty_without() {
    let host = Host::new();
    running(&host);
    assert_eq!(host.sh("echo hi | $RBOX exec -i h4e cat").ok(), "hi");
    assert_eq!(host.sh("echo hi | $RBOX exec h4e cat").ok(), "");
    // A large input, and the end of it.
    let mut client = host
        .command(&["exec", "-i", "h4e", "wc", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    client
        .stdin
        .take()
        .unwrap()
        .write_all(&vec![b'x'; 3 << 20])
        .unwrap();
    let output = client.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        (3 << 20).to_string()
    );
}

#[test]
fn detached_it_returns_at_once_and_the_process_goes_on() {
    let host = Host::new();
    running(&host);
    let output = host.rbox(&[
        "exec",
        "-d",
        "h4e",
        "sh",
        "-c",
        "echo bg > /bg; exec sleep 1000",
    ]);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (0, "", "")
    );
    eventually("the background process to write", || {
        (host.rbox(&["exec", "h4e", "cat", "/bg"]).stdout == "bg\n").then_some(())
    });
    assert!(
        host.ok("exec h4e ps -o args")
            .contains("sleep 1000\nsleep 1000")
    );
}

#[test]
fn it_ends_with_the_container() {
    let host = Host::new();
    running(&host);
    let mut client = host.spawn("exec -i h4e sh -c echo\u{a0}x");
    client.wait().unwrap();
    let mut client = host.spawn("exec h4e sleep 1000");
    eventually("the process inside", || {
        host.ok("exec h4e ps -o args")
            .contains("sleep 1000\nsleep 1000")
            .then_some(())
    });
    host.ok("kill h4e");
    assert_eq!(client.wait().unwrap().code(), Some(137));
}

#[test]
fn a_terminal_without_a_tty_on_stdin_is_refused_only_with_i() {
    let host = Host::new();
    running(&host);
    assert_eq!(host.ok("exec h4e sh -c true"), "");
    assert_eq!(
        host.rbox(&["exec", "-t", "h4e", "tty"]).ok(),
        "/dev/pts/0\r"
    );
    assert_eq!(host.rbox(&["exec", "h4e", "tty"]).stdout, "not a tty\n");
    assert_eq!(
        host.fails(1, "exec -it h4e cat"),
        "rbox: the input device is not a TTY"
    );
}
