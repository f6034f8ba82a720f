//! Why a Compose file cannot be used, and where in it.

use std::fmt;

use super::node::Mark;

/// A file that cannot be used. Shown, it names file, line and key:
/// `compose.yaml:7: services.web.imag: unknown key (did you mean image?)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// What is wrong and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl LoadError {
    /// Of the whole, without a place.
    pub(super) fn new(message: impl Into<String>) -> LoadError {
        LoadError {
            message: message.into(),
            hint: None,
        }
    }

    /// At a line, of what the path names (nothing where the path is empty).
    pub(super) fn at(mark: &Mark, path: &str, text: impl fmt::Display) -> LoadError {
        LoadError::new(if path.is_empty() {
            format!("{mark}: {text}")
        } else {
            format!("{mark}: {path}: {text}")
        })
    }

    /// With a line that says what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> LoadError {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}
