//! What the main loop of `compose up` hears, and who tells it which containers run.

use std::sync::mpsc::Sender;

use crate::compose::progress::{Progress, State, Thing};
use crate::engine::build::event::{Event, Listener};
use crate::engine::failure::Failure;
use crate::output::error;

/// What the main loop hears.
pub enum Happening {
    /// A container of that name runs.
    Runs(String),
    /// That one of them has ended.
    Ended(usize, Result<i32, Failure>),
    /// All were started, or not.
    Started(Result<(), Failure>),
    /// A person pressed ctrl-C.
    Interrupt,
    /// All were stopped, or not.
    Stopped(Result<(), Failure>),
}

/// Tells the main loop which containers run.
pub struct Herald(pub Sender<Happening>);

impl Progress for Herald {
    fn tell(&self, thing: &Thing, state: State) {
        if let (Thing::Container(name), State::Started | State::Running) = (thing, state) {
            let _ = self.0.send(Happening::Runs(name.clone()));
        }
    }

    fn warn(&self, warning: &Failure) {
        error::warn(warning);
    }

    fn builds(&self) -> &dyn Listener {
        self
    }
}

impl Listener for Herald {
    fn event(&self, _: Event) {}
}
