//! Network names as file names. Docker takes almost any text for a name; a file takes no slash.

/// Longest file name that leaves room for `.json` and a temporary suffix.
const LIMIT: usize = 230;

/// The name with everything but letters, digits, `-`, `_` and inner dots percent-encoded;
/// `None` when that is too long for a file.
pub fn encode(name: &str) -> Option<String> {
    let mut encoded = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || byte == b'-'
            || byte == b'_'
            // A leading dot would hide the file, or be `.` or `..`.
            || (byte == b'.' && index > 0);
        if plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    (!encoded.is_empty() && encoded.len() <= LIMIT).then_some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_readable_and_no_name_escapes_its_directory() {
        for (name, file) in [
            ("bridge-test", "bridge-test"),
            ("a.b_c-d", "a.b_c-d"),
            ("bad/name", "bad%2Fname"),
            ("bad name", "bad%20name"),
            ("..", "%2E."),
            (".x", "%2Ex"),
            ("50%", "50%25"),
            ("H4Ünï", "H4%C3%9Cn%C3%AF"),
            ("a\n\0", "a%0A%00"),
        ] {
            assert_eq!(encode(name).as_deref(), Some(file));
        }
        assert_eq!(encode(""), None);
        assert_eq!(encode(&"/".repeat(77)), None);
        assert_eq!(encode(&"a".repeat(230)).map(|name| name.len()), Some(230));
    }
}
