//! What can go wrong on a connection.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What goes wrong on a D-Bus connection.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No connection.
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// We are not let in.
    #[error("authentication failed: {0}")]
    Authentication(String),
    /// Not D-Bus, or a part of it that nobody here uses.
    #[error("{0}")]
    Protocol(&'static str),
    /// The other side refused a call.
    #[error("{method}: {message} ({name})")]
    Call {
        /// The method.
        method: String,
        /// The error's name.
        name: String,
        /// The error's text.
        message: String,
    },
    /// Nothing was heard.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}
