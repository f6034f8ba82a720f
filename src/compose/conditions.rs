//! What a service waits for before it starts, and `up --wait`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::containers::ProjectContainer;
use super::model::{Condition, Dependency, Service};
use super::progress::{State, Thing};
use super::walk::each;
use super::{Composer, containers, dependencies};
use crate::engine::health::HealthEnd;
use crate::engine::{Engine, Failure};

impl Composer<'_> {
    /// Waits for what the service depends on, of the services that take part.
    pub(super) fn await_dependencies(
        &self,
        service: &Service,
        taking_part: &[String],
    ) -> Result<(), Failure> {
        let awaited: Vec<(&str, Dependency)> = dependencies::of(service)
            .into_iter()
            .filter(|(name, dependency)| {
                dependency.condition != Condition::Started
                    && taking_part.iter().any(|known| known == name)
            })
            .collect();
        if awaited.is_empty() {
            return Ok(());
        }
        let all = containers(self.engine, &self.project.name)?;
        for (name, dependency) in awaited {
            let own: Vec<&ProjectContainer> = all
                .iter()
                .filter(|container| container.service == name && !container.oneoff)
                .collect();
            let met = each(&own, &|container| {
                self.await_condition(container, dependency.condition)
            });
            match met {
                Err(failure) if !dependency.required => self.progress.warn(&Failure::new(format!(
                    "optional dependency {name:?} failed to start: {failure}"
                ))),
                other => other?,
            }
        }
        Ok(())
    }

    fn await_condition(
        &self,
        container: &ProjectContainer,
        condition: Condition,
    ) -> Result<(), Failure> {
        let thing = Thing::Container(container.name().to_owned());
        let after = match condition {
            Condition::Started => return Ok(()),
            Condition::Healthy => State::Healthy,
            Condition::Completed => State::Exited,
        };
        self.told(&thing, State::Waiting, after, || match condition {
            Condition::Completed => completed(self.engine, container),
            _ => healthy(self.engine, container.id(), container.name())
                .map_err(|failure| Failure::new(format!("dependency failed to start: {failure}"))),
        })
    }

    /// Waits until all containers of services run, and are healthy where they have a check.
    pub(super) fn await_all(
        &self,
        services: &[String],
        timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        let all = containers(self.engine, &self.project.name)?;
        let chosen = all
            .iter()
            .filter(|known| !known.oneoff && services.contains(&known.service));
        // Each wait is a thread of its own that nobody joins when the time is over.
        let (sender, receiver) = mpsc::channel();
        let mut waiting = 0;
        for container in chosen {
            let thing = Thing::Container(container.name().to_owned());
            self.progress.tell(&thing, State::Waiting);
            let engine = Engine::open(self.engine.dirs.clone())?;
            let (id, name) = (container.id().to_owned(), container.name().to_owned());
            let sender = sender.clone();
            std::thread::spawn(move || {
                let result = settled(&engine, &id, &name);
                // Nobody listens any more once the time is over.
                let _ = sender.send((thing, result));
            });
            waiting += 1;
        }
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        for _ in 0..waiting {
            let received = match deadline {
                None => receiver.recv().ok(),
                Some(end) => receiver
                    .recv_timeout(end.saturating_duration_since(Instant::now()))
                    .ok(),
            };
            let Some((thing, result)) = received else {
                let seconds = timeout.unwrap_or_default().as_secs();
                let failure = format!("application not healthy after {seconds}s");
                return Err(Failure::new(failure));
            };
            match result {
                Ok(()) => self.progress.tell(&thing, State::Healthy),
                Err(failure) => {
                    let state = State::Failed(failure.message.clone());
                    self.progress.tell(&thing, state);
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}

/// Waits for health; a container without a check is a failure.
fn healthy(engine: &Engine, id: &str, name: &str) -> Result<(), Failure> {
    match engine.await_health(id)? {
        HealthEnd::Healthy => Ok(()),
        HealthEnd::Unhealthy => Err(Failure::new(format!("container {name} is unhealthy"))),
        HealthEnd::Ended(code) => Err(Failure::new(format!("container {name} exited ({code})"))),
        HealthEnd::Unchecked => Err(Failure::new(format!(
            "container {name} has no healthcheck configured"
        ))),
    }
}

/// The same, but where there is no check running is enough.
fn settled(engine: &Engine, id: &str, name: &str) -> Result<(), Failure> {
    match engine.await_health(id)? {
        HealthEnd::Unchecked => Ok(()),
        _ => healthy(engine, id, name),
    }
}

/// Waits for the end, which has to be a success.
fn completed(engine: &Engine, container: &ProjectContainer) -> Result<(), Failure> {
    match engine.wait(container.id())? {
        0 => Ok(()),
        code => Err(Failure::new(format!(
            "service {:?} didn't complete successfully: exit {code}",
            container.service
        ))),
    }
}
