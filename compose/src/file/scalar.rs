//! What a plain scalar is, by YAML 1.2's core schema (section 10.3.2) with what Compose files were
//! written for besides: numbers with a leading `0` are octal, and `_` may part digits.

/// What YAML takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~`, `null`.
    Null,
    /// `true`, `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Another number.
    Float,
    /// All else, and whatever stands in quotes.
    Text,
}

/// The kind of a scalar without quotes.
pub fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
        _ if integer(text).is_some() => Kind::Integer,
        _ if float(text).is_some() => Kind::Float,
        _ => Kind::Text,
    }
}

/// A whole number: `12`, `-3`, `0x1f`, `0o17`, `017`, `0b101`, `1_000`.
pub fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x', ..] => (16, &digits[2..]),
        [b'0', b'o', ..] => (8, &digits[2..]),
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let first = digits.chars().next()?;
    if !first.is_digit(radix) || digits.ends_with('_') {
        return None;
    }
    let mut value: i64 = 0;
    for digit in digits.chars().filter(|c| *c != '_') {
        let digit = i64::from(digit.to_digit(radix)?);
        value = value.checked_mul(i64::from(radix))?;
        value = if negative {
            value.checked_sub(digit)?
        } else {
            value.checked_add(digit)?
        };
    }
    Some(value)
}

/// A number that is finite: `0.5`, `.5`, `1e3`, and all whole ones.
pub fn float(text: &str) -> Option<f64> {
    if let Some(integer) = integer(text) {
        return Some(integer as f64);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts = digits.strip_prefix('.').unwrap_or(digits);
    if !starts.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A truth value; what YAML 1.1 took for one too, as Docker Compose does.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => Some(true),
        "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_a_kind() {
        for (text, expected) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("nul", Kind::Text),
            ("True", Kind::Bool),
            ("yes", Kind::Text),
            ("8080", Kind::Integer),
            ("1_000", Kind::Integer),
            ("-0x1F", Kind::Integer),
            ("0644", Kind::Integer),
            ("08", Kind::Float),
            ("0.5", Kind::Float),
            ("1e3", Kind::Float),
            (".5", Kind::Float),
            ("3.10", Kind::Float),
            ("1.2.3", Kind::Text),
            ("8080:80", Kind::Text),
            ("22:22", Kind::Text),
            (".", Kind::Text),
            ("-", Kind::Text),
            ("_1", Kind::Text),
            ("inf", Kind::Text),
            (".inf", Kind::Text),
            ("1e999", Kind::Text),
            ("99999999999999999999", Kind::Float),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_radices() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("+12", Some(12)),
            ("0x1f", Some(31)),
            ("0o17", Some(15)),
            ("0644", Some(0o644)),
            ("0b101", Some(5)),
            ("1__0", Some(10)),
            ("1_", None),
            ("0x", None),
            ("0x-1", None),
            ("089", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }
}
