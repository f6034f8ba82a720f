//! A picture on the terminal of stderr, by a thread that draws it ten times a second.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

/// Between two pictures.
const PAUSE: Duration = Duration::from_millis(100);

/// Of a terminal that does not say its size.
const SIZE: (usize, usize) = (80, 24);

/// What is drawn.
pub trait Picture: Send + 'static {
    /// The lines at `now` (since the canvas was made), for a terminal of so many columns and rows.
    /// `last`: no more follow, and these stay.
    fn draw(&self, now: Duration, width: usize, height: usize, last: bool) -> Vec<String>;
}

/// A terminal and what it shows.
#[derive(Debug)]
pub struct Canvas<P> {
    shared: Arc<Shared<P>>,
    painter: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared<P> {
    begun: Instant,
    state: Mutex<State<P>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<P> {
    picture: P,
    /// Lines that stand on the terminal.
    drawn: usize,
    over: bool,
}

impl<P: Picture> Canvas<P> {
    /// Begins to draw.
    pub fn new(picture: P) -> Canvas<P> {
        let shared = Arc::new(Shared {
            begun: Instant::now(),
            state: Mutex::new(State {
                picture,
                drawn: 0,
                over: false,
            }),
            changed: Condvar::new(),
        });
        let painted = shared.clone();
        let painter = std::thread::Builder::new().name("progress".to_owned());
        // Without a painter there is only the last picture.
        let painter = painter.spawn(move || painted.paint()).ok();
        Canvas {
            shared,
            painter: Mutex::new(painter),
        }
    }

    /// Changes the picture; the time is since the canvas was made.
    pub fn change(&self, change: impl FnOnce(&mut P, Duration)) {
        let now = self.shared.begun.elapsed();
        change(&mut self.shared.state().picture, now);
    }

    /// Writes something that stays above the picture.
    pub fn above(&self, write: impl FnOnce()) {
        let mut state = self.shared.state();
        if state.drawn > 0 {
            tell(&format!("\x1b[{}A\r\x1b[J", state.drawn));
            state.drawn = 0;
        }
        write();
        self.shared.draw(&mut state);
    }

    /// Draws the last picture, which stays; then tells what `last` makes of it.
    pub fn finish(&self, last: impl FnOnce(&P)) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        let painter = self.painter.lock();
        if let Some(painter) = painter.unwrap_or_else(PoisonError::into_inner).take() {
            // It panicked, or it is over; the last picture is drawn here.
            let _ = painter.join();
        }
        let mut state = self.shared.state();
        self.shared.draw(&mut state);
        last(&state.picture);
    }
}

impl<P: Picture> Shared<P> {
    fn state(&self) -> MutexGuard<'_, State<P>> {
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
    fn draw(&self, state: &mut State<P>) {
        let (width, height) = size();
        let now = self.begun.elapsed();
        let lines = state.picture.draw(now, width, height, state.over);
        if lines.is_empty() && state.drawn == 0 {
            return;
        }
        let mut text = String::new();
        if state.drawn > 0 {
            let _ = write!(text, "\x1b[{}A", state.drawn);
        }
        for line in &lines {
            let _ = write!(text, "\r{line}\x1b[K\n");
        }
        text.push_str("\x1b[J");
        state.drawn = lines.len();
        tell(&text);
    }
}

fn tell(text: &str) {
    // Nowhere to report that stderr is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
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
