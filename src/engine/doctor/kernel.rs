//! What the kernel can do.

use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::{Finding, read};

/// The oldest kernel: mounts that ids are mapped in (mount_setattr(2)).
const OLDEST: (u32, u32) = (5, 12);

const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

pub fn examine() -> Vec<Finding> {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy().into_owned();
    let mut findings = vec![
        version(&release),
        namespaces(),
        overlay(&read("/proc/filesystems").unwrap_or_default()),
        seccomp(&read("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default()),
        paths(),
    ];
    for (module, what) in [
        ("bridge", "networks"),
        ("veth", "containers' interfaces"),
        ("nf_tables", "the firewall"),
    ] {
        findings.push(have_module(module, what, &release));
    }
    findings
}

fn version(release: &str) -> Finding {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or_default());
    let found = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    if found >= OLDEST {
        return Finding::ok("kernel", format!("Linux {release}"));
    }
    Finding::warning(
        "kernel",
        format!("Linux {release}: some of what rbox does came later"),
        &format!("use Linux {}.{} or newer", OLDEST.0, OLDEST.1),
    )
}

fn namespaces() -> Finding {
    let missing: Vec<&str> = NAMESPACES
        .into_iter()
        .filter(|kind| !Path::new("/proc/self/ns").join(kind).exists())
        .collect();
    if missing.is_empty() {
        return Finding::ok("namespaces", NAMESPACES.join(", "));
    }
    Finding::problem(
        "namespaces",
        format!("missing: {}", missing.join(", ")),
        "use a kernel with CONFIG_NAMESPACES and all its kinds",
    )
}

fn overlay(filesystems: &str) -> Finding {
    let known = |line: &str| line.split_whitespace().last() == Some("overlay");
    if filesystems.lines().any(known) {
        return Finding::ok("overlay", "the kernel has overlayfs");
    }
    Finding::problem(
        "overlay",
        "the kernel has no overlayfs, of which containers' root directories are made",
        "modprobe overlay, or use a kernel with CONFIG_OVERLAY_FS",
    )
}

fn seccomp(actions: &str) -> Finding {
    if actions.split_whitespace().any(|action| action == "errno") {
        return Finding::ok("seccomp", "the kernel has filters of system calls");
    }
    Finding::problem(
        "seccomp",
        "the kernel has no filters of system calls",
        "use a kernel with CONFIG_SECCOMP_FILTER",
    )
}

/// openat2(2), by which no path leads out of a container.
fn paths() -> Finding {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(_) => Finding::ok("openat2", "paths in containers can be confined"),
        Err(error) => Finding::problem(
            "openat2",
            format!("paths in containers cannot be confined: {error}"),
            "use Linux 5.6 or newer, and no sandbox that hides the call",
        ),
    }
}

fn have_module(module: &'static str, what: &str, release: &str) -> Finding {
    let listed = |file: &str| {
        let list = read(&format!("/lib/modules/{release}/{file}")).unwrap_or_default();
        lists(&list, module)
    };
    if Path::new("/sys/module").join(module).exists() {
        Finding::ok(module, format!("there, for {what}"))
    } else if listed("modules.builtin") || listed("modules.dep") {
        Finding::ok(module, format!("will be loaded for {what}"))
    } else {
        Finding::warning(
            module,
            format!("neither loaded nor among the modules of {release}: {what} may fail"),
            &format!(
                "modprobe {module}; no matter where a start works, the kernel has it built in"
            ),
        )
    }
}

/// Whether a list of modules has one: `kernel/net/bridge/bridge.ko.xz: …`.
fn lists(list: &str, module: &str) -> bool {
    list.lines().any(|line| {
        let path = line.split(':').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split('.').next() == Some(module)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::{lists, overlay, seccomp, version};

    #[test]
    fn kernels_are_judged_by_what_they_say() {
        assert_eq!(version("6.12.0-1-cloud-amd64").verdict, Verdict::Ok);
        assert_eq!(version("5.4.0").verdict, Verdict::Warning);
        assert_eq!(
            overlay("nodev\tproc\nnodev\toverlay\n").verdict,
            Verdict::Ok
        );
        assert_eq!(overlay("nodev\toverlayish\n").verdict, Verdict::Problem);
        assert_eq!(seccomp("kill trap errno log").verdict, Verdict::Ok);
        assert_eq!(seccomp("").verdict, Verdict::Problem);
    }

    #[test]
    fn modules_are_found_in_lists() {
        let list =
            "kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz\nkernel/drivers/veth.ko\n";
        assert!(lists(list, "bridge") && lists(list, "veth"));
        assert!(!lists(list, "stp") && !lists(list, "brid"));
    }
}
