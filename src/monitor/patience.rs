//! Waiting for others who are about to give something back, or to say what they
//! have: for moments, and not for ever, as two may wait for each other.

use std::time::{Duration, Instant};

/// Longer than an end takes.
const LONGEST: Duration = Duration::from_secs(2);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Looks until there is an answer; `None` when there is none in time.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LONGEST;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}
