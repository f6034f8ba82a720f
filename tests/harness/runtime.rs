//! `rbox-runtime` on a host of its own, with the check that it leaves nothing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::bundle::Bundle;
use super::host::Host;
use super::leak;
use super::output::Output;

/// The runtime, called by its own name, with its state below the host's directory.
pub struct Runtime<'a> {
    host: &'a Host,
    program: PathBuf,
    root: PathBuf,
    /// Of the cgroups of this test's containers, among those of other tests.
    group: String,
    count: AtomicU32,
}

impl<'a> Runtime<'a> {
    pub fn new(host: &'a Host) -> Runtime<'a> {
        Runtime::of(host, env!("CARGO_BIN_EXE_rbox").as_ref())
    }

    /// Another binary than the tests' own.
    pub fn of(host: &'a Host, binary: &Path) -> Runtime<'a> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let program = host.scratch().join("rbox-runtime");
        std::os::unix::fs::symlink(binary, &program).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Runtime {
            root: host.scratch().join("oci-state"),
            group: format!("rbox-story-{}-{number}", std::process::id()),
            count: AtomicU32::new(0),
            host,
            program,
        }
    }

    /// Where containers are noted.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A bundle: `rbox-runtime spec` without a terminal, on a writable root, with
    /// `true` as its command, edited.
    pub fn bundle(&self, edit: impl FnOnce(&mut Value)) -> Bundle {
        let dir = self.new_path("bundle");
        std::fs::create_dir_all(&dir).unwrap();
        let dir_text = dir.to_str().unwrap();
        self.ok(&["spec", "--bundle", dir_text]);
        let text = std::fs::read_to_string(dir.join("config.json")).unwrap();
        std::fs::remove_file(dir.join("config.json")).unwrap();
        let mut spec: Value = serde_json::from_str(&text).unwrap();
        spec["process"]["terminal"] = json!(false);
        spec["process"]["args"] = json!(["true"]);
        spec["root"]["readonly"] = json!(false);
        let group = dir.file_name().unwrap().to_str().unwrap();
        spec["linux"]["cgroupsPath"] = json!(format!("/{}/{group}", self.group));
        Bundle::new(dir, spec, edit)
    }

    /// A path of the test's own that nothing has yet.
    pub fn new_path(&self, name: &str) -> PathBuf {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.host.scratch().join(format!("{name}-{number}"))
    }

    /// The command, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--root")
            .arg(&self.root)
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end. A container that it leaves behind may hold its streams.
    pub fn call(&self, arguments: &[&str]) -> Output {
        self.finish(self.command(arguments), &arguments.join(" "))
    }

    /// Runs a prepared command to its end.
    pub fn finish(&self, mut command: Command, shown: &str) -> Output {
        let (out, err) = (self.new_path("stdout"), self.new_path("stderr"));
        let status = command
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .status()
            .unwrap();
        let read = |path| std::fs::read(path).unwrap();
        let output = std::process::Output {
            status,
            stdout: read(out),
            stderr: read(err),
        };
        Output::new(format!("rbox-runtime {shown}"), output)
    }

    /// What it printed; panics if it fails.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.call(arguments).ok()
    }

    /// The message of the one line on its stderr; panics unless it fails so.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        message(&self.call(arguments).fails(code))
    }

    /// A container's state.
    #[track_caller]
    pub fn state(&self, id: &str) -> Value {
        serde_json::from_str(&self.ok(&["state", id])).unwrap()
    }

    /// Its `status`.
    #[track_caller]
    pub fn status(&self, id: &str) -> String {
        self.state(id)["status"].as_str().unwrap().to_owned()
    }

    /// Its `pid`.
    #[track_caller]
    pub fn pid(&self, id: &str) -> i32 {
        let pid = self.state(id)["pid"].as_i64().unwrap();
        i32::try_from(pid).unwrap()
    }

    /// Waits until it has stopped.
    #[track_caller]
    pub fn wait_stopped(&self, id: &str) {
        super::eventually("the end of the container", || {
            (self.status(id) == "stopped").then_some(())
        });
    }

    /// Creates a container of that id, and starts it.
    #[track_caller]
    pub fn start(&self, id: &str, bundle: &Bundle) {
        self.ok(&["create", "--bundle", bundle.path(), id]);
        self.ok(&["start", id]);
    }

    /// What containers left: state, cgroups, processes.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left: Vec<String> = names(&self.root)
            .iter()
            .map(|name| format!("state of container {name}"))
            .collect();
        let mut hierarchies = names(Path::new("/sys/fs/cgroup"));
        hierarchies.push(String::new());
        for hierarchy in hierarchies {
            let group = Path::new("/sys/fs/cgroup")
                .join(&hierarchy)
                .join(&self.group);
            if group.exists() {
                left.push(format!("cgroup {}", group.display()));
            }
        }
        let program = self.program.to_str().unwrap();
        let ours = |words: &[String]| words.first().is_some_and(|word| word == program);
        left.extend(
            leak::processes(ours)
                .iter()
                .map(|pid| format!("process {pid}")),
        );
        left
    }

    fn delete_all(&self) {
        for id in names(&self.root) {
            self.call(&["delete", "--force", &id]);
        }
    }
}

impl Drop for Runtime<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.delete_all();
            return;
        }
        super::wait_until(5, || self.left_behind().is_empty());
        let left = self.left_behind();
        self.delete_all();
        assert!(left.is_empty(), "left behind: {left:#?}");
    }
}

/// The message of a log line: there is one line and it is an error.
#[track_caller]
pub fn message(stderr: &str) -> String {
    let [line] = stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("not one line: {stderr:?}");
    };
    let (time, rest) = line.split_once(" level=error msg=").unwrap();
    assert!(
        time.starts_with("time=\"") && time.ends_with("Z\""),
        "{line}"
    );
    // Go's escapes are JSON's for what these texts hold.
    serde_json::from_str(rest).unwrap_or_else(|_| rest.to_owned())
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
