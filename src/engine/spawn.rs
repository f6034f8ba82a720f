//! Our own binary again, through a read-only mount: as a container's monitor,
//! holding the container's lock and one end of a socket to us, or in our place.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rbox_runtime::process::self_exe;

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::lock::RunLock;

/// argv[0] of a monitor.
pub const MONITOR: &str = "rbox-monitor";

/// Spawns the monitor of `id`; the lock goes with it. The returned socket is
/// where the `Start` request is sent and its answers come from.
pub fn monitor(dirs: &Dirs, id: &str, lock: RunLock) -> Result<(UnixStream, Child), Failure> {
    let (ours, theirs) = UnixStream::pair().context(|| "make a socket pair".into())?;
    // The binary is executed through a mount that cannot be written to, so that
    // a container that gets at /proc/<pid>/exe cannot overwrite it (CVE-2019-5736).
    let binary = self_exe::protected().context(|| "open the rbox binary read-only".into())?;
    // Where the binary lies: the monitor's own /proc/self/exe has no path any more.
    let program = std::env::current_exe().context(|| "find the rbox binary".into())?;
    let errors = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dirs.run(id).join("monitor.log"))
        .context(|| format!("make the log of the monitor of {id}"))?;
    // The same open file, and so the same lock, as the monitor's stdout.
    let lock = lock
        .file()
        .try_clone()
        .context(|| "pass the lock on".into())?;
    let child = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()))
        .arg0(MONITOR)
        .arg(&dirs.root)
        .arg(&dirs.run_root)
        .arg(id)
        .arg(program)
        .envs(rbox_timing::environment())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(lock)
        .stderr(errors)
        .spawn()
        .context(|| format!("start the monitor of container {id}"))?;
    Ok((ours, child))
}

/// Goes on in a copy of this program that is mapped from a read-only mount: a
/// process in the container may look at ours (CVE-2019-5736).
pub fn protect() -> Result<(), Failure> {
    if self_exe::is_protected() {
        return Ok(());
    }
    let binary = self_exe::protected().context(|| "open the rbox binary read-only".into())?;
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let error = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()))
        .arg0(name)
        .args(arguments)
        .envs(rbox_timing::environment_after_exec())
        .exec();
    Err(Failure::new(format!(
        "execute the rbox binary read-only: {error}"
    )))
}
