//! What a volume can be called.

/// The longest name of a file, bytes (NAME_MAX).
const LONGEST: usize = 255;

/// Docker's rule, in its words.
///
/// # Errors
/// What is wrong, without the name before it.
pub fn check(name: &str) -> Result<(), String> {
    if name.len() == 1 {
        return Err(
            "volume name is too short, names should be at least two alphanumeric characters".into(),
        );
    }
    let first = |byte: u8| byte.is_ascii_alphanumeric();
    let rest = |byte: u8| first(byte) || matches!(byte, b'_' | b'.' | b'-');
    let mut bytes = name.bytes();
    if !(bytes.next().is_some_and(first) && bytes.all(rest)) {
        return Err(format!(
            "{name:?} includes invalid characters for a local volume name, only \
             \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, \
             use absolute path"
        ));
    }
    match name.len() > LONGEST {
        true => Err(format!("volume name is longer than {LONGEST} characters")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_are_those_of_docker() {
        for fine in ["ab", "0_", "web.data-1", &"x".repeat(255)] {
            assert_eq!(check(fine), Ok(()));
        }
        assert!(
            check("a")
                .unwrap_err()
                .starts_with("volume name is too short")
        );
        assert_eq!(
            check("bad name").unwrap_err(),
            "\"bad name\" includes invalid characters for a local volume name, only \
             \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, \
             use absolute path"
        );
        for bad in ["", "..", ".hidden", "-x", "a/b", "../x", "a\0", "ä1", "~/x"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(256)).unwrap_err().contains("longer than"));
    }
}
