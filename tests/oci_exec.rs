//! Further processes in a container, by the OCI runtime.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::harness::bundle::command;
use crate::harness::{Bundle, Host, Runtime, eventually};

fn sleeper(runtime: &Runtime) -> Bundle {
    let bundle = runtime.bundle(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    bundle
}

fn end(runtime: &Runtime) {
    runtime.ok(&["delete", "--force", "box"]);
}

#[test]
fn the_exit_code_is_the_processs() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let output = runtime.call(&["exec", "box", "sh", "-c", script]);
        assert_eq!(output.code, code, "{output:?}");
        assert_eq!(output.stderr, "");
    }
    let nosuch = runtime.fails(255, &["exec", "box", "nosuch"]);
    assert_eq!(
        nosuch,
        "exec failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH"
    );
    let denied = runtime.fails(255, &["exec", "box", "/etc/passwd"]);
    assert_eq!(
        denied,
        "exec failed: unable to start container process: exec: \"/etc/passwd\": permission denied"
    );
    assert_eq!(
        runtime.fails(255, &["exec", "box"]),
        "exec failed: process args cannot be empty"
    );
    end(&runtime);
}

#[test]
fn flags_describe_the_process() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let exec = |words: &[&str]| runtime.ok(&[&["exec"], words].concat());
    assert_eq!(exec(&["box", "pwd"]), "/");
    assert_eq!(exec(&["--cwd", "/tmp", "box", "pwd"]), "/tmp");
    assert_eq!(
        exec(&["-e", "A=1", "--env=B=2", "box", "sh", "-c", "echo $A$B"]),
        "12"
    );
    assert_eq!(
        exec(&["-u", "1000", "box", "sh", "-c", "id -u; id -g"]),
        "1000\n0"
    );
    assert_eq!(
        exec(&["--user", "1000:1001", "box", "sh", "-c", "id -u; id -g"]),
        "1000\n1001"
    );
    assert_eq!(exec(&["-g", "7", "-g", "9", "box", "id", "-G"]), "0 7 9");
    let status = |flags: &[&str], field: &str| {
        let find = format!("grep ^{field}: /proc/self/status | cut -f2");
        exec(&[flags, &["box", "sh", "-c", &find]].concat())
    };
    // The configuration that `spec` writes says noNewPrivileges.
    assert_eq!(status(&[], "NoNewPrivs"), "1");
    assert_eq!(status(&["--no-new-privs=false"], "NoNewPrivs"), "0");
    assert_eq!(status(&["--no-new-privs"], "NoNewPrivs"), "1");
    assert_eq!(status(&[], "CapEff"), "0000000020000420");
    assert_eq!(
        status(&["--cap", "CAP_CHOWN"], "CapEff"),
        "0000000020000421"
    );
    // Flags of the command itself are the command's.
    assert_eq!(exec(&["box", "echo", "-t", "--user", "x"]), "-t --user x");
    end(&runtime);
}

#[test]
fn a_process_can_be_described_by_a_file() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let process = json!({
        "args": ["sh", "-c", "id -u; id -g; pwd; echo $WHO"],
        "cwd": "/tmp",
        "user": { "uid": 5, "gid": 6 },
        "env": ["PATH=/bin:/usr/bin", "WHO=me"],
    });
    let path = host.write("process.json", &process.to_string());
    assert_eq!(
        runtime.ok(&["exec", "--process", &path, "box"]),
        "5\n6\n/tmp\nme"
    );
    let missing = runtime.fails(255, &["exec", "-p", "/nonexistent/p", "box"]);
    assert_eq!(
        missing,
        "exec failed: open /nonexistent/p: no such file or directory"
    );
    end(&runtime);
}

#[test]
fn a_process_shares_all_that_the_container_has() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let links = "readlink /proc/1/ns/* | sort; cut -d: -f2- /proc/1/cgroup";
    let own = links.replace("/proc/1/", "/proc/self/");
    let exec = |script: &str| runtime.ok(&["exec", "box", "sh", "-c", script]);
    assert_eq!(exec(links), exec(&own));
    let pid = exec("echo $$");
    assert!(pid.parse::<i32>().unwrap() > 1);
    end(&runtime);
}

#[test]
fn streams_are_the_callers() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let input = host.write("input", "hello");
    let mut command = runtime.command(&["exec", "box", "sh", "-c", "cat; echo oops >&2"]);
    command.stdin(File::open(input).unwrap());
    let output = runtime.finish(command, "exec");
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("hello", "oops\n")
    );
    end(&runtime);
}

#[test]
fn a_detached_process_is_known_by_its_pid_file() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let bundle = sleeper(&runtime);
    let file = runtime.new_path("pid");
    let file_text = file.to_str().unwrap();
    let script = "echo $$ > /inside; exec sleep 999";
    runtime.ok(&[
        "exec",
        "-d",
        "--pid-file",
        file_text,
        "box",
        "sh",
        "-c",
        script,
    ]);
    let pid = std::fs::read_to_string(&file).unwrap();
    let line = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let inside = eventually("the process's word", || {
        let text = std::fs::read_to_string(bundle.inside("inside")).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    });
    let ids = line
        .lines()
        .find(|line| line.starts_with("NSpid:"))
        .unwrap();
    assert_eq!(
        ids.split_whitespace().skip(1).collect::<Vec<_>>(),
        [pid.as_str(), &inside]
    );
    end(&runtime);
    assert!(!std::path::Path::new(&format!("/proc/{pid}/exe")).exists());
}

#[test]
fn signals_go_on_to_the_process() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let script = "trap 'echo usr1; exit 9' USR1; echo ready; while :; do sleep 0.01; done";
    let mut child = runtime
        .command(&["exec", "box", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    signal(child.id(), 10);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    assert_eq!(
        (rest.as_str(), child.wait().unwrap().code()),
        ("usr1\n", Some(9))
    );
    end(&runtime);
}

fn signal(pid: u32, number: i32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let number = rustix::process::Signal::from_named_raw(number).unwrap();
    rustix::process::kill_process(pid, number).unwrap();
}

#[test]
fn a_paused_container_keeps_a_process_waiting_when_asked_to() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    runtime.ok(&["pause", "box"]);
    let mut child = runtime
        .command(&["exec", "--ignore-paused", "box", "echo", "done"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the process in the group", || {
        let all: Vec<i32> =
            serde_json::from_str(&runtime.ok(&["ps", "-f", "json", "box"])).unwrap();
        (all.len() == 2).then_some(())
    });
    assert!(child.try_wait().unwrap().is_none());
    runtime.ok(&["resume", "box"]);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    assert_eq!(
        (text.as_str(), child.wait().unwrap().code()),
        ("done\n", Some(0))
    );
    end(&runtime);
}

#[test]
fn descriptors_are_passed_only_when_asked() {
    let host = Host::new();
    let runtime = Runtime::new(&host);
    let _bundle = sleeper(&runtime);
    let mut file = File::create(runtime.new_path("passed")).unwrap();
    file.write_all(b"secret").unwrap();
    let list = "for f in /proc/self/fd/*; do echo ${f##*/}; done | sort -n | tr '\\n' ' '";
    // The shell's own descriptor for the directory is the last one.
    let without = with_descriptor(&runtime, &file, &["exec", "box", "sh", "-c", list]);
    let with = with_descriptor(
        &runtime,
        &file,
        &["exec", "--preserve-fds", "1", "box", "sh", "-c", list],
    );
    assert_eq!(
        without.split_whitespace().take(3).collect::<Vec<_>>(),
        ["0", "1", "2"]
    );
    assert_eq!(
        with.split_whitespace().count(),
        without.split_whitespace().count() + 1
    );
    let missing = runtime.fails(255, &["exec", "--preserve-fds", "7", "box", "true"]);
    assert!(
        missing.ends_with("is to be preserved and is not open"),
        "{missing}"
    );
    end(&runtime);
}

/// Runs the runtime with a descriptor 3, by way of a shell.
fn with_descriptor(runtime: &Runtime, _file: &File, words: &[&str]) -> String {
    let inner = runtime.command(words);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "exec 3</etc/hostname; exec \"$@\"", "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    runtime.finish(command, &words.join(" ")).ok()
}
