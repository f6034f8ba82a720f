//! `<<EOF`: which words begin a heredoc, and the lines up to its end.

use super::ast::Heredoc;
use super::error::Problem;
use super::flags::Flags;
use super::source::Source;
use super::words;

/// Instructions that take heredocs.
const TAKERS: [&str; 3] = ["ADD", "COPY", "RUN"];

/// A word that begins a heredoc.
pub(super) struct Opening {
    descriptor: u32,
    /// `<<-`: leading tabs are no part of the lines.
    chomp: bool,
    name: String,
    expand: bool,
}

impl Opening {
    /// `[N]<<[-]NAME`, the name possibly in quotes.
    pub(super) fn parse(word: &str) -> Option<Opening> {
        let (descriptor, rest) = word.split_once("<<")?;
        if rest.contains('<') || !descriptor.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let (chomp, rest) = match rest.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (name, after) = words::unquoted(rest, '\\');
        if name.is_empty() || !after.is_empty() {
            return None;
        }
        let quotes = |text: &str| text.matches(['\'', '"']).count();
        Some(Opening {
            descriptor: match descriptor {
                "" => 0,
                number => number.parse().ok()?,
            },
            chomp,
            expand: quotes(&name) == quotes(rest),
            name,
        })
    }

    /// The lines up to the one that is the name.
    fn read(self, source: &mut Source) -> Result<Heredoc, Problem> {
        let mut content = String::new();
        while let Some(line) = source.next_line() {
            let line = super::source::text(line)?;
            let line = match self.chomp {
                true => line.trim_start_matches('\t'),
                false => line,
            };
            if line.trim_end_matches(['\r', '\n']) == self.name {
                return Ok(Heredoc {
                    name: self.name,
                    content,
                    expand: self.expand,
                    descriptor: self.descriptor,
                });
            }
            content.push_str(line);
        }
        Err(Problem::OpenHeredoc)
    }
}

/// The heredocs that a line begins, read from the lines after it.
pub(super) fn read(line: &str, source: &mut Source) -> Result<Vec<Heredoc>, Problem> {
    if !line.contains("<<") || !takes_heredocs(line) {
        return Ok(Vec::new());
    }
    words::quoted(line, '\\')
        .iter()
        .filter_map(|word| Opening::parse(word))
        .map(|opening| opening.read(source))
        .collect()
}

/// `RUN`, `COPY` and `ADD`, also behind `ONBUILD`, but not their JSON form.
fn takes_heredocs(line: &str) -> bool {
    let (mut keyword, mut rest) = words::keyword(line);
    if keyword.eq_ignore_ascii_case("ONBUILD") {
        (keyword, rest) = words::keyword(rest);
    }
    let taker = TAKERS
        .iter()
        .any(|known| keyword.eq_ignore_ascii_case(known));
    let (_, arguments) = Flags::split(rest, '\\');
    taker && !matches!(words::json(arguments), Ok(Some(_)))
}

/// What is shown of a heredoc: its first line.
pub(super) fn summary(heredoc: &Heredoc) -> String {
    let mut lines = heredoc.content.trim().lines();
    let first = lines.next().unwrap_or_default().trim_end();
    match lines.next() {
        Some(_) => format!("{first}..."),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(word: &str) -> Option<(u32, bool, String, bool)> {
        let o = Opening::parse(word)?;
        Some((o.descriptor, o.chomp, o.name, o.expand))
    }

    #[test]
    fn words_that_begin_a_heredoc() {
        let eof = || "EOF".to_owned();
        assert_eq!(opening("<<EOF"), Some((0, false, eof(), true)));
        assert_eq!(opening("<<-EOF"), Some((0, true, eof(), true)));
        assert_eq!(opening("<<'EOF'"), Some((0, false, eof(), false)));
        assert_eq!(opening("3<<-\"EOF\""), Some((3, true, eof(), false)));
        assert_eq!(opening("<<\"A B\""), Some((0, false, "A B".into(), false)));
        for none in [
            "<EOF",
            "<<",
            "<<-",
            "<<<x",
            "a<<EOF",
            "EOF",
            "<<\"\"",
            "9999999999<<a",
        ] {
            assert_eq!(opening(none), None, "{none}");
        }
    }
}
