//! The `start` operation.

use std::os::fd::AsFd;

use oci_spec::runtime::Spec;

use super::container::Container;
use super::errors::{LoadError, StartError};
use super::{State, Status};
use crate::container::created::{Asked, executed};
use crate::container::{self, hooks};
use crate::process::handshake;
use crate::security::seccomp::Listener;

impl Container {
    /// Lets the process of a created container execute its program, and runs the
    /// hooks that follow; a failure of those is only a warning.
    ///
    /// # Errors
    /// [`StartError`]; when the process says why, it has ended.
    pub fn start(&self) -> Result<(), StartError> {
        let _lock = self.directory.lock().map_err(StartError::Call)?;
        if self.directory.is_gone() {
            return Err(LoadError::NotFound.into());
        }
        match self.status() {
            Status::Created => {}
            Status::Running => return Err(StartError::Running),
            Status::Stopped => return Err(StartError::Stopped),
            status => return Err(StartError::Status(status)),
        }
        let connection = self.directory.connect().map_err(StartError::Call)?;
        let connection = connection.ok_or(StartError::Running)?;
        let spec = self.spec()?;
        let asked = self.asked(&spec)?;
        let hands_over = asked.is_some();
        handshake::send_go(connection.as_fd()).map_err(StartError::Call)?;
        if let Err(error) = executed(connection.as_fd(), asked) {
            if hands_over {
                // It may run, and nobody decides what it asks.
                let _ = self.end();
            }
            return Err(error.into());
        }
        // A look at the kernel shows as much; this spares it.
        let _ = self.directory.remove_socket();
        if let Some(list) = hooks::poststart(self.bundle(), &spec) {
            let pid = self.pid();
            let state = State::new(self.id(), self.bundle(), &spec, Status::Running, pid);
            let errors = list.run_all(&state.json());
            let texts = errors.iter().map(ToString::to_string);
            self.warnings.borrow_mut().extend(texts);
        }
        Ok(())
    }

    /// Connects to whom the container's filter asks, if it asks anybody.
    fn asked(&self, spec: &Spec) -> Result<Option<Asked>, StartError> {
        let profile = spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.seccomp().as_ref());
        let listener = profile.map_or(Ok(None), Listener::of);
        let Some(listener) = listener.map_err(wrap)? else {
            return Ok(None);
        };
        let agent = listener.connect().map_err(wrap)?;
        let pid = self.pid();
        let state = State::new(self.id(), self.bundle(), spec, Status::Created, pid).value();
        Ok(Some(Asked { agent, pid, state }))
    }
}

fn wrap(error: impl Into<container::CreateError>) -> StartError {
    container::StartError::from(error.into()).into()
}
