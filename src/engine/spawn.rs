//! Our own binary again, through a read-only mount: as a container's monitor, with one end of a
//! socket to us, or in our place.
//!
//! A monitor takes longer to get to its `main` than a container takes to be put on record, so that
//! it is started first and waits until there is a container:
//!
//! ```text
//! client   ── exec ──▶ cgroup's plan ──▶ record ──▶ lock, log ──▶ Start …
//! monitor      └─▶ load, set up ─▶ waits ─┘
//! ```

use std::fs;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use rbox_runtime::process::self_exe;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::cgroup_plan::CgroupPlan;
use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::lock::RunLock;
use super::protocol::{Frame, Request};

/// argv[0] of a monitor.
pub const MONITOR: &str = "rbox-monitor";

/// What comes with the lock, the log, and the mount that the monitor was executed through.
pub const EMPLOYED: &[u8] = b"L";

/// How many files come with it.
pub const EMPLOYED_WITH: usize = 3;

/// Name of a monitor's log in its container's run directory.
pub const LOG: &str = "monitor.log";

/// A monitor whose container is not there yet. It ends when this is dropped.
pub struct Spare {
    id: String,
    /// `None` once it has its container.
    stream: Option<UnixStream>,
    /// `None` once it has its container, or has been seen to end.
    spawning: Option<Spawning>,
}

enum Spawning {
    /// A thread waits for it to be executed.
    Waits(JoinHandle<Result<Executed, Failure>>),
    /// There was no thread to be had.
    Over(Result<Executed, Failure>),
}

struct Executed {
    child: Child,
    /// The mount that it was executed through. Who closes it last waits for the kernel, which
    /// takes the mount away then.
    binary: OwnedFd,
}

/// A monitor that has been started.
pub struct Monitor {
    /// Where the `Start` request is sent and its answers come from.
    pub stream: UnixStream,
    /// To be waited for by whoever outlives it.
    pub child: Child,
}

impl Spare {
    /// Starts one for the container with this id, and does not wait for it. What goes wrong is said
    /// by [`Spare::employ`].
    pub fn new(dirs: &Dirs, id: &str) -> Result<Spare, Failure> {
        let what = || "make a socket pair".to_owned();
        let (stream, theirs) = UnixStream::pair().context(what)?;
        let end = OwnedFd::from(theirs.try_clone().context(what)?);
        let place = (dirs.clone(), id.to_owned());
        let spawned = thread::Builder::new().spawn(move || spawn(&place.0, &place.1, end));
        let spawning = match spawned {
            Ok(thread) => {
                // Where both processors were taken when it was born it waits for ours, and an idle
                // one does not come for it.
                thread::yield_now();
                Spawning::Waits(thread)
            }
            Err(_) => Spawning::Over(spawn(dirs, id, theirs.into())),
        };
        Ok(Spare {
            id: id.to_owned(),
            stream: Some(stream),
            spawning: Some(spawning),
        })
    }

    /// Has the control group made while there is no container yet. It goes again if there never is.
    pub fn prepare(&mut self, plan: CgroupPlan) {
        if let Some(stream) = &mut self.stream {
            // One that died is noticed when it is employed.
            let _ = Frame::Request(Request::Prepare(Box::new(plan))).write(stream);
        }
    }

    fn spawned(&mut self) -> Option<Result<Executed, Failure>> {
        match self.spawning.take()? {
            Spawning::Waits(thread) => thread.join().ok(),
            Spawning::Over(result) => Some(result),
        }
    }

    /// Makes it the container's monitor; the lock goes with it.
    pub fn employ(mut self, dirs: &Dirs, lock: &RunLock) -> Result<Monitor, Failure> {
        let id = self.id.clone();
        let what = || format!("start the monitor of container {id}");
        let died = || Failure::new(what());
        let Executed { child, binary } = self.spawned().ok_or_else(died)??;
        let stream = self.stream.take().ok_or_else(died)?;
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(dirs.run(&id).join(LOG))
            .context(|| format!("make the log of the monitor of {id}"))?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(EMPLOYED_WITH))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        // The same open file, and so the same lock.
        let files: [_; EMPLOYED_WITH] = [lock.file().as_fd(), log.as_fd(), binary.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&files));
        let word = [IoSlice::new(EMPLOYED)];
        sendmsg(&stream, &word, &mut control, SendFlags::NOSIGNAL).context(what)?;
        Ok(Monitor { stream, child })
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.stream = None;
        if let Some(Ok(mut executed)) = self.spawned() {
            let _ = executed.child.wait();
        }
    }
}

fn spawn(dirs: &Dirs, id: &str, client: OwnedFd) -> Result<Executed, Failure> {
    // The binary is executed through a mount that cannot be written to, so that
    // a container that gets at /proc/<pid>/exe cannot overwrite it (CVE-2019-5736).
    let binary = self_exe::protected().context(|| "open the rbox binary read-only".into())?;
    // Where the binary lies: the monitor's own /proc/self/exe has no path any more.
    let program = std::env::current_exe().context(|| "find the rbox binary".into())?;
    let child = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()))
        .arg0(MONITOR)
        .arg(&dirs.root)
        .arg(&dirs.run_root)
        .arg(id)
        .arg(program)
        .envs(rbox_timing::environment())
        .stdin(Stdio::from(client))
        // Until it has its container's lock and log.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context(|| format!("start the monitor of container {id}"))?;
    Ok(Executed { child, binary })
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
