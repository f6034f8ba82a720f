//! Another process in a running container.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oci_spec::runtime::{Linux, LinuxSeccomp, Process};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::create::{listener, warnings};
use super::errors::ExecError;
use super::user_namespace::IdMaps;
use super::{State, Stdio};
use crate::cgroup::{Cgroup, JoinTarget};
use crate::process::attribute::{self, Affinity, Elsewhere};
use crate::process::child::{Setup, Start};
use crate::process::command::Command;
use crate::process::handshake::{self, FromChild};
use crate::process::plan::{self, ExecInput};
use crate::process::spawn::{self, Birth, PidNamespace, Unborn};
use crate::process::sys;
use crate::security::seccomp::Agent;
use crate::security::{capabilities::Sets, lsm, seccomp};
use crate::spec::{ValidateError, validate_process};

/// What to execute, and where. [`ExecRequest::new`] has the defaults.
#[derive(Debug)]
pub struct ExecRequest<'a> {
    /// The container's first process, in the caller's pid namespace.
    pub pid: i32,
    /// The container's cgroup.
    pub cgroup: &'a Cgroup,
    /// The process.
    pub process: &'a Process,
    /// What the container's configuration has for each of its processes:
    /// personality and memory policy.
    pub linux: Option<&'a Linux>,
    /// The container's state, for whom its filter asks.
    pub state: Option<State<'a>>,
    /// Its system call filter.
    pub seccomp: Option<&'a LinuxSeccomp>,
    /// The standard streams.
    pub stdio: Stdio,
    /// Whether to stay in the caller's session keyring.
    pub no_new_keyring: bool,
    /// How many descriptors from 3 on the process inherits.
    pub preserved: u32,
}

impl<'a> ExecRequest<'a> {
    /// A process without a filter.
    pub fn new(pid: i32, cgroup: &'a Cgroup, process: &'a Process, stdio: Stdio) -> Self {
        Self {
            pid,
            cgroup,
            process,
            linux: None,
            state: None,
            seccomp: None,
            stdio,
            no_new_keyring: false,
            preserved: 0,
        }
    }
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
    /// As of [`super::Created::take_warnings`].
    pub warnings: Vec<String>,
}

/// Executes a process in all namespaces and the cgroup of a running container;
/// returns when execve succeeded.
///
/// # Errors
/// [`ExecError`]; no process is left behind.
pub fn exec(request: ExecRequest<'_>) -> Result<ExecProcess, ExecError> {
    let mut started = exec_begin(request)?;
    loop {
        match started.advance() {
            None => {}
            Some(Ok(())) => return Ok(started.into_process()),
            Some(Err(error)) => {
                started.child.kill_and_reap();
                return Err(error);
            }
        }
    }
}

/// A process on its way to execve: a child of the caller, who has to wait for its
/// end whatever comes. In a container that stands still it gets nowhere.
#[derive(Debug)]
pub struct ExecStarted {
    child: sys::Child,
    socket: OwnedFd,
    console: Option<OwnedFd>,
    agent: Option<(Agent, serde_json::Value)>,
    warnings: Vec<String>,
}

impl ExecStarted {
    /// Readable when [`ExecStarted::advance`] has something to do.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes the process's next message, waiting for it. `None` when it is not there yet.
    ///
    /// # Errors
    /// [`ExecError`]: it will not run, and may have to be killed.
    pub fn advance(&mut self) -> Option<Result<(), ExecError>> {
        let message = handshake::receive(&self.socket);
        match message.map_err(ExecError::process("receiving from the process")) {
            Ok(FromChild::Console(master)) => self.console = Some(master),
            Ok(FromChild::Ready | FromChild::Mounted | FromChild::Born(..)) => {}
            Ok(FromChild::Listener(filter)) => {
                let (agent, state) = self.agent.take()?;
                if let Err(error) = agent.hand_over(filter.as_fd(), self.child.pid, &state) {
                    return Some(Err(error.into()));
                }
            }
            Ok(FromChild::Failed(failure)) => return Some(Err(failure.into())),
            Ok(FromChild::Closed) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
        None
    }

    /// The process id in the caller's pid namespace.
    pub fn pid(&self) -> i32 {
        self.child.pid
    }

    /// A descriptor of the process, closed on exec.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }

    /// Kills it. It is still to be waited for.
    pub fn kill(&self) {
        self.child.kill();
    }

    /// Kills it and waits for its end.
    pub fn kill_and_reap(&self) {
        self.child.kill_and_reap();
    }

    /// The process, executed or not.
    pub fn into_process(self) -> ExecProcess {
        ExecProcess {
            pid: self.child.pid,
            pidfd: self.child.pidfd,
            console: self.console,
            warnings: self.warnings,
        }
    }
}

/// The first half of [`exec`]: starts the process and does not wait until it executes.
///
/// # Errors
/// [`ExecError`]; no process is left behind.
pub fn exec_begin(request: ExecRequest<'_>) -> Result<ExecStarted, ExecError> {
    let process = request.process;
    validate_process(process)?;
    let seccomp = request.seccomp.map(seccomp::compile).transpose()?;
    let listener = listener(request.seccomp, seccomp.as_ref())?;
    let kinds = own_namespaces(request.pid);
    let fresh = kinds & libc::CLONE_NEWUSER != 0;
    let (sets, left_out) = match process.capabilities() {
        Some(capabilities) => Sets::from_spec(capabilities, fresh)?,
        None => Default::default(),
    };
    let drop_later = seccomp.is_some() && !process.no_new_privileges().unwrap_or(false);
    let labels = lsm::Modules::running(process, None).labels(process)?;
    let attributes = attribute::attributes(process, request.linux)?;
    let affinity = Affinity::of(process)?;
    let target = Pid::from_raw(request.pid)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .ok_or(ExecError::NotRunning(request.pid))?;
    let entered = target.try_clone().map_err(ExecError::process("dup"))?;
    let (stdio, terminal) = request.stdio.split();
    let JoinTarget { unified, tasks } = request.cgroup.join_target()?;
    if fresh {
        let user = process.user();
        let maps = IdMaps::of_process(request.pid);
        maps.give_pipes(stdio.iter().flatten(), user.uid(), user.gid());
    }
    let input = ExecInput {
        process,
        kinds,
        new_keyring: !request.no_new_keyring,
        terminal,
        attributes,
        processors: affinity.last,
        sets,
        drop_later,
    };
    let setup = Setup {
        operations: plan::exec(input, tasks, target),
        command: Command::new(
            process.args().as_deref().unwrap_or_default(),
            process.env().as_deref().unwrap_or_default(),
        ),
        start: Start::AtOnce,
        start_hooks: None,
        preserved: request.preserved,
        labels,
        seccomp,
        drop_after_filter: drop_later.then_some(sets),
        raise_for_filter: process.user().uid() != 0,
        root: None,
        stdio,
    };
    let agent = match (listener, &request.state) {
        (Some(listener), Some(state)) => Some((listener.connect()?, state.value())),
        (Some(_), None) => return Err(ValidateError::Missing("state of the container").into()),
        (None, _) => None,
    };
    // The child is born where its parent runs.
    let elsewhere = affinity.initial.as_ref().map(Elsewhere::go).transpose()?;
    let birth = Birth {
        flags: 0,
        cgroup: unified.as_ref().map(AsFd::as_fd),
        pid: PidNamespace::Of(entered.as_fd()),
        through: &[],
    };
    rbox_timing::mark("process planned, filter compiled");
    let started = spawn::start(&setup, &birth).map_err(|unborn| match unborn {
        Unborn::Call(source) if source.raw_os_error() == Some(libc::ESRCH) => {
            ExecError::NotRunning(request.pid)
        }
        Unborn::Call(source) => ExecError::Process {
            what: "clone3",
            source,
        },
        Unborn::Step(failure) => failure.into(),
    })?;
    drop(elsewhere);
    rbox_timing::mark("process cloned");
    Ok(ExecStarted {
        child: started.child,
        socket: started.socket,
        console: None,
        agent,
        warnings: warnings(&left_out),
    })
}

/// The kinds of namespaces to join. The user and time namespaces only if they
/// are not this process's own already, which the kernel would refuse.
fn own_namespaces(pid: i32) -> i32 {
    const ALWAYS: i32 = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    let file = |process: &str, kind: &str| {
        let stat = rustix::fs::stat(format!("/proc/{process}/ns/{kind}")).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    let pid = pid.to_string();
    [("user", libc::CLONE_NEWUSER), ("time", sys::CLONE_NEWTIME)]
        .into_iter()
        .filter(|(kind, _)| {
            let theirs = file(&pid, kind);
            theirs.is_some() && theirs != file("self", kind)
        })
        .fold(ALWAYS, |kinds, (_, kind)| kinds | kind)
}
