//! The mounts of the place.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};

/// Where cgroup v2 lies beside v1. crun refuses such a machine; without the mount all contenders see
/// v1 alone.
const HYBRID: &str = "/sys/fs/cgroup/unified";

/// What engines would find configured on the machine.
const CONFIGURED: [&str; 3] = ["/etc/docker", "/etc/containers", "/etc/cni"];

/// Makes them in this process's mount namespace.
pub fn make() -> Result<()> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).context("make mounts private")?;
    let harmless = MountFlags::NOSUID | MountFlags::NODEV;
    let hidden = harmless | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", hidden, None).context("mount /proc")?;
    mount("tmpfs", "/run", "tmpfs", harmless, Some(c"mode=755")).context("mount /run")?;
    mount("tmpfs", "/dev/shm", "tmpfs", harmless, None).context("mount /dev/shm")?;
    if Path::new(HYBRID).exists() {
        // Not mounted in every namespace.
        let _ = unmount(HYBRID, UnmountFlags::DETACH);
    }
    configuration().context("give /etc a layer of its own")
}

/// Everything may be written to /etc, and none of it arrives there.
fn configuration() -> Result<()> {
    let layer = Path::new("/run/rbox-bench/etc");
    let (upper, work) = (layer.join("upper"), layer.join("work"));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    // What is itself mounted there is not in the layer below.
    let resolver = fs::read("/etc/resolv.conf").unwrap_or_default();
    let options = format!(
        "lowerdir=/etc,upperdir={},workdir={}",
        upper.display(),
        work.display()
    );
    let options = std::ffi::CString::new(options)?;
    let options = Some(options.as_c_str());
    mount("overlay", "/etc", "overlay", MountFlags::empty(), options)?;
    fs::write("/etc/resolv.conf", resolver)?;
    for directory in CONFIGURED {
        if Path::new(directory).exists() {
            fs::remove_dir_all(directory)?;
        }
    }
    Ok(())
}
