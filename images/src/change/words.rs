//! Words of a line, with quotes and backslashes as in a Dockerfile.

use super::ChangeError;

/// A word without its quotes, and where its first unquoted `=` is.
pub(super) struct Word {
    text: String,
    equals: Option<usize>,
}

impl Word {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Name and value.
    pub(super) fn pair(&self) -> Option<(&str, &str)> {
        let at = self.equals?;
        Some((&self.text[..at], &self.text[at + 1..]))
    }
}

pub(super) fn split(line: &str) -> Result<Vec<Word>, ChangeError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert_with(|| Word {
            text: String::new(),
            equals: None,
        });
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            // Nothing is special between single quotes.
            (None | Some('"'), '\\') => match chars.next() {
                Some(next) if quote.is_some() && !matches!(next, '"' | '\\' | '$') => {
                    current.text.extend(['\\', next]);
                }
                Some(next) => current.text.push(next),
                None => current.text.push('\\'),
            },
            (None, '=') if current.equals.is_none() => {
                current.equals = Some(current.text.len());
                current.text.push('=');
            }
            (_, c) => current.text.push(c),
        }
    }
    if quote.is_some() {
        return Err(ChangeError::Quote(line.to_owned()));
    }
    words.extend(word);
    Ok(words)
}
