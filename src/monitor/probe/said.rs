//! What a probe says: the beginning of its output, and Docker's words for one that takes too long.

use std::time::Duration;

/// Bytes of output that are kept.
const KEPT: usize = 4096;

/// The result of a probe that was given so long.
pub fn too_long(longest: Duration, said: &Said) -> String {
    let mut text = format!("Health check exceeded timeout ({})", go_duration(longest));
    let said = said.clone().text();
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(&said);
    }
    text
}

/// As Go prints durations: `1m30s`, `1.5s`, `500ms`.
fn go_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return decimal(duration.as_nanos(), 6, "ms");
    }
    let minutes = duration.as_secs() / 60;
    let rest = decimal(duration.as_nanos() % 60_000_000_000, 9, "s");
    match (minutes / 60, minutes % 60) {
        (0, 0) => rest,
        (0, minutes) => format!("{minutes}m{rest}"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}"),
    }
}

/// Nanoseconds in a unit that is so many decimal places larger.
fn decimal(nanos: u128, places: usize, unit: &str) -> String {
    let digits = format!("{nanos:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{unit}"),
        fraction => format!("{whole}.{fraction}{unit}"),
    }
}

/// The beginning of what a probe says.
#[derive(Clone, Default)]
pub struct Said {
    bytes: Vec<u8>,
    cut: bool,
}

impl Said {
    /// Keeps what there is room for.
    pub fn take(&mut self, bytes: &[u8]) {
        let room = KEPT - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes.extend(bytes.iter().take(room));
    }

    /// What was kept, and whether there was more.
    pub fn text(self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.cut {
            text.push_str("...");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Said, go_duration, too_long};
    use std::time::Duration;

    #[test]
    fn durations_are_written_as_go_does() {
        for (millis, text) in [
            (1, "1ms"),
            (500, "500ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (90_000, "1m30s"),
            (3_600_000, "1h0m0s"),
            (3_661_001, "1h1m1.001s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(go_duration(Duration::from_nanos(1_000_001)), "1.000001ms");
    }

    #[test]
    fn output_is_cut_and_says_so() {
        let mut said = Said::default();
        said.take(&[b'a'; KEPT]);
        assert_eq!(said.clone().text().len(), KEPT);
        said.take(b"b");
        assert!(said.clone().text().ends_with("a..."));
        assert_eq!(said.bytes.len(), KEPT);
    }

    #[test]
    fn who_takes_too_long_is_told_with_what_was_said() {
        let longest = Duration::from_secs(1);
        let mut said = Said::default();
        assert_eq!(
            too_long(longest, &said),
            "Health check exceeded timeout (1s)"
        );
        said.take(b"tick\n");
        assert_eq!(
            too_long(longest, &said),
            "Health check exceeded timeout (1s): tick\n"
        );
    }
}
