//! `stop`, `kill`, `restart`, `wait`: what happens through the monitor.

use super::claim::Claim;
use super::failure::{Context, Failure};
use super::protocol::Request;
use super::record::Container;
use super::{Engine, connection, containers, signals};

/// Seconds between the stop signal and SIGKILL, Docker's default.
const STOP_TIMEOUT: i64 = 10;

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
        self.end(&container, timeout, signal)
    }

    /// Stops, then starts.
    pub fn restart(
        &self,
        name: &str,
        timeout: Option<i64>,
        signal: Option<&str>,
    ) -> Result<(), Failure> {
        self.stop(name, timeout, signal)?;
        self.start(name, None).map(|_| ())
    }

    /// Sends a signal by name or number.
    pub fn kill(&self, name: &str, signal: &str) -> Result<(), Failure> {
        let failed = |text: String| Failure::new(format!("cannot kill container: {name}: {text}"));
        let container =
            containers::find(&self.dirs, name).map_err(|failure| failed(failure.message))?;
        let id = &container.record.id;
        let number = signals::parse(signal)
            .ok_or_else(|| failed(format!("invalid signal: {signal}")))?;
        let stopped = || failed(format!("container {id} is not running"));
        if container.run.is_none() {
            return Err(stopped());
        }
        let stream = connection::request(&self.dirs, id, Request::Kill { signal: number })?
            .ok_or_else(stopped)?;
        connection::answer(stream, id).map(|_| ())
    }

    /// Waits for the end; the exit code, of the last run where it does not run.
    pub fn wait(&self, name: &str) -> Result<i32, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let id = &container.record.id;
        if container.run.is_some()
            && let Some(stream) = connection::request(&self.dirs, id, Request::Wait)?
            && let Ok(Some(code)) = connection::answer(stream, id)
        {
            return Ok(code);
        }
        // Ended meanwhile; one that was started with --rm is gone with its record.
        Ok(containers::load(&self.dirs, id)?.map_or(container.last.exit_code, |now| now.last.exit_code))
    }

    /// Ends a container that may be running.
    pub(super) fn end(
        &self,
        container: &Container,
        timeout: Option<i64>,
        signal: Option<&str>,
    ) -> Result<(), Failure> {
        let record = &container.record;
        if container.run.is_none() {
            return Ok(());
        }
        let name = signal.or(record.config.stop_signal.as_deref()).unwrap_or("TERM");
        let signal = signals::parse(name)
            .ok_or_else(|| Failure::new(format!("invalid signal: {name}")))?;
        let timeout = timeout.or(record.config.stop_timeout).unwrap_or(STOP_TIMEOUT);
        let Some(stream) =
            connection::request(&self.dirs, &record.id, Request::Stop { signal, timeout })?
        else {
            return Ok(());
        };
        match connection::answer(stream, &record.id) {
            Ok(_) => {}
            // Its monitor died: the next look undoes what it left.
            Err(_) if !containers::is_alive(&self.dirs, &record.id) => {
                containers::load(&self.dirs, &record.id)?;
            }
            Err(failure) => return Err(failure),
        }
        // Its address and interface are free when this returns.
        let run_dir = self.dirs.run(&record.id);
        match self.claim(&record.id)? {
            Claim::Ours(lock) => {
                lock.remove_dir(&run_dir).context(|| format!("remove {}", run_dir.display()))
            }
            Claim::Running => Ok(()),
        }
    }
}
