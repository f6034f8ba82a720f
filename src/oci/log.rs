//! Messages in the line formats of runc's log, which docker, containerd and
//! podman take apart: they show the last error line of the file that they named.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde_json::json;

use crate::engine::clock;
use crate::engine::failure::{Context, Failure};
use crate::output::go_text::quote;
use crate::output::json::compact_html;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `time="…" level=error msg="…"`
    #[default]
    Text,
    /// `{"level":"error","msg":"…","time":"…"}`
    Json,
}

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only with `--debug`.
    Debug,
    /// Something was left out.
    Warning,
    /// The command failed.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// Where messages go.
#[derive(Debug, Default)]
pub struct Log {
    file: Option<File>,
    format: Format,
    debug: bool,
}

impl Format {
    /// `text` or `json`.
    pub fn parse(name: &str) -> Result<Format, Failure> {
        match name {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            other => Err(Failure::new(format!("invalid log-format: {other}"))),
        }
    }

    fn line(self, level: Level, message: &str, time: &str) -> String {
        let level = level.name();
        match self {
            Format::Text => {
                let message = if is_plain(message) {
                    message.to_owned()
                } else {
                    quote(message)
                };
                format!("time=\"{time}\" level={level} msg={message}\n")
            }
            Format::Json => {
                let fields = json!({ "level": level, "msg": message, "time": time });
                format!("{}\n", compact_html(&fields))
            }
        }
    }
}

/// Whether logrus writes a text without quotes.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

impl Log {
    /// Appends to a file, or writes to stderr without one.
    pub fn open(path: Option<&str>, format: Format, debug: bool) -> Result<Log, Failure> {
        let open = |path: &str| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o644)
                .open(path)
                .context(|| format!("open {path}"))
        };
        Ok(Log {
            file: path.map(open).transpose()?,
            format,
            debug,
        })
    }

    /// What goes wrong without ending the command.
    pub fn warning(&self, message: &str) {
        self.write(Level::Warning, message);
    }

    /// What the command does.
    pub fn debug(&self, message: impl FnOnce() -> String) {
        if self.debug {
            self.write(Level::Debug, &message());
        }
    }

    /// Why the command failed: a line of the log, and where that is a file the
    /// plain text on stderr too.
    pub fn error(&self, message: &str) {
        self.write(Level::Error, message);
        if self.file.is_some() {
            let _ = writeln!(io::stderr(), "{message}");
        }
    }

    /// A log that cannot be written to must not end a container.
    fn write(&self, level: Level, message: &str) {
        let line = self.format.line(level, message, &now());
        let _ = match &self.file {
            Some(file) => (&*file).write_all(line.as_bytes()),
            None => io::stderr().write_all(line.as_bytes()),
        };
    }
}

/// RFC 3339 in UTC, whole seconds.
fn now() -> String {
    const SECOND: i64 = 1_000_000_000;
    clock::format_nanos(clock::unix_nanos() / SECOND * SECOND)
}

#[cfg(test)]
mod tests {
    use super::{Format, Level, Log};

    const TIME: &str = "2026-11-22T03:04:05Z";

    #[test]
    fn text_lines_are_logruss() {
        let line = |message| Format::Text.line(Level::Error, message, TIME);
        assert_eq!(
            line("exec: \"x\": not found"),
            "time=\"2026-11-22T03:04:05Z\" level=error msg=\"exec: \\\"x\\\": not found\"\n"
        );
        assert_eq!(
            line("a/b-c"),
            "time=\"2026-11-22T03:04:05Z\" level=error msg=a/b-c\n"
        );
        assert_eq!(
            line(""),
            "time=\"2026-11-22T03:04:05Z\" level=error msg=\"\"\n"
        );
    }

    #[test]
    fn json_lines_are_logruss() {
        assert_eq!(
            Format::Json.line(Level::Warning, "a \"b\" <c>", TIME),
            "{\"level\":\"warning\",\"msg\":\"a \\\"b\\\" \\u003cc\\u003e\",\
             \"time\":\"2026-11-22T03:04:05Z\"}\n"
        );
    }

    #[test]
    fn unknown_formats_and_paths_are_refused() {
        assert_eq!(
            Format::parse("xml").unwrap_err().message,
            "invalid log-format: xml"
        );
        let error = Log::open(Some("/nonexistent/log"), Format::Text, false).unwrap_err();
        assert!(
            error.message.starts_with("open /nonexistent/log: "),
            "{error}"
        );
    }

    #[test]
    fn a_file_is_appended_to_and_debug_lines_need_the_flag() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for debug in [false, true] {
            let log = Log::open(path.to_str(), Format::Text, debug).unwrap();
            log.debug(|| "what".to_owned());
            log.warning("careful");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let levels: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(levels, ["level=warning", "level=debug", "level=warning"]);
    }
}
