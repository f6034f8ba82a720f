//! What several containers write, line by line, each with its container's name before it.
//!
//! ```text
//! web-1  | GET /
//! db-1   | ready
//! web-1 exited with code 0
//! ```

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::colour::{Ansi, NAMES, PLAIN};

/// A longer line is several: nothing that a container writes fills our memory.
const LONGEST_LINE: usize = 64 << 10;

/// Which of our streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Writes to stdout and stderr, whole lines at a time, for as many threads as there are.
pub struct Writer {
    prefixes: Vec<Prefix>,
    /// Lines of two containers are never mixed.
    lock: Mutex<()>,
}

/// What stands before a container's lines on stdout and stderr.
struct Prefix {
    name: String,
    out: String,
    err: String,
}

/// Collects one stream of one container into lines.
#[derive(Debug, Default)]
pub struct Lines {
    open: Vec<u8>,
}

impl Writer {
    /// For containers of these names, which get so many columns; the index of each is what
    /// [`Writer::write`] takes.
    pub fn new(names: &[String], width: usize, ansi: Ansi, prefixed: bool) -> Writer {
        let (out, err) = (ansi.on(&io::stdout()), ansi.on(&io::stderr()));
        let prefix = |(index, name): (usize, &String)| {
            let text = |colours| match prefixed {
                true => prefix(name, width, index, colours),
                false => String::new(),
            };
            Prefix {
                name: name.clone(),
                out: text(out),
                err: text(err),
            }
        };
        Writer {
            prefixes: names.iter().enumerate().map(prefix).collect(),
            lock: Mutex::new(()),
        }
    }

    /// Writes the lines that are complete now.
    pub fn write(&self, index: usize, stream: Stream, lines: &mut Lines, bytes: &[u8]) {
        let text = lines.complete(self.prefix(index, stream), bytes);
        self.put(stream, &text);
    }

    /// Writes what has no newline.
    pub fn rest(&self, index: usize, stream: Stream, lines: &mut Lines) {
        let text = lines.rest(self.prefix(index, stream));
        self.put(stream, &text);
    }

    /// Writes something about a container: `web-1 exited with code 0`.
    pub fn note(&self, index: usize, what: &str) {
        if let Some(prefix) = self.prefixes.get(index) {
            self.put(Stream::Out, format!("{} {what}\n", prefix.name).as_bytes());
        }
    }

    /// Writes a line of our own.
    pub fn say(&self, text: &str) {
        self.put(Stream::Out, format!("{text}\n").as_bytes());
    }

    fn prefix(&self, index: usize, stream: Stream) -> &str {
        self.prefixes.get(index).map_or("", |prefix| match stream {
            Stream::Out => &prefix.out,
            Stream::Err => &prefix.err,
        })
    }

    fn put(&self, stream: Stream, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        match stream {
            Stream::Out => crate::output::stdout::say_bytes(text),
            // Nobody reads it: nothing to do about that.
            Stream::Err => {
                let _ = io::stderr().lock().write_all(text);
            }
        }
    }
}

/// `web-1  | `, in the colour of that number.
fn prefix(name: &str, width: usize, index: usize, colours: bool) -> String {
    let text = format!("{name:<width$}  | ");
    match colours {
        true => format!("{}{text}{PLAIN}", NAMES[index % NAMES.len()]),
        false => text,
    }
}

impl Lines {
    /// The lines that are complete with these bytes, each with its prefix.
    fn complete(&mut self, prefix: &str, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LONGEST_LINE) {
                self.open.extend(piece);
                if self.open.ends_with(b"\n") || self.open.len() >= LONGEST_LINE {
                    text.extend(self.rest(prefix));
                }
            }
        }
        text
    }

    /// What was written last, as a line.
    fn rest(&mut self, prefix: &str) -> Vec<u8> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let mut line = std::mem::take(&mut self.open);
        // A terminal ends its lines with both.
        while line.ends_with(b"\n") || line.ends_with(b"\r") {
            line.pop();
        }
        let mut text = prefix.as_bytes().to_vec();
        text.append(&mut line);
        text.push(b'\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_wide_as_the_widest() {
        assert_eq!(prefix("web-1", 5, 0, false), "web-1  | ");
        assert_eq!(prefix("db-1", 5, 0, false), "db-1   | ");
        assert_eq!(prefix("db-1", 5, 10, true), "\x1b[36mdb-1   | \x1b[0m");
    }

    #[test]
    fn a_line_is_told_when_it_is_whole() {
        let mut lines = Lines::default();
        assert_eq!(lines.complete("a | ", b"one"), b"");
        assert_eq!(
            lines.complete("a | ", b" line\r\n\ntwo"),
            b"a | one line\na | \n"
        );
        assert_eq!(lines.rest("a | "), b"a | two\n");
        assert_eq!(lines.rest("a | "), b"");
    }

    #[test]
    fn a_line_without_end_is_several() {
        let mut lines = Lines::default();
        let text = lines.complete("", &vec![b'x'; 3 * LONGEST_LINE + 1]);
        assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 3);
        assert_eq!(lines.open.len(), 1);
    }
}
