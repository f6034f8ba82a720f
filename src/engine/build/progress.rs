//! Steps as a listener hears of them: numbered as they begin, each ended once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::event::{Ending, Event, Listener, StepId};
use crate::engine::Failure;

/// Tells a listener.
pub struct Progress<'a> {
    listener: &'a dyn Listener,
    begun: AtomicUsize,
}

/// A step that has begun. Dropped without an end it was cancelled.
pub struct Step<'a> {
    listener: &'a dyn Listener,
    /// Its number.
    pub id: StepId,
    begun: Instant,
    ended: bool,
}

impl<'a> Progress<'a> {
    /// Before the first step.
    pub fn new(listener: &'a dyn Listener) -> Progress<'a> {
        Progress {
            listener,
            begun: AtomicUsize::new(0),
        }
    }

    /// The next step.
    pub fn begin(&self, name: &str) -> Step<'a> {
        let id = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        rbox_timing::mark_of("begun:", name);
        self.listener.event(Event::Started {
            step: id,
            name: name.to_owned(),
        });
        Step {
            listener: self.listener,
            id,
            begun: Instant::now(),
            ended: false,
        }
    }

    /// Something that the user should know.
    pub fn warn(&self, text: &str, place: Option<(PathBuf, usize)>) {
        self.listener.event(Event::Warning {
            text: text.to_owned(),
            place,
        });
    }
}

impl Step<'_> {
    /// A line about it.
    pub fn note(&self, text: &str) {
        self.listener.event(Event::Note {
            step: self.id,
            text: text.to_owned(),
        });
    }

    /// What its process wrote.
    pub fn output(&self, bytes: &[u8]) {
        self.listener.event(Event::Output {
            step: self.id,
            bytes: bytes.to_vec(),
        });
    }

    /// It is done.
    pub fn done(self) {
        self.end(Ending::Done);
    }

    /// There was nothing to do.
    pub fn cached(self) {
        self.end(Ending::Cached);
    }

    /// It failed.
    pub fn failed(self, failure: &Failure) {
        self.end(Ending::Failed(failure.message.clone()));
    }

    fn end(mut self, how: Ending) {
        self.ended = true;
        self.tell(how);
    }

    fn tell(&self, how: Ending) {
        rbox_timing::mark("step ended");
        self.listener.event(Event::Ended {
            step: self.id,
            how,
            took: self.begun.elapsed(),
        });
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Ending::Cancelled);
        }
    }
}
