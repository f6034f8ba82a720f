//! Times and terminals as ps(1) writes them. Times of day are UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const DAY: u64 = 86_400;

/// `[DD-]HH:MM:SS` of seconds.
pub fn clock_time(seconds: u64) -> String {
    let (days, rest) = (seconds / DAY, seconds % DAY);
    let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match days {
        0 => time,
        days => format!("{days}-{time}"),
    }
}

/// `[[DD-]HH:]MM:SS` of seconds.
pub fn elapsed(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        _ => {
            let (days, rest) = (seconds / DAY, seconds % DAY);
            let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
            match days {
                0 => time,
                days => format!("{days:02}-{time}"),
            }
        }
    }
}

/// `M:SS` of seconds.
pub fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// `HH:MM` on the day of `now`, `Nov22` in its year, else the year.
pub fn start_of_day(start: i64, now: i64) -> String {
    let (start, now) = (civil(start), civil(now));
    let format = if start.date() == now.date() {
        "%H:%M"
    } else if start.year() == now.year() {
        "%b%d"
    } else {
        "%Y"
    };
    start.strftime(format).to_string()
}

/// `HH:MM` within a day, then `Nov 22`.
pub fn month_day(start: i64, now: i64) -> String {
    let format = if now - start < 86_400 {
        "%H:%M"
    } else {
        "%b %d"
    };
    civil(start).strftime(format).to_string()
}

/// `Sun Nov 22 14:26:08 2026`.
pub fn weekday_time(start: i64) -> String {
    civil(start).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

fn civil(seconds: i64) -> jiff::civil::DateTime {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).datetime()
}

/// A terminal by its device number: `pts/0`, `tty1`, `?` for none.
pub fn terminal(device: u64) -> String {
    // The kernel's old encoding in 32 bits (proc(5)): 12 bits of the minor are on both sides.
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xfff00;
    match (major, minor) {
        (0, _) => "?".to_owned(),
        (4, 0..64) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (136..144, _) => format!("pts/{}", (major - 136) * 256 + minor),
        _ => format!("{major},{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_ps_does() {
        assert_eq!(clock_time(3_661), "01:01:01");
        assert_eq!(clock_time(90_061), "1-01:01:01");
        assert_eq!(elapsed(61), "01:01");
        assert_eq!(elapsed(3_661), "01:01:01");
        assert_eq!(elapsed(90_061), "01-01:01:01");
        assert_eq!(minutes(601), "10:01");
        // 2006-01-02T15:04:05Z
        let now = 1_136_214_245;
        assert_eq!(start_of_day(now - 60, now), "15:03");
        assert_eq!(start_of_day(now - 86_400, now), "Jan01");
        assert_eq!(start_of_day(now - 3 * 86_400, now), "2005");
        assert_eq!(month_day(now - 3_600, now), "14:04");
        assert_eq!(month_day(now - 90_000, now), "Jan 01");
        assert_eq!(weekday_time(now), "Mon Jan  2 15:04:05 2006");
        assert_eq!(weekday_time(i64::MAX), "Thu Jan  1 00:00:00 1970");
    }

    #[test]
    fn terminals_have_names() {
        for (device, name) in [
            (0, "?"),
            (4 << 8 | 1, "tty1"),
            (4 << 8 | 64, "ttyS0"),
            (136 << 8 | 3, "pts/3"),
            (137 << 8, "pts/256"),
            (5 << 8 | 1, "5,1"),
        ] {
            assert_eq!(terminal(device), name);
        }
    }
}
