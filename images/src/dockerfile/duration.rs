//! Go's durations: `1h30m`, `1.5s`, `300ms`.

/// Why a text is none; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number with a unit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// `5`.
    #[error("time: missing unit in duration {0:?}")]
    NoUnit(String),
    /// `5x`.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    Unit {
        /// What is none.
        unit: String,
        /// The whole.
        text: String,
    },
}

const SECOND: f64 = 1e9;

/// Nanoseconds.
///
/// # Errors
/// Go's, of time.ParseDuration.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let number = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .len();
        let (number, after) = rest.split_at(number);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        total += number
            * match unit {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => SECOND,
                "m" => 60.0 * SECOND,
                "h" => 3600.0 * SECOND,
                "" => return Err(DurationError::NoUnit(text.to_owned())),
                unit => {
                    return Err(DurationError::Unit {
                        unit: unit.to_owned(),
                        text: text.to_owned(),
                    });
                }
            };
        rest = after;
    }
    // The first number that is no i64 any more, exactly a power of two.
    if total >= 9_223_372_036_854_775_808.0 {
        return Err(invalid());
    }
    // Bounded above; Go cuts fractions of a nanosecond too.
    let nanoseconds = total as i64;
    Ok(if negative { -nanoseconds } else { nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_and_sums_of_them() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("1.5s", 1_500_000_000),
            ("300ms", 300_000_000),
            ("7us", 7_000),
            ("7µs", 7_000),
            ("9ns", 9),
            ("1m", 60_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("-1s", -1_000_000_000),
            ("+1s", 1_000_000_000),
            (".5s", 500_000_000),
        ] {
            assert_eq!(parse(text), Ok(nanoseconds), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_named() {
        for (text, error) in [
            ("", "time: invalid duration \"\""),
            ("abc", "time: invalid duration \"abc\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("1.2.3s", "time: invalid duration \"1.2.3s\""),
            (".s", "time: invalid duration \".s\""),
            ("-", "time: invalid duration \"-\""),
            ("99999999999h", "time: invalid duration \"99999999999h\""),
            ("s", "time: invalid duration \"s\""),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error);
        }
    }
}
