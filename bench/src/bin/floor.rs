//! The kernel's floor: what any container start must pay for, and nothing else.
//! An overlay mount, clone3 with all namespaces, a veth pair into a bridge with
//! address and route, /proc /sys /dev, pivot_root, exec, wait. No images, no
//! records, no limits, no filter, no logs.
//!
//! `floor ROOTFS [BRIDGE ADDRESS/LEN GATEWAY]`: runs /bin/true in ROOTFS.

#![allow(
    unsafe_code,
    reason = "clone3 has no safe wrapper; this program has one thread"
)]

use std::ffi::CString;
use std::fs;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rbox_netsetup::kernel::netlink::{InterfaceSetup, Route, VethRequest};
use rbox_netsetup::kernel::netns;
use rbox_netsetup::model::mac::Mac;
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    UnmountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount,
    mount_change, move_mount, unmount,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (rootfs, network) = match &arguments[..] {
        [rootfs] => (rootfs, None),
        [rootfs, bridge, address, gateway] => (rootfs, Some((bridge, address, gateway))),
        _ => bail!("usage: floor ROOTFS [BRIDGE ADDRESS/LEN GATEWAY]"),
    };
    let work = std::env::temp_dir().join(format!("rbox-floor-{}", std::process::id()));
    for part in ["upper", "work", "merged"] {
        fs::create_dir_all(work.join(part))?;
    }
    let overlay = overlay(rootfs, &work)?;
    let (mut ours, theirs) = UnixStream::pair()?;
    let flags = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWNET
        | libc::CLONE_PIDFD;
    let mut pidfd: i32 = -1;
    // SAFETY: a zeroed clone_args is valid; without CLONE_VM the child has a copy of
    // everything, and there is one thread.
    let pid = unsafe {
        let mut args: libc::clone_args = std::mem::zeroed();
        args.flags = u64::try_from(flags)?;
        args.pidfd = std::ptr::from_mut(&mut pidfd) as u64;
        args.exit_signal = libc::SIGCHLD as u64;
        libc::syscall(
            libc::SYS_clone3,
            &raw const args,
            size_of::<libc::clone_args>(),
        )
    };
    match pid {
        -1 => bail!("clone3: {}", std::io::Error::last_os_error()),
        0 => {
            drop(ours);
            let error = child(&overlay, &work.join("merged"), theirs);
            eprintln!("floor: {error:?}");
            std::process::exit(1)
        }
        _ => {}
    }
    drop(theirs);
    // SAFETY: clone3 stored an open descriptor that is ours alone.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    if let Some((bridge, address, gateway)) = network {
        connect(i32::try_from(pid)?, bridge, address, gateway)?;
    }
    ours.write_all(&[1])?;
    rustix::process::waitid(
        rustix::process::WaitId::PidFd(pidfd.as_fd()),
        rustix::process::WaitIdOptions::EXITED,
    )?;
    fs::remove_dir_all(work)?;
    Ok(())
}

/// A detached mount. Volatile: its end writes nothing to the disk, which no start must wait for.
fn overlay(rootfs: &str, work: &Path) -> Result<OwnedFd> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "lowerdir", rootfs)?;
    fsconfig_set_string(&context, "upperdir", work.join("upper"))?;
    fsconfig_set_string(&context, "workdir", work.join("work"))?;
    fsconfig_set_flag(&context, "volatile")?;
    fsconfig_create(&context)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    Ok(fsmount(&context, flags, MountAttrFlags::empty())?)
}

fn connect(pid: i32, bridge: &str, address: &str, gateway: &str) -> Result<()> {
    let ns = netns::open_pid(pid)?;
    let (ip, length) = address.split_once('/').context("an address has a length")?;
    let veth = Route::open()?.create_veth(&VethRequest {
        host_name: &format!("vf{pid}"),
        peer_name: "eth0",
        peer_ns: ns.as_fd(),
        peer_mac: Mac([2, 0x42, 0, 0, 0, 2]),
        mtu: 1500,
        bridge,
        isolated: false,
        hairpin: false,
    })?;
    Route::open_in(ns.as_fd())?.configure(&InterfaceSetup {
        index: veth.peer_index,
        name: "eth0",
        addresses: &[(ip.parse()?, length.parse()?)],
        gateways: &[gateway.parse::<IpAddr>()?],
        mac: Mac([2, 0x42, 0, 0, 0, 2]),
        ipv6: false,
        arp_notify: false,
    })?;
    Ok(())
}

/// Never returns but with an error.
fn child(overlay: &OwnedFd, root: &Path, mut parent: UnixStream) -> Result<()> {
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )?;
    move_mount(
        overlay,
        "",
        CWD,
        root,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )?;
    std::env::set_current_dir(root)?;
    mount("proc", "proc", "proc", MountFlags::NOSUID, None)?;
    mount("sysfs", "sys", "sysfs", MountFlags::RDONLY, None)?;
    mount("tmpfs", "dev", "tmpfs", MountFlags::NOSUID, None)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    parent.read_exact(&mut [0u8; 1])?;
    let program = CString::new("/bin/true")?;
    let argv = [program.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null()];
    // SAFETY: the program is a C string, both arrays end with a null pointer.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
    bail!("exec: {}", std::io::Error::last_os_error())
}
