//! Ending the steps that run, from another thread.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use crate::engine::failure::{Context, Failure};

/// Shared by the steps of a build; once given, no step goes on.
#[derive(Debug, Default)]
pub struct Cancel {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    given: bool,
    next: u64,
    running: Vec<(u64, UnixStream)>,
}

impl Cancel {
    /// Ends all steps that run, and lets none begin. Returns at once; each `run` returns when its
    /// container is gone.
    pub fn cancel(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.given = true;
        for (_, stream) in &state.running {
            // The monitor kills what it keeps when this closes.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether the build is over.
    pub fn is_given(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.given
    }

    /// Fails when the build is over.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.is_given() {
            true => Err(Failure::new("cancelled")),
            false => Ok(()),
        }
    }

    /// Closes `stream` when the build is cancelled, until the result is dropped.
    pub(super) fn watch(&self, stream: &UnixStream) -> Result<Watch<'_>, Failure> {
        let stream = stream
            .try_clone()
            .context(|| "watch the step's container".into())?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.given {
            return Err(Failure::new("cancelled"));
        }
        let number = state.next;
        state.next += 1;
        state.running.push((number, stream));
        Ok(Watch {
            cancel: self,
            number,
        })
    }
}

/// A step that is ended when the build is.
pub(super) struct Watch<'a> {
    cancel: &'a Cancel,
    number: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let state = self.cancel.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.running.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_watched_is_closed_and_what_is_dropped_is_not() {
        let cancel = Cancel::default();
        let (kept, mut other) = UnixStream::pair().unwrap();
        let (dropped, _other) = UnixStream::pair().unwrap();
        let _watch = cancel.watch(&kept).unwrap();
        drop(cancel.watch(&dropped).unwrap());
        cancel.cancel();
        assert_eq!(other.read(&mut [0]).unwrap(), 0);
        rustix::io::write(&dropped, b"x").unwrap();
        assert!(cancel.is_given());
        assert!(cancel.watch(&dropped).is_err());
    }
}
