//! The `delete` operation.

use std::io;

use super::container::Container;
use super::errors::{DeleteError, LoadError};
use super::{State, Status, identity};
use crate::container::hooks;

/// How long a killed process may take to end, in seconds.
const PATIENCE: i64 = 10;

impl Container {
    /// Removes a stopped container, or with `force` any, its processes, its
    /// cgroup and its state; then runs the hooks that follow, whose failure is
    /// only a warning.
    ///
    /// # Errors
    /// [`DeleteError`]; what could not be removed can be tried again.
    pub fn delete(&self, force: bool) -> Result<(), DeleteError> {
        let failed = |source| DeleteError::State {
            path: self.path.clone(),
            source,
        };
        let _lock = self.directory.lock().map_err(failed)?;
        if self.directory.is_gone() {
            return Err(LoadError::NotFound.into());
        }
        // It may have been made, or started, while this waited.
        let now = self.reload()?;
        let status = now.settled_status();
        if !force && status != Status::Stopped {
            let id = self.id().to_owned();
            return Err(DeleteError::NotStopped { id, status });
        }
        now.end()?;
        if let Some(pidfd) = &now.pidfd
            && !identity::wait(pidfd, Some(PATIENCE)).map_err(failed)?
        {
            return Err(DeleteError::Survivor(now.record.pid));
        }
        if let Some(cgroup) = now.cgroup() {
            cgroup.delete()?;
        }
        // Read while it is there.
        let spec = self.spec().ok();
        self.directory.clear().map_err(failed)?;
        match std::fs::remove_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        if let Some(spec) = spec
            && let Some(list) = hooks::poststop(self.bundle(), &spec)
        {
            let state = State::new(self.id(), self.bundle(), &spec, Status::Stopped, 0);
            let errors = list.run_all(&state.json());
            let texts = errors.iter().map(ToString::to_string);
            self.warnings.borrow_mut().extend(texts);
        }
        Ok(())
    }
}
