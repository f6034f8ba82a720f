//! Steps that two stages have in common are done once: the second to come waits for the first.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

use rbox_images::Digest;

/// What a step made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its layer; none where it changed nothing.
    pub diff_id: Option<String>,
    /// Seconds since 1970.
    pub created: i64,
}

/// Steps of this build by their cache keys.
#[derive(Debug, Default)]
pub struct Flights {
    /// `None` while a step is being done.
    steps: Mutex<BTreeMap<Digest, Option<Made>>>,
    landed: Condvar,
}

/// The right to do a step; dropped without a result it lets the next one try.
#[derive(Debug)]
pub struct Flight<'a> {
    flights: &'a Flights,
    key: Option<Digest>,
}

impl Flights {
    /// What another stage made of this step, or the right to do it.
    pub fn take(&self, key: &Digest) -> Result<Flight<'_>, Made> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match steps.get(key) {
                Some(Some(made)) => return Err(made.clone()),
                Some(None) => {
                    let woken = self.landed.wait(steps);
                    steps = woken.unwrap_or_else(PoisonError::into_inner);
                }
                None => break,
            }
        }
        steps.insert(key.clone(), None);
        Ok(Flight {
            flights: self,
            key: Some(key.clone()),
        })
    }
}

impl Flight<'_> {
    /// The step is done.
    pub fn land(mut self, made: &Made) {
        self.set(Some(made.clone()));
    }

    fn set(&mut self, made: Option<Made>) {
        let Some(key) = self.key.take() else { return };
        let steps = self.flights.steps.lock();
        let mut steps = steps.unwrap_or_else(PoisonError::into_inner);
        match made {
            Some(made) => steps.insert(key, Some(made)),
            None => steps.remove(&key),
        };
        self.flights.landed.notify_all();
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_once_and_again_only_after_it_failed() {
        let flights = Flights::default();
        let key = Digest::of(b"step");
        drop(flights.take(&key).unwrap());
        let made = Made {
            diff_id: None,
            created: 1,
        };
        std::thread::scope(|scope| {
            let flight = flights.take(&key).unwrap();
            let other = scope.spawn(|| flights.take(&key).unwrap_err());
            flight.land(&made);
            assert_eq!(other.join().unwrap(), made);
        });
        assert!(flights.take(&Digest::of(b"other")).is_ok());
    }
}
