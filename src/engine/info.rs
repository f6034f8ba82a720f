//! What there is on this machine: `info`, and the half of `version` that is not us.

use std::fs;

use rbox_runtime::cgroup;

use super::failure::Failure;
use super::{Engine, containers};

/// Docker's `info`, the part that there is without a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// All.
    pub containers: usize,
    /// Of these.
    pub running: usize,
    /// Of these.
    pub paused: usize,
    /// The others.
    pub stopped: usize,
    /// With a name or without.
    pub images: usize,
    /// What the state is on: `ext4`, `xfs`, …; its number where we know no name.
    pub filesystem: String,
    /// The controllers are in one hierarchy.
    pub cgroup_v2: bool,
    /// What can be limited: `memory`, `cpu`, `cpuset`, `pids`, …
    pub controllers: Vec<String>,
    /// Memory together with swap can be limited.
    pub swap_limit: bool,
    /// Packets are forwarded.
    pub ipv4_forwarding: bool,
    /// The kernel and the machine.
    pub machine: Machine,
}

/// The machine below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `6.12.41-amd64`.
    pub kernel: String,
    /// `Debian GNU/Linux 13 (trixie)`.
    pub system: String,
    /// `13`.
    pub system_version: String,
    /// `x86_64`.
    pub architecture: String,
    /// Host name.
    pub name: String,
    /// Processors that we may use.
    pub processors: usize,
    /// Bytes of memory.
    pub memory: u64,
}

impl Engine {
    /// Looks around.
    ///
    /// # Errors
    /// Containers or images cannot be listed.
    pub fn info(&self) -> Result<Info, Failure> {
        let survey = containers::survey(&self.dirs)?;
        let count = |state: &str| {
            let of = |container: &&super::record::Container| container.status() == state;
            survey.containers.iter().filter(of).count()
        };
        // As Docker counts: one that is about to start again runs.
        let (running, paused) = (count("running") + count("restarting"), count("paused"));
        let images = self
            .images
            .list()
            .map_err(|error| Failure::new(error.to_string()))?;
        let forwarding = fs::read_to_string("/proc/sys/net/ipv4/ip_forward");
        Ok(Info {
            containers: survey.containers.len(),
            running,
            paused,
            stopped: survey.containers.len() - running - paused,
            images: images.len(),
            filesystem: rustix::fs::statfs(&self.dirs.root).map_or_else(
                |_| "unknown".to_owned(),
                |found| filesystem(found.f_type as _),
            ),
            cgroup_v2: cgroup::is_unified(),
            controllers: controllers(),
            swap_limit: cgroup::supports_swap_limit(),
            ipv4_forwarding: forwarding.is_ok_and(|text| text.trim() == "1"),
            machine: machine(),
        })
    }
}

/// Those of the unified hierarchy (cgroups(7)) and those that are mounted on their own.
fn controllers() -> Vec<String> {
    let unified = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    let mut all: Vec<String> = unified.split_whitespace().map(str::to_owned).collect();
    let known = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    all.extend(separate(&known));
    all.sort_unstable();
    all.dedup();
    all
}

/// Lines of `/proc/cgroups`: name, hierarchy (0 is none), count, enabled.
fn separate(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [name, hierarchy, _, "1"] if hierarchy != "0" => Some(name.to_owned()),
            _ => None,
        }
    })
}

/// Asks the kernel and `/etc/os-release`.
pub fn machine() -> Machine {
    let kernel = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let release = ["/etc/os-release", "/usr/lib/os-release"]
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .unwrap_or_default();
    let field = |name: &str| os_release(&release, name);
    let memory = rustix::system::sysinfo();
    Machine {
        kernel: text(kernel.release()),
        system: field("PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned()),
        system_version: field("VERSION_ID").unwrap_or_default(),
        architecture: text(kernel.machine()),
        name: text(kernel.nodename()),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        #[allow(clippy::unnecessary_cast, reason = "narrower on other processors")]
        memory: (memory.totalram as u64).saturating_mul(u64::from(memory.mem_unit)),
    }
}

/// One value of an os-release file (os-release(5)).
fn os_release(text: &str, name: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    let value = value.trim();
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some(inner.unwrap_or(value).to_owned())
}

/// Docker's names (linux/magic.h).
fn filesystem(magic: u64) -> String {
    let name = match magic & 0xffff_ffff {
        0xef53 => "extfs",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x0102_1994 => "tmpfs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        0x794c_7630 => "overlayfs",
        0x6969 => "nfs",
        other => return format!("0x{other:x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_no_part_of_a_value() {
        let text = "NAME=Alpine\nPRETTY_NAME=\"Alpine Linux v3.23\"\nVERSION_ID='3.23'\n";
        assert_eq!(
            os_release(text, "PRETTY_NAME").unwrap(),
            "Alpine Linux v3.23"
        );
        assert_eq!(os_release(text, "VERSION_ID").unwrap(), "3.23");
        assert_eq!(os_release(text, "NAME").unwrap(), "Alpine");
        assert_eq!(os_release(text, "VERSION"), None);
    }

    #[test]
    fn a_controller_counts_where_it_is_mounted_and_on() {
        let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
                    cpuset\t3\t4\t1\nmemory\t0\t4\t1\npids\t5\t4\t0\n";
        assert_eq!(separate(text).collect::<Vec<_>>(), ["cpuset"]);
    }

    #[test]
    fn filesystems_have_dockers_names() {
        assert_eq!(filesystem(0xef53), "extfs");
        assert_eq!(filesystem(0x9123_683e), "btrfs");
        assert_eq!(filesystem(0x1234), "0x1234");
    }
}
