//! A container that gets hold of the rbox binary cannot change it
//! (CVE-2019-5736).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::harness::bundle::command;
use crate::harness::{Host, Output, Runtime, wait_until};

/// A copy of rbox that a test may lose, and what it was.
struct Copy<'a> {
    host: &'a Host,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl<'a> Copy<'a> {
    fn new(host: &'a Host) -> Copy<'a> {
        let path = host.scratch().join("rbox");
        fs::copy(env!("CARGO_BIN_EXE_rbox"), &path).unwrap();
        Copy {
            host,
            bytes: fs::read(&path).unwrap(),
            path,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .env_clear()
            .envs(self.host.environment());
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Output::new(
            arguments.join(" "),
            self.command(arguments).output().unwrap(),
        )
    }

    #[track_caller]
    fn is_unchanged(&self) {
        assert!(
            fs::read(&self.path).unwrap() == self.bytes,
            "the binary was overwritten"
        );
    }
}

/// Opens the binary by the process's exe link, waits until nothing executes it
/// any more, and writes to it by the descriptor.
const ATTACK: &str = "exec 3</proc/$1/exe; echo x > /proc/$1/exe && exit 9; kill -9 $1; \
    while test -e /proc/$1; do :; done; echo x > /proc/self/fd/3 && exit 9; \
    chmod 777 /proc/self/fd/3 && exit 9; exit 0";

/// The pid of our binary as a program of the container: not the process that is
/// about to become it, which still has the words of the command line.
const FIND: &str = "ps -o pid,args | awk '$2 == \"/proc/self/exe\" {print $1}'";

#[test]
fn an_entrypoint_that_is_our_own_binary_cannot_be_written_to() {
    let host = Host::new();
    let copy = Copy::new(&host);
    // What runs is rbox itself, as it is in the container's /proc.
    let version = copy
        .run(&["run", "--rm", "alpine", "/proc/self/exe", "version"])
        .ok();
    assert!(version.starts_with("Client: rbox"), "{version}");
    copy.run(&["run", "-d", "--name", "box", "alpine", "sleep", "1000"])
        .ok();
    let mut child = copy
        .command(&["exec", "-i", "box", "/proc/self/exe", "import", "-", "x"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = crate::harness::eventually("our binary in the container", || {
        Some(copy.run(&["exec", "box", "sh", "-c", FIND]).ok()).filter(|pid| !pid.is_empty())
    });
    let attack = copy.run(&["exec", "box", "sh", "-c", ATTACK, "sh", &pid]);
    let refusals = attack.stderr.matches("Read-only file system").count();
    assert!(attack.code == 0 && refusals == 3, "{attack:?}");
    drop(child.stdin.take());
    child.wait().unwrap();
    copy.is_unchanged();
}

#[test]
fn a_script_whose_interpreter_is_our_binary_gets_no_further() {
    let host = Host::new();
    let copy = Copy::new(&host);
    copy.run(&["run", "-d", "--name", "box", "alpine", "sleep", "1000"])
        .ok();
    let script = "printf '#!/proc/self/exe\\n' > /bin/trap; chmod +x /bin/trap";
    copy.run(&["exec", "box", "sh", "-c", script]).ok();
    let watcher = "while :; do for p in /proc/[0-9]*; do \
        case $(readlink $p/exe) in /bin/busybox) ;; ?*) \
        if { : > $p/exe; } 2>/dev/null; then touch /written; fi;; esac; done; done";
    copy.run(&["exec", "-d", "box", "sh", "-c", watcher]).ok();
    for _ in 0..10 {
        copy.run(&["exec", "box", "/bin/trap"]);
    }
    copy.run(&["exec", "box", "test", "!", "-e", "/written"])
        .ok();
    copy.is_unchanged();
}

#[test]
fn the_monitor_is_out_of_reach_even_among_the_hosts_processes() {
    let host = Host::new();
    let copy = Copy::new(&host);
    copy.run(&[
        "run", "-d", "--name", "box", "--pid", "host", "alpine", "sleep", "1000",
    ])
    .ok();
    let id = copy.run(&["inspect", "-f", "{{.Id}}", "box"]).ok();
    let find = format!("grep -l {id} /proc/[0-9]*/cmdline | head -1 | cut -d/ -f3");
    let monitor = host.sh(&find).ok();
    for link in ["exe", "root/etc/passwd", "cwd/etc/passwd"] {
        let path = format!("/proc/{monitor}/{link}");
        let output = copy.run(&[
            "exec",
            "box",
            "sh",
            "-c",
            &format!("cat {path}; echo x > {path}"),
        ]);
        assert!(
            output.code != 0 && output.stdout.is_empty(),
            "{path}: {output:?}"
        );
    }
    copy.is_unchanged();
}

#[test]
fn the_init_of_a_container_cannot_be_written_to() {
    let host = Host::new();
    let copy = Copy::new(&host);
    let attack = "echo x > /sbin/docker-init; echo x > /proc/1/exe; exit 7";
    let output = copy.run(&["run", "--rm", "--init", "alpine", "sh", "-c", attack]);
    assert_eq!(
        output.stderr.matches("Read-only file system").count(),
        2,
        "{output:?}"
    );
    assert_eq!(output.code, 7);
    assert!(wait_until(5, || fs::File::options()
        .write(true)
        .open(&copy.path)
        .is_ok()));
    copy.is_unchanged();
}

#[test]
fn the_oci_runtime_cannot_be_written_to_either() {
    let host = Host::new();
    let copy = Copy::new(&host);
    let runtime = Runtime::of(&host, &copy.path);
    let bundle = runtime.bundle(command(&["/proc/self/exe", "--version"]));
    let version = runtime.ok(&["run", "--bundle", bundle.path(), "box"]);
    assert!(version.starts_with("rbox version "), "{version}");
    bundle.edit(command(&["sleep", "1000"]));
    runtime.start("box", &bundle);
    let mut child = runtime
        .command(&["exec", "box", "/proc/self/exe", "import", "-", "x"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = crate::harness::eventually("our binary in the container", || {
        Some(runtime.ok(&["exec", "box", "sh", "-c", FIND])).filter(|pid| !pid.is_empty())
    });
    let attack = runtime.call(&["exec", "box", "sh", "-c", ATTACK, "sh", &pid]);
    let refusals = attack.stderr.matches("Read-only file system").count();
    assert!(attack.code == 0 && refusals == 3, "{attack:?}");
    drop(child.stdin.take());
    child.wait().unwrap();
    runtime.ok(&["delete", "--force", "box"]);
    copy.is_unchanged();
}
