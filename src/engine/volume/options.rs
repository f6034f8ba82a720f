//! What `--opt` says of a volume: another filesystem is mounted in it while it is used.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rbox_runtime::spec::mount_options::MountOptions;

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
    let given = |key: &str| options.get(key).map_or("", String::as_str);
    let parsed = mount(given("o"))?;
    let kind = given("type");
    if kind == "none" && parsed.bind.is_none() {
        return Err("type \"none\" needs the option o=bind".into());
    }
    if parsed.remount || parsed.id_map.is_some() || parsed.propagation.is_some() {
        return Err(format!("invalid mount options: {:?}", given("o")));
    }
    if !options.is_empty() {
        parsed.check(kind).map_err(|error| error.to_string())?;
    }
    if matches!(kind, "nfs" | "nfs4" | "cifs") {
        // Nothing here asks a name server: what mount.nfs(8) would do for a person is not done.
        let address = parsed
            .data
            .split(',')
            .find_map(|option| option.strip_prefix("addr="));
        return match address.map(str::parse::<IpAddr>) {
            Some(Ok(_)) => Ok(()),
            _ => Err(format!(
                "type {kind:?} needs the server's address: o=addr=IP,…"
            )),
        };
    }
    Ok(())
}

/// The words of `o`.
///
/// # Errors
/// The first word that cannot be.
pub fn mount(text: &str) -> Result<MountOptions, String> {
    let words: Vec<&str> = text.split(',').filter(|word| !word.is_empty()).collect();
    MountOptions::parse(&words).map_err(|error| error.to_string())
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
        for (kind, o) in [
            ("none", "bind,ro"),
            ("nfs", "addr=192.0.2.1,rw"),
            ("ext4", "noexec"),
        ] {
            assert_eq!(refused(&[("type", kind), ("device", "/x"), ("o", o)]), None);
        }
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
