//! Control groups as a way out.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::raw::{call, text};

fn files_named(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::from("/sys/fs/cgroup"), PathBuf::from("/mnt")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            } else if entry.file_name() == name {
                found.push(entry.path());
            }
        }
    }
    found
}

/// CVE-2022-0492: whoever may write release_agent names a program that the
/// kernel runs as the host's root.
pub fn release_agent() {
    for path in files_named("release_agent") {
        assert!(fs::write(&path, "/attacker").is_err(), "{path:?}");
    }
    // Made again, in namespaces where this process has every capability.
    let kinds = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWCGROUP;
    let made = call(libc::SYS_unshare, &[kinds as usize]);
    if let Err(error) = made {
        assert_eq!(error, Errno::PERM, "the filter is there");
        return;
    }
    for controller in [c"memory", c"rdma", c"pids", c"freezer", c"none,name=rbox"] {
        let arguments = [
            text(c"none"),
            text(c"/mnt"),
            text(c"cgroup"),
            0,
            text(controller),
        ];
        if call(libc::SYS_mount, &arguments).is_err() {
            continue;
        }
        for path in files_named("release_agent") {
            assert!(fs::write(&path, "/attacker").is_err(), "{path:?}");
        }
        let unmounted = call(libc::SYS_umount2, &[text(c"/mnt"), 0]);
        assert!(unmounted.is_ok(), "{unmounted:?}");
    }
}

/// No group is to be made or left, and no limit to be changed.
pub fn leave() {
    let mut tried = 0;
    for name in [
        "cgroup.procs",
        "tasks",
        "memory.limit_in_bytes",
        "memory.max",
        "pids.max",
    ] {
        for path in files_named(name) {
            tried += 1;
            for value in ["0", "1", "max", "-1"] {
                assert!(fs::write(&path, value).is_err(), "{path:?}");
            }
            let below: &Path = path.parent().unwrap();
            assert!(fs::create_dir(below.join("mine")).is_err(), "{below:?}");
            let above = below.join("../../cgroup.procs");
            assert!(fs::write(&above, "0").is_err(), "{above:?}");
        }
    }
    for path in files_named("devices.allow") {
        assert!(fs::write(&path, "a").is_err(), "{path:?}");
    }
    assert!(tried > 0, "no control group is seen");
}
