//! `RUN`.

use super::ast::{Command, MountFlag, Run};
use super::error::Problem;
use super::flags::Takes;
use super::heredoc::Opening;
use super::instruction::{Request, command};

const FLAGS: &[(&str, Takes)] = &[
    ("mount", Takes::Texts),
    ("network", Takes::Text),
    ("security", Takes::Text),
    ("device", Takes::Texts),
];

pub(super) fn run(request: Request) -> Result<Run, Problem> {
    let flags = request.flags.check(FLAGS)?;
    let command = command(request.rest)?;
    if command == Command::Exec(Vec::new()) {
        return Err(Problem::NoArgument("RUN"));
    }
    if let Some(device) = flags.texts("device").pop() {
        return Err(Problem::NotSupported(format!("RUN --device={device}")));
    }
    let security = flags.text("security");
    match security.as_deref() {
        None | Some("sandbox") => {}
        Some(other) => return Err(Problem::NotSupported(format!("RUN --security={other}"))),
    }
    let mounts: Result<Vec<_>, _> = flags
        .texts("mount")
        .iter()
        .map(|text| MountFlag::parse(text))
        .collect();
    Ok(Run {
        command,
        heredocs: request.heredocs.to_vec(),
        mounts: mounts?,
        network: flags.text("network"),
        security,
    })
}

/// What a `RUN` executes, its heredocs put where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The words themselves.
    Exec(Vec<String>),
    /// The shell of the stage gets this text as its last argument.
    Shell(String),
    /// The only thing on the line is a heredoc that begins with `#!`: it is executed as a file.
    Script(String),
}

impl Run {
    /// What is executed.
    pub fn program(&self) -> Program {
        let line = match &self.command {
            Command::Exec(words) => return Program::Exec(words.clone()),
            Command::Shell(line) => line,
        };
        if let [heredoc] = self.heredocs.as_slice()
            && Opening::parse(line.trim()).is_some()
        {
            return match heredoc.content.starts_with("#!") {
                true => Program::Script(heredoc.content.clone()),
                false => Program::Shell(heredoc.content.clone()),
            };
        }
        let mut text = line.clone();
        for heredoc in &self.heredocs {
            text.extend(["\n", &heredoc.content, &heredoc.name]);
        }
        Program::Shell(text)
    }
}
