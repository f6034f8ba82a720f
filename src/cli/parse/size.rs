//! Sizes in bytes with binary units: `512m`, `1.5GiB`.

use super::Invalid;
use crate::output::go_text::quote;

/// go-units' RAMInBytes.
pub fn bytes(text: &str) -> Result<i64, Invalid> {
    let bad = || Invalid(format!("invalid size: '{text}'"));
    let last = text
        .rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')
        .ok_or_else(bad)?;
    let suffix = text[last + 1..].to_ascii_lowercase();
    let number = if text.as_bytes()[last] == b' ' {
        &text[..last]
    } else {
        &text[..=last]
    };
    let plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".+-eE".contains(&byte));
    let value: f64 = number.parse().ok().filter(|_| plain).ok_or_else(|| {
        Invalid(format!(
            "strconv.ParseFloat: parsing {}: invalid syntax",
            quote(number)
        ))
    })?;
    if value < 0.0 {
        return Err(bad());
    }
    let power = match suffix.as_bytes() {
        [] | [b'b'] => 0,
        [unit] | [unit, b'b'] | [unit, b'i', b'b'] if b"kmgtp".contains(unit) => match unit {
            b'k' => 1,
            b'm' => 2,
            b'g' => 3,
            b't' => 4,
            _ => 5,
        },
        _ => return Err(Invalid(format!("invalid suffix: '{suffix}'"))),
    };
    // Saturates as a conversion to i64 does in Rust.
    Ok((value * 1024f64.powi(power)) as i64)
}

/// `--memory-swap`: also -1 for unlimited.
pub fn swap(text: &str) -> Result<i64, Invalid> {
    if text == "-1" { Ok(-1) } else { bytes(text) }
}

#[cfg(test)]
mod tests {
    use super::{bytes, swap};

    #[test]
    fn sizes_are_binary() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("32", Ok(32)),
            ("32b", Ok(32)),
            ("512m", Ok(512 << 20)),
            ("1.5GiB", Ok(3 << 29)),
            ("1 kB", Ok(1024)),
            ("64M", Ok(64 << 20)),
            ("abc", Err("invalid size: 'abc'")),
            ("", Err("invalid size: ''")),
            ("-1", Err("invalid size: '-1'")),
            ("10xyz", Err("invalid suffix: 'xyz'")),
            ("10bb", Err("invalid suffix: 'bb'")),
            (
                "1.2.3m",
                Err("strconv.ParseFloat: parsing \"1.2.3\": invalid syntax"),
            ),
        ] {
            assert_eq!(
                bytes(text).map_err(|error| error.0),
                expected.map_err(str::to_owned)
            );
        }
        assert_eq!(swap("-1"), Ok(-1));
    }
}
