//! One pattern of `.dockerignore` against a whole path.
//!
//! `*` and `?` stop at `/`, `**` does not, `[a-z]` and `[^a-z]` are classes, `\` takes the next
//! character as it is: Go's `path/filepath.Match` with Docker's `**`.

/// A text that is no pattern: a class without its end, or a backslash at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `*`: any number of bytes that are no `/`.
    Star,
    /// `?`: one character that is no `/`.
    One,
    /// `**` at the end, or before a plain end: anything.
    Rest,
    /// `**/`, and `**` before something else: nothing, or anything up to a `/`.
    Directories,
    /// `[…]`: one character, never `/`.
    Class {
        except: bool,
        ranges: Vec<(char, char)>,
    },
    Literal(char),
}

impl Pattern {
    /// Understands a pattern.
    ///
    /// # Errors
    /// [`BadPattern`] as `filepath.Match` says it.
    pub fn parse(text: &str) -> Result<Pattern, BadPattern> {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        // `**.log` is whatever ends so; with more wildcards `**` is directories, as everywhere.
        if let Some(end) = text.strip_prefix("**")
            && !end.is_empty()
            && !end.contains(['/', '*', '?', '[', ']', '\\'])
        {
            tokens.push(Token::Rest);
            tokens.extend(end.chars().map(Token::Literal));
            return Ok(Pattern(tokens));
        }
        while let Some(c) = chars.next() {
            let token = match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    match chars.peek() {
                        None => Token::Rest,
                        Some(_) => Token::Directories,
                    }
                }
                '*' => Token::Star,
                '?' => Token::One,
                '[' => class(&mut chars)?,
                '\\' => Token::Literal(chars.next().ok_or(BadPattern)?),
                c => Token::Literal(c),
            };
            // Two stars in a row are one; nothing then takes longer than pattern times path.
            let star = matches!(token, Token::Star | Token::Directories | Token::Rest);
            if !(star && tokens.last() == Some(&token)) {
                tokens.push(token);
            }
        }
        Ok(Pattern(tokens))
    }

    /// Whether the whole path, without a slash at either end, is described.
    pub fn matches(&self, path: &str) -> bool {
        let mut states = vec![false; self.0.len() + 1];
        states[0] = true;
        // A `**/` that took something ends only behind a slash.
        let mut within = vec![false; self.0.len() + 1];
        self.skip(&mut states);
        for c in path.chars() {
            let mut next = vec![false; states.len()];
            let mut next_within = vec![false; states.len()];
            for (at, token) in self.0.iter().enumerate() {
                if within[at] || states[at] {
                    match token {
                        Token::Directories => {
                            next_within[at] = true;
                            next[at + 1] |= c == '/';
                        }
                        _ if !states[at] => {}
                        Token::Star => next[at] |= c != '/',
                        Token::Rest => next[at] = true,
                        Token::One => next[at + 1] |= c != '/',
                        Token::Literal(literal) => next[at + 1] |= *literal == c,
                        Token::Class { except, ranges } => {
                            let within = ranges.iter().any(|(a, b)| (*a..=*b).contains(&c));
                            next[at + 1] |= c != '/' && within != *except;
                        }
                    }
                }
            }
            self.skip(&mut next);
            states = next;
            within = next_within;
        }
        states[self.0.len()]
    }

    /// Stars may stand for nothing.
    fn skip(&self, states: &mut [bool]) {
        for (at, token) in self.0.iter().enumerate() {
            if states[at] && matches!(token, Token::Star | Token::Directories | Token::Rest) {
                states[at + 1] = true;
            }
        }
    }
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<Token, BadPattern> {
    let except = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = bound(chars)?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => bound(chars)?,
            None => low,
        };
        ranges.push((low, high));
    }
    Ok(Token::Class { except, ranges })
}

/// One end of a range; `-` and `]` need a backslash.
fn bound(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let parsed = Pattern::parse(pattern).unwrap();
        for path in yes {
            assert!(parsed.matches(path), "{pattern} {path}");
        }
        for path in no {
            assert!(!parsed.matches(path), "{pattern} {path}");
        }
    }

    #[test]
    fn stars_stop_at_slashes() {
        check("*", &["a", ".a", ""], &["a/b"]);
        check("*.rs", &["a.rs", ".rs"], &["a/b.rs", "a.rsx"]);
        check("a*b*c", &["abc", "axbxc"], &["ab", "ax/bc"]);
        check("a/*/c", &["a/b/c", "a//c"], &["a/b/b/c", "a/c"]);
        check("a?c", &["abc", "aüc"], &["ac", "a/c", "abbc"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn two_stars_do_not() {
        check("**", &["a", "a/b", ""], &[]);
        check("**/a", &["a", "b/a", "b/c/a"], &["ba", "b/ba", "a/b"]);
        check("a/**", &["a/b", "a/b/c"], &["a", "ab"]);
        check("a/**/", &["a/b", "a/b/c"], &["a", "ab"]);
        check(
            "a/**/b",
            &["a/b", "a/x/b", "a/x/y/b"],
            &["ab", "a/xb", "a/b/c"],
        );
        check("**/*.o", &["a.o", "x/a.o", "x/y/.o"], &["a.oo", "o"]);
        check("**/a/**", &["a/b", "x/a/b/c"], &["a", "x/a"]);
        check("a**b", &["ab", "ax/b"], &["axb", "a"]);
        check("**.log", &["a.log", "x/y.log", ".log"], &["a.logs"]);
        check("**.l?g", &["x/.log"], &["a.log"]);
        check("**/**/a", &["a", "x/y/a"], &["xa"]);
    }

    #[test]
    fn classes_and_escapes() {
        check("[a-c]x", &["ax", "cx"], &["dx", "x", "/x"]);
        check("[^a-c]x", &["dx", "-x"], &["ax", "/x"]);
        check(r"[\]\-^]", &["]", "-", "^"], &["a"]);
        check(r"\*\?\[", &["*?["], &["a?["]);
        check("a.+(){}|$^", &["a.+(){}|$^"], &["axx"]);
        check("[ä-ü]", &["ö"], &["o"]);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "[", "[]", "[a", "[a-", "[-a]", "[]a]", "[^]", "\\", "a\\", "[\\",
        ] {
            assert_eq!(Pattern::parse(text), Err(BadPattern), "{text}");
        }
    }

    #[test]
    fn no_pattern_takes_ages() {
        let stars = "*a".repeat(1_000);
        assert!(!Pattern::parse(&stars).unwrap().matches(&"a".repeat(999)));
        let stars = "**/a".repeat(300);
        assert!(!Pattern::parse(&stars).unwrap().matches(&"a/".repeat(1_500)));
    }
}
