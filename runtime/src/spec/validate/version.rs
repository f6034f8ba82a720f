//! `ociVersion`: a semantic version of the one major version that there is.

use super::{ValidateError, invalid};

/// Checks the version that a configuration was written for. Minor versions are
/// compatible both ways: an older runtime passes over what it does not know.
pub(super) fn check(version: &str) -> Result<(), ValidateError> {
    if version.is_empty() {
        return Err(ValidateError::Missing("ociVersion"));
    }
    match major(version) {
        None => invalid("ociVersion", format!("{version:?} is no semantic version")),
        Some("1") => Ok(()),
        Some(_) => invalid(
            "ociVersion",
            format!("{version:?} is not a version 1 of the specification"),
        ),
    }
}

/// The major version, if all of `version` is as semver.org has it.
fn major(version: &str) -> Option<&str> {
    let (version, build) = cut(version, '+');
    let (core, release) = cut(version, '-');
    for list in [build, release].into_iter().flatten() {
        let good = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !list.split('.').all(good) {
            return None;
        }
    }
    let numbers: Vec<_> = core.split('.').collect();
    let number = |text: &&str| {
        text.bytes().all(|byte| byte.is_ascii_digit())
            && (*text == "0" || !text.is_empty() && !text.starts_with('0'))
    };
    match numbers[..] {
        [major, _, _] if numbers.iter().all(number) => Some(major),
        _ => None,
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_1_is_taken() {
        for version in [
            "1.0.0",
            "1.0.2-dev",
            "1.1.0+dev",
            "1.2.1-rc.1+a-b.5",
            "1.99.0",
        ] {
            assert_eq!(check(version), Ok(()), "{version}");
        }
    }

    #[test]
    fn other_versions_and_other_texts_are_refused() {
        let refused = |version| check(version).unwrap_err().to_string();
        assert_eq!(refused(""), "ociVersion is missing");
        for version in ["0.5.0-dev", "2.0.0", "10.0.0"] {
            assert_eq!(
                refused(version),
                format!("ociVersion: {version:?} is not a version 1 of the specification")
            );
        }
        for version in [
            "1",
            "1.2",
            "1.2.3.4",
            "1.02.0",
            "1.2.x",
            "v1.2.0",
            "1.2.0-",
            "1.2.0+a..b",
        ] {
            assert_eq!(
                refused(version),
                format!("ociVersion: {version:?} is no semantic version")
            );
        }
    }
}
