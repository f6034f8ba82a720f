//! The json-file log: one JSON object a line, as Docker writes it, rotated by size.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::engine::clock;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line longer than this is logged in pieces.
const LONGEST_LINE: usize = 16 * 1024;

/// An open log with what has not become a line yet.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    max_size: u64,
    max_files: u32,
    partial: [Vec<u8>; 2],
}

/// `--log-opt max-size=… max-file=…`: bytes (0 is unlimited) and number of files.
pub fn rotation(options: &BTreeMap<String, String>) -> (u64, u32) {
    let size = options
        .get("max-size")
        .map_or(0, |text| parse_size(text).unwrap_or(0));
    let files = options
        .get("max-file")
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    (size, files)
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

impl LogFile {
    /// Opens for appending when the first line comes; `max_size` 0 never rotates.
    pub fn new(path: &Path, max_size: u64, max_files: u32) -> LogFile {
        LogFile {
            path: path.to_owned(),
            file: None,
            size: 0,
            max_size,
            max_files: max_files.max(1),
            partial: [Vec::new(), Vec::new()],
        }
    }

    /// Appends what was read from a stream: every line completed by it, in one write.
    pub fn append(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let mut lines = Vec::new();
        let time = clock::now();
        let partial = &mut self.partial[stream as usize];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.len() >= LONGEST_LINE {
                encode(&mut lines, stream, partial, &time);
                partial.clear();
            }
        }
        self.write(&lines)
    }

    /// Logs what is left without an end of line: its stream ended.
    pub fn finish(&mut self, stream: Stream) -> io::Result<()> {
        let partial = std::mem::take(&mut self.partial[stream as usize]);
        if partial.is_empty() {
            return Ok(());
        }
        let mut line = Vec::new();
        encode(&mut line, stream, &partial, &clock::now());
        self.write(&line)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path)?;
                self.size = file.metadata()?.len();
                self.file.insert(file)
            }
        };
        file.write_all(lines)?;
        self.size += lines.len() as u64;
        if self.max_size > 0 && self.size >= self.max_size {
            self.rotate()?;
        }
        Ok(())
    }

    /// log → log.1 → log.2 …; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let numbered = |number: u32| {
            let mut name = self.path.as_os_str().to_owned();
            if number > 0 {
                name.push(format!(".{number}"));
            }
            PathBuf::from(name)
        };
        if self.max_files == 1 {
            return fs::remove_file(&self.path);
        }
        for number in (0..self.max_files - 1).rev() {
            match fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn encode(into: &mut Vec<u8>, stream: Stream, line: &[u8], time: &str) {
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    into.extend_from_slice(b"{\"log\":");
    // Writing JSON to memory cannot fail.
    let _ = serde_json::to_writer(&mut *into, &String::from_utf8_lossy(line));
    let _ = writeln!(into, ",\"stream\":\"{stream}\",\"time\":\"{time}\"}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_are_logged_when_complete_and_streams_do_not_mix() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c-json.log");
        let mut log = LogFile::new(&path, 0, 1);
        log.append(Stream::Stdout, b"one\ntw").unwrap();
        log.append(Stream::Stderr, b"\"quoted\"\xff\n").unwrap();
        assert_eq!(lines(&path).len(), 2);
        log.append(Stream::Stdout, b"o\nrest").unwrap();
        log.finish(Stream::Stdout).unwrap();
        let lines = lines(&path);
        let texts: Vec<_> = lines
            .iter()
            .map(|line| line["log"].as_str().unwrap())
            .collect();
        assert_eq!(texts, ["one\n", "\"quoted\"\u{fffd}\n", "two\n", "rest"]);
        assert_eq!(lines[1]["stream"], "stderr");
    }

    #[test]
    fn a_log_over_its_size_is_rotated_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = LogFile::new(&path, 100, 2);
        for number in 0..20 {
            log.append(Stream::Stdout, format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(names.len() <= 2, "{names:?}");
        assert!(dir.path().join("log.1").exists());
    }

    #[test]
    fn rotation_options_are_read_with_units() {
        let options = BTreeMap::from([
            ("max-size".to_owned(), "10k".to_owned()),
            ("max-file".to_owned(), "3".to_owned()),
        ]);
        assert_eq!(rotation(&options), (10 << 10, 3));
        assert_eq!(rotation(&BTreeMap::new()), (0, 1));
    }
}
