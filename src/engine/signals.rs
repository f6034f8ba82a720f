//! Signal names as Docker takes them.

/// `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`; `None` for anything else.
pub fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let real_time = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => 34,
        (Some(offset), _) => 34 + offset.strip_prefix('+')?.parse::<i32>().ok()?,
        (_, Some("")) => 64,
        (_, Some(offset)) => 64 - offset.strip_prefix('-')?.parse::<i32>().ok()?,
        _ => return None,
    };
    (34..=64).contains(&real_time).then_some(real_time)
}

/// Names without `SIG`.
pub fn names() -> Vec<&'static str> {
    NAMES.iter().map(|(name, _)| *name).collect()
}

/// Numbers of x86 and ARM (signal(7)).
const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn signals_are_known_by_name_and_number() {
        for (text, number) in [
            ("TERM", 15),
            ("SIGKILL", 9),
            ("sigusr1", 10),
            ("3", 3),
            ("RTMIN+3", 37),
            ("RTMAX", 64),
        ] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        for text in ["BOGUS", "0", "65", "-1", "", "RTMIN+99", "SIG"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
