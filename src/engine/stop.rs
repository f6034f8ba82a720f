//! `stop`, `kill`, `restart`, `wait`: what happens through the monitor.

use super::claim::is_running;
use super::connection::Answer;
use super::failure::Failure;
use super::protocol::Request;
use super::record::Container;
use super::recover::KILLED;
use super::{Engine, connection, containers, event, signals};

/// Seconds between the stop signal and SIGKILL, Docker's default.
pub const STOP_TIMEOUT: i64 = 10;

impl Engine {
    /// Ends a container: its stop signal, then SIGKILL after `timeout` seconds
    /// (negative waits for ever). One that does not run is left as it is.
    pub fn stop(
        &self,
        name: &str,
        timeout: Option<i64>,
        signal: Option<&str>,
    ) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        if is_running(&self.dirs, &container.record.id)? {
            self.end(&container, timeout, signal)?;
            event::of_container(&self.dirs, "stop", &container.record, &[]);
        }
        Ok(())
    }

    /// Stops, then starts.
    pub fn restart(
        &self,
        name: &str,
        timeout: Option<i64>,
        signal: Option<&str>,
    ) -> Result<(), Failure> {
        self.stop(name, timeout, signal)?;
        self.start(name, None)?;
        let container = containers::find(&self.dirs, name)?;
        event::of_container(&self.dirs, "restart", &container.record, &[]);
        Ok(())
    }

    /// Sends a signal by name or number.
    pub fn kill(&self, name: &str, signal: &str) -> Result<(), Failure> {
        let failed = |text: String| Failure::new(format!("cannot kill container: {name}: {text}"));
        let container =
            containers::find(&self.dirs, name).map_err(|failure| failed(failure.message))?;
        let id = &container.record.id;
        let number =
            signals::parse(signal).ok_or_else(|| failed(format!("invalid signal: {signal}")))?;
        let stopped = || failed(format!("container {id} is not running"));
        if !is_running(&self.dirs, id)? {
            return Err(stopped());
        }
        let answer = connection::ask(&self.dirs, id, Request::Kill { signal: number })?;
        answer.map(|_| ()).ok_or_else(stopped)
    }

    /// Waits for the end; the exit code, of the last run where it does not run.
    pub fn wait(&self, name: &str) -> Result<i32, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let id = &container.record.id;
        let ran = container.run.is_some();
        if ran && let Some(Answer::Exited(code)) = connection::ask(&self.dirs, id, Request::Wait)? {
            return Ok(code);
        }
        is_running(&self.dirs, id)?;
        // Ended meanwhile; one that was started with --rm is gone with its record.
        let gone = if ran {
            KILLED
        } else {
            container.last.exit_code
        };
        Ok(containers::load(&self.dirs, id)?.map_or(gone, |now| now.last.exit_code))
    }

    /// Ends a container that runs.
    fn end(
        &self,
        container: &Container,
        timeout: Option<i64>,
        signal: Option<&str>,
    ) -> Result<(), Failure> {
        let record = &container.record;
        let name = signal
            .or(record.config.stop_signal.as_deref())
            .unwrap_or("TERM");
        let signal =
            signals::parse(name).ok_or_else(|| Failure::new(format!("invalid signal: {name}")))?;
        let timeout = timeout
            .or(record.config.stop_timeout)
            .unwrap_or(STOP_TIMEOUT);
        let request = Request::Stop { signal, timeout };
        connection::ask(&self.dirs, &record.id, request)?;
        // Its address and interface are free when this returns, also if its monitor died.
        is_running(&self.dirs, &record.id).map(|_| ())
    }
}
