//! `--log-driver` and `--log-opt`.

use std::collections::BTreeMap;

use super::{Invalid, number, size};
use crate::output::go_text::quote;

/// Drivers that Docker has and rbox has not.
const OTHER_DRIVERS: [&str; 10] = [
    "awslogs",
    "etwlogs",
    "fluentd",
    "gcplogs",
    "gelf",
    "journald",
    "local",
    "logentries",
    "splunk",
    "syslog",
];

/// Options of json-file that rbox has not.
const OTHER_OPTIONS: [&str; 6] = [
    "compress",
    "env",
    "env-regex",
    "labels",
    "labels-regex",
    "tag",
];

/// Checks driver and options; the driver comes back with its default filled in.
pub fn driver(driver: &str, options: &BTreeMap<String, String>) -> Result<String, Invalid> {
    match driver {
        "none" if !options.is_empty() => Err(Invalid::new("invalid logging opts for driver none")),
        "none" => Ok(driver.to_owned()),
        "" | "json-file" => {
            options
                .iter()
                .try_for_each(|(name, value)| option(name, value))?;
            Ok("json-file".to_owned())
        }
        other if OTHER_DRIVERS.contains(&other) => {
            Err(Invalid(format!("unsupported log driver: {other}")))
        }
        other => Err(Invalid(format!(
            "error looking up logging plugin {other}: plugin {} not found",
            quote(other)
        ))),
    }
}

fn option(name: &str, value: &str) -> Result<(), Invalid> {
    match name {
        "max-size" if value == "-1" => Ok(()),
        "max-size" => match size::bytes(value)? {
            0 => Err(Invalid::new("max-size must be a positive number")),
            _ => Ok(()),
        },
        "max-file" => match number::integer(value) {
            Ok(count) if count >= 1 => Ok(()),
            Ok(_) => Err(Invalid::new("max-file cannot be less than 1")),
            Err(error) => Err(error),
        },
        "mode" if value == "blocking" => Ok(()),
        "mode" | "max-buffer-size" => Err(Invalid(format!("unsupported log option: {name}"))),
        other if OTHER_OPTIONS.contains(&other) => {
            Err(Invalid(format!("unsupported log option: {other}")))
        }
        other => Err(Invalid(format!(
            "unknown log opt '{other}' for json-file log driver"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::driver;

    #[test]
    fn drivers_and_options_are_checked() {
        let options = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert_eq!(
            driver("", &options(&[("max-size", "10k"), ("max-file", "3")])).unwrap(),
            "json-file"
        );
        for (name, pairs, error) in [
            (
                "bogus",
                &[][..],
                "error looking up logging plugin bogus: plugin \"bogus\" not found",
            ),
            ("syslog", &[], "unsupported log driver: syslog"),
            (
                "none",
                &[("max-size", "1")],
                "invalid logging opts for driver none",
            ),
            ("json-file", &[("max-size", "x")], "invalid size: 'x'"),
            (
                "json-file",
                &[("max-file", "0")],
                "max-file cannot be less than 1",
            ),
            (
                "json-file",
                &[("bogus", "0")],
                "unknown log opt 'bogus' for json-file log driver",
            ),
            ("json-file", &[("tag", "0")], "unsupported log option: tag"),
        ] {
            assert_eq!(driver(name, &options(pairs)).unwrap_err().0, error);
        }
    }
}
