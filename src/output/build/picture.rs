//! A build as a picture: a line a step, drawn anew as it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failure::written;
use super::log::{Log, visible};
use crate::engine::build::event::{Ending, Event, StepId};

/// Lines of its output below a step that runs.
const OUTPUT_LINES: usize = 6;

/// The columns that the time of a step takes.
const TIME_WIDTH: usize = 8;

const BLUE: &str = "\x1b[34m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// What is known of the build.
#[derive(Debug, Default)]
pub(in crate::output) struct Picture {
    pub(super) log: Log,
    steps: BTreeMap<StepId, Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    notes: Vec<String>,
    end: Option<(Ending, Duration)>,
}

/// A line of the picture: its text, its time at the right, its colour.
struct Line {
    text: String,
    time: Option<Duration>,
    colour: &'static str,
    /// Left out before others when there is no room.
    spare: bool,
}

impl Picture {
    pub(in crate::output) fn event(&mut self, event: Event, now: Duration) {
        match event {
            Event::Started { step, name } => {
                self.log.begin(step, name, now);
                self.steps.insert(step, Shown::default());
            }
            Event::Output { step, bytes, .. } => {
                self.log.write(step, &bytes, now);
            }
            Event::Note { step, text } => {
                if let Some(shown) = self.steps.get_mut(&step) {
                    shown.notes.push(text);
                }
            }
            Event::Ended { step, how, took } => {
                self.log.rest(step, now);
                if let Some(shown) = self.steps.get_mut(&step) {
                    shown.end = Some((how, took));
                }
            }
            Event::Warning { .. } => {}
        }
    }

    /// When all steps that began are over: of as many builds as there were.
    pub(in crate::output) fn is_over(&self) -> bool {
        self.steps.values().all(|shown| shown.end.is_some())
    }

    /// Whether nothing was told yet.
    pub(in crate::output) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the steps that failed wrote last.
    pub(in crate::output) fn written_by_failed(&self) -> Vec<u8> {
        let failed = |shown: &Shown| matches!(shown.end, Some((Ending::Failed(_), _)));
        let steps = self.steps.iter().filter(|(_, shown)| failed(shown));
        let steps = steps.filter_map(|(id, _)| self.log.step(*id));
        steps
            .flat_map(|step| written(&step.name, Some(step)))
            .collect()
    }

    /// The lines, none wider than the terminal, not more than it has.
    pub(in crate::output) fn lines(
        &self,
        now: Duration,
        width: usize,
        height: usize,
        last: bool,
    ) -> Vec<String> {
        let over = self
            .steps
            .values()
            .filter(|shown| shown.end.is_some())
            .count();
        let finished = if last { " FINISHED" } else { "" };
        let head = format!(
            "[+] Building {:.1}s ({over}/{}){finished}",
            now.as_secs_f64(),
            self.steps.len()
        );
        let mut lines: Vec<Line> = Vec::new();
        for (id, shown) in &self.steps {
            self.step(*id, shown, now, &mut lines);
        }
        // The last picture stays, and may be as long as it is.
        if !last {
            fit(&mut lines, height.saturating_sub(2).max(1));
        }
        let lines = lines.iter().map(|line| line.drawn(width));
        std::iter::once(cut(&head, width)).chain(lines).collect()
    }

    fn step(&self, id: StepId, shown: &Shown, now: Duration, lines: &mut Vec<Line>) {
        let Some(step) = self.log.step(id) else {
            return;
        };
        let name = visible(step.name.as_bytes());
        let time = |took: &Duration| Some(*took);
        let (text, time, colour) = match &shown.end {
            None => (name, Some(now.saturating_sub(step.begun)), ""),
            Some((Ending::Done, took)) => (name, time(took), BLUE),
            Some((Ending::Cached, took)) => (format!("CACHED {name}"), time(took), BLUE),
            Some((Ending::Failed(_), took)) => (format!("ERROR {name}"), time(took), RED),
            Some((Ending::Cancelled, took)) => (format!("CANCELED {name}"), time(took), YELLOW),
        };
        let spare = shown.end.is_some();
        let mut add = |text: String, time| {
            lines.push(Line {
                text,
                time,
                colour,
                spare,
            });
        };
        add(format!(" => {text}"), time);
        for note in &shown.notes {
            add(format!(" => => {}", visible(note.as_bytes())), None);
        }
        if shown.end.is_none() {
            let mut last: Vec<String> = step.latest().take(OUTPUT_LINES).map(visible).collect();
            last.reverse();
            for line in last {
                add(format!(" => => # {line}"), None);
            }
        }
    }
}

impl super::super::canvas::Picture for Picture {
    fn draw(&self, now: Duration, width: usize, height: usize, last: bool) -> Vec<String> {
        self.lines(now, width, height, last)
    }
}

impl Line {
    fn drawn(&self, width: usize) -> String {
        let (text, time) = match self.time {
            None => (cut(&self.text, width), String::new()),
            Some(time) => {
                let room = width.saturating_sub(TIME_WIDTH);
                let text = cut(&self.text, room);
                let time = format!("{:>TIME_WIDTH$}", format!("{:.1}s", time.as_secs_f64()));
                (format!("{text:<room$}"), time)
            }
        };
        match self.colour {
            _ if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => {
                format!("{text}{time}")
            }
            "" => format!("{text}{time}"),
            colour => format!("{colour}{text}{time}{PLAIN}"),
        }
    }
}

/// Leaves out what is over, the oldest first, and then what is oldest.
fn fit(lines: &mut Vec<Line>, most: usize) {
    let mut surplus = lines.len().saturating_sub(most);
    lines.retain(|line| {
        let stays = surplus == 0 || !line.spare;
        surplus -= usize::from(!stays);
        stays
    });
    let surplus = lines.len().saturating_sub(most);
    lines.drain(..surplus);
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    fn picture() -> Picture {
        let mut picture = Picture::default();
        for (id, name) in [(1, "one"), (2, "two"), (3, "[2/2] RUN x")] {
            let name = name.to_owned();
            picture.event(Event::Started { step: id, name }, seconds(id as u64));
        }
        let note = Event::Note {
            step: 1,
            text: "sent".into(),
        };
        picture.event(note, seconds(4));
        let ended = |step, how| Event::Ended {
            step,
            how,
            took: seconds(3),
        };
        picture.event(ended(1, Ending::Done), seconds(4));
        picture.event(ended(2, Ending::Cached), seconds(5));
        let bytes = b"a\n\x1b[31mb\rc\nopen".to_vec();
        picture.event(Event::Output { step: 3, bytes }, seconds(6));
        picture
    }

    fn bare(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| visible(line.as_bytes())).collect()
    }

    #[test]
    fn every_step_has_a_line_and_a_running_one_its_output() {
        let lines = picture().lines(seconds(13), 30, 24, false);
        assert_eq!(
            bare(&lines),
            [
                "[+] Building 1.3s (2/3)",
                " => one                   0.3s",
                " => => sent",
                " => CACHED two            0.3s",
                " => [2/2] RUN x           1.0s",
                " => => # a",
                " => => # c",
                " => => # open",
            ]
        );
        assert!(lines[1].starts_with(BLUE) && !lines[4].contains('\x1b'));
    }

    #[test]
    fn how_it_ended_is_told() {
        let mut picture = picture();
        let how = Ending::Failed("exit code: 1".into());
        picture.event(
            Event::Ended {
                step: 3,
                how,
                took: seconds(20),
            },
            seconds(23),
        );
        let lines = picture.lines(seconds(23), 40, 3, true);
        let shown = bare(&lines);
        assert_eq!(shown[0], "[+] Building 2.3s (3/3) FINISHED");
        assert_eq!(shown.len(), 5);
        assert_eq!(shown[4], " => ERROR [2/2] RUN x               2.0s");
        assert!(lines[4].starts_with(RED));
    }

    #[test]
    fn it_fits_the_terminal() {
        let picture = picture();
        let shown = bare(&picture.lines(seconds(13), 12, 7, false));
        assert_eq!(shown.len(), 6);
        assert!(
            shown.iter().all(|line| line.chars().count() <= 12),
            "{shown:?}"
        );
        assert_eq!(shown[2], " =>     1.0s");
        for (width, height) in [(0, 0), (1, 1), (3, 2)] {
            picture.lines(seconds(13), width, height, false);
        }
    }
}
