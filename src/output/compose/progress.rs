//! Tells of a command of compose while it works.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::board::Board;
use super::colour::Ansi;
use crate::compose::progress::{Phase, Progress, State, Thing};
use crate::engine::build::event::{Event, Listener};
use crate::engine::failure::Failure;
use crate::output::build;
use crate::output::canvas::{Canvas, Picture};
use crate::output::error;

/// `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A terminal gets [`Style::Terminal`], anything else [`Style::Plain`].
    #[default]
    Auto,
    /// A line for each new state.
    Plain,
    /// A picture that is drawn anew.
    Terminal,
    /// A line of JSON for each new state.
    Json,
    /// Nothing but failures.
    Quiet,
}

/// Shows how far a command is.
pub struct Shown {
    form: Form,
    begun: Instant,
    quiet_pulls: bool,
}

enum Form {
    Plain(Mutex<build::Plain>),
    Terminal(Canvas<Whole>),
    Json,
    Quiet,
}

/// What is on the terminal: steps of builds, and below them all things.
struct Whole {
    title: &'static str,
    builds: build::Picture,
    /// When a build last told something.
    heard: Duration,
    board: Board,
    colours: bool,
}

impl Shown {
    /// `title` is the word on a terminal's first line: `Running`. With `quiet_pulls`
    /// nothing is told of images on their way.
    pub fn new(style: Style, ansi: Ansi, title: &'static str, quiet_pulls: bool) -> Shown {
        let terminal = io::stderr().is_terminal() && ansi != Ansi::Never;
        let form = match style {
            Style::Quiet => Form::Quiet,
            Style::Json => Form::Json,
            Style::Plain => Form::Plain(Mutex::default()),
            Style::Auto if !terminal => Form::Plain(Mutex::default()),
            Style::Terminal | Style::Auto => Form::Terminal(Canvas::new(Whole {
                title,
                builds: build::Picture::default(),
                heard: Duration::ZERO,
                board: Board::default(),
                colours: ansi.on(&io::stderr()),
            })),
        };
        Shown {
            form,
            begun: Instant::now(),
            quiet_pulls,
        }
    }

    /// After the last that is told: what is on the terminal stays.
    pub fn finish(&self) {
        if let Form::Terminal(canvas) = &self.form {
            canvas.finish(|whole| tell(&whole.builds.written_by_failed()));
        }
    }
}

impl Progress for Shown {
    fn tell(&self, thing: &Thing, state: State) {
        let pulls = matches!(state, State::Pulling | State::Pulled);
        if self.quiet_pulls && pulls {
            return;
        }
        let name = thing.to_string();
        let word = match state.detail() {
            Some(detail) => format!("{} {detail}", state.word()),
            None => state.word().to_owned(),
        };
        match &self.form {
            Form::Plain(_) => tell(plain(&name, &word).as_bytes()),
            Form::Json => tell(json(&name, &state).as_bytes()),
            Form::Terminal(canvas) => {
                canvas.change(|whole, now| whole.board.tell(&name, &word, state.phase(), now));
            }
            Form::Quiet => {}
        }
    }

    fn warn(&self, warning: &Failure) {
        match &self.form {
            Form::Terminal(canvas) => canvas.above(|| error::warn(warning)),
            _ => error::warn(warning),
        }
    }

    fn builds(&self) -> &dyn Listener {
        self
    }
}

impl Listener for Shown {
    fn event(&self, event: Event) {
        if let Event::Warning { text, .. } = &event {
            return self.warn(&Failure::new(build::visible(text.as_bytes())));
        }
        match &self.form {
            Form::Plain(plain) => {
                let mut plain = plain.lock().unwrap_or_else(PoisonError::into_inner);
                let text = plain.event(event, self.begun.elapsed());
                // Still locked: lines of two threads keep their order.
                tell(&text);
            }
            Form::Terminal(canvas) => canvas.change(|whole, now| {
                whole.heard = now;
                // Builds follow each other, and each begins to count anew.
                if matches!(event, Event::Started { step: 1, .. }) {
                    whole.builds = build::Picture::default();
                }
                whole.builds.event(event, now);
            }),
            Form::Json | Form::Quiet => {}
        }
    }
}

impl Picture for Whole {
    fn draw(&self, now: Duration, width: usize, height: usize, last: bool) -> Vec<String> {
        // One line stays free for the cursor; the last picture may be as long as it is.
        let most = if last {
            usize::MAX
        } else {
            height.saturating_sub(3)
        };
        let board = self.board.draw(self.title, now, width, most, self.colours);
        let left = height.saturating_sub(board.len());
        let mut lines = match self.builds.is_over() {
            _ if self.builds.is_empty() => Vec::new(),
            true => self.builds.lines(self.heard, width, left, true),
            false => self.builds.lines(now, width, left, last),
        };
        lines.extend(board);
        lines
    }
}

fn plain(name: &str, word: &str) -> String {
    format!(" {name}  {word}\n")
}

fn json(name: &str, state: &State) -> String {
    let status = match state.phase() {
        Phase::Working => "Working",
        Phase::Done => "Done",
        Phase::Warning => "Warning",
        Phase::Error => "Error",
    };
    let mut line = json!({ "id": name, "status": status, "text": state.word() });
    if let Some(detail) = state.detail() {
        line["details"] = detail.into();
    }
    format!("{line}\n")
}

fn tell(text: &[u8]) {
    // Nowhere to report that stderr is closed.
    let _ = io::stderr().lock().write_all(text);
}

#[cfg(test)]
mod tests {
    use super::{json, plain};
    use crate::compose::progress::State;

    #[test]
    fn elsewhere_each_state_is_a_line() {
        assert_eq!(
            plain("Container p-web-1", "Created"),
            " Container p-web-1  Created\n"
        );
        assert_eq!(
            json("Network p_default", &State::Creating),
            "{\"id\":\"Network p_default\",\"status\":\"Working\",\"text\":\"Creating\"}\n"
        );
        assert_eq!(
            json("Container x", &State::Failed("no".into())),
            "{\"id\":\"Container x\",\"status\":\"Error\",\"text\":\"Error\",\"details\":\"no\"}\n"
        );
    }
}
