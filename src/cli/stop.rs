//! Why a command ends without its result, and how that is told.

use crate::cli::call::Call;
use crate::cli::parse::Invalid;
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::output::error;

/// Result of a command: its exit code, or why it stopped.
pub type Outcome = Result<u8, Stop>;

/// Exit code of a flag error and of `run` when nothing ran.
pub const USAGE: u8 = 125;

/// Why a command stopped.
#[derive(Debug)]
pub enum Stop {
    /// All is said.
    Exit(u8),
    /// A flag is wrong: its text, the usage line, exit 125.
    Flag(String),
    /// Docker has the flag, rbox has not: exit 125.
    Unsupported(String),
    /// The number of arguments is wrong: exit 1.
    Count(String),
    /// The operation failed: its own exit code, else 1.
    Failed(Failure),
    /// `run` or `create` refused: points to the help; its own exit code, else 125.
    Refused(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<Invalid> for Stop {
    fn from(invalid: Invalid) -> Stop {
        Stop::Failed(Failure::new(invalid.0))
    }
}

impl Stop {
    /// A failed operation with a text.
    pub fn failed(message: impl std::fmt::Display) -> Stop {
        Stop::Failed(Failure::new(message.to_string()))
    }

    /// Tells the user and gives the exit code.
    pub fn report(self, call: &Call) -> u8 {
        let command = call.command();
        match self {
            Stop::Exit(code) => code,
            Stop::Flag(text) => {
                error::print_plain(&format!(
                    "{text}\n\nUsage:  {}\n\nRun '{command} --help' for more information",
                    call.usage()
                ));
                usage_code(call)
            }
            Stop::Unsupported(flag) => {
                let hint = if call.path.is_empty() {
                    "rbox has no daemon to connect to: leave it out".to_owned()
                } else {
                    format!("docker has this flag, rbox has not (yet): see '{command} --help'")
                };
                error::print(&Failure::new(format!("unsupported flag: {flag}")).hint(hint));
                usage_code(call)
            }
            Stop::Count(text) => {
                let run = if text.contains("at least") {
                    "See"
                } else {
                    "Run"
                };
                error::print_plain(&format!(
                    "rbox: '{command}' {text}\n\nUsage:  {}\n\n{run} '{command} --help' for more \
                     information",
                    call.usage()
                ));
                1
            }
            Stop::Failed(mut failure) => {
                if failure.message.starts_with("No such image: ")
                    && let Ok(engine) = Engine::open_to_look(call.dirs.clone())
                {
                    failure = engine.image_hint(failure);
                }
                error::print(&failure);
                failure.code.unwrap_or(1)
            }
            Stop::Refused(failure) => {
                error::print_with_help(&failure, &command);
                failure.code.unwrap_or(USAGE)
            }
        }
    }
}

/// Compose is a program of its own at Docker, whose errors about flags are as any other.
fn usage_code(call: &Call) -> u8 {
    match call.path.split(' ').next() {
        Some(super::compose::NAME) => 1,
        _ => USAGE,
    }
}

/// Whether a failure says that there is no such object, so that another kind can be tried.
pub fn is_absent(failure: &Failure) -> bool {
    let text = &failure.message;
    text.contains("No such container: ")
        || text.contains("No such image: ")
        || (text.starts_with("network ") && text.ends_with(" not found"))
        || text.ends_with(": no such volume")
}

/// Prints the failures of several objects, each on its own; 1 when there were any.
pub fn each<T: std::fmt::Display>(
    names: &[T],
    mut act: impl FnMut(&T) -> Result<String, Failure>,
) -> u8 {
    let mut code = 0;
    for name in names {
        match act(name) {
            Ok(line) => super::call::say(&format!("{line}\n")),
            Err(failure) => {
                error::print(&failure);
                code = 1;
            }
        }
    }
    code
}
