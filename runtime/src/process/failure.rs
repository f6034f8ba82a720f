//! Why a container's process could not be set up or executed.

use std::fmt::Display;
use std::io;

/// What sort of failure it was; commands turn it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FailureKind {
    /// The program (or its interpreter) does not exist: exit code 127.
    NotFound = 1,
    /// The program exists and may not be executed: exit code 126.
    Denied = 2,
    /// Anything else: exit code 125.
    Other = 3,
}

impl FailureKind {
    /// The kind that a handshake message carries.
    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::NotFound,
            2 => Self::Denied,
            _ => Self::Other,
        }
    }

    /// The kind that an errno of stat or execve means.
    pub(crate) fn of_exec(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Self::NotFound,
            Some(libc::EACCES | libc::EPERM | libc::EISDIR | libc::ENOEXEC) => Self::Denied,
            _ => Self::Other,
        }
    }
}

/// A failed set-up step: the text names the step and the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

impl Failure {
    /// A failure with its whole text.
    pub(crate) fn new(kind: FailureKind, message: String) -> Self {
        Self { kind, message }
    }

    /// `WHAT: reason`. Docker's client takes the exit code from the reason, so
    /// that a file missing for a step ends in 127 as a missing program does.
    pub(crate) fn step(what: impl Display, error: &io::Error) -> Self {
        let kind = match error.raw_os_error() {
            Some(libc::ENOENT) => FailureKind::NotFound,
            Some(libc::EACCES | libc::EISDIR) => FailureKind::Denied,
            _ => FailureKind::Other,
        };
        Self::new(kind, format!("{what}: {}", reason(error)))
    }
}

/// Adds the step and the object to the error of a system call.
pub(crate) trait Naming<T> {
    /// Names the failed step; the closure runs only on failure.
    fn naming<D: Display>(self, what: impl FnOnce() -> D) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Naming<T> for Result<T, E> {
    fn naming<D: Display>(self, what: impl FnOnce() -> D) -> Result<T, Failure> {
        self.map_err(|error| Failure::step(what(), &error.into()))
    }
}

/// The system's words for an error, as C and Go programs print them: no
/// capital, no errno number.
pub fn reason(error: &io::Error) -> String {
    let Some(code) = error.raw_os_error() else {
        return error.to_string();
    };
    let text = error.to_string();
    let text = text
        .strip_suffix(&format!(" (os error {code})"))
        .unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        // Keep abbreviations such as "RPC struct is bad".
        Some(first) if characters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_in_other_container_tools() {
        let text = |code| reason(&io::Error::from_raw_os_error(code));
        assert_eq!(text(libc::ENOENT), "no such file or directory");
        assert_eq!(text(libc::EACCES), "permission denied");
        assert_eq!(text(libc::ENOTDIR), "not a directory");
        assert_eq!(text(libc::EINVAL), "invalid argument");
        assert_eq!(text(libc::EPERM), "operation not permitted");
        assert_eq!(text(libc::EROFS), "read-only file system");
    }

    #[test]
    fn a_step_names_its_object() {
        let failed: Result<(), _> = Err(io::Error::from_raw_os_error(libc::EINVAL));
        let failure = failed.naming(|| "sethostname").unwrap_err();
        assert_eq!(failure.message, "sethostname: invalid argument");
    }
}
