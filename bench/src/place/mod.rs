//! A host of its own for everything that is measured: processes, mounts, network, /run, /dev/shm and
//! /etc are not the machine's, so that nothing of the machine's own containers is met or harmed, and
//! that everything ends when this program does, however it ends.
//!
//! ```text
//! rbox-bench                 makes the scratch directory; at the end removes it, and cgroups
//!   └─ rbox-bench: init      PID 1: makes the mounts, reaps. When it ends, the kernel ends the rest
//!        └─ rbox-bench: cases   starts the engines and measures
//! ```
//!
//! Engines have their state where they have it by default as far as that is in /run, and below the
//! scratch directory, on one disk of the place's own, as far as it is in /var/lib.

mod cgroups;
mod disk;
mod mounts;

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use rbox_netsetup::kernel::netlink::Route;
use rustix::process::{Signal, WaitOptions};
use rustix::thread::UnshareFlags;

use cgroups::Leftovers;

const INIT: &str = "rbox-bench: init";
const CASES: &str = "rbox-bench: cases";

/// Where programs are sought: those of the distribution come first.
const PROGRAMS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Does `inside` in the place, which it makes by starting this program anew; `called` tells how far
/// that is.
pub fn lead_to(
    called: &str,
    scratch: &Path,
    inside: impl FnOnce() -> Result<ExitCode>,
) -> Result<ExitCode> {
    match called {
        INIT => init(scratch),
        CASES => inside(),
        _ => outside(scratch),
    }
}

fn outside(scratch: &Path) -> Result<ExitCode> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "containers are made by root only for now"
    );
    let made = || format!("make {}", scratch.display());
    // What a run that was killed has left.
    remove(scratch)?;
    std::fs::create_dir_all(scratch).with_context(made)?;
    let leftovers = Leftovers::before();
    outlive_interrupts()?;
    unshare(UnshareFlags::NEWPID).context("make a PID namespace")?;
    let status = again(INIT).status();
    leftovers.remove();
    remove(scratch)?;
    Ok(exit_code(status.context("start init")?))
}

fn remove(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

fn init(scratch: &Path) -> Result<ExitCode> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWNET).context("make namespaces")?;
    mounts::make()?;
    disk::mount_over(scratch);
    let temporary = scratch.join("tmp");
    std::fs::create_dir(&temporary).with_context(|| temporary.display().to_string())?;
    let mut route = Route::open()?;
    let loopback = route.link_index("lo")?.context("no loopback interface")?;
    route.set_up(loopback)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let child = again(CASES)
        .env("PATH", format!("{PROGRAMS}:{path}"))
        .env("HOME", scratch)
        .env("TMPDIR", temporary)
        .spawn()
        .context("start the cases")?;
    loop {
        // Orphans come here, too.
        let (pid, status) = rustix::process::wait(WaitOptions::empty())?.context("no child")?;
        if pid.as_raw_nonzero().get().cast_unsigned() == child.id() {
            return Ok(exit_code(std::process::ExitStatus::from_raw(
                status.as_raw(),
            )));
        }
    }
}

/// This program with the same arguments under another name.
fn again(called: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(called).args(std::env::args_os().skip(1));
    command
}

fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

#[allow(unsafe_code, reason = "with other flags it could close descriptors")]
fn unshare(flags: UnshareFlags) -> std::io::Result<()> {
    // SAFETY: descriptors stay shared: NEWPID, NEWNS and NEWNET are all that is asked for.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(Into::into)
}

/// ^C ends the cases, and with them the place; who cleans up after it goes on. A handler, unlike
/// ignoring the signal, is not inherited.
#[allow(unsafe_code, reason = "signals have no safe wrapper here")]
fn outlive_interrupts() -> std::io::Result<()> {
    extern "C" fn nothing(_signal: libc::c_int) {}
    // SAFETY: the handler does nothing, which may be done at any time.
    let before = unsafe { libc::signal(libc::SIGINT, nothing as *const () as libc::sighandler_t) };
    if before == libc::SIG_ERR {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}
