//! How far each thing is, as lines of a picture.

use std::time::Duration;

use super::colour::{BLUE, GREEN, PLAIN, RED, YELLOW};
use crate::compose::progress::Phase;
use crate::output::build::visible;

/// A picture each tenth of a second.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Blanks between what a line has.
const GAP: usize = 2;

/// All things that were told of.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    word: String,
    phase: Phase,
    begun: Duration,
    ended: Option<Duration>,
}

impl Board {
    /// Something is in a new state at `now`.
    pub(super) fn tell(&mut self, name: &str, word: &str, phase: Phase, now: Duration) {
        let ended = (phase != Phase::Working).then_some(now);
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => {
                entry.word = word.to_owned();
                entry.phase = phase;
                entry.ended = ended;
            }
            None => self.entries.push(Entry {
                name: name.to_owned(),
                word: word.to_owned(),
                phase,
                begun: now,
                ended,
            }),
        }
    }

    /// The lines, none wider than `width`. What is over is left out when there are more than
    /// `most`.
    pub(super) fn draw(
        &self,
        title: &str,
        now: Duration,
        width: usize,
        most: usize,
        colours: bool,
    ) -> Vec<String> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let over = self.entries.iter().filter(|entry| entry.ended.is_some());
        let head = format!("[+] {title} {}/{}", over.count(), self.entries.len());
        let columns = |text: fn(&Entry) -> &str| {
            let widths = self.entries.iter().map(|entry| text(entry).chars().count());
            widths.max().unwrap_or_default()
        };
        let (names, words) = (columns(|entry| &entry.name), columns(|entry| &entry.word));
        let mut surplus = self.entries.len().saturating_sub(most.max(1));
        let mut lines = vec![cut(&head, width)];
        for entry in &self.entries {
            if surplus > 0 && entry.ended.is_some() {
                surplus -= 1;
                continue;
            }
            lines.push(entry.line(now, width, names, words, colours));
        }
        // All that is left works, and the newest of it is what the user waits for.
        let surplus = lines.len().saturating_sub(most.max(1).saturating_add(1));
        lines.drain(1..=surplus);
        lines
    }
}

impl Entry {
    fn line(
        &self,
        now: Duration,
        width: usize,
        names: usize,
        words: usize,
        colours: bool,
    ) -> String {
        let took = self.ended.unwrap_or(now).saturating_sub(self.begun);
        let time = format!("{:.1}s", took.as_secs_f64());
        let (mark, colour) = match self.phase {
            Phase::Working => {
                let turn = usize::try_from(now.as_millis() / 100).unwrap_or_default();
                (SPINNER[turn % SPINNER.len()], BLUE)
            }
            Phase::Done => ('✔', GREEN),
            Phase::Warning => ('!', YELLOW),
            Phase::Error => ('✘', RED),
        };
        let name = visible(self.name.as_bytes());
        let word = visible(self.word.as_bytes());
        let text = format!(" {mark} {name:<names$}{:GAP$}{word:<words$}", "");
        // The time at the right edge, however long the word is.
        let room = width.saturating_sub(time.len() + GAP);
        let text = format!("{:<room$}{:GAP$}{time}", cut(&text, room), "");
        match colours {
            true => text.replacen(mark, &format!("{colour}{mark}{PLAIN}"), 1),
            false => text,
        }
    }
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenths(number: u64) -> Duration {
        Duration::from_millis(number * 100)
    }

    fn board() -> Board {
        let mut board = Board::default();
        board.tell("Network p_default", "Creating", Phase::Working, tenths(0));
        board.tell("Network p_default", "Created", Phase::Done, tenths(1));
        board.tell("Container p-web-1", "Starting", Phase::Working, tenths(1));
        board
    }

    #[test]
    fn each_thing_has_a_line_and_its_time() {
        assert_eq!(
            board().draw("Running", tenths(4), 42, 20, false),
            [
                "[+] Running 1/2",
                " ✔ Network p_default  Created         0.1s",
                " ⠼ Container p-web-1  Starting        0.3s",
            ]
        );
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let board = Board::default();
        assert!(board.draw("Running", tenths(4), 40, 20, true).is_empty());
    }

    #[test]
    fn the_last_picture_has_all() {
        let lines = board().draw("Running", tenths(4), 40, usize::MAX, false);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn what_is_over_makes_room() {
        let mut board = board();
        board.tell("Container p-db-1", "Starting", Phase::Working, tenths(2));
        let lines = board.draw("Running", tenths(4), 40, 2, false);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("p-web-1") && lines[2].contains("p-db-1"));
        let lines = board.draw("Running", tenths(4), 40, 1, false);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("p-db-1"), "{lines:?}");
    }

    #[test]
    fn colours_say_how_it_is_and_widths_hold() {
        let mut board = board();
        board.tell(
            "Container p-web-1",
            "Error \x1b[2Jno",
            Phase::Error,
            tenths(3),
        );
        let lines = board.draw("Running", tenths(4), 60, 20, true);
        assert!(lines[1].starts_with(" \x1b[32m✔\x1b[0m "));
        assert!(lines[2].starts_with(" \x1b[31m✘\x1b[0m "));
        assert!(lines[2].contains("Error no"));
        for width in 0..60 {
            for line in board.draw("Running", tenths(4), width, 20, false) {
                assert!(line.chars().count() <= width.max(6), "{line:?}");
            }
        }
    }
}
