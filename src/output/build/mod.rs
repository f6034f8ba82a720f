//! What the user sees of a build, on stderr.

mod plain;

use crate::engine::build::error::BuildError;
use crate::engine::build::event::Listener;

/// `--progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A terminal gets [`Style::Terminal`], anything else [`Style::Plain`].
    Auto,
    /// A line for everything that happens.
    Plain,
    /// A picture that is drawn anew.
    Terminal,
    /// Nothing but failures.
    Quiet,
}

/// A listener that also tells how it ended.
pub trait Show: Listener {
    /// Once, after the last event.
    fn failed(&self, error: &BuildError);
}

/// Who tells of a build.
pub fn listener(style: Style) -> Box<dyn Show> {
    Box::new(plain::Plain::new(style == Style::Quiet))
}
