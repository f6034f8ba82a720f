//! `$NAME` and `${NAME…}` in the words of an instruction, quotes and escapes resolved.
//!
//! The forms are those of the Dockerfile reference, "Environment replacement":
//! `${a:-b}`, `${a-b}`, `${a:+b}`, `${a+b}`, `${a:?b}`, `${a?b}`, `${a#p}`, `${a##p}`, `${a%p}`,
//! `${a%%p}`, `${a/p/r}` and `${a//p/r}`. A variable that is not set is empty.

mod glob;
mod output;

use std::iter::Peekable;
use std::str::Chars;

use glob::Glob;
pub use glob::GlobError as SubstitutionError;
use output::Output;

/// The longest result, bytes: the kernel takes no longer argument (`MAX_ARG_STRLEN` is 128 KiB),
/// and words that double themselves shall not fill memory.
const LONGEST: usize = 1 << 20;

/// The deepest `${a:-${b:-…}}`.
const DEEPEST: usize = 32;

/// Tells a variable's value.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to process {word:?}: {problem}")]
pub struct ExpandError {
    /// The word as written, its beginning when it is long.
    pub word: String,
    /// What is wrong with it.
    pub problem: ExpandProblem,
}

/// What is wrong with a word; the texts are BuildKit's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandProblem {
    /// `'a`.
    #[error("unexpected end of statement while looking for matching single-quote")]
    SingleQuote,
    /// `"a`.
    #[error("unexpected end of statement while looking for matching double-quote")]
    DoubleQuote,
    /// `${a`.
    #[error("syntax error: missing '}}'")]
    Brace,
    /// `${a/b}`.
    #[error("syntax error: missing '/' in ${{}}")]
    Slash,
    /// `${}`.
    #[error("syntax error: bad substitution")]
    Substitution,
    /// `${a^}`.
    #[error("unsupported modifier ({0}) in substitution")]
    Modifier(String),
    /// `${a:?message}`, and it is not set.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// Written after the `?`, or what is wrong.
        message: String,
    },
    /// `${a#\x}`.
    #[error("invalid pattern ({pattern}) in substitution: {problem}")]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        problem: SubstitutionError,
    },
    /// The result has more than 1 MiB.
    #[error("the result is longer than {LONGEST} bytes")]
    TooLong,
    /// More than 32 substitutions within each other.
    #[error("more than {DEEPEST} substitutions within each other")]
    TooDeep,
}

/// A word with its variables replaced, and its quotes and escapes resolved.
///
/// # Errors
/// [`ExpandError`] names the word and what is wrong with it.
pub fn expand(word: &str, escape: char, lookup: &Lookup) -> Result<String, ExpandError> {
    Ok(run(word, escape, true, lookup)?.text)
}

/// As [`expand`], then split at spaces that are not quoted; for `EXPOSE`, where one variable may
/// hold several ports.
///
/// # Errors
/// As [`expand`].
pub fn expand_words(text: &str, escape: char, lookup: &Lookup) -> Result<Vec<String>, ExpandError> {
    Ok(run(text, escape, true, lookup)?.into_words())
}

/// The content of a heredoc: as [`expand`], but quotes are text.
///
/// # Errors
/// As [`expand`].
pub fn expand_heredoc(content: &str, escape: char, lookup: &Lookup) -> Result<String, ExpandError> {
    Ok(run(content, escape, false, lookup)?.text)
}

fn run(word: &str, escape: char, quotes: bool, lookup: &Lookup) -> Result<Output, ExpandError> {
    let mut reader = Reader {
        chars: word.chars().peekable(),
        escape,
        quotes,
        lookup,
        depth: 0,
    };
    reader.until(None, false).map_err(|problem| ExpandError {
        word: word.chars().take(200).collect(),
        problem,
    })
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    escape: char,
    /// Whether `'` and `"` are quotes.
    quotes: bool,
    lookup: &'a Lookup<'a>,
    depth: usize,
}

impl Reader<'_> {
    /// Up to the end, or to `stop`, which is consumed. `raw` keeps escapes, for patterns.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<Output, ExpandProblem> {
        let mut output = Output::default();
        while let Some(c) = self.chars.next() {
            match c {
                c if Some(c) == stop => return Ok(output),
                '$' => output.split(&self.dollar()?),
                '\'' if self.quotes => output.whole(&self.single()?),
                '"' if self.quotes => output.whole(&self.double(raw)?),
                c if c == self.escape => {
                    if raw {
                        output.whole_char(c);
                    }
                    // At the end it escapes nothing and is nothing.
                    if let Some(next) = self.chars.next() {
                        output.whole_char(next);
                    }
                }
                c => output.split_char(c),
            }
            if output.text.len() > LONGEST {
                return Err(ExpandProblem::TooLong);
            }
        }
        match stop {
            None => Ok(output),
            Some('/') => Err(ExpandProblem::Slash),
            Some(_) => Err(ExpandProblem::Brace),
        }
    }

    /// After a `'`: nothing is special.
    fn single(&mut self) -> Result<String, ExpandProblem> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
                None => return Err(ExpandProblem::SingleQuote),
            }
        }
    }

    /// After a `"`: variables, and escapes of `"`, `$` and the escape itself.
    fn double(&mut self, raw: bool) -> Result<String, ExpandProblem> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('"') => return Ok(text),
                Some('$') => text.push_str(&self.dollar()?),
                Some(c) if c == self.escape => {
                    let special = |next: &char| matches!(next, '"' | '$') || *next == c;
                    let next = self.chars.next_if(special);
                    if raw || next.is_none() {
                        text.push(c);
                    }
                    text.extend(next);
                }
                Some(c) => text.push(c),
                None => return Err(ExpandProblem::DoubleQuote),
            }
            if text.len() > LONGEST {
                return Err(ExpandProblem::TooLong);
            }
        }
    }

    /// After a `$`.
    fn dollar(&mut self) -> Result<String, ExpandProblem> {
        if self.chars.next_if_eq(&'{').is_none() {
            let name = self.name();
            return Ok(match name.is_empty() {
                true => "$".to_owned(),
                false => self.value(&name).unwrap_or_default(),
            });
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpandProblem::TooDeep);
        }
        let value = self.braces();
        self.depth -= 1;
        value
    }

    /// After a `${`.
    fn braces(&mut self) -> Result<String, ExpandProblem> {
        if self.chars.peek().is_none() {
            return Err(ExpandProblem::Brace);
        }
        let name = self.name();
        if name.is_empty() {
            return Err(ExpandProblem::Substitution);
        }
        let value = self.value(&name);
        match self.chars.next() {
            None => Err(ExpandProblem::Brace),
            Some('}') => Ok(value.unwrap_or_default()),
            Some(':') => match self.chars.next() {
                None => Err(ExpandProblem::Brace),
                Some(c @ ('-' | '+' | '?')) => self.conditional(c, &name, value, true),
                Some(c) => Err(ExpandProblem::Modifier(format!(":{c}"))),
            },
            Some(c @ ('-' | '+' | '?')) => self.conditional(c, &name, value, false),
            Some(c @ ('#' | '%')) => self.trimmed(c, &value.unwrap_or_default()),
            Some('/') => self.replaced(&value.unwrap_or_default()),
            Some(c) => Err(ExpandProblem::Modifier(c.to_string())),
        }
    }

    /// `-`, `+` and `?`; with a colon an empty value is as none.
    fn conditional(
        &mut self,
        modifier: char,
        name: &str,
        value: Option<String>,
        colon: bool,
    ) -> Result<String, ExpandProblem> {
        let word = self.until(Some('}'), false)?.text;
        let unset = value.is_none();
        let value = value.filter(|value| !(colon && value.is_empty()));
        match (modifier, value) {
            ('-', None) | ('+', Some(_)) => Ok(word),
            ('+', None) => Ok(String::new()),
            ('?', None) => Err(ExpandProblem::Required {
                name: name.to_owned(),
                message: match (word.is_empty(), unset) {
                    (false, _) => word,
                    (true, true) => "is not allowed to be unset".to_owned(),
                    (true, false) => "is not allowed to be empty".to_owned(),
                },
            }),
            (_, Some(value)) => Ok(value),
            (_, None) => Ok(String::new()),
        }
    }

    /// `#`, `##`, `%` and `%%`; doubled takes the longest.
    fn trimmed(&mut self, modifier: char, value: &str) -> Result<String, ExpandProblem> {
        let longest = self.chars.next_if_eq(&modifier).is_some();
        let pattern = self.until(Some('}'), true)?.text;
        let glob = glob(&pattern)?;
        let trimmed = match modifier {
            '#' => glob.without_prefix(value, longest),
            _ => glob.without_suffix(value, longest),
        };
        trimmed.map_err(|problem| ExpandProblem::Pattern { pattern, problem })
    }

    /// `/pattern/replacement`, or `//` for all.
    fn replaced(&mut self, value: &str) -> Result<String, ExpandProblem> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let pattern = self.until(Some('/'), true)?.text;
        let replacement = self.until(Some('}'), false)?.text;
        let replaced = glob(&pattern)?.replace(value, &replacement, all, LONGEST);
        replaced.map_err(|problem| ExpandProblem::Pattern { pattern, problem })
    }

    /// Letters, digits and `_`; digits alone; or one of the shell's special parameters.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.chars.peek() {
            Some(c) if c.is_ascii_digit() => {
                while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
                    name.push(c);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.chars.next()),
            _ => {
                let part = |c: &char| c.is_alphanumeric() || *c == '_';
                while let Some(c) = self.chars.next_if(part) {
                    name.push(c);
                }
            }
        }
        name
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }
}

fn glob(pattern: &str) -> Result<Glob, ExpandProblem> {
    Glob::parse(pattern).map_err(|problem| ExpandProblem::Pattern {
        pattern: pattern.to_owned(),
        problem,
    })
}

#[cfg(test)]
mod tests;
