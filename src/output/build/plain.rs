//! A line for everything that happens.

use std::io::Write as _;

use super::Show;
use crate::engine::build::error::BuildError;
use crate::engine::build::event::{Ending, Event, Listener};
use crate::output::error;

/// BuildKit's plain progress: `#5 [2/4] RUN …`, `#5 DONE 0.3s`.
#[derive(Debug)]
pub struct Plain {
    quiet: bool,
}

impl Plain {
    /// `quiet` is told nothing but failures.
    pub fn new(quiet: bool) -> Plain {
        Plain { quiet }
    }
}

impl Listener for Plain {
    fn event(&self, event: Event) {
        if self.quiet {
            return;
        }
        let text = match event {
            Event::Started { step, name } => format!("#{step} {name}\n"),
            Event::Output { step, bytes, .. } => {
                let text = String::from_utf8_lossy(&bytes);
                text.lines()
                    .map(|line| format!("#{step} {line}\n"))
                    .collect()
            }
            Event::Note { step, text } => format!("#{step} {text}\n"),
            Event::Ended { step, how, took } => match how {
                Ending::Done => format!("#{step} DONE {:.1}s\n", took.as_secs_f64()),
                Ending::Cached => format!("#{step} CACHED\n"),
                Ending::Failed(text) => format!("#{step} ERROR: {text}\n"),
                Ending::Cancelled => format!("#{step} CANCELED\n"),
            },
            Event::Warning { text, .. } => format!("WARNING: {text}\n"),
        };
        // Nowhere to report that stderr is closed.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

impl Show for Plain {
    fn failed(&self, failed: &BuildError) {
        error::print(&failed.failure);
    }
}
