//! The patterns of `${a#p}`, `${a%p}` and `${a/p/r}`: `*`, `?` and characters.

/// Comparisons of one character with one token that a substitution may cost.
const STEPS: usize = 4_000_000;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// `\x`.
    #[error("invalid escape '\\{0}'")]
    Escape(char),
    /// `\` at the end.
    #[error("nothing after '\\'")]
    End,
    /// Built to take ages.
    #[error("it takes too long to match")]
    TooSlow,
    /// The result is.
    #[error("the result is too long")]
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// `*`.
    Any,
    /// `?`.
    One,
    Char(char),
}

/// A pattern.
pub(super) struct Glob(Vec<Token>);

impl Glob {
    pub(super) fn parse(pattern: &str) -> Result<Glob, GlobError> {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => match chars.next() {
                    Some(c @ ('*' | '?' | '\\' | '}' | '/')) => Token::Char(c),
                    Some(c) => return Err(GlobError::Escape(c)),
                    None => return Err(GlobError::End),
                },
                c => Token::Char(c),
            });
        }
        Ok(Glob(tokens))
    }

    pub(super) fn without_prefix(&self, value: &str, longest: bool) -> Result<String, GlobError> {
        let chars: Vec<char> = value.chars().collect();
        let end = self.end(&chars, longest, &mut STEPS.clone())?.unwrap_or(0);
        Ok(chars[end..].iter().collect())
    }

    pub(super) fn without_suffix(&self, value: &str, longest: bool) -> Result<String, GlobError> {
        let mirrored = Glob(self.0.iter().rev().copied().collect());
        let chars: Vec<char> = value.chars().rev().collect();
        let end = mirrored
            .end(&chars, longest, &mut STEPS.clone())?
            .unwrap_or(0);
        Ok(chars[end..].iter().rev().collect())
    }

    /// Replaces the first match, or all; each as long as possible, and never an empty one.
    pub(super) fn replace(
        &self,
        value: &str,
        replacement: &str,
        all: bool,
        limit: usize,
    ) -> Result<String, GlobError> {
        let chars: Vec<char> = value.chars().collect();
        let mut steps = STEPS;
        let mut result = String::new();
        let mut at = 0;
        while at < chars.len() {
            let end = self
                .end(&chars[at..], true, &mut steps)?
                .filter(|end| *end > 0);
            match end {
                Some(end) => {
                    result.push_str(replacement);
                    at += end;
                    if !all {
                        break;
                    }
                }
                None => {
                    result.push(chars[at]);
                    at += 1;
                }
            }
            if result.len() > limit {
                return Err(GlobError::TooLong);
            }
        }
        result.extend(&chars[at..]);
        Ok(result)
    }

    /// Where a match that begins at the start ends: all states at once, so that no pattern takes
    /// longer than its length times the value's.
    fn end(
        &self,
        value: &[char],
        longest: bool,
        steps: &mut usize,
    ) -> Result<Option<usize>, GlobError> {
        let last = self.0.len();
        let mut states = vec![false; last + 1];
        states[0] = true;
        self.skip_stars(&mut states);
        let mut found = states[last].then_some(0);
        for (at, c) in value.iter().enumerate() {
            if (found.is_some() && !longest) || !states.contains(&true) {
                break;
            }
            *steps = steps.checked_sub(last + 1).ok_or(GlobError::TooSlow)?;
            let mut next = vec![false; last + 1];
            for (state, token) in self.0.iter().enumerate().filter(|(s, _)| states[*s]) {
                match token {
                    Token::Any => next[state] = true,
                    Token::One => next[state + 1] = true,
                    Token::Char(expected) if expected == c => next[state + 1] = true,
                    Token::Char(_) => {}
                }
            }
            self.skip_stars(&mut next);
            states = next;
            if states[last] {
                found = Some(at + 1);
            }
        }
        Ok(found)
    }

    /// A `*` may stand for nothing.
    fn skip_stars(&self, states: &mut [bool]) {
        for (state, token) in self.0.iter().enumerate() {
            if states[state] && *token == Token::Any {
                states[state + 1] = true;
            }
        }
    }
}
