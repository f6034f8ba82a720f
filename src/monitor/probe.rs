//! One probe: a process in the container, as `exec` makes it, without holding the event loop up.

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

/// Bytes of output that are kept.
const KEPT: usize = 4096;

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

fn too_long(longest: Duration, said: &Said) -> String {
    let mut text = format!("Health check exceeded timeout ({})", go_duration(longest));
    let said = said.clone().text();
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(&said);
    }
    text
}

/// As Go prints durations: `1m30s`, `1.5s`, `500ms`.
fn go_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return decimal(duration.as_nanos(), 6, "ms");
    }
    let minutes = duration.as_secs() / 60;
    let rest = decimal(duration.as_nanos() % 60_000_000_000, 9, "s");
    match (minutes / 60, minutes % 60) {
        (0, 0) => rest,
        (0, minutes) => format!("{minutes}m{rest}"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}"),
    }
}

/// Nanoseconds in a unit that is so many decimal places larger.
fn decimal(nanos: u128, places: usize, unit: &str) -> String {
    let digits = format!("{nanos:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{unit}"),
        fraction => format!("{whole}.{fraction}{unit}"),
    }
}

/// The beginning of what a probe says.
#[derive(Clone, Default)]
struct Said {
    bytes: Vec<u8>,
    cut: bool,
}

impl Said {
    fn take(&mut self, bytes: &[u8]) {
        let room = KEPT - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes.extend(bytes.iter().take(room));
    }

    fn text(self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.cut {
            text.push_str("...");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Said, go_duration, too_long};
    use std::time::Duration;

    #[test]
    fn durations_are_written_as_go_does() {
        for (millis, text) in [
            (1, "1ms"),
            (500, "500ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (90_000, "1m30s"),
            (3_600_000, "1h0m0s"),
            (3_661_001, "1h1m1.001s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(go_duration(Duration::from_nanos(1_000_001)), "1.000001ms");
    }

    #[test]
    fn output_is_cut_and_says_so() {
        let mut said = Said::default();
        said.take(&[b'a'; KEPT]);
        assert_eq!(said.clone().text().len(), KEPT);
        said.take(b"b");
        assert!(said.clone().text().ends_with("a..."));
        assert_eq!(said.bytes.len(), KEPT);
    }

    #[test]
    fn who_takes_too_long_is_told_with_what_was_said() {
        let longest = Duration::from_secs(1);
        let mut said = Said::default();
        assert_eq!(
            too_long(longest, &said),
            "Health check exceeded timeout (1s)"
        );
        said.take(b"tick\n");
        assert_eq!(
            too_long(longest, &said),
            "Health check exceeded timeout (1s): tick\n"
        );
    }
}
