//! The programs that are compared, and how each is called here.

pub mod docker;
pub mod podman;
pub mod rbox;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

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

/// A command, ready to be run any number of times.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// Where it is.
    pub program: PathBuf,
    /// What it is called, where that decides what it does.
    pub called: Option<String>,
    /// Its words.
    pub words: Vec<OsString>,
    /// Beside this process's own.
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

impl CommandLine {
    /// A program and its words.
    pub fn new(program: impl Into<PathBuf>, words: &[&str]) -> Self {
        Self {
            program: program.into(),
            called: None,
            words: words.iter().map(OsString::from).collect(),
            environment: Vec::new(),
        }
    }

    /// For std.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(name) = &self.called {
            command.arg0(name);
        }
        command
            .args(&self.words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs it. It must succeed; what it prints is thrown away.
    pub fn run(&self) -> Result<()> {
        let status = self
            .command()
            .stdout(Stdio::null())
            .status()
            .with_context(|| self.describe())?;
        ensure!(status.success(), "{}: {status}", self.describe());
        Ok(())
    }

    /// What it prints, trimmed. It must succeed.
    pub fn output(&self) -> Result<String> {
        let output = self.command().output().with_context(|| self.describe())?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}: {}: {}",
            self.describe(),
            output.status,
            said.trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// For messages.
    pub fn describe(&self) -> String {
        let words: Vec<_> = self
            .words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        format!("{} {}", self.program.display(), words.join(" "))
    }
}
