//! The leak check: links, nft rules, namespace names, mounts, cgroups, leases,
//! processes and files before a test equal those after it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a host has at one moment.
pub struct Snapshot {
    items: BTreeSet<String>,
}

impl Snapshot {
    /// `dir` holds the host's roots.
    pub fn take(dir: &Path) -> Snapshot {
        Snapshot { items: items(dir) }
    }

    /// What is there now and was not then.
    pub fn left_behind(&self, dir: &Path) -> Vec<String> {
        items(dir).difference(&self.items).cloned().collect()
    }
}

fn items(dir: &Path) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    links(&mut items);
    rules(&mut items);
    for name in names(Path::new("/run/netns")) {
        items.insert(format!("network namespace {name}"));
    }
    // Of a thread: its own mount namespace.
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    for line in mounts.lines() {
        let point = line.split(' ').nth(4).unwrap_or_default();
        items.insert(format!("mount {point}"));
    }
    cgroups(dir, &mut items);
    for name in names(&dir.join("run/containers")) {
        items.insert(format!("run directory of container {name}"));
    }
    for network in names(&dir.join("run/networks")) {
        for part in ["leases", "endpoints"] {
            for name in names(&dir.join("run/networks").join(&network).join(part)) {
                items.insert(format!("{part} of network {network}: {name}"));
            }
        }
    }
    for part in ["containers", "names", "user-namespaces", "volumes"] {
        for name in names(&dir.join("root").join(part)) {
            items.insert(format!("record in {part}: {name}"));
        }
    }
    for pid in strays(dir) {
        items.insert(format!("process {pid}: {}", command_line(pid).join(" ")));
    }
    items
}

/// The default bridge stays, as Docker's does.
fn links(items: &mut BTreeSet<String>) {
    let output = Command::new("ip").args(["-o", "link"]).output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let name = line.split(": ").nth(1).unwrap_or_default();
        let name = name.split('@').next().unwrap_or_default();
        if name != "rbox0" {
            items.insert(format!("link {name}"));
        }
    }
}

/// Set elements of our table but for the default bridge's own; and every other table.
fn rules(items: &mut BTreeSet<String>) {
    let output = Command::new("nft")
        .args(["-j", "list", "ruleset"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let ruleset: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    for entry in ruleset["nftables"].as_array().into_iter().flatten() {
        if let Some(table) = entry.get("table")
            && table["name"] != "rbox"
        {
            items.insert(format!("nft table {}", table["name"]));
        }
        for kind in ["set", "map"] {
            let Some(set) = entry.get(kind) else { continue };
            for element in set["elem"].as_array().into_iter().flatten() {
                let text = element.to_string();
                if !text.contains("rbox0") && !default_subnet(&text) {
                    items.insert(format!("nft element of {}: {text}", set["name"]));
                }
            }
        }
    }
}

/// An element that is only the default bridge's subnet.
fn default_subnet(text: &str) -> bool {
    text.contains("\"prefix\"") && text.contains("172.17.0.0")
}

/// Cgroups of containers that no monitor keeps any more. They are the machine's: those that
/// another test's host has yet to recover are not this one's.
fn cgroups(dir: &Path, items: &mut BTreeSet<String>) {
    let mut hierarchies = names(Path::new("/sys/fs/cgroup"));
    hierarchies.push(String::new());
    for hierarchy in hierarchies {
        let parent = Path::new("/sys/fs/cgroup").join(&hierarchy).join("rbox");
        for name in names(&parent).into_iter().filter(|name| name.len() == 64) {
            // Looked for after the cgroup was seen: a monitor outlives its cgroup.
            if processes(|words| words.contains(&name)).is_empty()
                && !is_anothers(dir, &name)
                && parent.join(&name).exists()
            {
                items.insert(format!("cgroup {hierarchy}/rbox/{name}"));
            }
        }
    }
}

/// Whether the container is on the host of another test.
fn is_anothers(dir: &Path, id: &str) -> bool {
    let Some(hosts) = dir.parent() else {
        return false;
    };
    names(hosts)
        .iter()
        .filter(|name| name.starts_with("rbox-test-"))
        .map(|name| hosts.join(name))
        .filter(|host| host != dir)
        .any(|host| {
            ["run/containers", "root/containers"]
                .iter()
                .any(|part| host.join(part).join(id).exists())
        })
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Processes whose command line `matches`.
pub fn processes(matches: impl Fn(&[String]) -> bool) -> Vec<i32> {
    names(Path::new("/proc"))
        .iter()
        .filter_map(|name| name.parse().ok())
        .filter(|pid| matches(&command_line(*pid)))
        .collect()
}

fn command_line(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// Monitors of this host, by the root in their arguments, and processes whose
/// environment names it.
fn strays(dir: &Path) -> Vec<i32> {
    let root = dir.join("root").to_string_lossy().into_owned();
    processes(|words| words.contains(&root) && words[0].contains("rbox"))
}

/// Ends what a failed test left running.
pub fn kill_strays(dir: &Path) {
    for pid in strays(dir) {
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
