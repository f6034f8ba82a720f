//! `--log-driver`, `--log-opt` and `--restart`.

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

/// `--restart`: only `no` for now. `remove` is `--rm`.
pub fn restart(policy: &str, remove: bool) -> Result<(), Invalid> {
    let (name, count) = policy.split_once(':').unwrap_or((policy, ""));
    if policy.contains(':') && name.is_empty() {
        return Err(Invalid::new(
            "invalid restart policy format: no policy provided before colon",
        ));
    }
    if !count.is_empty() && count.parse::<i64>().is_err() {
        return Err(Invalid::new(
            "invalid restart policy format: maximum retry count must be an integer",
        ));
    }
    let none = matches!(name, "" | "no");
    if remove && !none {
        return Err(Invalid::new(
            "conflicting options: cannot specify both --restart and --rm",
        ));
    }
    match name {
        "" | "no" if count.is_empty() || count == "0" => Ok(()),
        "" | "no" => Err(Invalid::new(
            "invalid restart policy: maximum retry count cannot be used with restart policy 'no'",
        )),
        "always" | "on-failure" | "unless-stopped" => {
            Err(Invalid(format!("unsupported restart policy: {policy}")))
        }
        other => Err(Invalid(format!(
            "invalid restart policy: unknown policy '{other}'; use one of 'no', 'always', \
             'on-failure', or 'unless-stopped'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{driver, restart};

    #[test]
    fn only_the_policy_no_is_done_yet() {
        assert_eq!(restart("no", true), Ok(()));
        for (policy, remove, error) in [
            (
                "always",
                true,
                "conflicting options: cannot specify both --restart and --rm",
            ),
            ("always", false, "unsupported restart policy: always"),
            (
                "on-failure:3",
                false,
                "unsupported restart policy: on-failure:3",
            ),
            (
                "on-failure:x",
                false,
                "invalid restart policy format: maximum retry count must be an integer",
            ),
            (
                ":3",
                false,
                "invalid restart policy format: no policy provided before colon",
            ),
            (
                "bogus",
                false,
                "invalid restart policy: unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            ),
        ] {
            assert_eq!(restart(policy, remove).unwrap_err().0, error);
        }
    }

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
