//! `--restart`.

use super::Invalid;
use crate::engine::request::RestartPolicy;

/// `no`, `always`, `unless-stopped`, `on-failure[:N]`. `remove` is `--rm`.
///
/// # Errors
/// Docker's texts.
pub fn policy(text: &str, remove: bool) -> Result<RestartPolicy, Invalid> {
    let (name, count) = text.split_once(':').unwrap_or((text, ""));
    if text.contains(':') && name.is_empty() {
        return Err(Invalid::new(
            "invalid restart policy format: no policy provided before colon",
        ));
    }
    let most: i64 = match count {
        "" => 0,
        count => count.parse().map_err(|_| {
            Invalid::new("invalid restart policy format: maximum retry count must be an integer")
        })?,
    };
    if remove && !matches!(name, "" | "no") {
        return Err(Invalid::new(
            "conflicting options: cannot specify both --restart and --rm",
        ));
    }
    let policy = match name {
        "" | "no" => RestartPolicy::No,
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => {
            let most = u32::try_from(most).map_err(|_| {
                Invalid::new(match most < 0 {
                    true => "invalid restart policy: maximum retry count cannot be negative",
                    false => "invalid restart policy: maximum retry count is too large",
                })
            })?;
            return Ok(RestartPolicy::OnFailure { most });
        }
        other => {
            return Err(Invalid(format!(
                "invalid restart policy: unknown policy '{other}'; use one of 'no', 'always', \
                 'on-failure', or 'unless-stopped'"
            )));
        }
    };
    match most {
        0 => Ok(policy),
        _ => Err(Invalid(format!(
            "invalid restart policy: maximum retry count cannot be used with restart policy \
             '{name}'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_policies_are_read() {
        for (text, expected) in [
            ("", RestartPolicy::No),
            ("no", RestartPolicy::No),
            ("no:0", RestartPolicy::No),
            ("always", RestartPolicy::Always),
            ("unless-stopped", RestartPolicy::UnlessStopped),
            ("on-failure", RestartPolicy::OnFailure { most: 0 }),
            ("on-failure:3", RestartPolicy::OnFailure { most: 3 }),
        ] {
            assert_eq!(policy(text, false), Ok(expected), "{text}");
        }
        assert_eq!(policy("no", true), Ok(RestartPolicy::No));
    }

    #[test]
    fn what_is_wrong_is_said_in_dockers_words() {
        let both = "conflicting options: cannot specify both --restart and --rm";
        let integer = "invalid restart policy format: maximum retry count must be an integer";
        let prefix = "invalid restart policy: ";
        let unknown = "unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or \
                       'unless-stopped'";
        for (text, remove, error) in [
            ("always", true, both.to_owned()),
            ("bogus", true, both.to_owned()),
            ("on-failure:x", false, integer.to_owned()),
            (
                ":3",
                false,
                "invalid restart policy format: no policy provided before colon".to_owned(),
            ),
            (
                "on-failure:-1",
                false,
                format!("{prefix}maximum retry count cannot be negative"),
            ),
            (
                "always:2",
                false,
                format!("{prefix}maximum retry count cannot be used with restart policy 'always'"),
            ),
            (
                "no:2",
                false,
                format!("{prefix}maximum retry count cannot be used with restart policy 'no'"),
            ),
            ("bogus", false, format!("{prefix}{unknown}")),
        ] {
            assert_eq!(policy(text, remove).unwrap_err().0, error, "{text}");
        }
    }
}
