//! `HEALTHCHECK NONE` and `HEALTHCHECK [flags] CMD …`.

use super::ast::{Command, Healthcheck};
use super::error::Problem;
use super::flags::{Checked, Takes};
use super::instruction::{Request, command};
use super::{duration, words};

const FLAGS: &[(&str, Takes)] = &[
    ("interval", Takes::Text),
    ("timeout", Takes::Text),
    ("start-period", Takes::Text),
    ("start-interval", Takes::Text),
    ("retries", Takes::Text),
];

/// The shortest time, nanoseconds.
const SHORTEST: i64 = 1_000_000;

pub(super) fn parse(request: Request) -> Result<Healthcheck, Problem> {
    let (kind, rest) = words::keyword(request.rest);
    match kind.to_ascii_uppercase().as_str() {
        "" => return Err(Problem::NoArgument("HEALTHCHECK")),
        "NONE" if rest.is_empty() && request.flags.is_empty() => return Ok(Healthcheck::None),
        "NONE" => return Err(Problem::HealthcheckNone),
        "CMD" => {}
        other => return Err(Problem::HealthcheckType(other.to_owned())),
    }
    let flags = request.flags.check(FLAGS)?;
    let command = command(rest)?;
    if command == Command::Exec(Vec::new()) {
        return Err(Problem::HealthcheckCommand);
    }
    Ok(Healthcheck::Command {
        command,
        interval: time(&flags, "interval")?,
        timeout: time(&flags, "timeout")?,
        start_period: time(&flags, "start-period")?,
        start_interval: time(&flags, "start-interval")?,
        retries: match flags.text("retries") {
            None => 0,
            Some(text) => match text.parse() {
                Ok(number) if number <= i32::MAX as u32 => number,
                _ => return Err(Problem::Retries(text)),
            },
        },
    })
}

fn time(flags: &Checked, name: &'static str) -> Result<i64, Problem> {
    let Some(text) = flags.text(name) else {
        return Ok(0);
    };
    match duration::parse(&text) {
        Ok(time) if time != 0 && time < SHORTEST => Err(Problem::Interval(name)),
        Ok(time) => Ok(time),
        Err(error) => Err(Problem::Duration(name, error)),
    }
}
