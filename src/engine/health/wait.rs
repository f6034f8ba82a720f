//! Waiting for a container to be healthy.

use crate::engine::connection::{self, Answer};
use crate::engine::failure::Failure;
use crate::engine::protocol::Request;
use crate::engine::record::HealthStatus;
use crate::engine::{Engine, containers};

/// How waiting for health came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthEnd {
    /// It is healthy.
    Healthy,
    /// Too many probes failed.
    Unhealthy,
    /// It does not run (any more); its exit code.
    Ended(i32),
    /// It runs and has no health check: nothing would ever come of waiting.
    Unchecked,
}

impl Engine {
    /// Waits until a container is healthy or unhealthy or has ended. One that starts at this
    /// moment is waited for.
    pub fn await_health(&self, name: &str) -> Result<HealthEnd, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let id = &container.record.id;
        let answer = connection::ask(&self.dirs, id, Request::AwaitHealth)?;
        Ok(match answer {
            Some(Answer::Health(Some(HealthStatus::Healthy))) => HealthEnd::Healthy,
            Some(Answer::Health(Some(_))) => HealthEnd::Unhealthy,
            Some(Answer::Health(None)) => HealthEnd::Unchecked,
            Some(Answer::Exited(code)) => HealthEnd::Ended(code),
            // No monitor, or it is about to go.
            _ => {
                let last = containers::read_last(&self.dirs.container(id))?;
                HealthEnd::Ended(last.exit_code)
            }
        })
    }
}
