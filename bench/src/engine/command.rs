//! A command line that is run again and again.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail, ensure};

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

    /// Runs it. It must succeed; what it prints is thrown away, and what it complains about told only
    /// when it fails.
    pub fn run(&self) -> Result<()> {
        let complaints = complaints()?;
        let before = complaints.metadata()?.len();
        let status = self
            .command()
            .stdout(Stdio::null())
            .stderr(complaints.try_clone()?)
            .status()
            .with_context(|| self.describe())?;
        if !status.success() {
            let mut said = vec![0; usize::try_from(complaints.metadata()?.len() - before)?];
            complaints.read_exact_at(&mut said, before)?;
            let said = String::from_utf8_lossy(&said);
            bail!("{}: {status}: {}", self.describe(), said.trim());
        }
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

/// One file for all commands: a pipe would stay open with what a command leaves behind, and a file
/// for each would be part of its time.
fn complaints() -> Result<&'static File> {
    static FILE: OnceLock<File> = OnceLock::new();
    match FILE.get() {
        Some(file) => Ok(file),
        None => {
            let file = tempfile::tempfile().context("make a file for complaints")?;
            Ok(FILE.get_or_init(|| file))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_told_with_its_own_complaint_alone() {
        let shell = |line: &str| CommandLine::new("/bin/sh", &["-c", line]);
        shell("echo harmless >&2").run().unwrap();
        let error = shell("echo broken >&2; exit 3").run().unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with("exit status: 3: broken"), "{text}");
    }
}
