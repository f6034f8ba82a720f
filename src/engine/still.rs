//! A container that stands still while its files are read.
//!
//! Its monitor freezes it and lets it run again as soon as the client is gone, however that ends.

use std::io::Read as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::failure::Failure;
use super::protocol::{Frame, Request};
use super::{Engine, connection};

/// Holds a container still until dropped.
pub struct Stillness {
    monitor: UnixStream,
}

impl Engine {
    /// Freezes a running container; `None` when it does not run (any more).
    pub fn freeze(&self, id: &str) -> Result<Option<Stillness>, Failure> {
        let Some(mut monitor) = connection::request(&self.dirs, id, Request::Freeze)? else {
            return Ok(None);
        };
        match Frame::read(&mut monitor) {
            Ok(Some(Frame::Done)) => Ok(Some(Stillness { monitor })),
            Ok(Some(Frame::Failed(failure))) => Err(failure),
            // It ended just now.
            _ => Ok(None),
        }
    }
}

impl Drop for Stillness {
    fn drop(&mut self) {
        // The monitor hangs up once the container runs again.
        if self.monitor.shutdown(Shutdown::Write).is_ok() {
            let _ = self.monitor.read(&mut [0; 1]);
        }
    }
}
