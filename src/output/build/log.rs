//! What the steps of a build wrote, line by line.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::engine::build::event::StepId;

/// The most lines of a step that are kept for the end.
const KEPT_LINES: usize = 200;

/// The most bytes of them.
const KEPT_BYTES: usize = 64 << 10;

/// A longer line is several.
const LONGEST_LINE: usize = 16 << 10;

/// All steps that began.
#[derive(Debug, Default)]
pub(super) struct Log(BTreeMap<StepId, Step>);

/// One of them.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    /// Since the build began.
    pub(super) begun: Duration,
    /// What has no newline yet.
    open: Vec<u8>,
    kept: VecDeque<Vec<u8>>,
    kept_bytes: usize,
}

impl Log {
    pub(super) fn begin(&mut self, id: StepId, name: String, now: Duration) {
        let step = Step {
            name,
            begun: now,
            open: Vec::new(),
            kept: VecDeque::new(),
            kept_bytes: 0,
        };
        self.0.insert(id, step);
    }

    pub(super) fn step(&self, id: StepId) -> Option<&Step> {
        self.0.get(&id)
    }

    /// The lines that are complete now, each with the seconds since the step began.
    pub(super) fn write(&mut self, id: StepId, bytes: &[u8], now: Duration) -> Vec<Vec<u8>> {
        let Some(step) = self.0.get_mut(&id) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LONGEST_LINE) {
                step.open.extend(piece);
                if step.open.ends_with(b"\n") || step.open.len() >= LONGEST_LINE {
                    lines.push(step.line(now));
                }
            }
        }
        lines
    }

    /// What was written last, without a newline.
    pub(super) fn rest(&mut self, id: StepId, now: Duration) -> Option<Vec<u8>> {
        let step = self.0.get_mut(&id)?;
        (!step.open.is_empty()).then(|| step.line(now))
    }
}

impl Step {
    fn line(&mut self, now: Duration) -> Vec<u8> {
        let mut line = seconds(now.saturating_sub(self.begun)).into_bytes();
        line.push(b' ');
        line.append(&mut self.open);
        while line.ends_with(b"\n") || line.ends_with(b"\r") {
            line.pop();
        }
        self.kept_bytes += line.len();
        self.kept.push_back(line.clone());
        while self.kept.len() > KEPT_LINES || self.kept_bytes > KEPT_BYTES {
            let gone = self.kept.pop_front();
            self.kept_bytes -= gone.map_or(0, |line| line.len());
        }
        line
    }

    /// What was written last, newest first, without the times; also what has no newline yet.
    pub(super) fn latest(&self) -> impl Iterator<Item = &[u8]> {
        let open = (!self.open.is_empty()).then_some(self.open.as_slice());
        let kept = self.kept.iter().rev().map(|line| {
            let time = line.iter().position(|byte| *byte == b' ');
            &line[time.map_or(0, |space| space + 1)..]
        });
        open.into_iter().chain(kept)
    }

    /// The last lines.
    pub(super) fn kept(&self) -> impl Iterator<Item = &[u8]> {
        self.kept.iter().map(Vec::as_slice)
    }
}

/// Five characters, as BuildKit has them: `0.312`, `12.34`, `1234.`.
fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..10.0 => format!("{seconds:.3}"),
        ..100.0 => format!("{seconds:.2}"),
        ..1000.0 => format!("{seconds:.1}"),
        _ => format!("{seconds:.0}."),
    }
}

/// Text that a terminal shows as it is: without control characters and escape sequences, and only
/// what remains of a line that was written over.
pub(in crate::output) fn visible(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let last = text.trim_end_matches('\r').rsplit('\r').next();
    let mut shown = String::new();
    let mut chars = last.unwrap_or_default().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // ECMA-48, 5.4: a control sequence ends with a character of @ to ~.
            '\x1b' if chars.next_if_eq(&'[').is_some() => {
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => shown.push_str("    "),
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_millis(500);

    fn at(milliseconds: u64) -> Duration {
        START + Duration::from_millis(milliseconds)
    }

    #[test]
    fn lines_are_complete_and_have_their_time() {
        let mut log = Log::default();
        log.begin(1, "x".into(), START);
        assert!(log.write(1, b"a", at(100)).is_empty());
        assert_eq!(
            log.write(1, b"b\r\nc\nd", at(312)),
            [b"0.312 ab".to_vec(), b"0.312 c".into()]
        );
        assert_eq!(log.rest(1, at(1000)), Some(b"1.000 d".to_vec()));
        assert_eq!(log.rest(1, at(1000)), None);
        assert!(log.write(2, b"nobody\n", START).is_empty());
        let kept: Vec<_> = log.step(1).unwrap().kept().collect();
        assert_eq!(kept, [&b"0.312 ab"[..], b"0.312 c", b"1.000 d"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut log = Log::default();
        log.begin(1, "x".into(), START);
        log.write(1, &b"y\n".repeat(10_000), START);
        assert_eq!(log.step(1).unwrap().kept().count(), KEPT_LINES);
        let long = log.write(1, &vec![b'z'; 1 << 20], START);
        assert_eq!(long.len(), (1 << 20) / LONGEST_LINE);
        let kept: usize = log.step(1).unwrap().kept().map(<[u8]>::len).sum();
        assert!(kept <= KEPT_BYTES);
    }

    #[test]
    fn times_have_five_characters() {
        for (milliseconds, text) in [
            (0, "0.000"),
            (12_340, "12.34"),
            (123_450, "123.5"),
            (1_234_000, "1234."),
        ] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn what_moves_the_cursor_is_not_shown() {
        for (line, shown) in [
            (&b"plain \xc3\xbc"[..], "plain ü"),
            (b"\x1b[31mred\x1b[0m", "red"),
            (b"10%\r20%\r", "20%"),
            (b"a\tb\x07\x08", "a    b"),
            (b"\x1b[", ""),
            (b"\x1b", ""),
            (b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(visible(line), shown);
        }
    }
}
