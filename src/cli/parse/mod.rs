//! The grammar of flag values: pure functions from text to typed values, with
//! Docker's texts for what they refuse.

pub mod capability;
pub mod csv;
pub mod device;
pub mod env;
pub mod filter;
pub mod health;
pub mod hosts;
pub mod image;
pub mod label;
pub mod logging;
pub mod modes;
pub mod mount;
pub mod number;
pub mod restart;
pub mod security;
pub mod size;
pub mod sysctl;
pub mod time;
pub mod tmpfs;
pub mod ulimit;
pub mod volume;

/// A value that is refused; the text is complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// Refuses with a text.
    pub fn new(text: impl Into<String>) -> Invalid {
        Invalid(text.into())
    }
}
