//! Words and documents that a shell takes as they are.

/// The text as one word of a POSIX shell: as it is where it has only harmless characters, in
/// single quotes otherwise.
pub fn word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A command that reads these lines; the shell does not look into them.
pub fn here(command: &str, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let lines: Vec<String> = lines.into_iter().collect();
    let mut mark = "EOF".to_owned();
    while lines.contains(&mark) {
        mark.push('_');
    }
    let mut all = vec![format!("{command} <<'{mark}'")];
    all.extend(lines);
    all.push(mark);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(word("br-1a:2"), "br-1a:2");
        assert_eq!(word(""), "''");
        assert_eq!(word("a b;$(c)`d`"), "'a b;$(c)`d`'");
        assert_eq!(word("it's"), "'it'\\''s'");
    }

    #[test]
    fn a_document_cannot_end_itself() {
        let lines = here("cat", ["EOF".to_owned(), "rm".to_owned()]);
        assert_eq!(lines, ["cat <<'EOF_'", "EOF", "rm", "EOF_"]);
    }
}
