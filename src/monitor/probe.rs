//! One probe: a process in the container, as `exec` makes it, without holding the event loop up.

mod said;

use std::cell::RefCell;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rbox_runtime::{ExecStarted, Stdio};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{sleep, timeout};

use super::start::Live;
use super::teardown;
use crate::engine::exec::{ExecRequest, Prepared, refused};
use crate::engine::failure::{Context, Failure};
use crate::engine::fd_stream::{FdStream, watch};
use crate::engine::health::Check;
use said::{Said, too_long};

/// How long output may still come after the probe has ended: what it left behind may hold its
/// streams for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// What to execute: the check's command with the container's own user, directory and environment.
pub fn prepare(live: &Live, check: &Check) -> Result<Prepared, Failure> {
    let request = ExecRequest {
        command: check.command.clone(),
        ..ExecRequest::default()
    };
    let run = teardown::run_state(live);
    Prepared::new(&live.engine.dirs, &live.record, &run, &request)
}

/// Runs it: its exit code (-1 where it could not be executed or took too long) and what it said.
/// `None` when it was interrupted.
pub async fn run(
    prepared: &Prepared,
    longest: Duration,
    interrupted: impl Future<Output = ()>,
) -> Option<(i32, String)> {
    let (started, output) = match begin(prepared) {
        Ok(begun) => begun,
        Err(failure) => return Some((-1, failure.message)),
    };
    let said = RefCell::new(Said::default());
    let result = match Process::new(started) {
        Ok(mut process) => {
            let result = tokio::select! {
                result = process.follow(&output, &said) => Some(result),
                () = sleep(longest) => Some(Err(too_long(longest, &said.borrow()))),
                () = interrupted => None,
            };
            process.end().await;
            result
        }
        Err(failure) => Some(Err(failure.message)),
    };
    Some(match result? {
        Ok(code) => (code, said.into_inner().text()),
        Err(text) => (-1, text),
    })
}

fn begin(prepared: &Prepared) -> Result<(ExecStarted, FdStream), Failure> {
    let what = || "make the probe's streams".to_owned();
    let (read, stdout) = pipe_with(PipeFlags::CLOEXEC).context(what)?;
    // Both into one, so that what is said stays in order.
    let stderr = stdout.try_clone().context(what)?;
    let stdin: OwnedFd = File::open("/dev/null").context(what)?.into();
    let output = FdStream::new(read).context(what)?;
    let stdio = Stdio::Fds {
        stdin,
        stdout,
        stderr,
    };
    match rbox_runtime::exec_begin(prepared.request(stdio)) {
        Ok(started) => Ok((started, output)),
        Err(error) => Err(refused(&error)),
    }
}

/// The probe's process. It has to be waited for: the kernel keeps a container's last moments
/// until all of its processes are.
struct Process {
    socket: AsyncFd<OwnedFd>,
    pidfd: AsyncFd<OwnedFd>,
    started: ExecStarted,
    reaped: bool,
}

impl Process {
    fn new(started: ExecStarted) -> Result<Process, Failure> {
        let what = || "watch the probe".to_owned();
        let readable = |fd: io::Result<OwnedFd>| watch(fd?, Interest::READABLE);
        let socket = readable(started.socket().try_clone_to_owned()).context(what);
        let pidfd = readable(started.pidfd().try_clone_to_owned()).context(what);
        match (socket, pidfd) {
            (Ok(socket), Ok(pidfd)) => Ok(Process {
                socket,
                pidfd,
                started,
                reaped: false,
            }),
            (socket, pidfd) => {
                started.kill_and_reap();
                Err(socket
                    .err()
                    .or(pidfd.err())
                    .unwrap_or_else(|| Failure::new(what())))
            }
        }
    }

    /// Until it has ended: its exit code, or why it was never executed.
    async fn follow(&mut self, output: &FdStream, said: &RefCell<Said>) -> Result<i32, String> {
        let read = async {
            while let Ok(bytes) = output.read().await {
                if bytes.is_empty() {
                    break;
                }
                said.borrow_mut().take(&bytes);
            }
        };
        tokio::pin!(read);
        let mut all_read = false;
        let code = {
            let executed = async {
                self.executed().await?;
                self.ended().await.map_err(|error| error.to_string())
            };
            tokio::pin!(executed);
            loop {
                tokio::select! {
                    () = &mut read, if !all_read => all_read = true,
                    code = &mut executed => break code?,
                }
            }
        };
        if !all_read {
            let _ = timeout(DRAIN, read).await;
        }
        Ok(code)
    }

    /// Until the command is executed.
    async fn executed(&mut self) -> Result<(), String> {
        loop {
            let mut ready = self
                .socket
                .readable()
                .await
                .map_err(|error| error.to_string())?;
            let message = ready.try_io(|socket| {
                let mut fds = [PollFd::new(socket, PollFlags::IN)];
                match poll(&mut fds, Some(&Timespec::default()))? {
                    0 => Err(io::ErrorKind::WouldBlock.into()),
                    _ => Ok(self.started.advance()),
                }
            });
            match message {
                Ok(Ok(Some(Ok(())))) => return Ok(()),
                Ok(Ok(Some(Err(error)))) => return Err(refused(&error).message),
                Ok(Err(error)) => return Err(error.to_string()),
                Ok(Ok(None)) | Err(_) => {}
            }
        }
    }

    /// Waits for its end and takes it out of the process table.
    async fn ended(&mut self) -> io::Result<i32> {
        let _ready = self.pidfd.readable().await?;
        let status = waitid(
            WaitId::PidFd(self.pidfd.get_ref().as_fd()),
            WaitIdOptions::EXITED,
        )?;
        self.reaped = true;
        Ok(status.map_or(-1, |status| {
            status
                .exit_status()
                .unwrap_or_else(|| 128 + status.terminating_signal().unwrap_or(0))
        }))
    }

    /// Kills it, and what it has started as long as that stayed with it; waits for its end.
    /// Frozen processes die when they are thawed.
    async fn end(mut self) {
        if self.reaped {
            return;
        }
        if let Some(group) = Pid::from_raw(self.started.pid()) {
            // It leads a group of its own from its first steps on.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.started.kill();
        let _ = self.ended().await;
    }
}
