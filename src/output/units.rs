//! Durations and sizes as people read them (Docker's go-units).

/// `5 seconds`, `About an hour`, … Negative durations count as none.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let minutes = seconds / 60;
    let hours = (seconds + 1800) / 3600;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 14 => format!("{} days", hours / 24),
        () if hours < 24 * 60 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

/// A decimal size with at most `precision` significant digits: `7.8MB`, `572B`.
pub fn size(bytes: u64, precision: usize) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    scaled(bytes, 1000.0, &UNITS, precision)
}

/// A binary size with four significant digits: `384KiB`, `23.54GiB`.
pub fn binary_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    scaled(bytes, 1024.0, &UNITS, 4)
}

fn scaled(bytes: u64, base: f64, units: &[&str; 7], precision: usize) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= base && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    format!("{}{}", significant(value, precision), units[unit])
}

/// C's `%.*g` of a number in 0..1024.
fn significant(value: f64, precision: usize) -> String {
    let scientific = format!("{value:.*e}", precision.saturating_sub(1));
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or_default();
    let precision = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent >= precision {
        let mantissa = scientific.split('e').next().unwrap_or_default();
        return format!("{}e+{exponent:02}", trim_zeros(mantissa));
    }
    let decimals = usize::try_from(precision - 1 - exponent).unwrap_or_default();
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn trim_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::{binary_size, duration, size};

    #[test]
    fn durations_read_as_dockers() {
        let hour = 3600;
        let day = 24 * hour;
        for (seconds, text) in [
            (-5, "Less than a second"),
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (59 * 60 + 59, "59 minutes"),
            (hour, "About an hour"),
            (hour + 1799, "About an hour"),
            (hour + 1800, "2 hours"),
            (47 * hour, "47 hours"),
            (2 * day, "2 days"),
            (13 * day, "13 days"),
            (14 * day, "2 weeks"),
            (60 * day, "2 months"),
            (365 * 2 * day, "2 years"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn binary_sizes_count_in_1024s() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (393_216, "384KiB"),
            (25_275_862_016, "23.54GiB"),
            (1_073_741_823, "1024MiB"),
        ] {
            assert_eq!(binary_size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn sizes_have_few_digits() {
        for (bytes, precision, text) in [
            (0, 3, "0B"),
            (572, 4, "572B"),
            (278_210, 4, "278.2kB"),
            (7_797_760, 3, "7.8MB"),
            (7_797_760, 4, "7.798MB"),
            (1000, 3, "1kB"),
            (999_600, 3, "1e+03kB"),
            (999_960, 4, "1000kB"),
        ] {
            assert_eq!(size(bytes, precision), text, "{bytes}");
        }
    }
}
