//! The programs that are compared, and how each is called here.

mod command;
pub mod docker;
pub mod podman;
pub mod rbox;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

pub use command::CommandLine;

/// A program that understands Docker's commands.
#[derive(Clone, Debug)]
pub struct Engine {
    /// As in tables.
    pub name: &'static str,
    /// Where it is.
    pub program: PathBuf,
    /// What comes before every command.
    pub globals: Vec<String>,
    /// What it must find in its environment.
    pub environment: Vec<(String, OsString)>,
}

impl Engine {
    /// `run --rm alpine true` and the like.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> CommandLine {
        let globals = self.globals.iter().map(String::as_str);
        CommandLine {
            program: self.program.clone(),
            called: None,
            words: globals
                .chain(words.iter().map(AsRef::as_ref))
                .map(OsString::from)
                .collect(),
            environment: self.environment.clone(),
        }
    }

    /// What a command prints, trimmed. It must succeed.
    pub fn quiet<S: AsRef<str>>(&self, words: &[S]) -> Result<String> {
        self.command(words).output()
    }
}
