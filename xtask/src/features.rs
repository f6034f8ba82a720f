//! What rbox needs of the machine: root and kernel features, tried one by one.
//!
//! Everything is tried where it leaves no trace: descriptors that are closed again, and network
//! namespaces that end with the program that was run in them.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::FsOpenFlags;

use crate::packages;

/// One thing that a kernel may lack.
struct Feature {
    name: &'static str,
    /// Whether rbox cannot work at all without it.
    required: bool,
    /// How to get it.
    hint: &'static str,
    check: fn() -> Result<(), String>,
}

/// What can be tried without any program.
const KERNEL: &[Feature] = &[
    Feature {
        name: "namespaces (mount, pid, net, ipc, uts, cgroup)",
        required: true,
        hint: "a kernel with CONFIG_NAMESPACES and all its kinds",
        check: namespaces,
    },
    Feature {
        name: "openat2",
        required: true,
        hint: "Linux 5.6 or newer",
        check: openat2,
    },
    Feature {
        name: "overlayfs",
        required: true,
        hint: "a kernel with CONFIG_OVERLAY_FS (modprobe overlay)",
        check: overlayfs,
    },
    Feature {
        name: "seccomp filters",
        required: true,
        hint: "a kernel with CONFIG_SECCOMP_FILTER",
        check: seccomp,
    },
    Feature {
        name: "cgroup controllers cpu, memory, pids",
        required: false,
        hint: "mount /sys/fs/cgroup (v2, or v1 with these controllers)",
        check: cgroups,
    },
];

/// What is tried by the programs that tests use as well.
const NETWORK: &[Feature] = &[
    Feature {
        name: "bridges",
        required: true,
        hint: "a kernel with CONFIG_BRIDGE (modprobe bridge)",
        check: || in_new_netns("ip", &["link", "add", "name", "probe0", "type", "bridge"]),
    },
    Feature {
        name: "veth pairs",
        required: true,
        hint: "a kernel with CONFIG_VETH (modprobe veth)",
        check: || {
            let peer = ["type", "veth", "peer", "name", "probe1"];
            in_new_netns(
                "ip",
                &[&["link", "add", "name", "probe0"], &peer[..]].concat(),
            )
        },
    },
    Feature {
        name: "nf_tables with NAT",
        required: true,
        hint: "a kernel with CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_MASQ, \
               CONFIG_NFT_CT and CONFIG_NFT_FIB_INET (modprobe nft_chain_nat nft_masq nft_fib_inet)",
        check: || in_new_netns("nft", &[NAT]),
    },
];

/// One rule for each kind of expression that published ports and masquerading need.
const NAT: &str = "\
    add table inet probe; \
    add chain inet probe pre { type nat hook prerouting priority dstnat; }; \
    add chain inet probe post { type nat hook postrouting priority srcnat; }; \
    add map inet probe ports { type inet_proto . inet_service : ipv4_addr . inet_service; }; \
    add rule inet probe pre fib daddr type local dnat ip to meta l4proto . th dport map @ports; \
    add rule inet probe post ct status dnat masquerade";

/// Says what the kernel lacks; fails if rbox cannot work here. `NETWORK` is tried by programs, so
/// packages come before it.
pub fn check_kernel() -> Result<()> {
    report("kernel", KERNEL)
}

/// The same for bridges, veth pairs and address translation.
pub fn check_network() -> Result<()> {
    report("network", NETWORK)
}

/// Fails with what to do where the user is not root.
pub fn check_root(command: &str) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    bail!(
        "containers are made by root only for now: run this as root, for instance\n\
         \x20   sudo -E env PATH=\"$PATH\" cargo xtask {command}"
    )
}

fn report(what: &str, features: &[Feature]) -> Result<()> {
    let mut lacking = Vec::new();
    for feature in features {
        let Err(reason) = (feature.check)() else {
            continue;
        };
        let consequence = if feature.required {
            "rbox cannot work without"
        } else {
            "some tests are skipped"
        };
        println!(
            "{what}: MISSING {}: {reason}; {consequence}; needs {}",
            feature.name, feature.hint
        );
        if feature.required {
            lacking.push(feature.name);
        }
    }
    if lacking.is_empty() {
        let names: Vec<&str> = features.iter().map(|feature| feature.name).collect();
        println!("{what}: checked {}", names.join(", "));
        return Ok(());
    }
    bail!(
        "this machine's kernel lacks what rbox needs: {}",
        lacking.join(", ")
    )
}

fn namespaces() -> Result<(), String> {
    let absent: Vec<&str> = ["mnt", "pid", "net", "ipc", "uts", "cgroup"]
        .into_iter()
        .filter(|kind| !Path::new("/proc/self/ns").join(kind).exists())
        .collect();
    if absent.is_empty() {
        Ok(())
    } else {
        Err(format!("no {} namespace", absent.join(", ")))
    }
}

fn openat2() -> Result<(), String> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn overlayfs() -> Result<(), String> {
    // Opening the context loads the module; nothing is mounted.
    rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn seccomp() -> Result<(), String> {
    let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail")
        .map_err(|error| error.to_string())?;
    let has = |action| actions.split_whitespace().any(|known| known == action);
    if has("errno") && has("allow") {
        Ok(())
    } else {
        Err("no errno action".to_owned())
    }
}

fn cgroups() -> Result<(), String> {
    let root = Path::new("/sys/fs/cgroup");
    let unified = std::fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    let absent: Vec<&str> = ["cpu", "memory", "pids"]
        .into_iter()
        .filter(|controller| {
            !unified.split_whitespace().any(|there| there == *controller)
                && !root.join(controller).join("cgroup.procs").exists()
        })
        .collect();
    if absent.is_empty() {
        Ok(())
    } else {
        Err(format!("no {}", absent.join(", ")))
    }
}

/// Runs a program in a network namespace that ends with it.
fn in_new_netns(program: &str, arguments: &[&str]) -> Result<(), String> {
    let locate = |name| packages::find(name).ok_or(format!("no program {name} to try it with"));
    let output = Command::new(locate("unshare")?)
        .args(["--net", "--"])
        .arg(locate(program)?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(message.lines().next().unwrap_or("it failed").to_owned())
}
