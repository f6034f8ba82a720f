//! Another process in a running container.

use std::os::fd::{AsFd, OwnedFd};

use oci_spec::runtime::{LinuxSeccomp, Process};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::create::refuse_listener;
use super::errors::ExecError;
use super::{Stdio, reap};
use crate::cgroup::{Cgroup, JoinTarget};
use crate::process::child::Setup;
use crate::process::command::Command;
use crate::process::handshake::{self, FromChild};
use crate::process::plan;
use crate::process::spawn::{self, PidNamespace};
use crate::security::{capabilities::Sets, seccomp};
use crate::spec::validate_process;

/// What to execute, and where.
#[derive(Debug)]
pub struct ExecRequest<'a> {
    /// The container's first process, in the caller's pid namespace.
    pub pid: i32,
    /// The container's cgroup.
    pub cgroup: &'a Cgroup,
    /// The process.
    pub process: &'a Process,
    /// Its system call filter.
    pub seccomp: Option<&'a LinuxSeccomp>,
    /// The standard streams.
    pub stdio: Stdio,
}

/// An executed process: a child of the caller, who has to wait for it.
#[derive(Debug)]
pub struct ExecProcess {
    /// The process id in the caller's pid namespace.
    pub pid: i32,
    /// A descriptor of the process, closed on exec.
    pub pidfd: OwnedFd,
    /// The terminal's master side, when one was asked for.
    pub console: Option<OwnedFd>,
}

/// Executes a process in all namespaces and the cgroup of a running container;
/// returns when execve succeeded.
///
/// # Errors
/// [`ExecError`]; no process is left behind.
pub fn exec(request: ExecRequest<'_>) -> Result<ExecProcess, ExecError> {
    let process = request.process;
    validate_process(process)?;
    let seccomp = request.seccomp.map(seccomp::compile).transpose()?;
    refuse_listener(seccomp.as_ref())?;
    let sets = process
        .capabilities()
        .as_ref()
        .map(Sets::from_spec)
        .transpose()?;
    let sets = sets.unwrap_or_default();
    let drop_later = seccomp.is_some() && !process.no_new_privileges().unwrap_or(false);
    let target = Pid::from_raw(request.pid)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .ok_or(ExecError::NotRunning(request.pid))?;
    let entered = target.try_clone().map_err(ExecError::process("dup"))?;
    let (stdio, terminal) = request.stdio.split();
    let JoinTarget { unified, tasks } = request.cgroup.join_target()?;
    let setup = Setup {
        operations: plan::exec(process, tasks, target, terminal, sets, drop_later),
        command: Command::new(
            process.args().as_deref().unwrap_or_default(),
            process.env().as_deref().unwrap_or_default(),
        ),
        waits: false,
        seccomp,
        drop_after_filter: drop_later.then_some(sets),
        raise_for_filter: process.user().uid() != 0,
        root: None,
        stdio,
    };
    let unified = unified.as_ref().map(AsFd::as_fd);
    let started =
        spawn::start(&setup, 0, unified, PidNamespace::Of(entered.as_fd())).map_err(|source| {
            match source.raw_os_error() {
                Some(libc::ESRCH) => ExecError::NotRunning(request.pid),
                _ => ExecError::Process {
                    what: "clone3",
                    source,
                },
            }
        })?;
    let mut console = None;
    loop {
        let message = handshake::receive(&started.socket);
        match message.map_err(ExecError::process("receiving from the process")) {
            Ok(FromChild::Console(master)) => console = Some(master),
            Ok(FromChild::Ready) => {}
            Ok(FromChild::Failed(failure)) => {
                reap::reap(&started.child);
                return Err(failure.into());
            }
            Ok(FromChild::Closed) => {
                let child = started.child;
                return Ok(ExecProcess {
                    pid: child.pid,
                    pidfd: child.pidfd,
                    console,
                });
            }
            Err(error) => {
                reap::kill_and_reap(&started.child);
                return Err(error);
            }
        }
    }
}
