//! The arguments of an instruction: words with their quotes, pairs, JSON lists.

use serde_json::Value;

use super::error::Problem;

/// What separates arguments; not every space of Unicode does.
pub(super) fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r')
}

/// Words without regard to quotes.
pub(super) fn plain(rest: &str) -> Vec<String> {
    rest.split(is_separator)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A keyword and what follows it, both without spaces around.
pub(super) fn keyword(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(is_separator) {
        Some((keyword, rest)) => (keyword, rest.trim()),
        None => (text, ""),
    }
}

/// Words with spaces between quotes; quotes and escapes stay, for the expansion.
pub(super) fn quoted(rest: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert_default();
        if c == escape && quote != Some('\'') {
            // At the end it escapes nothing and is nothing.
            if let Some(next) = chars.next() {
                current.extend([c, next]);
            }
            continue;
        }
        current.push(c);
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    words.extend(word.filter(|word| !word.is_empty()));
    words
}

/// The first word without its quotes and escapes, and the rest.
pub(super) fn unquoted(rest: &str, escape: char) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (word, &rest[at..]),
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ if c == escape => word.extend(chars.next().map(|(_, next)| next)),
            _ => word.push(c),
        }
    }
    (word, "")
}

/// `a=1 b="2 3"`, or the old form of one name and the rest of the line. Nothing is expanded, quotes
/// stay. The second value tells the old form.
pub(super) fn pairs(
    keyword: &'static str,
    rest: &str,
    escape: char,
) -> Result<(Vec<(String, String)>, bool), Problem> {
    let words = quoted(rest, escape);
    let first = words.first().ok_or(Problem::NoArgument(keyword))?;
    if !first.contains('=') {
        let (name, value) = rest
            .split_once(is_separator)
            .ok_or(Problem::TwoArguments(keyword))?;
        let value = value.trim_start_matches(is_separator);
        return Ok((vec![(name.to_owned(), value.to_owned())], true));
    }
    let pair = |word: &String| {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| Problem::NoEquals(word.clone()))?;
        if name.is_empty() {
            return Err(Problem::BlankName(keyword));
        }
        Ok((name.to_owned(), value.to_owned()))
    };
    let pairs: Result<Vec<_>, Problem> = words.iter().map(pair).collect();
    Ok((pairs?, false))
}

/// A JSON list of strings. What starts like one but is no JSON is `None`, as Docker has it: it is
/// taken as a command line or as words.
pub(super) fn json(rest: &str) -> Result<Option<Vec<String>>, Problem> {
    if !rest.starts_with('[') {
        return Ok(None);
    }
    let Ok(values) = serde_json::from_str::<Vec<Value>>(rest) else {
        return Ok(None);
    };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(Problem::NotStrings),
    };
    values
        .into_iter()
        .map(text)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A JSON list, or words.
pub(super) fn list(rest: &str) -> Result<Vec<String>, Problem> {
    Ok(json(rest)?.unwrap_or_else(|| plain(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_hold_words_together_and_stay() {
        for (line, expected) in [
            ("", &[][..]),
            ("a  b\tc", &["a", "b", "c"]),
            (r#"a="b c" d='e f'"#, &[r#"a="b c""#, "d='e f'"]),
            (r"a\ b c", &[r"a\ b", "c"]),
            (r#""a\" b" c"#, &[r#""a\" b""#, "c"]),
            (r"'a\' b", &[r"'a\'", "b"]),
            (r#""" b"#, &[r#""""#, "b"]),
            (r"a\", &["a"]),
            (r#""open end"#, &[r#""open end"#]),
        ] {
            assert_eq!(quoted(line, '\\'), expected, "{line}");
        }
        assert_eq!(quoted(r"C:\a` b c", '`'), [r"C:\a` b", "c"]);
    }

    #[test]
    fn a_list_is_json_or_words() {
        assert_eq!(list(r#"["a b", "c"]"#).unwrap(), ["a b", "c"]);
        assert_eq!(list("a b").unwrap(), ["a", "b"]);
        assert_eq!(list("[a b]").unwrap(), ["[a", "b]"]);
        assert_eq!(list("[]").unwrap(), Vec::<String>::new());
        assert_eq!(list(r#"["a", 1]"#), Err(Problem::NotStrings));
        assert_eq!(json(r#"["a"] x"#), Ok(None));
        assert_eq!(json(&"[".repeat(100_000)), Ok(None));
    }

    #[test]
    fn a_keyword_is_the_first_word() {
        assert_eq!(keyword("  RUN\t a b "), ("RUN", "a b"));
        assert_eq!(keyword("RUN"), ("RUN", ""));
        assert_eq!(keyword(""), ("", ""));
    }
}
