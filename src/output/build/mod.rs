//! What the user sees of a build, on stderr.
//!
//! ```text
//!  Event ─▶ Log ─┬▶ Plain    a line for everything that happens
//!                ├▶ Terminal a picture, drawn anew
//!                └▶ failure  what the step wrote last, the Dockerfile's lines, the message
//! ```

mod failure;
mod log;
mod picture;
mod plain;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use self::log::Log;
pub(super) use self::log::visible;
pub(super) use self::picture::Picture;
pub(super) use self::plain::Plain;
use super::canvas::Canvas;
use crate::engine::build::error::BuildError;
use crate::engine::build::event::{Event, Listener};

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
    /// After the last event of a build that failed.
    fn failed(&self, error: &BuildError);

    /// After the last event of a build that did not.
    fn done(&self);
}

/// Who tells of a build.
pub fn listener(style: Style) -> Box<dyn Show> {
    let terminal = io::stderr().is_terminal();
    let form = match style {
        Style::Quiet => Form::Quiet(Mutex::default()),
        Style::Terminal => Form::Terminal(Canvas::new(Picture::default())),
        Style::Auto if terminal => Form::Terminal(Canvas::new(Picture::default())),
        Style::Auto | Style::Plain => Form::Plain(Mutex::default()),
    };
    Box::new(Shown {
        form,
        begun: Instant::now(),
        warnings: Mutex::default(),
    })
}

/// A build that is shown.
struct Shown {
    form: Form,
    begun: Instant,
    warnings: Mutex<Vec<Warning>>,
}

/// Something that is told at the end.
struct Warning {
    text: String,
    /// Of the Dockerfile.
    line: Option<usize>,
}

enum Form {
    Plain(Mutex<Plain>),
    Terminal(Canvas<Picture>),
    /// Only what the last lines of a failed step were.
    Quiet(Mutex<Plain>),
}

impl Listener for Shown {
    fn event(&self, event: Event) {
        if let Event::Warning { text, place } = event {
            let line = place.map(|(_, line)| line);
            lock(&self.warnings).push(Warning { text, line });
            return;
        }
        match &self.form {
            Form::Plain(plain) => {
                let mut plain = lock(plain);
                let text = plain.event(event, self.begun.elapsed());
                // Still locked: lines of two threads keep their order.
                tell(&text);
            }
            Form::Terminal(canvas) => canvas.change(|picture, now| picture.event(event, now)),
            Form::Quiet(plain) => {
                lock(plain).event(event, self.begun.elapsed());
            }
        }
    }
}

impl Show for Shown {
    fn failed(&self, error: &BuildError) {
        self.last(|log| tell(&text(error, log)));
    }

    fn done(&self) {
        self.last(|_| ());
    }
}

impl Shown {
    fn last(&self, tell_more: impl FnOnce(&Log)) {
        match &self.form {
            Form::Plain(plain) => {
                self.warn();
                tell_more(lock(plain).log());
            }
            Form::Terminal(canvas) => canvas.finish(|picture| {
                self.warn();
                tell_more(&picture.log);
            }),
            Form::Quiet(plain) => tell_more(lock(plain).log()),
        }
    }

    fn warn(&self) {
        tell(warnings(&lock(&self.warnings)).as_bytes());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// ` 1 warning found:` and a line for each.
fn warnings(list: &[Warning]) -> String {
    let mut text = match list.len() {
        0 => return String::new(),
        1 => "\n 1 warning found:\n".to_owned(),
        number => format!("\n {number} warnings found:\n"),
    };
    for warning in list {
        text.push_str(&format!(" - {}", log::visible(warning.text.as_bytes())));
        if let Some(line) = warning.line {
            text.push_str(&format!(" (line {line})"));
        }
        text.push('\n');
    }
    text
}

/// Everything about a failure.
fn text(error: &BuildError, log: &Log) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some((id, name)) = &error.step {
        text.extend(failure::written(name, log.step(*id)));
    }
    if let Some(place) = &error.place {
        let source = &place.source;
        text.extend(failure::excerpt(&source.name, &source.text, &place.lines).into_bytes());
    }
    text.extend(failure::message(&error.failure).into_bytes());
    text
}

fn tell(text: &[u8]) {
    // Nowhere to report that stderr is closed.
    let _ = io::stderr().lock().write_all(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_counted_and_have_their_lines() {
        assert_eq!(warnings(&[]), "");
        let old = || Warning {
            text: "LegacyKeyValueFormat: x".to_owned(),
            line: Some(2),
        };
        assert_eq!(
            warnings(&[old()]),
            "\n 1 warning found:\n - LegacyKeyValueFormat: x (line 2)\n"
        );
        let unused = Warning {
            text: "unused\x1b[2J".to_owned(),
            line: None,
        };
        assert_eq!(
            warnings(&[old(), unused]),
            concat!(
                "\n 2 warnings found:\n",
                " - LegacyKeyValueFormat: x (line 2)\n - unused\n"
            )
        );
    }
}
