//! Figures as people read them.

use crate::finding::Unit;

/// `12.3 ms`, `1,234 kB`.
pub fn with_unit(value: f64, unit: Unit) -> String {
    let (value, name) = match unit {
        Unit::Milliseconds => (value, "ms"),
        Unit::Microseconds => (value, "µs"),
        Unit::Kilobytes => (value, "kB"),
        Unit::Bytes if value >= 1e5 => (value / 1e6, "MB"),
        Unit::Bytes => (value, "bytes"),
        Unit::Gigabits => (value, "Gbit/s"),
        Unit::PerSecond => (value, "/s"),
    };
    format!("{} {name}", plain(value))
}

/// The same of a round value, as axes have them: `50 ms`.
pub fn round_with_unit(value: f64, unit: Unit) -> String {
    let text = with_unit(value, unit);
    let (figure, name) = text.split_once(' ').unwrap_or((&text, ""));
    format!("{} {name}", without_zeros(figure))
}

/// A number of things.
pub fn count(value: f64) -> String {
    without_zeros(&plain(value)).to_owned()
}

fn without_zeros(figure: &str) -> &str {
    if figure.contains('.') {
        figure.trim_end_matches('0').trim_end_matches('.')
    } else {
        figure
    }
}

/// Three figures, and thousands apart.
pub fn plain(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 || size == 0.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |it| ("-", it));
    let mut apart = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{apart}{point}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_long_as_they_are_worth() {
        let all = [0.0, 0.01234, 1.0, 9.999, 12.345, 99.96, 1234.5, 55_600.0];
        let texts = [
            "0.00", "0.012", "1.00", "10.0", "12.3", "100", "1,234", "55,600",
        ];
        assert_eq!(all.map(plain), texts);
        assert_eq!(plain(-1_234_567.0), "-1,234,567");
    }

    #[test]
    fn round_values_have_no_zeros_behind_the_point() {
        assert_eq!(round_with_unit(50.0, Unit::Milliseconds), "50 ms");
        assert_eq!(round_with_unit(0.0, Unit::Kilobytes), "0 kB");
        assert_eq!(round_with_unit(2.5, Unit::PerSecond), "2.5 /s");
        assert_eq!([900.0, 10.0, 1500.0].map(count), ["900", "10", "1,500"]);
    }

    #[test]
    fn large_files_are_told_in_megabytes() {
        assert_eq!(with_unit(11_035_528.0, Unit::Bytes), "11.0 MB");
        assert_eq!(with_unit(512.0, Unit::Bytes), "512 bytes");
    }
}
