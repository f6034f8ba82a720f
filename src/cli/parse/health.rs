//! `--health-*` and `--no-healthcheck`.

use super::Invalid;
use crate::engine::request::Healthcheck;

/// A duration as Go reads it, nanoseconds.
pub fn duration(text: &str) -> Result<i64, Invalid> {
    rbox_images::dockerfile::parse_duration(text).map_err(|error| Invalid(error.to_string()))
}

/// What the flags say together; `none` is `--no-healthcheck`.
pub fn check(given: Healthcheck, none: bool) -> Result<Option<Healthcheck>, Invalid> {
    if given == Healthcheck::default() {
        return Ok(none.then(|| Healthcheck {
            test: vec!["NONE".to_owned()],
            ..Healthcheck::default()
        }));
    }
    if none {
        return Err(Invalid::new(
            "--no-healthcheck conflicts with --health-* options",
        ));
    }
    for (flag, value) in [
        ("interval", given.interval),
        ("timeout", given.timeout),
        ("retries", given.retries),
        ("start-period", given.start_period),
        ("start-interval", given.start_interval),
    ] {
        if value < 0 {
            return Err(Invalid(format!("--health-{flag} cannot be negative")));
        }
    }
    Ok(Some(given))
}

#[cfg(test)]
mod tests {
    use super::{check, duration};
    use crate::engine::request::Healthcheck;

    #[test]
    fn what_flags_say_together_is_dockers() {
        let given = Healthcheck {
            test: vec!["CMD-SHELL".into(), "true".into()],
            ..Healthcheck::default()
        };
        assert_eq!(check(Healthcheck::default(), false), Ok(None));
        let none = check(Healthcheck::default(), true).unwrap().unwrap();
        assert_eq!(none.test, ["NONE"]);
        assert_eq!(check(given.clone(), false), Ok(Some(given.clone())));
        assert_eq!(
            check(given, true).unwrap_err().0,
            "--no-healthcheck conflicts with --health-* options"
        );
        let negative = Healthcheck {
            retries: -1,
            ..Healthcheck::default()
        };
        assert_eq!(
            check(negative, false).unwrap_err().0,
            "--health-retries cannot be negative"
        );
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("1m30s"), Ok(90_000_000_000));
        assert_eq!(
            duration("5").unwrap_err().0,
            "time: missing unit in duration \"5\""
        );
    }
}
