//! A user namespace gives its maker every capability in it. Without the filter
//! that refuses to make one, the container's mounts must hold by themselves.

use std::fs;

use rustix::io::Errno;

use super::raw::{call, refused, text};

/// Tries to take the masks off with CAP_SYS_ADMIN of a namespace of its own.
pub fn undo_the_mounts() {
    let kinds = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET;
    let made = call(libc::SYS_unshare, &[kinds as usize]);
    assert!(made.is_ok(), "no namespace to attack from: {made:?}");
    let held: &[Errno] = &[Errno::INVAL, Errno::PERM, Errno::ACCESS, Errno::BUSY];
    let unmount = |place| call(libc::SYS_umount2, &[place, libc::MNT_DETACH as usize]);
    for place in [
        c"/proc/sys",
        c"/proc/keys",
        c"/sys/firmware",
        c"/proc",
        c"/sys",
    ] {
        refused("umount", unmount(text(place)), held);
    }
    let mount = |place, kind, flags: u64| {
        let arguments = [text(c"none"), place, text(kind), flags as usize, 0];
        call(libc::SYS_mount, &arguments)
    };
    let writable = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_NOSUID | libc::MS_NODEV;
    for place in [c"/proc/sys", c"/proc/bus", c"/sys"] {
        refused(
            "remount",
            mount(text(place), c"", writable | libc::MS_NOEXEC),
            held,
        );
    }
    // A bind alone would leave out the masks below.
    let bind = [text(c"/proc"), text(c"/mnt"), 0, libc::MS_BIND as usize, 0];
    refused("bind without the masks", call(libc::SYS_mount, &bind), held);
    let writer = fs::OpenOptions::new()
        .write(true)
        .open("/proc/sys/kernel/core_pattern");
    assert!(writer.is_err());
    // A fresh proc would have no masks; its pid namespace starts with a child.
    let status = std::process::Command::new("/bin/mount")
        .args(["-t", "proc", "none", "/mnt"])
        .output()
        .unwrap();
    assert!(!status.status.success());
    refused("mount sysfs", mount(text(c"/mnt"), c"sysfs", 0), held);
}
