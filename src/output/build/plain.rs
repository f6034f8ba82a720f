//! A line for everything that happens, as `docker build --progress=plain` has them.
//!
//! The lines of a step stay together: those of others wait until it is over, or silent for long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::Log;
use crate::engine::build::event::{Ending, Event, StepId};

/// A step that is silent for longer gives way to others.
const SILENCE: Duration = Duration::from_secs(5);

/// The most bytes that wait.
const MOST_WAITING: usize = 1 << 20;

/// What was told so far.
#[derive(Debug, Default)]
pub(in crate::output) struct Plain {
    log: Log,
    /// The step that speaks.
    current: Option<StepId>,
    /// When it last did.
    spoke: Duration,
    waiting: BTreeMap<StepId, Waiting>,
    /// Whether anything was told.
    begun: bool,
}

/// What a step has to tell.
#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    over: bool,
}

impl Plain {
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// What is to be written now.
    pub(in crate::output) fn event(&mut self, event: Event, now: Duration) -> Vec<u8> {
        let (id, lines, over) = match event {
            Event::Started { step, name } => {
                self.log.begin(step, name, now);
                (step, Vec::new(), false)
            }
            Event::Output { step, bytes, .. } => {
                let lines = self.log.write(step, &bytes, now);
                if lines.is_empty() {
                    return Vec::new();
                }
                (step, numbered(step, &lines), false)
            }
            Event::Note { step, text } => (step, numbered(step, &[text.into_bytes()]), false),
            Event::Ended { step, how, took } => {
                let mut lines: Vec<Vec<u8>> = self.log.rest(step, now).into_iter().collect();
                lines.push(ending(how, took).into_bytes());
                (step, numbered(step, &lines), true)
            }
            Event::Warning { .. } => return Vec::new(),
        };
        let waiting = self.waiting.entry(id).or_default();
        waiting.lines.extend(lines);
        waiting.over |= over;
        self.tell(id, now)
    }

    /// Lets the step speak, if it is its turn, and then those that waited for its end.
    fn tell(&mut self, id: StepId, now: Duration) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(current) = self.current
            && current != id
        {
            let held: usize = self
                .waiting
                .values()
                .map(|waiting| waiting.lines.len())
                .sum();
            if now.saturating_sub(self.spoke) < SILENCE && held < MOST_WAITING {
                return out;
            }
            out.extend(format!("#{current} ...\n").into_bytes());
            self.current = None;
        }
        self.spoke = now;
        let mut next = Some(id);
        while let Some(id) = next {
            let over = self.speak(id, &mut out);
            next = match over {
                true => self.waiting.keys().next().copied(),
                false => None,
            };
        }
        out
    }

    /// Everything that a step has to tell; whether it is over.
    fn speak(&mut self, id: StepId, out: &mut Vec<u8>) -> bool {
        if self.current != Some(id) {
            let name = self.log.step(id).map_or("", |step| &step.name);
            let blank = if self.begun { "\n" } else { "" };
            out.extend(
                format!("{blank}#{id} {}\n", super::log::visible(name.as_bytes())).into_bytes(),
            );
            self.begun = true;
        }
        let waiting = self.waiting.remove(&id).unwrap_or_default();
        out.extend(waiting.lines);
        self.current = (!waiting.over).then_some(id);
        waiting.over
    }
}

fn numbered(id: StepId, lines: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        text.extend(format!("#{id} ").into_bytes());
        text.extend(line);
        text.push(b'\n');
    }
    text
}

fn ending(how: Ending, took: Duration) -> String {
    match how {
        Ending::Done => format!("DONE {:.1}s", took.as_secs_f64()),
        Ending::Cached => "CACHED".to_owned(),
        Ending::Failed(text) => format!("ERROR: {text}"),
        Ending::Cancelled => "CANCELED".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Told(Plain, String);

    impl Told {
        fn at(&mut self, milliseconds: u64, event: Event) {
            let text = self.0.event(event, Duration::from_millis(milliseconds));
            self.1.push_str(&String::from_utf8(text).unwrap());
        }
    }

    fn started(step: StepId, name: &str) -> Event {
        let name = name.to_owned();
        Event::Started { step, name }
    }

    fn output(step: StepId, text: &str) -> Event {
        let bytes = text.as_bytes().to_vec();
        Event::Output { step, bytes }
    }

    fn ended(step: StepId, how: Ending) -> Event {
        let took = Duration::from_millis(300);
        Event::Ended { step, how, took }
    }

    #[test]
    fn steps_follow_each_other() {
        let mut told = Told(Plain::default(), String::new());
        told.at(
            0,
            started(1, "[internal] load build definition from Dockerfile"),
        );
        told.at(
            10,
            Event::Note {
                step: 1,
                text: "transferring dockerfile: 75B done".into(),
            },
        );
        told.at(20, ended(1, Ending::Done));
        told.at(20, started(2, "[1/2] FROM alpine"));
        told.at(20, ended(2, Ending::Cached));
        told.at(1000, started(3, "[2/2] RUN x"));
        told.at(1312, output(3, "a\nb"));
        told.at(1400, output(3, "c"));
        told.at(1500, ended(3, Ending::Failed("exit code: 1".into())));
        assert_eq!(
            told.1,
            concat!(
                "#1 [internal] load build definition from Dockerfile\n",
                "#1 transferring dockerfile: 75B done\n",
                "#1 DONE 0.3s\n",
                "\n",
                "#2 [1/2] FROM alpine\n",
                "#2 CACHED\n",
                "\n",
                "#3 [2/2] RUN x\n",
                "#3 0.312 a\n",
                "#3 0.500 bc\n",
                "#3 ERROR: exit code: 1\n",
            )
        );
    }

    #[test]
    fn lines_of_two_steps_at_once_stay_together() {
        let mut told = Told(Plain::default(), String::new());
        told.at(0, started(1, "one"));
        told.at(0, started(2, "two"));
        told.at(100, output(2, "y\n"));
        told.at(200, output(1, "x\n"));
        told.at(300, ended(2, Ending::Done));
        told.at(300, started(3, "three"));
        told.at(400, ended(1, Ending::Cancelled));
        told.at(500, ended(3, Ending::Done));
        assert_eq!(
            told.1,
            concat!(
                "#1 one\n#1 0.200 x\n#1 CANCELED\n\n",
                "#2 two\n#2 0.100 y\n#2 DONE 0.3s\n\n",
                "#3 three\n#3 DONE 0.3s\n",
            )
        );
    }

    #[test]
    fn a_silent_step_gives_way() {
        let mut told = Told(Plain::default(), String::new());
        told.at(0, started(1, "one"));
        told.at(0, started(2, "two"));
        told.at(6_000, output(2, "y\n"));
        told.at(6_100, output(1, "x\n"));
        told.at(6_200, ended(2, Ending::Done));
        assert_eq!(
            told.1,
            "#1 one\n#1 ...\n\n#2 two\n#2 6.000 y\n#2 DONE 0.3s\n\n#1 one\n#1 6.100 x\n"
        );
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut told = Told(Plain::default(), String::new());
        told.at(0, started(1, "one"));
        told.at(0, started(2, "two"));
        told.at(1, output(2, &"y\n".repeat(400_000)));
        assert!(told.1.contains("#1 ...\n\n#2 two\n#2 0.001 y\n"));
    }
}
