//! A command in one text, split into words as a shell does; it is run without one.

/// Words of a text: quotes hold words together, a backslash takes the next character as it is
/// (between double quotes only before `$`, `` ` ``, `"`, `\` and a line's end).
///
/// # Errors
/// A quote that is not closed, a backslash at the end.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or("a ' is not closed")? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                let open = "a \" is not closed";
                loop {
                    match characters.next().ok_or(open)? {
                        '"' => break,
                        '\\' => match characters.next().ok_or(open)? {
                            '\n' => {}
                            c @ ('$' | '`' | '"' | '\\') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => match characters.next().ok_or("ends with a \\")? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_a_shells() {
        for (text, expected) in [
            ("", &[][..]),
            ("  a  b\tc\nd ", &["a", "b", "c", "d"]),
            ("sh -c 'echo \"$A\" b'", &["sh", "-c", "echo \"$A\" b"]),
            ("a\"b c\"d ''", &["ab cd", ""]),
            ("a\\ b \"\\\"\\x\"", &["a b", "\"\\x"]),
            ("a \\\nb", &["a", "b"]),
            ("echo # no comment", &["echo", "#", "no", "comment"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        assert!(split("'a").is_err());
        assert!(split("\"a\\").is_err());
        assert!(split("a\\").is_err());
    }
}
