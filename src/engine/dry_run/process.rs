//! The process and its surroundings as lines: limits, namespaces, mounts, identity. What util-linux
//! and coreutils have no words for is said in a comment.

use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType, LinuxNamespaceType, Mount, Spec};
use rbox_netsetup::script::{Group, word};

use super::limits;
use crate::engine::containers::cgroup_path;
use crate::engine::dirs::Dirs;
use crate::engine::record::Record;

/// What the configuration alone does not say.
pub struct Entered<'a> {
    /// Path of the network namespace; `None` is the host's.
    pub network: Option<String>,
    /// The image's layers, lowest first.
    pub layers: &'a [PathBuf],
    /// Limits are files of the unified hierarchy.
    pub cgroup_v2: bool,
}

/// Everything behind the network.
pub fn groups(dirs: &Dirs, record: &Record, spec: &Spec, entered: &Entered<'_>) -> Vec<Group> {
    let group = cgroup_path(&record.host.cgroup_parent, &record.id);
    let mut groups: Vec<Group> = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.resources().as_ref())
        .map(|resources| limits::of_group(resources, &group, entered.cgroup_v2))
        .into_iter()
        .collect();
    groups.push(process(dirs, record, spec, entered));
    groups
}

fn process(dirs: &Dirs, record: &Record, spec: &Spec, entered: &Entered<'_>) -> Group {
    let root = dirs.run(&record.id).join("rootfs");
    let mut inner = vec![
        format!("root={}", word(&root.to_string_lossy())),
        "mount --make-rprivate /".to_owned(),
        "mkdir -p \"$root\"".to_owned(),
        overlay(dirs, record, entered.layers),
    ];
    let own = dirs.container(&record.id);
    for mount in spec.mounts().iter().flatten() {
        inner.extend(mounted(mount, &own));
    }
    inner.extend(devices());
    let linux = spec.linux().as_ref();
    let given = linux.and_then(|linux| linux.devices().as_ref());
    inner.extend(given.into_iter().flatten().flat_map(device));
    inner.extend(each(
        linux.and_then(|linux| linux.masked_paths().as_ref()),
        "if [ -d \"$path\" ]; then mount -t tmpfs -o ro tmpfs \"$path\"; elif [ -e \"$path\" ]; \
         then mount --bind /dev/null \"$path\"; fi",
    ));
    inner.extend(each(
        linux.and_then(|linux| linux.readonly_paths().as_ref()),
        "if [ -e \"$path\" ]; then mount --bind \"$path\" \"$path\"; mount -o remount,bind,ro \
         \"$path\"; fi",
    ));
    let sysctls = linux
        .and_then(|linux| linux.sysctl().clone())
        .unwrap_or_default();
    let mut sysctls: Vec<_> = sysctls.into_iter().collect();
    sysctls.sort();
    for (key, value) in sysctls {
        inner.push(format!("sysctl -q -w {}", word(&format!("{key}={value}"))));
    }
    if let Some(name) = spec.hostname() {
        inner.push(format!("hostname {}", word(name)));
    }
    if spec.root().as_ref().and_then(|root| root.readonly()) == Some(true) {
        inner.push("mount -o remount,ro \"$root\"".to_owned());
    }
    inner.extend(spec.process().iter().flat_map(limits::of_process));
    inner.push(program(spec));

    let mut enter = String::new();
    if let Some(path) = &entered.network {
        enter.push_str(&format!("nsenter --net={} ", word(path)));
    }
    enter.push_str("unshare");
    let mut forks = false;
    for namespace in linux
        .iter()
        .flat_map(|linux| linux.namespaces().iter().flatten())
    {
        let flag = match namespace.typ() {
            LinuxNamespaceType::Mount => "--mount",
            LinuxNamespaceType::Uts => "--uts",
            LinuxNamespaceType::Ipc => "--ipc",
            LinuxNamespaceType::Pid => "--pid",
            LinuxNamespaceType::Cgroup => "--cgroup",
            _ => continue,
        };
        if let Some(path) = namespace.path() {
            let path = path.to_string_lossy();
            enter = format!("nsenter {} {enter}", word(&format!("{flag}={path}")));
            continue;
        }
        forks |= flag == "--pid";
        enter.push_str(&format!(" {flag}"));
    }
    if forks {
        enter.push_str(" --fork --kill-child");
    }
    // Its own input stays the container's.
    let mut lines = vec![format!("{enter} sh -e /dev/fd/3 3<<'END'")];
    lines.extend(inner);
    lines.push("END".to_owned());
    Group {
        why: vec![
            "the process: its namespaces, its mounts, its identity, the program".to_owned(),
            "(rbox mounts the root without a path, so that it is never seen on the host, enters it"
                .to_owned(),
            "with pivot_root, and loads a seccomp filter last: there are no words for that)"
                .to_owned(),
        ],
        lines,
    }
}

/// A path below the root.
fn below(path: &str) -> String {
    format!("\"$root\"{}", word(path))
}

fn each(paths: Option<&Vec<String>>, what: &str) -> Option<String> {
    let paths: Vec<String> = paths?.iter().map(|path| below(path)).collect();
    (!paths.is_empty()).then(|| format!("for path in {}; do {what}; done", paths.join(" ")))
}

fn overlay(dirs: &Dirs, record: &Record, layers: &[PathBuf]) -> String {
    let dir = dirs.container(&record.id);
    // The uppermost layer comes first.
    let lower: Vec<String> = layers
        .iter()
        .rev()
        .map(|layer| layer.to_string_lossy().into_owned())
        .collect();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        dir.join("upper").display(),
        dir.join("work").display()
    );
    format!("mount -t overlay -o {} overlay \"$root\"", word(&options))
}

const PROPAGATION: [&str; 8] = [
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "unbindable",
    "runbindable",
];

/// `own` is where the container's files are that are mounted over the image's.
fn mounted(mount: &Mount, own: &Path) -> Vec<String> {
    let destination = mount.destination();
    let place = below(&destination.to_string_lossy());
    let source = mount.source().clone().unwrap_or_default();
    let from = word(&source.to_string_lossy());
    let options = mount.options().iter().flatten().map(String::as_str);
    let bound = options
        .clone()
        .find(|option| matches!(*option, "bind" | "rbind"));
    let rest: Vec<&str> = options
        .filter(|option| !matches!(*option, "bind" | "rbind" | "rw"))
        .filter(|option| !PROPAGATION.contains(option))
        .collect();
    let Some(bound) = bound else {
        let kind = mount.typ().clone().unwrap_or_default();
        if kind == "cgroup" {
            return vec![format!("# {place}: the container's own groups, read-only")];
        }
        let flags = match rest.is_empty() {
            true => String::new(),
            false => format!(" -o {}", word(&rest.join(","))),
        };
        return vec![
            format!("mkdir -p {place}"),
            format!("mount -t {}{flags} {from} {place}", word(&kind)),
        ];
    };
    let mut lines = Vec::new();
    if source.starts_with(own) || source.is_file() {
        let parent = destination.parent().unwrap_or(destination);
        lines.push(format!("mkdir -p {}", below(&parent.to_string_lossy())));
        lines.push(format!("touch {place}"));
    } else {
        lines.push(format!("mkdir -p {place}"));
        // `-v` makes a directory of what is missing.
        lines.extend((!source.exists()).then(|| format!("mkdir -p {from}")));
    }
    lines.push(format!("mount --{bound} {from} {place}"));
    if !rest.is_empty() {
        let rest = rest.join(",").replace("rro", "ro=recursive");
        let flags = word(&format!("remount,bind,{rest}"));
        lines.push(format!("mount -o {flags} {place}"));
    }
    lines
}

fn devices() -> Vec<String> {
    let nodes = [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    ];
    let links = [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    let place = |name: &str| below(&format!("/dev/{name}"));
    let nodes = nodes
        .iter()
        .map(|(name, major, minor)| format!("mknod -m 666 {} c {major} {minor}", place(name)));
    let links = links
        .iter()
        .map(|(name, to)| format!("ln -sf {to} {}", place(name)));
    nodes.chain(links).collect()
}

/// A device that was asked for.
fn device(device: &LinuxDevice) -> Vec<String> {
    let path = device.path();
    let place = below(&path.to_string_lossy());
    let kind = match device.typ() {
        LinuxDeviceType::B => "b",
        LinuxDeviceType::P => "p",
        _ => "c",
    };
    let numbers = match device.typ() {
        LinuxDeviceType::P => String::new(),
        _ => format!(" {} {}", device.major(), device.minor()),
    };
    let mode = device.file_mode().unwrap_or(0o666) & 0o7777;
    let parent = path.parent().unwrap_or(path);
    vec![
        format!("mkdir -p {}", below(&parent.to_string_lossy())),
        format!("mknod -m {mode:o} {place} {kind}{numbers}"),
        format!(
            "chown {}:{} {place}",
            device.uid().unwrap_or_default(),
            device.gid().unwrap_or_default()
        ),
    ]
}

fn program(spec: &Spec) -> String {
    let Some(process) = spec.process() else {
        return "true".to_owned();
    };
    let mut line = String::from("exec env -i");
    for variable in process.env().iter().flatten() {
        line.push_str(&format!(" {}", word(variable)));
    }
    line.push_str(" setpriv");
    if process.no_new_privileges().unwrap_or_default() {
        line.push_str(" --no-new-privs");
    }
    let sets = process.capabilities().as_ref();
    if let Some(bounding) = sets.and_then(|sets| sets.bounding().as_ref()) {
        let mut kept: Vec<String> = bounding
            .iter()
            .map(|capability| {
                let name = capability.to_string().to_ascii_lowercase();
                format!("+{}", name.trim_start_matches("cap_"))
            })
            .collect();
        kept.sort();
        line.push_str(&format!(" --bounding-set -all,{}", kept.join(",")));
    }
    let user = process.user();
    let groups: Vec<String> = user
        .additional_gids()
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    line.push_str(&format!(
        " chroot --userspec={}:{} --groups={}",
        user.uid(),
        user.gid(),
        groups.join(",")
    ));
    line.push_str(" \"$root\"");
    let cwd = process.cwd().to_string_lossy();
    if cwd != "/" {
        let change = format!("cd {} && exec \"$@\"", word(&cwd));
        line.push_str(&format!(" sh -c {} sh", word(&change)));
    }
    for argument in process.args().iter().flatten() {
        line.push_str(&format!(" {}", word(argument)));
    }
    line
}
