//! Numbers and truth values as Go's strconv reads them.

use super::Invalid;
use crate::output::go_text::quote;

/// strconv.ParseBool.
pub fn boolean(text: &str) -> Result<bool, Invalid> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Invalid(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            quote(text)
        ))),
    }
}

/// strconv.ParseInt of a decimal number.
pub fn integer(text: &str) -> Result<i64, Invalid> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "value out of range"
            }
            _ => "invalid syntax",
        };
        Invalid(format!(
            "strconv.ParseInt: parsing {}: {reason}",
            quote(text)
        ))
    })
}

/// A 32-bit one.
pub fn small(text: &str) -> Result<i32, Invalid> {
    i32::try_from(integer(text)?).map_err(|_| {
        Invalid(format!(
            "strconv.ParseInt: parsing {}: value out of range",
            quote(text)
        ))
    })
}

/// Billionths of `--cpus`: a decimal number or a fraction `1/2`.
pub fn cpus(text: &str) -> Result<i64, Invalid> {
    let bad = || Invalid(format!("failed to parse {text} as a rational number"));
    let (numerator, denominator) = match text.split_once('/') {
        None => (decimal(text).ok_or_else(bad)?, 1),
        Some((numerator, denominator)) => {
            let whole: i128 = numerator.parse().map_err(|_| bad())?;
            let denominator: i128 = denominator.parse().map_err(|_| bad())?;
            if denominator <= 0 {
                return Err(bad());
            }
            (
                (whole.checked_mul(NANO).ok_or_else(bad)?, true),
                denominator,
            )
        }
    };
    let (nanos, exact) = numerator;
    if !exact || nanos % denominator != 0 {
        return Err(Invalid::new("value is too precise"));
    }
    i64::try_from(nanos / denominator).map_err(|_| bad())
}

const NANO: i128 = 1_000_000_000;

/// Billionths, and whether nothing was left over.
fn decimal(text: &str) -> Option<(i128, bool)> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || all.len() > 25 || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut value: i128 = all.parse().ok()?;
    let shift = 9 + exponent - i32::try_from(fraction.len()).ok()?;
    let mut exact = true;
    if !(-40..=10).contains(&shift) {
        return None;
    }
    for _ in 0..shift {
        value = value.checked_mul(10)?;
    }
    for _ in shift..0 {
        exact &= value % 10 == 0;
        value /= 10;
    }
    Some((sign * value, exact))
}

#[cfg(test)]
mod tests {
    use super::{boolean, cpus, integer};

    #[test]
    fn cpus_are_rational_numbers() {
        for (text, expected) in [
            ("0.5", Ok(500_000_000)),
            ("2", Ok(2_000_000_000)),
            ("-1", Ok(-1_000_000_000)),
            (".25", Ok(250_000_000)),
            ("1/4", Ok(250_000_000)),
            ("1e-1", Ok(100_000_000)),
            ("bogus", Err("failed to parse bogus as a rational number")),
            ("", Err("failed to parse  as a rational number")),
            ("1/3", Err("value is too precise")),
            ("0.0000000001", Err("value is too precise")),
        ] {
            assert_eq!(
                cpus(text).map_err(|error| error.0),
                expected.map_err(str::to_owned)
            );
        }
    }

    #[test]
    fn refusals_are_gos() {
        assert_eq!(
            boolean("maybe").unwrap_err().0,
            "strconv.ParseBool: parsing \"maybe\": invalid syntax"
        );
        assert_eq!(
            integer("abc").unwrap_err().0,
            "strconv.ParseInt: parsing \"abc\": invalid syntax"
        );
        assert_eq!(
            integer("99999999999999999999").unwrap_err().0,
            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"
        );
    }
}
