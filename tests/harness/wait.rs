//! Waiting for what happens by itself, with a bound.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long to wait for what takes at most `seconds` natively: RBOX_TEST_PATIENCE times as long,
/// where that is set because the machine is emulated.
pub fn patience(seconds: u64) -> Duration {
    static FACTOR: OnceLock<u64> = OnceLock::new();
    let factor = FACTOR.get_or_init(|| {
        std::env::var("RBOX_TEST_PATIENCE").map_or(1, |factor| factor.parse().unwrap())
    });
    Duration::from_secs(seconds * factor)
}

/// Polls until `condition` holds; false when it does not within `seconds` (see [`patience`]).
pub fn wait_until(seconds: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience(seconds);
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls until `probe` finds something; panics after ten seconds.
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_until(10, || {
        found = probe();
        found.is_some()
    });
    found.unwrap_or_else(|| panic!("waited in vain for {what}"))
}
