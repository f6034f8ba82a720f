//! Another process in a container.

use oci_spec::runtime::Process;

use super::container::Container;
use super::errors::ExecError;
use super::streams::{self, Streams};
use super::{State, Status};
use crate::container::{self, ExecProcess, ExecRequest};

/// What to execute, and how. [`ExecOptions::new`] has the defaults.
#[derive(Debug)]
pub struct ExecOptions {
    /// The process.
    pub process: Process,
    /// The standard streams, unless the process wants a terminal.
    pub streams: Streams,
    /// Rows and columns of the terminal, before the process's own.
    pub console_size: Option<(u16, u16)>,
    /// How many descriptors from 3 on the process inherits.
    pub preserve_fds: u32,
    /// Whether to enter a paused container (the process stands there, too).
    pub ignore_paused: bool,
    /// A group inside the container's cgroup, by its relative path.
    pub sub_cgroup: Option<String>,
}

impl ExecOptions {
    /// A process with the caller's streams.
    pub fn new(process: Process) -> Self {
        Self {
            process,
            streams: Streams::Inherit,
            console_size: None,
            preserve_fds: 0,
            ignore_paused: false,
            sub_cgroup: None,
        }
    }
}

impl Container {
    /// Executes a process in all namespaces and the cgroup of the container. It
    /// is a child of the caller, who has to wait for it.
    ///
    /// # Errors
    /// [`ExecError`]; no process is left behind.
    pub fn exec(&self, options: ExecOptions) -> Result<ExecProcess, ExecError> {
        if let Some(number) = streams::missing(options.preserve_fds) {
            return Err(ExecError::NotOpen(number));
        }
        match self.status() {
            Status::Creating | Status::Stopped => return Err(ExecError::Stopped),
            Status::Paused if !options.ignore_paused => return Err(ExecError::Paused),
            Status::Created | Status::Running | Status::Paused => {}
        }
        let cgroup = self.cgroup();
        let cgroup = cgroup.ok_or_else(|| ExecError::NoCgroup(self.record.cgroup.clone()))?;
        let cgroup = match &options.sub_cgroup {
            Some(name) => cgroup.sub(name)?,
            None => cgroup,
        };
        let spec = self.spec()?;
        let linux = spec.linux().as_ref();
        let stdio = options
            .streams
            .of(&options.process, options.console_size)
            .map_err(ExecError::Streams)?;
        Ok(container::exec(ExecRequest {
            linux,
            state: Some(State::new(
                self.id(),
                self.bundle(),
                &spec,
                Status::Running,
                self.record.pid,
            )),
            seccomp: linux.and_then(|linux| linux.seccomp().as_ref()),
            no_new_keyring: self.record.no_new_keyring,
            preserved: options.preserve_fds,
            ..ExecRequest::new(self.record.pid, &cgroup, &options.process, stdio)
        })?)
    }
}
