//! Running the hooks of a configuration (runtime-spec, "POSIX-platform Hooks").

#![allow(
    unsafe_code,
    reason = "std has no safe call for what a child does before exec"
)]

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use oci_spec::runtime::Hook;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use thiserror::Error;

use super::{reason, sys};

/// How much of what a failed hook printed is told.
const TOLD: u64 = 4096;

/// The hooks of one kind, and where they run.
#[derive(Clone, Debug)]
pub(crate) struct HookList {
    /// `createRuntime`, …
    pub(crate) kind: &'static str,
    /// In order.
    pub(crate) hooks: Vec<Hook>,
    /// Their working directory.
    pub(crate) directory: PathBuf,
    /// Whether a hook without `env` gets this process's environment. Never
    /// inside a container, which must not see the host's.
    pub(crate) inherits: bool,
}

/// A hook that could not be run, or failed.
#[derive(Debug, Error)]
#[error("error running {kind} hook #{index}: {path}: {problem}")]
pub struct HookError {
    /// The kind of hook: `createRuntime`, …
    pub kind: &'static str,
    /// Its place in the list of its kind.
    pub index: usize,
    /// Its program.
    pub path: PathBuf,
    /// What went wrong.
    pub problem: HookProblem,
}

/// What went wrong with a hook.
#[derive(Debug)]
pub enum HookProblem {
    /// It could not be started or waited for.
    Call(io::Error),
    /// It ran longer than its `timeout`, and was killed.
    TimedOut(Duration),
    /// It failed.
    Failed {
        /// How it ended.
        status: String,
        /// The end of what it printed there.
        stdout: String,
        /// The end of what it printed there.
        stderr: String,
    },
}

impl fmt::Display for HookProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => f.write_str(&reason(error)),
            Self::TimedOut(after) => {
                write!(
                    f,
                    "ran past timeout of {}s, and was killed",
                    after.as_secs()
                )
            }
            Self::Failed {
                status,
                stdout,
                stderr,
            } => write!(f, "{status}, stdout: {stdout}, stderr: {stderr}"),
        }
    }
}

impl HookList {
    /// Runs them one after the other with `state` on standard input; ends at
    /// the first that fails.
    pub(crate) fn run(&self, state: &[u8]) -> Result<(), HookError> {
        self.each(state).find(Result::is_err).unwrap_or(Ok(()))
    }

    /// Runs them all, whatever becomes of each.
    pub(crate) fn run_all(&self, state: &[u8]) -> Vec<HookError> {
        self.each(state).filter_map(Result::err).collect()
    }

    fn each(&self, state: &[u8]) -> impl Iterator<Item = Result<(), HookError>> {
        self.hooks.iter().enumerate().map(|(index, hook)| {
            self.run_one(hook, state).map_err(|problem| HookError {
                kind: self.kind,
                index,
                path: hook.path().clone(),
                problem,
            })
        })
    }

    fn run_one(&self, hook: &Hook, state: &[u8]) -> Result<(), HookProblem> {
        // Files in memory and not pipes: neither a hook that never reads nor
        // one that never stops printing can hold up the container.
        let mut input = memory_file()?;
        input.write_all(state)?;
        input.rewind()?;
        let (mut stdout, mut stderr) = (memory_file()?, memory_file()?);
        let mut command = Command::new(hook.path());
        if let Some([name, rest @ ..]) = hook.args().as_deref() {
            command.arg0(name).args(rest);
        }
        if hook.env().is_some() || !self.inherits {
            command.env_clear();
        }
        for variable in hook.env().iter().flatten() {
            if let Some((name, value)) = variable.split_once('=') {
                command.env(name, value);
            }
        }
        // What our caller has left open is not for others.
        let private = || sys::close_on_exec_from(3);
        // SAFETY: the closure makes one system call on numbers and allocates
        // nothing.
        unsafe { command.pre_exec(private) };
        let mut child = command
            .current_dir(&self.directory)
            .stdin(input)
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .spawn()?;
        let timeout = hook
            .timeout()
            .and_then(|seconds| u64::try_from(seconds).ok());
        let status = match wait(&mut child, timeout.map(Duration::from_secs)) {
            Ok(Some(status)) => status,
            Ok(None) => {
                end(&mut child);
                return Err(HookProblem::TimedOut(Duration::from_secs(
                    timeout.unwrap_or(0),
                )));
            }
            Err(error) => {
                end(&mut child);
                return Err(error.into());
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(HookProblem::Failed {
            status: describe(status),
            stdout: tail(&mut stdout)?,
            stderr: tail(&mut stderr)?,
        })
    }
}

impl From<io::Error> for HookProblem {
    fn from(error: io::Error) -> Self {
        Self::Call(error)
    }
}

/// Waits for the end of a child, at most that long; `None` when it still runs.
fn wait(child: &mut Child, timeout: Option<Duration>) -> io::Result<Option<ExitStatus>> {
    if let Some(timeout) = timeout {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pidfd = pidfd_open(pid.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
        let deadline = std::time::Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    child.wait().map(Some)
}

/// It may have ended by itself meanwhile.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn memory_file() -> io::Result<File> {
    Ok(memfd_create("hook", MemfdFlags::CLOEXEC)?.into())
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}

/// The last of what a hook printed.
fn tail(file: &mut File) -> io::Result<String> {
    let length = file.seek(io::SeekFrom::End(0))?;
    file.seek(io::SeekFrom::Start(length.saturating_sub(TOLD)))?;
    let mut text = Vec::new();
    file.take(TOLD).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Option<i64>) -> HookList {
        let mut hook = Hook::default();
        let args = ["sh", "-c", script].map(str::to_owned).to_vec();
        hook.set_path("/bin/sh".into())
            .set_args(Some(args))
            .set_env(Some(vec!["A=b=c".into()]))
            .set_timeout(timeout);
        HookList {
            kind: "poststart",
            hooks: vec![hook],
            directory: "/".into(),
            inherits: false,
        }
    }

    #[test]
    fn a_hook_gets_the_state_on_standard_input_and_its_own_environment() {
        let list = shell(
            "test \"$(cat)\" = STATE && test \"$A\" = b=c && test -z \"$HOME\"",
            None,
        );
        list.run(b"STATE").unwrap();
    }

    #[test]
    fn a_failure_tells_the_hook_its_status_and_what_it_printed() {
        let error = shell("echo out; echo err >&2; exit 3", None)
            .run(b"")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "error running poststart hook #0: /bin/sh: exit status 3, stdout: out, stderr: err"
        );
    }

    #[test]
    fn a_hook_that_runs_too_long_is_killed() {
        let error = shell("exec sleep 600", Some(0)).run(b"").unwrap_err();
        assert!(matches!(error.problem, HookProblem::TimedOut(_)), "{error}");
    }

    #[test]
    fn a_hook_that_does_not_read_and_prints_much_does_not_block() {
        let state = vec![b'x'; 1 << 20];
        shell("head -c 1000000 /dev/zero", Some(60))
            .run(&state)
            .unwrap();
    }

    #[test]
    fn all_hooks_run_where_failures_are_only_told() {
        let mut list = shell("exit 1", None);
        list.hooks.push(list.hooks[0].clone());
        assert_eq!(list.run_all(b"").len(), 2);
        assert_eq!(list.run(b"").unwrap_err().index, 0);
    }
}
