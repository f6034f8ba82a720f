//! What a command reports when it fails: the text, the exit code, a hint.

use std::fmt;

/// A failed operation, ready to be printed once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// Exit code where it is not the command's usual one (125 for run, 1 elsewhere).
    pub code: Option<u8>,
    /// What went wrong, naming the object; Docker's text where Docker has one.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with the command's usual exit code.
    pub fn new(message: impl Into<String>) -> Self {
        Failure {
            code: None,
            message: message.into(),
            hint: None,
        }
    }

    /// With an exit code of its own.
    pub fn code(mut self, code: u8) -> Self {
        self.code = Some(code);
        self
    }

    /// With a line that says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Docker's text for a container that does not exist.
    pub fn no_such_container(name: &str) -> Self {
        Failure::new(format!("No such container: {name}"))
    }

    /// Docker's text for what needs a process, where the next one is about to be started.
    pub fn restarting(id: &str) -> Self {
        Failure::new(format!(
            "Container {id} is restarting, wait until the container is running"
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Names the object an I/O error is about.
pub trait Context<T> {
    /// `what` reads as `write /var/lib/rbox/…`; the cause follows after a colon.
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("{}: {error}", what())))
    }
}
