//! Template text to tokens.

use super::TemplateError;
use super::quoted::unescape;

/// A token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: Kind,
    /// Byte offset in the template.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Text(String),
    Open,
    Close,
    Space,
    Dot,
    Field(String),
    /// Name without `$`; empty for `$` itself.
    Variable(String),
    /// Keyword or function name.
    Word(String),
    Quoted(String),
    /// A character constant's value.
    Char(char),
    Number(String),
    Pipe,
    Comma,
    LeftParen,
    RightParen,
    Assign,
    Declare,
    End,
}

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// 1-based line of a byte offset.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        + 1
}

/// Byte offset within its line.
pub fn column_of(text: &str, at: usize) -> usize {
    let before = &text.as_bytes()[..at.min(text.len())];
    at - before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

/// Splits a template; the last token is [`Kind::End`].
pub fn lex(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        depth: 0,
        tokens: Vec::new(),
        trim: false,
    };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    tokens: Vec<Token>,
    /// The action before the coming text ended in ` -}}`.
    trim: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, at: self.at });
        self.at += length;
    }

    fn error(&self, message: impl Into<String>) -> TemplateError {
        TemplateError::Parse {
            line: line_of(self.text, self.at),
            message: message.into(),
        }
    }

    fn run(&mut self) -> Result<(), TemplateError> {
        loop {
            let rest = self.rest();
            let open = rest.find("{{");
            let mut piece = &rest[..open.unwrap_or(rest.len())];
            if self.trim {
                piece = piece.trim_start_matches(BLANK);
            }
            let after = open.map(|open| &rest[open + 2..]);
            let left_trim = after.is_some_and(trims_left);
            if left_trim {
                piece = piece.trim_end_matches(BLANK);
            }
            let piece = piece.to_owned();
            let length = open.unwrap_or(rest.len());
            if piece.is_empty() {
                self.at += length;
            } else {
                self.push(Kind::Text(piece), length);
            }
            self.trim = false;
            if open.is_none() {
                self.push(Kind::End, 0);
                return Ok(());
            }
            let open = self.at;
            self.at += if left_trim { 4 } else { 2 };
            if self.rest().starts_with("/*") {
                self.comment()?;
            } else {
                self.tokens.push(Token {
                    kind: Kind::Open,
                    at: open,
                });
                self.action()?;
            }
        }
    }

    fn comment(&mut self) -> Result<(), TemplateError> {
        let Some(end) = self.rest().find("*/") else {
            return Err(self.error("unclosed comment"));
        };
        self.at += end + 2;
        match right_delimiter(self.rest()) {
            Some((length, trim)) => {
                self.at += length;
                self.trim = trim;
                Ok(())
            }
            None => Err(self.error("comment ends before closing delimiter")),
        }
    }

    fn action(&mut self) -> Result<(), TemplateError> {
        self.depth = 0;
        loop {
            if let Some((length, trim)) = right_delimiter(self.rest()) {
                if self.depth > 0 {
                    return Err(self.error("unclosed left paren"));
                }
                self.push(Kind::Close, length);
                self.trim = trim;
                return Ok(());
            }
            let Some(c) = self.rest().chars().next() else {
                return Err(self.error("unclosed action"));
            };
            self.token(c)?;
        }
    }

    fn token(&mut self, c: char) -> Result<(), TemplateError> {
        let rest = self.rest();
        let next = rest.chars().nth(1);
        match c {
            c if BLANK.contains(&c) => {
                // The blank of a trim marker belongs to the delimiter.
                let blanks = rest.len() - rest.trim_start_matches(BLANK).len();
                let keep = if rest[blanks..].starts_with("-}}") {
                    blanks - 1
                } else {
                    blanks
                };
                if keep > 0 {
                    self.push(Kind::Space, keep);
                }
            }
            '=' => self.push(Kind::Assign, 1),
            ':' if next == Some('=') => self.push(Kind::Declare, 2),
            ':' => return Err(self.error("expected :=")),
            '|' => self.push(Kind::Pipe, 1),
            ',' => self.push(Kind::Comma, 1),
            '(' => {
                self.depth += 1;
                self.push(Kind::LeftParen, 1);
            }
            ')' => {
                self.depth = match self.depth.checked_sub(1) {
                    Some(depth) => depth,
                    None => return Err(self.error("unexpected right paren")),
                };
                self.push(Kind::RightParen, 1);
            }
            '"' => self.quoted()?,
            '`' => {
                let Some(end) = rest[1..].find('`') else {
                    return Err(self.error("unterminated raw quoted string"));
                };
                let text = rest[1..=end].to_owned();
                self.push(Kind::Quoted(text), end + 2);
            }
            '\'' => self.character()?,
            '$' => {
                let name = word(&rest[1..]).to_owned();
                let length = name.len() + 1;
                self.push(Kind::Variable(name), length);
            }
            '.' if !next.is_some_and(|c| c.is_ascii_digit()) => {
                let name = word(&rest[1..]).to_owned();
                let length = name.len() + 1;
                let kind = if name.is_empty() {
                    Kind::Dot
                } else {
                    Kind::Field(name)
                };
                self.push(kind, length);
            }
            c if c.is_ascii_digit() || c == '.' || c == '+' || c == '-' => {
                let length = rest[1..]
                    .find(|c: char| !(c.is_ascii_alphanumeric() || ".+-_".contains(c)))
                    .map_or(rest.len(), |end| end + 1);
                let text = rest[..length].to_owned();
                self.push(Kind::Number(text), length);
            }
            c if c.is_alphanumeric() || c == '_' => {
                let text = word(rest).to_owned();
                let length = text.len();
                self.push(Kind::Word(text), length);
            }
            c => {
                return Err(self.error(format!(
                    "unrecognized character in action: U+{:04X} '{c}'",
                    u32::from(c)
                )));
            }
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<(), TemplateError> {
        let mut escaped = false;
        let end = self
            .rest()
            .char_indices()
            .skip(1)
            .find_map(|(index, c)| match c {
                '\n' => Some(Err(())),
                _ if escaped => {
                    escaped = false;
                    None
                }
                '\\' => {
                    escaped = true;
                    None
                }
                '"' => Some(Ok(index)),
                _ => None,
            });
        let Some(Ok(end)) = end else {
            return Err(self.error("unterminated quoted string"));
        };
        let Some(text) = unescape(&self.rest()[1..end]) else {
            return Err(self.error("invalid syntax"));
        };
        self.push(Kind::Quoted(text), end + 1);
        Ok(())
    }

    fn character(&mut self) -> Result<(), TemplateError> {
        let rest = self.rest();
        let skip = if rest[1..].starts_with('\\') { 3 } else { 2 };
        let end = rest
            .char_indices()
            .skip(skip)
            .find(|&(_, c)| c == '\'')
            .map(|(index, _)| index);
        let Some(end) = end else {
            return Err(self.error("unterminated character constant"));
        };
        let text = unescape(&rest[1..end]).unwrap_or_default();
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) => {
                self.push(Kind::Char(c), end + 1);
                Ok(())
            }
            _ => Err(self.error(format!("malformed character constant: {}", &rest[..=end]))),
        }
    }
}

fn trims_left(after_open: &str) -> bool {
    let mut characters = after_open.chars();
    characters.next() == Some('-') && characters.next().is_some_and(|c| BLANK.contains(&c))
}

/// Length of the closing delimiter at the start of `rest`, and whether it trims.
fn right_delimiter(rest: &str) -> Option<(usize, bool)> {
    if rest.starts_with("}}") {
        return Some((2, false));
    }
    (rest.starts_with(BLANK) && rest[1..].starts_with("-}}")).then_some((4, true))
}

fn word(text: &str) -> &str {
    &text[..text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())]
}
