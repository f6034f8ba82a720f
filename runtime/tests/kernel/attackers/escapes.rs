//! Ways out that need no kernel bug: mounts, chroot, file handles, processes.

use std::fs;
use std::os::fd::AsRawFd;

use rustix::io::Errno;

use super::raw::{call, refused, text};

const DENIED: &[Errno] = &[Errno::PERM, Errno::ACCESS];

/// Unmounting, remounting and moving what hides or protects.
pub fn undo_the_mounts() {
    let (none, proc_sys) = (text(c"none"), text(c"/proc/sys"));
    let unmount = |place| call(libc::SYS_umount2, &[place, libc::MNT_DETACH as usize]);
    for place in [c"/proc/sys", c"/proc/keys", c"/sys/firmware", c"/sys", c"/"] {
        refused("umount", unmount(text(place)), DENIED);
    }
    let mount = |place, kind, flags: u64| {
        let arguments = [none, place, text(kind), flags as usize, 0];
        call(libc::SYS_mount, &arguments)
    };
    let writable = libc::MS_REMOUNT | libc::MS_BIND;
    refused("remount", mount(proc_sys, c"", writable), DENIED);
    refused("remount /sys", mount(text(c"/sys"), c"", writable), DENIED);
    refused("mount proc", mount(text(c"/mnt"), c"proc", 0), DENIED);
    refused("mount sysfs", mount(text(c"/mnt"), c"sysfs", 0), DENIED);
    let arguments = [proc_sys, text(c"/mnt"), none, libc::MS_MOVE as usize, 0];
    refused("move", call(libc::SYS_mount, &arguments), DENIED);
    let here = libc::AT_FDCWD as usize;
    let clone = call(libc::SYS_open_tree, &[here, text(c"/proc"), 1]);
    refused("open_tree", clone, DENIED);
    let arguments = [here, proc_sys, here, text(c"/mnt"), 0];
    refused("move_mount", call(libc::SYS_move_mount, &arguments), DENIED);
    refused(
        "fsopen",
        call(libc::SYS_fsopen, &[text(c"proc"), 0]),
        DENIED,
    );
    let attributes = [0_u64, libc::MOUNT_ATTR_RDONLY, 0, 0];
    let arguments = [here, proc_sys, 0, attributes.as_ptr() as usize, 32];
    refused(
        "mount_setattr",
        call(libc::SYS_mount_setattr, &arguments),
        DENIED,
    );
    let pivot = call(libc::SYS_pivot_root, &[text(c"/"), text(c"/mnt")]);
    refused("pivot_root", pivot, DENIED);
    for flags in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWCGROUP,
    ] {
        refused(
            "unshare",
            call(libc::SYS_unshare, &[flags as usize]),
            DENIED,
        );
    }
}

/// Root with CAP_SYS_CHROOT gets to the top of its mount namespace, and that
/// is the container's root: the host's was taken away.
pub fn leave_the_root_by_chroot() {
    fs::create_dir("/prison").unwrap();
    std::env::set_current_dir("/").unwrap();
    let way_out = fs::File::open("/").unwrap();
    std::os::unix::fs::chroot("/prison").unwrap();
    rustix::process::fchdir(&way_out).unwrap();
    for _ in 0..100 {
        std::env::set_current_dir("..").unwrap();
    }
    std::os::unix::fs::chroot(".").unwrap();
    assert!(fs::exists("/prison").unwrap());
    assert!(fs::exists("/etc/alpine-release").unwrap());
    assert!(fs::exists("/attacker").unwrap());
}

/// The "shocker": file handles lead to every inode of a filesystem.
pub fn open_by_handle() {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        // ext4: inode 2, generation 0; the root directory of every volume.
        inode: [u32; 2],
    }
    let handle = Handle {
        bytes: 8,
        kind: 1,
        inode: [2, 0],
    };
    // A file of the host: the program that this is.
    let file = fs::File::open("/attacker").unwrap();
    let arguments = [
        file.as_raw_fd() as usize,
        &raw const handle as usize,
        libc::O_RDONLY as usize,
    ];
    refused(
        "open_by_handle_at",
        call(libc::SYS_open_by_handle_at, &arguments),
        DENIED,
    );
}

/// Signals, memory and descriptors of processes that are not the container's.
pub fn reach_processes_outside() {
    let own = std::process::id();
    let visible: Vec<_> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok())
        .collect();
    assert_eq!(visible, [1, own], "other processes are seen");
    // The harness of process 1 has a thread, which kill takes for a process.
    for pid in own + 1..5000 {
        let missing: &[Errno] = &[Errno::SRCH];
        let pid = pid as usize;
        refused("kill", call(libc::SYS_kill, &[pid, 0]), missing);
        let attach = call(libc::SYS_ptrace, &[libc::PTRACE_ATTACH as usize, pid]);
        refused("ptrace", attach, &[Errno::SRCH, Errno::PERM]);
        refused("pidfd_open", call(libc::SYS_pidfd_open, &[pid, 0]), missing);
    }
    // The parent of process 1 is outside and has no number here.
    let status = fs::read_to_string("/proc/1/status").unwrap();
    assert!(status.contains("\nPPid:\t0\n"), "{status}");
}

/// With the host's processes in sight, those that started the container stay
/// shut, up to the first.
pub fn enter_namespaces_of_the_host() {
    let container = parent_of(std::process::id()).unwrap();
    let mut tried = 0;
    let mut outside = parent_of(container);
    while let Some(pid) = outside.filter(|&pid| pid != 0) {
        tried += 1;
        for file in ["ns/mnt", "ns/pid", "exe", "environ", "mem", "fd/0", "maps"] {
            let path = format!("/proc/{pid}/{file}");
            let content = fs::read(&path).unwrap_or_default();
            assert!(content.is_empty(), "{path}");
        }
        for file in ["root/.", "cwd/.", "ns/mnt"] {
            let path = format!("/proc/{pid}/{file}");
            assert!(fs::metadata(&path).is_err(), "{path}");
        }
        outside = parent_of(pid);
    }
    assert!(tried > 1, "the host's processes are not in sight");
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status
        .lines()
        .filter_map(|line| line.strip_prefix("PPid:\t"));
    lines.next()?.parse().ok()
}
