//! The lines of a Dockerfile: continuations joined, comments and blank lines gone.

use super::ast::{Heredoc, Lines};
use super::directive::Directives;
use super::error::{DockerfileError, Problem};
use super::heredoc;

/// The lines, counted.
pub(super) struct Source<'a> {
    rest: &'a [u8],
    /// Of the line that was read last, from 1.
    number: usize,
}

/// One instruction with all its lines.
#[derive(Debug)]
pub(super) struct Statement {
    /// Continuations joined, without spaces around.
    pub(super) text: String,
    pub(super) lines: Lines,
    pub(super) heredocs: Vec<Heredoc>,
    /// A blank line within a continuation.
    pub(super) blank_line: Option<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a [u8]) -> Source<'a> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Source {
            rest: text,
            number: 0,
        }
    }

    /// The next line with its newline.
    pub(super) fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self
            .rest
            .split_at(end.map_or(self.rest.len(), |end| end + 1));
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// The next instruction.
    pub(super) fn next_statement(
        &mut self,
        directives: &mut Directives,
    ) -> Result<Option<Statement>, DockerfileError> {
        while let Some(line) = self.next_line() {
            let start = self.number;
            let here = |problem: Problem| problem.at(&(start..=start));
            directives.offer(line).map_err(here)?;
            if is_comment(line) {
                continue;
            }
            let mut statement = self.joined(line, directives.escape)?;
            if statement.text.is_empty() {
                continue;
            }
            let heredocs = heredoc::read(&statement.text, self);
            let lines = start..=self.number;
            statement.heredocs = heredocs.map_err(|problem| problem.at(&lines))?;
            statement.lines = lines;
            return Ok(Some(statement));
        }
        Ok(None)
    }

    /// A line and those that continue it.
    fn joined(&mut self, first: &[u8], escape: char) -> Result<Statement, DockerfileError> {
        let start = self.number;
        let mut joined = String::new();
        let mut blank_line = None;
        let mut next = Some(first);
        while let Some(line) = next.take() {
            let line = text(line).map_err(|problem| problem.at(&(start..=self.number)))?;
            let (part, open) = continued(line, escape);
            joined.push_str(part);
            while open && next.is_none() {
                match self.next_line() {
                    Some(line) if is_comment(line) => {}
                    Some(line) if line.iter().all(u8::is_ascii_whitespace) => {
                        blank_line = Some(self.number);
                    }
                    Some(line) => next = Some(line),
                    None => break,
                }
            }
        }
        Ok(Statement {
            text: joined.trim().to_owned(),
            lines: start..=self.number,
            heredocs: Vec::new(),
            blank_line,
        })
    }
}

/// A line as text.
pub(super) fn text(line: &[u8]) -> Result<&str, Problem> {
    if line.contains(&0) {
        return Err(Problem::Text("a NUL byte"));
    }
    std::str::from_utf8(line).map_err(|_| Problem::Text("bytes that are not UTF-8"))
}

fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

/// The line without its newline and without the escape that continues it. A doubled escape
/// continues nothing.
fn continued(line: &str, escape: char) -> (&str, bool) {
    let line = line.trim_end_matches(['\r', '\n']);
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(part) if !part.ends_with(escape) => (part, true),
        _ => (line, false),
    }
}
