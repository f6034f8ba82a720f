//! What `--opt` says of a volume: another filesystem is mounted in it while it is used.

use std::collections::BTreeMap;

/// Options that there are; `size` needs project quotas.
const KNOWN: [&str; 4] = ["type", "device", "o", "size"];

/// What each option needs beside it.
const NEEDED: [(&str, &[&str]); 3] = [
    ("device", &["type"]),
    ("o", &["device", "type"]),
    ("type", &["device"]),
];

/// Refuses what cannot be mounted, in Docker's words.
///
/// # Errors
/// What is wrong, without the volume's name.
pub fn check(options: &BTreeMap<String, String>) -> Result<(), String> {
    if let Some(unknown) = options.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("invalid option: {unknown:?}"));
    }
    if options.contains_key("size") {
        return Err("quota size requested but no quota support".into());
    }
    for (given, needed) in NEEDED {
        let missing = |key: &&&str| options.get(**key).is_none_or(String::is_empty);
        if options.contains_key(given)
            && let Some(missing) = needed.iter().find(missing)
        {
            return Err(format!("missing required option: {missing:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use std::collections::BTreeMap;

    fn refused(options: &[(&str, &str)]) -> Option<String> {
        let pairs = options
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        check(&pairs.collect::<BTreeMap<_, _>>()).err()
    }

    #[test]
    fn options_are_those_of_dockers_local_driver() {
        assert_eq!(refused(&[]), None);
        assert_eq!(
            refused(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m")]),
            None
        );
        let refused = |options: &[(&str, &str)]| refused(options).unwrap();
        assert_eq!(refused(&[("bogus", "1")]), "invalid option: \"bogus\"");
        assert_eq!(
            refused(&[("type", "nfs")]),
            "missing required option: \"device\""
        );
        assert_eq!(
            refused(&[("device", "/x")]),
            "missing required option: \"type\""
        );
        assert_eq!(
            refused(&[("type", ""), ("device", "/x")]),
            "missing required option: \"type\""
        );
        assert_eq!(
            refused(&[("size", "1m")]),
            "quota size requested but no quota support"
        );
    }
}
