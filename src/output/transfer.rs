//! How layers on their way are shown: as Docker does, a line each that is drawn anew on a
//! terminal, and elsewhere a line for each new state.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use rbox_images::{Observer, Silent, Transfer};

use super::{error, stdout, units};
use crate::engine::terminal;

/// Shows a transfer on stdout or stderr.
#[derive(Debug)]
pub struct Progress {
    screen: Mutex<Screen>,
    write: fn(&str),
}

impl Progress {
    /// On stdout, or nowhere.
    pub fn unless(quiet: bool) -> Box<dyn Observer> {
        match quiet {
            true => Box::new(Silent),
            false => Box::new(Progress::on_stdout()),
        }
    }

    /// On stdout.
    pub fn on_stdout() -> Progress {
        Progress {
            screen: Mutex::new(Screen::new(window(io::stdout().is_terminal()))),
            write: stdout::say,
        }
    }

    /// On stderr, where stdout is for something else.
    pub fn on_stderr() -> Progress {
        Progress {
            screen: Mutex::new(Screen::new(window(io::stderr().is_terminal()))),
            write: error::print_raw,
        }
    }

    fn show(&self, draw: impl FnOnce(&mut Screen) -> String) {
        // Written under the lock: what is drawn depends on what is there.
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        (self.write)(&draw(&mut screen));
    }
}

impl Observer for Progress {
    fn layer(&self, id: &str, state: &Transfer) {
        self.show(|screen| screen.layer(id, state));
    }

    fn line(&self, text: &str) {
        self.show(|screen| screen.line(text));
    }
}

/// Rows and columns; a terminal that does not know them is taken for a small one.
fn window(is_terminal: bool) -> Option<(u16, u16)> {
    is_terminal.then(|| match terminal::size() {
        Some((rows, columns)) if rows > 0 && columns > 0 => (rows, columns),
        _ => (24, 80),
    })
}

/// What a terminal shows; elsewhere it remembers nothing.
#[derive(Debug)]
struct Screen {
    /// Rows and columns.
    window: Option<(u16, u16)>,
    /// Layers whose lines can still be reached, oldest first.
    lines: Vec<String>,
}

impl Screen {
    fn new(window: Option<(u16, u16)>) -> Screen {
        Screen {
            window,
            lines: Vec::new(),
        }
    }

    /// What to write for a layer's new state.
    fn layer(&mut self, id: &str, state: &Transfer) -> String {
        let Some((rows, columns)) = self.window else {
            return match state {
                Transfer::Downloading { .. } | Transfer::Pushing { .. } => String::new(),
                state => format!("{id}: {}\n", words(state)),
            };
        };
        let mut text = format!("{id}: {}", words(state));
        if let Transfer::Downloading { done, total } | Transfer::Pushing { done, total } = state {
            text.push_str(&bar(*done, *total, columns));
        }
        let text: String = text.chars().take(usize::from(columns)).collect();
        match self.lines.iter().position(|line| line == id) {
            None => {
                self.lines.push(id.to_owned());
                format!("{text}\n")
            }
            Some(at) => {
                let up = self.lines.len() - at;
                if up >= usize::from(rows) {
                    // It has left the window.
                    return String::new();
                }
                format!("\x1b[{up}A\r\x1b[2K{text}\r\x1b[{up}B")
            }
        }
    }

    /// What to write for a line; what is above it stays as it is.
    fn line(&mut self, text: &str) -> String {
        self.lines.clear();
        format!("{text}\n")
    }
}

/// Docker's words for a state.
fn words(state: &Transfer) -> String {
    let fixed = match state {
        Transfer::Found => "Pulling fs layer",
        Transfer::Waiting => "Waiting",
        Transfer::Downloading { .. } => "Downloading",
        Transfer::Retrying { seconds: 1 } => "Retrying in 1 second",
        Transfer::Retrying { seconds } => return format!("Retrying in {seconds} seconds"),
        Transfer::Verifying => "Verifying Checksum",
        Transfer::Downloaded => "Download complete",
        Transfer::Pulled => "Pull complete",
        Transfer::AlreadyExists => "Already exists",
        Transfer::Preparing => "Preparing",
        Transfer::Pushing { .. } => "Pushing",
        Transfer::Pushed => "Pushed",
        Transfer::ThereAlready => "Layer already exists",
        Transfer::MountedFrom(name) => return format!("Mounted from {name}"),
    };
    fixed.to_owned()
}

/// ` [====>     ]  1.2MB/3.4MB`: the bar only where there is room for it.
fn bar(done: u64, total: Option<u64>, columns: u16) -> String {
    const WIDTH: usize = 50;
    const ROOM: u16 = 110;
    let now = units::size(done, 4);
    let Some(total) = total.filter(|total| *total >= done && *total > 0) else {
        return format!(" {now:>8}");
    };
    let all = units::size(total, 4);
    if columns <= ROOM {
        return format!(" {now:>8}/{all}");
    }
    let filled = (u128::from(done) * WIDTH as u128 / u128::from(total)) as usize;
    let (full, rest) = ("=".repeat(filled), " ".repeat(WIDTH - filled));
    format!(" [{full}>{rest}] {now:>8}/{all}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Transfer = Transfer::Downloading {
        done: 1_000_000,
        total: Some(2_000_000),
    };

    #[test]
    fn elsewhere_each_new_state_is_a_line() {
        let mut screen = Screen::new(None);
        assert_eq!(
            screen.line("latest: Pulling from a"),
            "latest: Pulling from a\n"
        );
        assert_eq!(
            screen.layer("0123456789ab", &Transfer::Found),
            "0123456789ab: Pulling fs layer\n"
        );
        assert_eq!(screen.layer("0123456789ab", &HALF), "");
        assert_eq!(
            screen.layer("0123456789ab", &Transfer::Retrying { seconds: 2 }),
            "0123456789ab: Retrying in 2 seconds\n"
        );
        assert_eq!(
            screen.layer("0123456789ab", &Transfer::Pulled),
            "0123456789ab: Pull complete\n"
        );
    }

    #[test]
    fn on_a_terminal_a_layer_keeps_its_line() {
        let mut screen = Screen::new(Some((24, 120)));
        assert_eq!(screen.layer("a", &Transfer::Found), "a: Pulling fs layer\n");
        assert_eq!(screen.layer("b", &Transfer::Waiting), "b: Waiting\n");
        let bar = format!("[{}>{}]", "=".repeat(25), " ".repeat(25));
        assert_eq!(
            screen.layer("a", &HALF),
            format!("\x1b[2A\r\x1b[2Ka: Downloading {bar}      1MB/2MB\r\x1b[2B")
        );
        assert_eq!(screen.line("Digest: x"), "Digest: x\n");
        assert_eq!(screen.layer("b", &Transfer::Pulled), "b: Pull complete\n");
    }

    #[test]
    fn small_windows_are_not_overrun() {
        let mut screen = Screen::new(Some((3, 24)));
        for id in ["a", "b", "c", "d"] {
            screen.layer(id, &Transfer::Found);
        }
        assert_eq!(screen.layer("a", &HALF), "");
        assert_eq!(
            screen.layer("d", &HALF),
            "\x1b[1A\r\x1b[2Kd: Downloading      1MB/\r\x1b[1B"
        );
    }
}
