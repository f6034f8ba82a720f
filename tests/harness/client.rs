//! Other engines that use the runtime: docker and podman, each in network and
//! mount namespaces of its own, with all its state below the test's directory.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::host::Host;
use super::images::archive;
use super::output::Output;
use super::wait::wait_until;

/// A process that keeps namespaces, and what runs in them.
struct Apart {
    holder: Child,
}

impl Apart {
    fn new() -> Apart {
        // It ends when its stdin does. crun and podman take no hybrid cgroup layout.
        let script =
            "umount /sys/fs/cgroup/unified 2>/dev/null; ip link set lo up; echo ready; read line";
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0u8; 6];
        holder
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        Apart { holder }
    }

    fn command(&self, program: &str) -> Command {
        let pid = self.holder.id().to_string();
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &pid, "--net", "--mount", "--", program])
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Another engine's command line, with `rbox-runtime` as its runtime and the
/// image `alpine`.
pub struct Client {
    name: &'static str,
    /// Before the command's own words.
    prefix: Vec<String>,
    environment: Vec<(&'static str, String)>,
    daemon: Option<Child>,
    apart: Apart,
}

impl Client {
    /// Docker with a daemon of its own; `None` after saying why there is none.
    pub fn docker(host: &Host, test: &str) -> Option<Client> {
        if !installed(&["docker", "dockerd", "containerd"], test) {
            return None;
        }
        let dir = host.scratch().join("docker");
        std::fs::create_dir_all(&dir).unwrap();
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let socket = format!("unix://{}", path("socket"));
        let apart = Apart::new();
        let log = File::create(dir.join("log")).unwrap();
        let daemon = apart
            .command("dockerd")
            .args(["--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["--pidfile", &path("pid"), "--host", &socket])
            .args(["--storage-driver", "overlay2", "--iptables=false"])
            .args(["--default-runtime", "rbox", "--add-runtime"])
            .arg(format!("rbox={}", runtime(host).display()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let client = Client {
            name: "docker",
            prefix: Vec::new(),
            environment: vec![("DOCKER_HOST", socket), ("DOCKER_CONFIG", path("config"))],
            daemon: Some(daemon),
            apart,
        };
        if !wait_until(30, || client.run(&["version"]).code == 0) {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            super::skip(test, &format!("dockerd does not start here: {log}"));
            return None;
        }
        let import = ["import", "-c", "CMD [\"/bin/sh\"]"];
        client.import(&import);
        Some(client)
    }

    /// Podman; `None` after saying why there is none.
    pub fn podman(host: &Host, test: &str) -> Option<Client> {
        if !installed(&["podman", "conmon"], test) {
            return None;
        }
        let dir = host.scratch().join("podman");
        std::fs::create_dir_all(&dir).unwrap();
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        // Its defaults may be above the hard limits in force.
        let limits = "default_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]";
        let conf = format!("[containers]\n{limits}\n[engine]\nevents_logger=\"file\"\n");
        std::fs::write(dir.join("containers.conf"), conf).unwrap();
        let runtime = runtime(host);
        let prefix = [
            "--runtime",
            runtime.to_str().unwrap(),
            "--root",
            &path("root"),
            "--runroot",
            &path("run"),
            "--tmpdir",
            &path("tmp"),
            "--cgroup-manager",
            "cgroupfs",
        ];
        let client = Client {
            name: "podman",
            prefix: prefix.map(str::to_owned).to_vec(),
            environment: vec![("CONTAINERS_CONF", path("containers.conf"))],
            daemon: None,
            apart: Apart::new(),
        };
        client.import(&["import", "-c", "CMD=/bin/sh"]);
        Some(client)
    }

    /// The command, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.apart.command(self.name);
        command.args(&self.prefix).args(arguments);
        command.envs(self.environment.clone());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        Output::new(format!("{} {}", self.name, arguments.join(" ")), output)
    }

    /// What it printed; panics if it fails.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    fn import(&self, words: &[&str]) {
        let image = archive("alpine-3.23.tar.gz");
        let mut words = words.to_vec();
        words.extend([image.to_str().unwrap(), "alpine"]);
        self.ok(&words);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let all = self.run(&["ps", "-aq"]);
        for id in all.stdout.split_whitespace() {
            self.run(&["rm", "-f", id]);
        }
        if let Some(mut daemon) = self.daemon.take() {
            let pid = rustix::process::Pid::from_child(&daemon);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = daemon.wait();
        }
    }
}

/// Whether these are there; says which is not.
pub fn installed(programs: &[&str], test: &str) -> bool {
    let path = |program: &&&str| {
        ["/usr/local/bin", "/usr/sbin", "/usr/bin"]
            .iter()
            .any(|dir| std::path::Path::new(dir).join(program).exists())
    };
    match programs.iter().find(|program| !path(program)) {
        Some(missing) => {
            super::skip(test, &format!("{missing} is not installed"));
            false
        }
        None => true,
    }
}

/// The binary under the name by which it is an OCI runtime.
fn runtime(host: &Host) -> PathBuf {
    let path = host.scratch().join("rbox-runtime");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rbox"), &path).unwrap();
    path
}
