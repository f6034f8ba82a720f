//! Health checks: what is asked for, and what follows from what probes find.
//!
//! ```text
//!            first success              so many failures in a row
//!  starting ───────────────▶ healthy ◀──────────────────────────▶ unhealthy
//!     │                                  a success                    ▲
//!     └── so many failures in a row, those of the start period not counted
//! ```
//!
//! The rules and defaults are Docker's (its API, `HealthConfig`). The monitor runs the probes.

mod image;
mod wait;

pub use image::of_image;
pub use wait::HealthEnd;

use std::time::Duration;

use serde_json::{Value, json};

use super::build::image::Health as ImageHealth;
use super::failure::Failure;
use super::record::{Config, Health, HealthStatus, Probe};
use super::request::Healthcheck;

/// The shortest time that may be asked for, nanoseconds.
const SHORTEST: i64 = 1_000_000;

/// Probes that are remembered.
const LOGGED: usize = 5;

impl Healthcheck {
    /// Refuses what Docker refuses.
    pub fn check(&self) -> Result<(), Failure> {
        for (name, time) in [
            ("Interval", self.interval),
            ("Timeout", self.timeout),
            ("StartPeriod", self.start_period),
            ("StartInterval", self.start_interval),
        ] {
            if time != 0 && time < SHORTEST {
                return Err(Failure::new(format!(
                    "{name} in Healthcheck cannot be less than 1ms"
                )));
            }
        }
        if self.retries < 0 {
            return Err(Failure::new("Retries in Healthcheck cannot be negative"));
        }
        match self.test.first().map(String::as_str) {
            None | Some("NONE" | "CMD" | "CMD-SHELL") => Ok(()),
            Some(other) => Err(Failure::new(format!(
                "invalid health check: {other:?} is none of NONE, CMD and CMD-SHELL"
            ))),
        }
    }

    /// With the image's where this one says nothing.
    pub fn over(mut self, image: &Healthcheck) -> Healthcheck {
        if self.test.is_empty() {
            self.test.clone_from(&image.test);
        }
        for (own, theirs) in [
            (&mut self.interval, image.interval),
            (&mut self.timeout, image.timeout),
            (&mut self.start_period, image.start_period),
            (&mut self.start_interval, image.start_interval),
            (&mut self.retries, image.retries),
        ] {
            if *own == 0 {
                *own = theirs;
            }
        }
        self
    }

    /// As `inspect` shows it.
    pub fn value(&self) -> Value {
        let mut value = json!({});
        if !self.test.is_empty() {
            value["Test"] = json!(self.test);
        }
        for (name, number) in [
            ("Interval", self.interval),
            ("Timeout", self.timeout),
            ("StartPeriod", self.start_period),
            ("StartInterval", self.start_interval),
            ("Retries", self.retries),
        ] {
            if number != 0 {
                value[name] = number.into();
            }
        }
        value
    }
}

impl From<ImageHealth> for Healthcheck {
    fn from(health: ImageHealth) -> Healthcheck {
        Healthcheck {
            test: health.test,
            interval: health.interval,
            timeout: health.timeout,
            start_period: health.start_period,
            start_interval: health.start_interval,
            retries: health.retries,
        }
    }
}

/// A health check with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Path and arguments.
    pub command: Vec<String>,
    /// Of one probe.
    pub timeout: Duration,
    interval: Duration,
    start_period: Duration,
    start_interval: Duration,
    retries: u32,
}

impl Check {
    /// What to do for a container; `None` where it has no health check.
    pub fn of(config: &Config) -> Option<Check> {
        Check::new(config.healthcheck.as_ref()?, &config.shell)
    }

    fn new(asked: &Healthcheck, shell: &[String]) -> Option<Check> {
        let (kind, words) = asked.test.split_first()?;
        let command = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => {
                let own = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
                let mut command = if shell.is_empty() {
                    own()
                } else {
                    shell.to_vec()
                };
                command.extend(words.iter().cloned());
                command
            }
            _ => return None,
        };
        let time = |nanos: i64, seconds: u64| match u64::try_from(nanos) {
            Ok(nanos) if nanos > 0 => Duration::from_nanos(nanos),
            _ => Duration::from_secs(seconds),
        };
        Some(Check {
            command,
            timeout: time(asked.timeout, 30),
            interval: time(asked.interval, 30),
            start_period: time(asked.start_period, 0),
            start_interval: time(asked.start_interval, 5),
            retries: match u32::try_from(asked.retries) {
                Ok(retries) if retries > 0 => retries,
                _ => 3,
            },
        })
    }

    /// How long to wait for the next probe of a container that runs for `up`.
    pub fn pause(&self, status: HealthStatus, up: Duration) -> Duration {
        if status == HealthStatus::Starting && up < self.start_period {
            self.start_interval
        } else {
            self.interval
        }
    }

    /// Takes in what a probe found that began when the container ran for `up`. Whether the status
    /// is another now.
    pub fn take(&self, health: &mut Health, probe: Probe, up: Duration) -> bool {
        let before = health.status;
        if probe.exit_code == 0 {
            health.failing_streak = 0;
            health.status = HealthStatus::Healthy;
        } else if before != HealthStatus::Starting || up >= self.start_period {
            health.failing_streak = health.failing_streak.saturating_add(1);
            if health.failing_streak >= self.retries {
                health.status = HealthStatus::Unhealthy;
            }
        }
        if health.log.len() >= LOGGED {
            health.log.drain(..=health.log.len() - LOGGED);
        }
        health.log.push(probe);
        health.status != before
    }
}

impl Health {
    /// Of a container that starts.
    pub fn starting() -> Health {
        Health {
            status: HealthStatus::Starting,
            failing_streak: 0,
            log: Vec::new(),
        }
    }

    /// Of one that has ended: as Docker, nobody is healthy then.
    pub fn ended(self) -> Health {
        Health {
            status: HealthStatus::Unhealthy,
            ..self
        }
    }

    /// As `inspect` shows it.
    pub fn value(&self) -> Value {
        let log: Vec<Value> = self
            .log
            .iter()
            .map(|probe| {
                json!({
                    "Start": probe.start,
                    "End": probe.end,
                    "ExitCode": probe.exit_code,
                    "Output": probe.output,
                })
            })
            .collect();
        json!({
            "Status": self.status.name(),
            "FailingStreak": self.failing_streak,
            "Log": log,
        })
    }
}

impl HealthStatus {
    /// Docker's word for it.
    pub fn name(self) -> &'static str {
        match self {
            HealthStatus::Starting => "starting",
            HealthStatus::Healthy => "healthy",
            HealthStatus::Unhealthy => "unhealthy",
        }
    }
}

#[cfg(test)]
mod tests;
