//! Processes that are executed in a running container.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rbox_runtime::security::{capabilities, seccomp};
use rbox_runtime::{ExecError, ExecProcess, ExecRequest, Running, Stdio, exec};

use super::container::{Trial, pipe, read_all, reap};

/// A container that only sleeps, ended and cleaned up with [`end`].
pub fn sleeper(image: &Path) -> (Trial, Running) {
    // Its upper directory lives as long as the trial.
    let trial = Trial::new(image, &["sleep", "100"]);
    let (running, _out, _err) = trial.start();
    (trial, running)
}

pub fn end(running: &Running) {
    running.cgroup.kill_all().unwrap();
    reap(running.pidfd.as_fd());
    running.cgroup.delete().unwrap();
}

/// Executes what `trial` describes in `running`.
pub fn enter(running: &Running, trial: &Trial) -> Result<(ExecProcess, String), ExecError> {
    let profile = seccomp::default_profile(&capabilities::DEFAULT);
    let (out, stdout) = pipe();
    let stdio = Stdio::Fds {
        stdin: File::open("/dev/null").unwrap().into(),
        stderr: stdout.try_clone().unwrap(),
        stdout,
    };
    let process = trial.spec.process().as_ref().unwrap();
    let process = exec(ExecRequest {
        linux: trial.spec.linux().as_ref(),
        state: None,
        seccomp: Some(&profile),
        ..ExecRequest::new(running.pid, &running.cgroup, process, stdio)
    })?;
    let text = read_all(out);
    Ok((process, text))
}
