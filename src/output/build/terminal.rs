//! The picture on a terminal, by a thread that draws it ten times a second.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use super::picture::Picture;
use crate::engine::build::event::Event;

/// Between two pictures.
const PAUSE: Duration = Duration::from_millis(100);

/// Of a terminal that does not say its size.
const SIZE: (usize, usize) = (80, 24);

/// A terminal and what it shows.
#[derive(Debug)]
pub(super) struct Terminal {
    canvas: Arc<Canvas>,
    painter: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Canvas {
    begun: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    picture: Picture,
    /// Lines that stand on the terminal.
    drawn: usize,
    over: bool,
}

impl Terminal {
    pub(super) fn new() -> Terminal {
        let canvas = Arc::new(Canvas {
            begun: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let painted = canvas.clone();
        let painter = std::thread::Builder::new().name("progress".to_owned());
        // Without a painter there is only the last picture.
        let painter = painter.spawn(move || painted.paint()).ok();
        Terminal {
            canvas,
            painter: Mutex::new(painter),
        }
    }

    pub(super) fn event(&self, event: Event) {
        let now = self.canvas.begun.elapsed();
        self.canvas.state().picture.event(event, now);
    }

    /// Draws the last picture, which stays; then tells what `last` makes of it.
    pub(super) fn finish(&self, last: impl FnOnce(&Picture)) {
        self.canvas.state().over = true;
        self.canvas.changed.notify_all();
        let painter = self.painter.lock();
        if let Some(painter) = painter.unwrap_or_else(PoisonError::into_inner).take() {
            // It panicked, or it is over; the last picture is drawn here.
            let _ = painter.join();
        }
        let mut state = self.canvas.state();
        state.picture.finished = true;
        self.canvas.draw(&mut state);
        last(&state.picture);
    }
}

impl Canvas {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paint(&self) {
        let mut state = self.state();
        while !state.over {
            self.draw(&mut state);
            let waited = self.changed.wait_timeout(state, PAUSE);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes the picture over the one before.
    fn draw(&self, state: &mut State) {
        let (width, height) = size();
        let lines = state.picture.draw(self.begun.elapsed(), width, height);
        let mut text = String::new();
        if state.drawn > 0 {
            let _ = write!(text, "\x1b[{}A", state.drawn);
        }
        for line in &lines {
            let _ = write!(text, "\r{line}\x1b[K\n");
        }
        text.push_str("\x1b[J");
        state.drawn = lines.len();
        super::tell(text.as_bytes());
    }
}

/// Columns and rows.
fn size() -> (usize, usize) {
    match tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        _ => SIZE,
    }
}
