//! What a build tells while it runs. Nothing here prints.

use std::path::PathBuf;
use std::time::Duration;

/// One step of a build, numbered in the order in which steps begin, from 1.
pub type StepId = usize;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step began: `[internal] load build context`, `[web 2/4] RUN apk add …`.
    Started {
        /// Its number.
        step: StepId,
        /// What it is called.
        name: String,
    },
    /// A step's process wrote something.
    Output {
        /// Of which step.
        step: StepId,
        /// As written; not necessarily whole lines, not necessarily text.
        bytes: Vec<u8>,
    },
    /// Something about a step, a line (`naming to docker.io/library/web:latest`).
    Note {
        /// Of which step.
        step: StepId,
        /// The line.
        text: String,
    },
    /// A step is over.
    Ended {
        /// Its number.
        step: StepId,
        /// How.
        how: Ending,
        /// How long it took.
        took: Duration,
    },
    /// Not an error, but the user should know.
    Warning {
        /// What.
        text: String,
        /// File and first line.
        place: Option<(PathBuf, usize)>,
    },
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done.
    Done,
    /// Its result was there already.
    Cached,
    /// It failed; the text is the error's.
    Failed(String),
    /// Another one failed, or the user had enough.
    Cancelled,
}

/// Is told. Called by several threads.
pub trait Listener: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}
