//! Asking before something is deleted.

use std::io::BufRead;

use super::now;
use crate::cli::call::say;
use crate::cli::parse::time;

/// Shows a warning and waits for `y`; anything else, also the end of input, is no.
pub fn confirm(warning: &str) -> bool {
    agreed(&format!(
        "{warning}\nAre you sure you want to continue? [y/N] "
    ))
}

/// Asks, and waits for `y`; anything else, also the end of input, is no.
pub fn agreed(question: &str) -> bool {
    say(question);
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.trim().eq_ignore_ascii_case("y")
}

/// Seconds since 1970 of an `until` filter; `None` where it is no time.
pub fn before(text: &str) -> Option<i64> {
    const NANOSECONDS: i128 = 1_000_000_000;
    let point = time::point(text, i128::from(now()) * NANOSECONDS)?;
    i64::try_from(point / NANOSECONDS).ok()
}
