//! `.env` and `env_file`: `NAME=value` lines with quotes, comments and variables, as Docker Compose
//! reads them.

use std::collections::BTreeMap;

use super::interpolate::{Expansions, Problem};

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub text: String,
}

/// Reads a file. A name without a value is taken from `outer` and left out where that has none.
///
/// - Blanks around names and values go; `export ` before a name, too.
/// - `'…'` is literal; in `"…"` variables are filled in and `\n`, `\t`, `\"`, `\\`, `\$` mean what
///   they mean elsewhere; both may go over several lines.
/// - Without quotes a value ends at ` #` and has variables filled in.
/// - Variables come from `outer`, then from the lines above.
pub fn parse(
    text: &str,
    outer: &BTreeMap<String, String>,
    expansions: &Expansions,
) -> Result<Vec<(String, Option<String>)>, BadLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    loop {
        reader.skip_blank();
        if reader.rest.is_empty() {
            return Ok(found);
        }
        let line = reader.line;
        let bad = |text: String| BadLine { line, text };
        let (name, has_value) = reader.name()?;
        if !has_value {
            found.push((name.to_owned(), outer.get(name).cloned()));
            continue;
        }
        let lookup = |asked: &str| {
            (outer.get(asked))
                .or_else(|| own.get(asked))
                .map(String::as_str)
        };
        let fill = |text: &str| {
            expansions
                .text_with(text, &lookup)
                .map_err(|problem: Problem| bad(problem.describe(text)))
        };
        let value = match reader.value()? {
            Written::Literal(text) => text.to_owned(),
            Written::Bare(text) => fill(text)?,
            Written::Quoted(text) => fill(&unescaped(text))?,
        };
        own.insert(name.to_owned(), value.clone());
        found.push((name.to_owned(), Some(value)));
    }
}

/// `format: raw`: what follows `=` is the value as it stands.
pub fn raw(text: &str) -> Result<Vec<(String, Option<String>)>, BadLine> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line.trim_end(), None),
        };
        check_name(name, index + 1)?;
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

enum Written<'a> {
    Bare(&'a str),
    Literal(&'a str),
    Quoted(&'a str),
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
        taken
    }

    /// Blank lines, comments, blanks before a name.
    fn skip_blank(&mut self) {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(end);
        }
    }

    /// A name and whether a value follows.
    fn name(&mut self) -> Result<(&'a str, bool), BadLine> {
        let end = self.rest.find(['=', '\n']).unwrap_or(self.rest.len());
        let line = self.line;
        let has_value = self.rest[end..].starts_with('=');
        let mut name = self.take(end);
        if has_value {
            self.take(1);
        } else if let Some((before, _)) = name.split_once(" #") {
            name = before;
        }
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_start();
        check_name(name, line)?;
        Ok((name, has_value))
    }

    fn value(&mut self) -> Result<Written<'a>, BadLine> {
        let blank = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
        self.take(blank);
        let quote = self.rest.chars().next().filter(|c| "'\"".contains(*c));
        let Some(quote) = quote else {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            let line = self.take(end);
            // A value that is only a comment is empty.
            let comment = if line.starts_with('#') {
                Some(0)
            } else {
                line.find(" #").or_else(|| line.find("\t#"))
            };
            return Ok(Written::Bare(line[..comment.unwrap_or(end)].trim()));
        };
        let line = self.line;
        let bad = |text: &str| BadLine {
            line,
            text: text.to_owned(),
        };
        self.take(1);
        let end = closing(self.rest, quote).ok_or_else(|| bad("unterminated quoted value"))?;
        let value = self.take(end);
        self.take(1);
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let after = self.take(end).trim();
        if !(after.is_empty() || after.starts_with('#')) {
            return Err(bad("unexpected characters after a quoted value"));
        }
        Ok(match quote {
            '"' => Written::Quoted(value),
            _ => Written::Literal(value),
        })
    }
}

/// Where the quote ends; a backslash keeps it from it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(index, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(index)
    })
}

/// Backslashes in double quotes; `\$` is a dollar that begins no variable.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(c @ ('"' | '\'' | '\\')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    out
}

fn check_name(name: &str, line: usize) -> Result<(), BadLine> {
    let bad = |c: char| !(c.is_alphanumeric() || "_.-[]".contains(c));
    if name.is_empty() || name.contains(bad) {
        let text = format!("unexpected character in variable name {name:?}");
        return Err(BadLine { line, text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Option<String>)>, BadLine> {
        let outer = [("OUTER".to_owned(), "o".to_owned())].into();
        parse(text, &outer, &Expansions::default())
    }

    #[test]
    fn values_may_be_quoted() {
        for (text, expected) in [
            ("A=1", "1"),
            ("A = spaced out \t", "spaced out"),
            ("export A=1", "1"),
            ("A=", ""),
            ("A=''", ""),
            ("A=x # comment", "x"),
            ("A=x#y", "x#y"),
            ("A= # only", ""),
            ("A='it''s'", "!unexpected characters after a quoted value"),
            ("A='$OUTER \\n' # c", "$OUTER \\n"),
            ("A=\"$OUTER\\n\\t\\\"q\\\" \\$x $$\"", "o\n\t\"q\" $x $"),
            ("A=\"two\nlines\"", "two\nlines"),
            ("A=${OUTER}${B:-b}$C", "ob"),
            ("A=a=b", "a=b"),
            ("\u{feff}# c\n\n  A=1\r\n", "1"),
            ("A=\"open", "!unterminated quoted value"),
            ("A B=1", "!unexpected character in variable name \"A B\""),
            ("=1", "!unexpected character in variable name \"\""),
        ] {
            let found = match read(text) {
                Ok(found) => found[0].1.clone().unwrap(),
                Err(bad) => format!("!{}", bad.text),
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn lines_see_those_above_and_are_counted() {
        let found = read("A=1\nB=${A}2\nOUTER=own\nC=$OUTER\nOUTER\nNONE # there\n").unwrap();
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("A", Some("1")),
                ("B", Some("12")),
                ("OUTER", Some("own")),
                ("C", Some("o")),
                ("OUTER", Some("o")),
                ("NONE", None),
            ]
        );
        assert_eq!(read("A=\"1\n2\"\n\nB C=1").unwrap_err().line, 4);
    }

    #[test]
    fn raw_lines_are_taken_as_they_stand() {
        let found = raw("# c\nA='q' # $x\n B=\nC\n").unwrap();
        let of = |name: &str| found.iter().find(|(n, _)| n == name).unwrap().1.clone();
        assert_eq!(of("A").as_deref(), Some("'q' # $x"));
        assert_eq!(of("B").as_deref(), Some(""));
        assert_eq!(of("C"), None);
        assert_eq!(raw("ok=1\nA B=1").unwrap_err().line, 2);
    }
}
