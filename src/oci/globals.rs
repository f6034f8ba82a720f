//! The flags before the command.

use std::path::PathBuf;

use super::flags::{Flag, Kind, Parsed};
use super::log::Format;
use crate::engine::failure::{Context, Failure};

/// Where containers are noted when `--root` does not say.
const DEFAULT_ROOT: &str = "/run/rbox-runtime";

static DEBUG: Flag = Flag::new("debug", Kind::Switch, "log what is done");
static LOG: Flag = Flag::new(
    "log",
    Kind::Text,
    "file to append log lines to (default: standard error)",
);
static LOG_FORMAT: Flag = Flag::new(
    "log-format",
    Kind::Text,
    "format of log lines: text or json (default: \"text\")",
);
static ROOT: Flag = Flag::new(
    "root",
    Kind::Text,
    "directory for the state of containers (default: \"/run/rbox-runtime\")",
);
static SYSTEMD: Flag = Flag::new(
    "systemd-cgroup",
    Kind::Switch,
    "make cgroups by systemd; cgroupsPath is then \"slice:prefix:name\"",
);
static ROOTLESS: Flag = Flag::new(
    "rootless",
    Kind::Text,
    "only \"false\": containers are made by root",
);
static VERSION: Flag = Flag::with_short("version", "v", Kind::Switch, "print the version");
static CRIU: Flag = Flag::new("criu", Kind::Refused, "");

/// All of them.
pub static FLAGS: &[&Flag] = &[
    &DEBUG,
    &LOG,
    &LOG_FORMAT,
    &ROOT,
    &SYSTEMD,
    &ROOTLESS,
    &VERSION,
    &CRIU,
];

/// What they say.
#[derive(Debug, PartialEq, Eq)]
pub struct Globals {
    /// `--root`, absolute.
    pub root: PathBuf,
    /// `--log`.
    pub log: Option<String>,
    /// `--log-format`.
    pub format: Format,
    /// `--debug`.
    pub debug: bool,
    /// `--systemd-cgroup`.
    pub systemd: bool,
    /// `--version`.
    pub version: bool,
}

/// The log's file and format, which the report of any failure needs, those of
/// other flags included. A wrong format counts as text.
pub fn log(parsed: &Parsed) -> (Option<&str>, Format, bool) {
    let format = parsed.text(&LOG_FORMAT).unwrap_or("text");
    let format = Format::parse(format).unwrap_or_default();
    (parsed.text(&LOG), format, parsed.on(&DEBUG))
}

impl Globals {
    /// Reads them; refuses what is not supported.
    pub fn new(parsed: &Parsed) -> Result<Globals, Failure> {
        let (log, _, debug) = log(parsed);
        let root = parsed.text(&ROOT).unwrap_or(DEFAULT_ROOT);
        match parsed.text(&ROOTLESS) {
            None | Some("false") => {}
            Some(other) => {
                return Err(Failure::new(format!(
                    "--rootless {other} is not supported: containers are made by root"
                )));
            }
        }
        Ok(Globals {
            root: std::path::absolute(root).context(|| format!("find {root}"))?,
            log: log.map(str::to_owned),
            format: Format::parse(parsed.text(&LOG_FORMAT).unwrap_or("text"))?,
            debug,
            systemd: parsed.on(&SYSTEMD),
            version: parsed.on(&VERSION),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::flags::parse;
    use super::*;

    fn globals(line: &str) -> Result<Globals, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Globals::new(&parse(FLAGS, &words, false).unwrap())
    }

    #[test]
    fn defaults_and_everything_given() {
        let none = globals("list").unwrap();
        assert_eq!(none.root, PathBuf::from("/run/rbox-runtime"));
        assert_eq!((none.log, none.format), (None, Format::Text));
        let all =
            "--root /x --log /l --log-format json --debug --systemd-cgroup --rootless=false -v";
        let all = globals(all).unwrap();
        assert_eq!(
            all,
            Globals {
                root: "/x".into(),
                log: Some("/l".into()),
                format: Format::Json,
                debug: true,
                systemd: true,
                version: true,
            }
        );
        assert_eq!(
            globals("--root= x").unwrap().root,
            PathBuf::from("/run/rbox-runtime")
        );
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for (line, text) in [
            (
                "--rootless auto x",
                "--rootless auto is not supported: containers are made by root",
            ),
            (
                "--rootless=true x",
                "--rootless true is not supported: containers are made by root",
            ),
            ("--log-format xml x", "invalid log-format: xml"),
        ] {
            assert_eq!(globals(line).unwrap_err().message, text);
        }
    }
}
