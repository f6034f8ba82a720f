//! The `start` operation.

use std::os::fd::AsFd;

use super::container::Container;
use super::errors::{LoadError, StartError};
use super::{State, Status};
use crate::container::created::executed;
use crate::container::hooks;
use crate::process::handshake;

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
        handshake::send_go(connection.as_fd()).map_err(StartError::Call)?;
        executed(connection.as_fd())?;
        // A look at the kernel shows as much; this spares it.
        let _ = self.directory.remove_socket();
        let spec = self.spec()?;
        if let Some(list) = hooks::poststart(self.bundle(), &spec) {
            let pid = self.pid();
            let state = State::new(self.id(), self.bundle(), &spec, Status::Running, pid);
            let errors = list.run_all(&state.json());
            let texts = errors.iter().map(ToString::to_string);
            self.warnings.borrow_mut().extend(texts);
        }
        Ok(())
    }
}
