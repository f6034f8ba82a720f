//! Engines and firewalls of others on the test's own host: in its network namespace, with their
//! own rules, and all their state below the test's directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::client::installed;
use super::host::Host;
use super::images::archive;
use super::output::Output;
use super::wait::wait_until;

/// A daemon of a test's own, ended with it.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub fn start(host: &Host, words: &[&str]) -> Daemon {
        let log = host.scratch().join(format!("{}.log", words[0]));
        let file = File::create(&log).unwrap();
        let child = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .envs(host.environment())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Daemon { child, log }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, signal);
    }

    /// What it printed so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::CONT);
        self.signal(rustix::process::Signal::TERM);
        if !wait_until(20, || matches!(self.child.try_wait(), Ok(Some(_)))) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The tables of iptables and other traces go with their engine.
fn sweep(host: &Host) {
    for family in ["ip", "ip6"] {
        for table in ["filter", "nat", "mangle", "raw"] {
            host.sh(&format!("nft delete table {family} {table}"));
        }
    }
}

/// A dockerd with its bridge `docker0` and its rules, and the image `alpine`.
pub struct Dockerd<'a> {
    host: &'a Host,
    daemon: Option<Daemon>,
}

impl<'a> Dockerd<'a> {
    /// `None` after saying why there is none. The host does not forward yet, so that dockerd
    /// switches it on and makes the policy of FORWARD `DROP`.
    pub fn start(host: &'a Host, test: &str) -> Option<Dockerd<'a>> {
        let programs = ["docker", "dockerd", "containerd", "iptables", "nft"];
        if !installed(&programs, test) {
            return None;
        }
        host.sh("echo 0 > /proc/sys/net/ipv4/ip_forward").ok();
        let mut docker = Dockerd { host, daemon: None };
        docker.up();
        if !wait_until(60, || docker.run(&["version"]).code == 0) {
            let said = docker.daemon.as_ref().map(Daemon::said).unwrap_or_default();
            super::skip(test, &format!("dockerd does not start here: {said}"));
            return None;
        }
        let image = archive("alpine-3.23.tar.gz");
        docker.ok(&["import", image.to_str().unwrap(), "alpine"]);
        Some(docker)
    }

    fn dir(&self, name: &str) -> String {
        let path = self.host.scratch().join("docker").join(name);
        path.to_str().unwrap().to_owned()
    }

    fn up(&mut self) {
        let socket = format!("unix://{}", self.dir("socket"));
        let (data, exec, pid) = (self.dir("data"), self.dir("exec"), self.dir("pid"));
        std::fs::create_dir_all(self.dir("")).unwrap();
        self.daemon = Some(Daemon::start(
            self.host,
            &[
                "dockerd",
                "--data-root",
                &data,
                "--exec-root",
                &exec,
                "--pidfile",
                &pid,
                "--host",
                &socket,
                "--storage-driver",
                "overlay2",
            ],
        ));
    }

    /// Ends it and starts it again; its rules stay in between.
    pub fn restart(&mut self) {
        self.daemon = None;
        self.up();
        assert!(wait_until(60, || self.run(&["version"]).code == 0));
    }

    /// Runs docker.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = Command::new("docker")
            .args(arguments)
            .env_clear()
            .envs(self.host.environment())
            .env("DOCKER_HOST", format!("unix://{}", self.dir("socket")))
            .env("DOCKER_CONFIG", self.dir("config"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Output::new(format!("docker {}", arguments.join(" ")), output)
    }

    /// What it printed; panics if it fails.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    /// A container that says `docker` to whoever connects to its port 7000; its address.
    #[track_caller]
    pub fn talker(&self, name: &str, flags: &[&str]) -> String {
        let mut words = vec!["run", "-d", "--name", name];
        words.extend(flags);
        words.extend([
            "alpine",
            "sh",
            "-c",
            "while :; do echo docker | nc -l -p 7000; done",
        ]);
        self.ok(&words);
        self.ok(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", name])
    }
}

impl Drop for Dockerd<'_> {
    fn drop(&mut self) {
        let all = self.run(&["ps", "-aq"]);
        for id in all.stdout.split_whitespace() {
            self.run(&["rm", "-f", id]);
        }
        self.daemon = None;
        self.host.sh("ip link del docker0");
        sweep(self.host);
    }
}

/// A firewalld with a system bus of its own, and every interface in the zone `drop`.
pub struct Firewalld<'a> {
    host: &'a Host,
    daemon: Option<Daemon>,
    bus: Option<Daemon>,
}

impl<'a> Firewalld<'a> {
    /// `None` after saying why there is none.
    pub fn start(host: &'a Host, test: &str) -> Option<Firewalld<'a>> {
        if !installed(&["firewalld", "firewall-cmd", "dbus-daemon", "nft"], test) {
            return None;
        }
        host.sh("mkdir -p /run/dbus && mount -t tmpfs tmpfs /run/dbus")
            .ok();
        let config = host.write(
            "bus.conf",
            "<busconfig><type>system</type>\
             <listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
             <allow send_destination=\"*\"/><allow eavesdrop=\"false\"/></policy></busconfig>",
        );
        let mut firewalld = Firewalld {
            host,
            daemon: None,
            bus: None,
        };
        let arguments = format!("--config-file={config}");
        firewalld.bus = Some(Daemon::start(
            host,
            &["dbus-daemon", "--nofork", "--nopidfile", &arguments],
        ));
        wait_until(10, || Path::new("/run/dbus/system_bus_socket").exists());
        let text = "DefaultZone=drop\nFirewallBackend=nftables\nIPv6_rpfilter=no\n";
        host.write("firewalld/firewalld.conf", text);
        firewalld.up();
        if !firewalld.answers() {
            let said = firewalld.daemon.as_ref().map(Daemon::said);
            super::skip(test, &format!("firewalld does not start here: {said:?}"));
            return None;
        }
        Some(firewalld)
    }

    fn up(&mut self) {
        let config = self.host.scratch().join("firewalld");
        let config = config.to_str().unwrap();
        self.daemon = Some(Daemon::start(
            self.host,
            &[
                "firewalld",
                "--nofork",
                "--nopid",
                "--system-config",
                config,
            ],
        ));
    }

    fn answers(&self) -> bool {
        wait_until(30, || self.run("--state").stdout.starts_with("running"))
    }

    /// Ends it and starts it again: it forgets what is not in its files.
    pub fn restart(&mut self) {
        self.daemon = None;
        self.up();
        assert!(self.answers());
    }

    /// It does not answer any more.
    pub fn hang(&self) {
        self.daemon
            .as_ref()
            .unwrap()
            .signal(rustix::process::Signal::STOP);
    }

    /// It goes on.
    pub fn resume(&self) {
        self.daemon
            .as_ref()
            .unwrap()
            .signal(rustix::process::Signal::CONT);
    }

    /// Runs firewall-cmd.
    pub fn run(&self, arguments: &str) -> Output {
        self.host.sh(&format!("firewall-cmd {arguments}"))
    }
}

impl Drop for Firewalld<'_> {
    fn drop(&mut self) {
        self.daemon = None;
        self.bus = None;
        self.host
            .sh("umount /run/dbus; nft delete table inet firewalld");
    }
}

/// ufw, enabled, which drops what it does not know.
pub struct Ufw<'a>(&'a Host);

impl<'a> Ufw<'a> {
    /// `None` after saying why there is none.
    pub fn start(host: &'a Host, test: &str) -> Option<Ufw<'a>> {
        if !installed(&["ufw", "iptables", "nft"], test) {
            return None;
        }
        let dir = host.scratch();
        let dir = dir.to_str().unwrap();
        host.sh(&format!(
            "set -e; cp -a /etc/ufw {dir}/ufw; mount --bind {dir}/ufw /etc/ufw; \
             sed 's/^IPT_SYSCTL=.*/IPT_SYSCTL=/' /etc/default/ufw > {dir}/default; \
             mount --bind {dir}/default /etc/default/ufw"
        ))
        .ok();
        let ufw = Ufw(host);
        let enabled = host.sh("ufw --force enable");
        if enabled.code != 0 {
            super::skip(test, &format!("ufw cannot be enabled here: {enabled:?}"));
            return None;
        }
        Some(ufw)
    }
}

impl Drop for Ufw<'_> {
    fn drop(&mut self) {
        self.0
            .sh("ufw --force disable; umount /etc/default/ufw; umount /etc/ufw");
        sweep(self.0);
    }
}

/// Podman with netavark, its networks on the test's own host, and the image `alpine`.
pub struct Podman<'a> {
    host: &'a Host,
    words: String,
}

impl<'a> Podman<'a> {
    /// `None` after saying why there is none.
    pub fn start(host: &'a Host, test: &str) -> Option<Podman<'a>> {
        if !installed(&["podman", "conmon", "runc", "iptables", "nft"], test) {
            return None;
        }
        if !Path::new("/usr/lib/podman/netavark").exists() {
            super::skip(test, "netavark is not installed");
            return None;
        }
        let dir = host.scratch();
        let dir = dir.to_str().unwrap();
        // Its defaults may be above the hard limits in force.
        let conf = format!(
            "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n\
             [engine]\nevents_logger=\"file\"\n\
             [network]\nnetwork_backend=\"netavark\"\nnetwork_config_dir=\"{dir}/networks\"\n"
        );
        let conf = host.write("containers.conf", &conf);
        // It wants the file of Docker's credentials there when it is told its directory.
        let words = format!(
            "env -u DOCKER_CONFIG CONTAINERS_CONF={conf} podman --runtime runc --root {dir}/root --runroot {dir}/run \
             --tmpdir {dir}/tmp --cgroup-manager cgroupfs"
        );
        let podman = Podman { host, words };
        let image = archive("alpine-3.23.tar.gz");
        podman.ok(&format!("import -c CMD=/bin/sh {} alpine", image.display()));
        Some(podman)
    }

    /// What it printed; panics if it fails.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        self.host.sh(&format!("{} {line}", self.words)).ok()
    }

    /// All rules of the host but those of our table, without their counters.
    pub fn rules(&self) -> String {
        let script = "nft list ruleset 2>/dev/null | \
                      sed 's/packets [0-9]* bytes [0-9]*//; /^table inet rbox/,/^}/d'";
        self.host.sh(script).ok()
    }
}

impl Drop for Podman<'_> {
    fn drop(&mut self) {
        for line in ["rm -f -t 0 -a", "network rm -f pm"] {
            self.host.sh(&format!("{} {line}", self.words));
        }
        let dir = self.host.scratch();
        self.host
            .sh(&format!("umount {}/root/overlay", dir.display()));
        sweep(self.host);
    }
}
