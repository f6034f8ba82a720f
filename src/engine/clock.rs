//! Time stamps as Docker writes them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Docker's "never".
pub const ZERO: &str = "0001-01-01T00:00:00Z";

/// Now, RFC 3339 in UTC with nanoseconds and no trailing zeros (Go's RFC3339Nano).
pub fn now() -> String {
    format_nanos(unix_nanos())
}

/// Nanoseconds since the epoch.
pub fn unix_nanos() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|elapsed| i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
        .unwrap_or(0)
}

/// RFC3339Nano in UTC.
pub fn format_nanos(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000);
    let fraction = nanos.rem_euclid(1_000_000_000);
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    let mut text = format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    );
    if fraction != 0 {
        let digits = format!("{fraction:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Nanoseconds since the epoch of an RFC 3339 time; `None` for anything else and for [`ZERO`].
pub fn parse_nanos(text: &str) -> Option<i64> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(timestamp.as_nanosecond()).ok()
}

/// Gregorian date of a day count since 1970-01-01 (Howard Hinnant's days algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_docker_writes_them() {
        assert_eq!(format_nanos(0), "1970-01-01T00:00:00Z");
        assert_eq!(
            format_nanos(1_793_311_984_401_970_159),
            "2026-10-29T22:13:04.401970159Z"
        );
        assert_eq!(
            format_nanos(951_782_400_500_000_000),
            "2000-02-29T00:00:00.5Z"
        );
    }

    #[test]
    fn a_formatted_time_parses_back() {
        for nanos in [0, 1, 951_782_399_999_999_999, 1_793_311_984_401_970_150] {
            assert_eq!(parse_nanos(&format_nanos(nanos)), Some(nanos));
        }
        assert_eq!(parse_nanos("yesterday"), None);
    }
}
