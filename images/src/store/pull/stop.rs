//! One layer failed: the others need not go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Is set once, and wakes those who wait.
#[derive(Default)]
pub(super) struct Stop {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(super) fn set(&self) {
        *self.locked() = true;
        self.changed.notify_all();
    }

    pub(super) fn is_set(&self) -> bool {
        *self.locked()
    }

    /// Waits for so long, or until it is set.
    pub(super) fn wait(&self, time: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.locked(), time, |set| !*set);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn locked(&self) -> MutexGuard<'_, bool> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
