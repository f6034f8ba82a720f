//! Points in time: `--since`, `--until`, the `until` filter, creation dates.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Nanoseconds since 1970 of a duration back from `now`, a date or a Unix time.
/// `None` where the text is neither.
pub fn point(text: &str, now: i128) -> Option<i128> {
    if let Some(nanoseconds) = duration(text) {
        return now.checked_sub(nanoseconds);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_nanosecond());
    }
    if let Some(nanoseconds) = unix(text) {
        return Some(nanoseconds);
    }
    let civil = text.trim_end_matches('Z');
    // A bare hour is fine for Go, not for jiff.
    let padded = if civil.len() == 13 {
        format!("{civil}:00")
    } else {
        civil.to_owned()
    };
    let date: DateTime = padded.parse().ok()?;
    Some(
        date.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_nanosecond(),
    )
}

/// The point in time of a flag, kept within what 64 bits hold; `None` where it was not given.
///
/// # Errors
/// Docker's text for one that is neither time nor duration.
pub fn flag(name: &str, text: Option<&str>, now: i128) -> Result<Option<i64>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let point = point(text, now).ok_or_else(|| {
        format!(
            "invalid value for \"{name}\": failed to parse value as time or duration: \"{text}\""
        )
    })?;
    Ok(Some(i64::try_from(point).unwrap_or(if point < 0 {
        i64::MIN
    } else {
        i64::MAX
    })))
}

/// `1136073600` or `1136073600.000000001`.
fn unix(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
}

/// time.ParseDuration in nanoseconds: `1h30m`, `1.5s`, `-2m`, `0`.
pub fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let value: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        total = total.checked_add((value * unit) as i128)?;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(sign * total)
}

/// Go's time.String in UTC of an RFC 3339 time: `2026-11-21 21:30:03.68 +0000 UTC`.
pub fn go_string(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(timestamp) => shown(timestamp),
        Err(_) => rfc3339.to_owned(),
    }
}

/// The same of seconds since 1970.
pub fn go_string_of(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map(shown)
        .unwrap_or_default()
}

/// RFC 3339 of seconds since 1970: `2026-11-21T21:30:03Z`.
pub fn rfc3339_of(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map(|timestamp| timestamp.to_string())
        .unwrap_or_default()
}

/// Seconds since 1970 of an RFC 3339 time.
pub fn seconds(rfc3339: &str) -> Option<i64> {
    rfc3339.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

fn shown(timestamp: Timestamp) -> String {
    let text = timestamp.to_string();
    format!("{} +0000 UTC", text.trim_end_matches('Z').replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::{duration, flag, go_string, go_string_of, point};

    const SECOND: i128 = 1_000_000_000;

    #[test]
    fn points_are_durations_dates_or_unix_times() {
        let now = 1_000_000 * SECOND;
        for (text, expected) in [
            ("2s", Some(now - 2 * SECOND)),
            ("1h30m", Some(now - 5400 * SECOND)),
            ("1136073600", Some(1_136_073_600 * SECOND)),
            ("1136073600.5", Some(1_136_073_600 * SECOND + SECOND / 2)),
            ("2006-01-02T15:04:05Z", Some(1_136_214_245 * SECOND)),
            (
                "2006-01-02T15:04:05.000000001+01:00",
                Some(1_136_210_645 * SECOND + 1),
            ),
            ("2006-01-02T15:04:05", Some(1_136_214_245 * SECOND)),
            ("2006-01-02T15:04", Some(1_136_214_240 * SECOND)),
            ("2006-01-02T15", Some(1_136_214_000 * SECOND)),
            ("2006-01-02", Some(1_136_160_000 * SECOND)),
            ("bogus", None),
            ("", None),
        ] {
            assert_eq!(point(text, now), expected, "{text}");
        }
        assert_eq!(duration("1.5h"), Some(5400 * SECOND));
        assert_eq!(duration("5"), None);
    }

    #[test]
    fn a_bad_time_names_its_flag() {
        assert_eq!(
            flag("since", Some("bogus"), 0).unwrap_err(),
            "invalid value for \"since\": failed to parse value as time or duration: \"bogus\""
        );
        assert_eq!(
            flag("until", Some("2s"), 5 * SECOND),
            Ok(Some(3_000_000_000))
        );
        assert_eq!(flag("until", Some(""), 0), Ok(None));
    }

    #[test]
    fn dates_print_as_gos() {
        assert_eq!(
            go_string("2026-11-21T21:30:03.68806532Z"),
            "2026-11-21 21:30:03.68806532 +0000 UTC"
        );
        assert_eq!(go_string_of(1_136_214_245), "2006-01-02 15:04:05 +0000 UTC");
    }
}
