//! One command line: the command, its flags, and where containers are noted.

use rbox_runtime::lifecycle::{Container, CreateError, ExecError, Root};

use super::command::{self, Command};
use super::flags::{self, Parsed};
use super::globals::Globals;
use super::help;
use super::log::Log;
use crate::engine::failure::Failure;
use crate::output::stdout::say;

/// One command line.
#[derive(Debug)]
pub struct Call {
    /// The flags before the command.
    pub globals: Globals,
    /// The command.
    pub command: &'static Command,
    /// Its flags and arguments.
    pub flags: Parsed,
    /// Where messages go.
    pub log: Log,
}

impl Call {
    /// Takes the words after the command's name apart. `None`: help was asked
    /// for and given.
    pub fn parse(globals: Globals, name: &str, words: &[String]) -> Result<Option<Call>, Failure> {
        let command = command::find(name)?;
        let flags = flags::parse(command.flags, words, command.interspersed)
            .map_err(|error| Failure::new(error.to_string()))?;
        if flags.help {
            say(&help::command(command));
            return Ok(None);
        }
        command.arity.check(name, flags.arguments.len())?;
        Ok(Some(Call {
            globals,
            command,
            flags,
            log: Log::default(),
        }))
    }

    /// The first argument; an empty one, which names no container, without any.
    pub fn id(&self) -> &str {
        self.flags.arguments.first().map_or("", String::as_str)
    }

    /// Logs what went wrong without stopping an operation.
    pub fn warn(&self, warnings: Vec<String>) {
        for warning in warnings {
            self.log.warning(&warning);
        }
    }

    /// Where containers are noted.
    pub fn root(&self) -> Root {
        Root::new(&self.globals.root)
    }

    /// The container that the first argument names.
    pub fn container(&self) -> Result<Container, Failure> {
        self.root().load(self.id()).map_err(failure)
    }
}

/// runc's words before what the container's process says; docker's users know them.
const PROCESS: &str = "unable to start container process: ";

/// An error of `create`, as runc tells it.
pub fn create_failure(error: CreateError) -> Failure {
    use rbox_runtime::CreateError as Inner;
    match &error {
        CreateError::Container(
            Inner::Setup { .. } | Inner::Died(_) | Inner::Process { .. } | Inner::Hook(_),
        ) => Failure::new(format!("{PROCESS}{error}")),
        _ => failure(error),
    }
}

/// An error of `exec`, as runc tells it.
pub fn exec_failure(error: ExecError) -> Failure {
    use rbox_runtime::ExecError as Inner;
    match &error {
        ExecError::Process(Inner::Setup { .. } | Inner::Process { .. }) => {
            Failure::new(format!("{PROCESS}{error}"))
        }
        _ => failure(error),
    }
}

/// An error of the runtime as the command's.
pub fn failure(error: impl std::error::Error) -> Failure {
    Failure::new(error.to_string())
}
