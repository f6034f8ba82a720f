//! A host to itself: the test's thread, and all that it starts, in network and
//! mount namespaces of its own, with state below a directory of its own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::images;
use super::leak::{self, Snapshot};
use super::output::Output;

/// Dropping it removes all containers and networks and checks that nothing is left.
pub struct Host {
    dir: tempfile::TempDir,
    before: Snapshot,
}

impl Host {
    /// A host with `alpine` and `flask:3.1` in a shared, read-only image store.
    pub fn new() -> Host {
        let host = Host::without_images();
        let images = host.dir.path().join("root/images");
        std::os::unix::fs::symlink(images::shared_store(), images).unwrap();
        host
    }

    /// A host with `alpine` and `flask:3.1` in a store of its own, which it may change: layers and
    /// blobs are links to the shared ones, as a store never writes into those.
    pub fn with_own_images() -> Host {
        let host = Host::without_images();
        let own = host.root().join("images");
        let copied = Command::new("cp")
            .arg("-al")
            .arg(images::shared_store())
            .arg(&own)
            .status()
            .unwrap();
        assert!(copied.success(), "cannot link the shared image store");
        // Rewritten by rename, but locked in place: not to be shared with other hosts.
        for lock in ["lock", "sweep.lock"] {
            let _ = std::fs::remove_file(own.join(lock));
        }
        host
    }

    /// A host with an image store of its own, empty.
    pub fn without_images() -> Host {
        assert!(
            rustix::process::geteuid().is_root(),
            "the integration tests need root"
        );
        // Before the thread leaves the machine's namespaces: another test may wait for it.
        images::shared_store();
        leave_the_machine();
        let dir = tempfile::Builder::new()
            .prefix("rbox-test-")
            .tempdir()
            .unwrap();
        std::fs::create_dir_all(dir.path().join("root")).unwrap();
        let host = Host {
            before: Snapshot::take(dir.path()),
            dir,
        };
        host.sh("ip link set lo up").ok();
        host
    }

    /// `--root`.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// `--run-root`.
    pub fn run_root(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Where `login` keeps credentials; nothing is there at first.
    pub fn docker_config(&self) -> PathBuf {
        self.dir.path().join("docker")
    }

    /// A directory for the test's own files.
    pub fn scratch(&self) -> PathBuf {
        let path = self.dir.path().join("scratch");
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file of the test's own; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.scratch().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The rbox command with this host's roots, not yet run.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbox"));
        command.args(arguments).env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.stdin(Stdio::null());
        command
    }

    /// What rbox and scripts get as environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        vec![
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
            ),
            ("RBOX", env!("CARGO_BIN_EXE_rbox").into()),
            ("RBOX_ROOT", path(self.root())),
            ("RBOX_RUN_ROOT", path(self.run_root())),
            ("DOCKER_CONFIG", path(self.docker_config())),
        ]
    }

    /// Runs rbox.
    pub fn rbox<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        let shown: Vec<_> = arguments
            .iter()
            .map(|a| a.as_ref().to_string_lossy())
            .collect();
        let output = self.command(arguments).output().unwrap();
        Output::new(format!("rbox {}", shown.join(" ")), output)
    }

    /// Runs rbox with words split at spaces; what it printed. Panics if it fails.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        self.rbox(&words(line)).ok()
    }

    /// Runs rbox with words split at spaces; its stderr. Panics unless it fails so.
    #[track_caller]
    pub fn fails(&self, code: i32, line: &str) -> String {
        self.rbox(&words(line)).fails(code)
    }

    /// Runs a shell script in a container of its own: `run --rm OPTIONS alpine sh -c SCRIPT`.
    pub fn shell(&self, options: &str, script: &str) -> Output {
        let mut arguments = vec!["run", "--rm"];
        arguments.extend(words(options));
        arguments.extend(["alpine", "sh", "-c", script]);
        self.rbox(&arguments)
    }

    /// Starts rbox in the background with its streams piped.
    pub fn spawn(&self, line: &str) -> Child {
        self.command(&words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a shell command on this host.
    pub fn sh(&self, line: &str) -> Output {
        let output = Command::new("/bin/sh")
            .args(["-c", line])
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Output::new(line.to_owned(), output)
    }

    /// This host's file at `path` has another text until the result is dropped.
    pub fn file_instead(&self, path: &'static str, text: &str) -> FileInstead {
        use rustix::mount::mount_bind;
        let own = self.write(&path.trim_start_matches('/').replace('/', "-"), text);
        mount_bind(own.as_str(), path).unwrap();
        FileInstead(path)
    }

    /// A container's IPv4 address on a network.
    #[track_caller]
    pub fn address(&self, container: &str, network: &str) -> String {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        self.rbox(&["inspect", "-f", &format, container]).ok()
    }

    /// Pid of a running container's init.
    #[track_caller]
    pub fn pid(&self, container: &str) -> i32 {
        self.rbox(&["inspect", "-f", "{{.State.Pid}}", container])
            .ok()
            .parse()
            .unwrap()
    }

    /// Full id of a container.
    #[track_caller]
    pub fn id(&self, container: &str) -> String {
        self.rbox(&["inspect", "-f", "{{.Id}}", container]).ok()
    }

    /// Pid of a container's monitor.
    #[track_caller]
    pub fn monitor(&self, container: &str) -> i32 {
        let id = self.id(container);
        let arguments = [self.root().to_str().unwrap().to_owned(), id];
        leak::processes(|words| arguments.iter().all(|wanted| words.contains(wanted)))
            .first()
            .copied()
            .expect("the container has no monitor")
    }

    /// Kills a container's monitor, and waits until the container's process is gone too.
    #[track_caller]
    pub fn kill_monitor(&self, container: &str) {
        let (pid, monitor) = (self.pid(container), self.monitor(container));
        kill(monitor);
        super::eventually("the end of the container", || {
            (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    }

    /// Kills the monitor of a container that has no process at this moment.
    #[track_caller]
    pub fn kill_waiting_monitor(&self, container: &str) {
        let monitor = self.monitor(container);
        kill(monitor);
        super::eventually("the end of the monitor", || {
            (!std::path::Path::new(&format!("/proc/{monitor}")).exists()).then_some(())
        });
    }

    /// Waits until nothing is left of what there was not before.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        super::wait_until(5, || self.left_behind().is_empty());
        assert_eq!(self.left_behind(), Vec::<String>::new());
    }

    /// What there is now that was not there before, apart from the default bridge.
    pub fn left_behind(&self) -> Vec<String> {
        self.before.left_behind(self.dir.path())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let all = self.rbox(&["ps", "-aq"]);
        let ids: Vec<&str> = all.stdout.split_whitespace().collect();
        if !ids.is_empty() {
            let mut arguments = vec!["rm", "-f"];
            arguments.extend(ids);
            self.rbox(&arguments);
        }
        self.rbox(&["volume", "prune", "-a", "-f"]);
        let networks = self.rbox(&["network", "ls", "-q", "--filter", "type=custom"]);
        let ids: Vec<&str> = networks.stdout.split_whitespace().collect();
        if !ids.is_empty() {
            let mut arguments = vec!["network", "rm"];
            arguments.extend(ids);
            self.rbox(&arguments);
        }
        if std::thread::panicking() {
            leak::kill_strays(self.dir.path());
            // What they had in hand is undone: other tests share the machine's cgroups.
            self.rbox(&["ps", "-aq"]);
            return;
        }
        // The kernel takes a moment to forget a namespace.
        super::wait_until(5, || self.left_behind().is_empty());
        let left = self.left_behind();
        leak::kill_strays(self.dir.path());
        assert!(left.is_empty(), "left behind: {left:#?}");
    }
}

/// A file of the host that is another for a while.
pub struct FileInstead(&'static str);

impl Drop for FileInstead {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

/// Sends SIGKILL.
pub fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Puts the calling thread into new namespaces, as private as a fresh machine:
/// only loopback, /sys of the new network, no /run/netns, private mounts.
fn leave_the_machine() {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::UnshareFlags;
    #[allow(unsafe_code, reason = "it leaves what others opened")]
    // SAFETY: only this thread's view changes; the harness has nothing open that
    // other threads share by namespace.
    unsafe {
        rustix::thread::unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS).unwrap();
    }
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    std::fs::create_dir_all("/run/netns").unwrap();
    mount("tmpfs", "/run/netns", "tmpfs", MountFlags::empty(), None).unwrap();
}
