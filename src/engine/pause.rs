//! `pause` and `unpause`: all processes of a container stand still until they may go on.

use super::failure::Failure;
use super::protocol::Request;
use super::{Engine, connection, containers};

impl Engine {
    /// Stops all processes of a running container.
    pub fn pause(&self, name: &str) -> Result<(), Failure> {
        self.tell_running(name, Request::Pause)
    }

    /// Lets the processes of a paused container run again.
    pub fn unpause(&self, name: &str) -> Result<(), Failure> {
        self.tell_running(name, Request::Unpause)
    }

    /// Whether a container is paused at this moment.
    pub(super) fn is_paused(&self, id: &str) -> bool {
        containers::run_state(&self.dirs, id).is_some_and(|run| run.paused)
    }

    fn tell_running(&self, name: &str, request: Request) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        container.running()?;
        let id = &container.record.id;
        match connection::ask(&self.dirs, id, request)? {
            Some(_) => Ok(()),
            // It ended just now.
            None => Err(Failure::new(format!("container {id} is not running"))),
        }
    }
}
