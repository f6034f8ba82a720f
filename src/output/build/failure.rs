//! Where a build failed: what the step wrote, and the lines of the Dockerfile.

use std::ops::RangeInclusive;

use super::log::{Step, visible};
use crate::engine::failure::Failure;

/// Lines above and below the instruction.
const AROUND: usize = 2;

/// Of a longer instruction only the beginning is shown.
const MOST_LINES: usize = 30;

/// Of a longer line, too, characters.
const WIDEST: usize = 400;

/// The last lines that a step wrote.
pub(super) fn written(name: &str, step: Option<&Step>) -> Vec<u8> {
    let mut text = format!("------\n > {}:\n", visible(name.as_bytes())).into_bytes();
    for line in step.iter().flat_map(|step| step.kept()) {
        text.extend(line);
        text.push(b'\n');
    }
    text.extend(b"------\n");
    text
}

/// The lines around an instruction, itself marked, with a caret below its first line.
pub(super) fn excerpt(name: &str, text: &str, lines: &RangeInclusive<usize>) -> String {
    let all: Vec<&str> = text.lines().collect();
    let marked = *lines.start()..=(*lines.end()).min(lines.start().saturating_add(MOST_LINES));
    let first = marked.start().saturating_sub(AROUND).max(1);
    let last = marked.end().saturating_add(AROUND).min(all.len());
    let rule = "-".repeat(20);
    let mut shown = format!("{}:{}\n{rule}\n", visible(name.as_bytes()), lines.start());
    for number in first..=last {
        let line = all.get(number - 1).copied().unwrap_or_default();
        let line = cut(&visible(line.as_bytes()));
        let mark = if marked.contains(&number) {
            ">>>"
        } else {
            "   "
        };
        shown.push_str(format!(" {number:>3} | {mark} {line}").trim_end());
        shown.push('\n');
        if number == *marked.start() {
            let blank = line.len() - line.trim_start().len();
            let length = line.trim().chars().count().max(1);
            let carets = format!("     |     {}{}\n", " ".repeat(blank), "^".repeat(length));
            shown.push_str(&carets);
        }
    }
    if marked.end() < lines.end() {
        shown.push_str("     | ...\n");
    }
    shown.push_str(&format!("{rule}\n"));
    shown
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The message itself.
pub(super) fn message(failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map(|hint| format!("hint: {hint}\n"));
    format!("ERROR: {}\n{}", failure.message, hint.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_is_marked_between_the_lines_around_it() {
        let text = "FROM alpine\n\n# x\n  RUN false\nRUN a\nRUN b\nRUN c\n";
        assert_eq!(
            excerpt("Dockerfile", text, &(4..=4)),
            concat!(
                "Dockerfile:4\n",
                "--------------------\n",
                "   2 |\n",
                "   3 |     # x\n",
                "   4 | >>>   RUN false\n",
                "     |       ^^^^^^^^^\n",
                "   5 |     RUN a\n",
                "   6 |     RUN b\n",
                "--------------------\n",
            )
        );
    }

    #[test]
    fn all_lines_of_an_instruction_are_marked() {
        assert_eq!(
            excerpt("d", "FROM a\nRUN x \\\n  y\n", &(2..=3)),
            concat!(
                "d:2\n",
                "--------------------\n",
                "   1 |     FROM a\n",
                "   2 | >>> RUN x \\\n",
                "     |     ^^^^^^^\n",
                "   3 | >>>   y\n",
                "--------------------\n",
            )
        );
    }

    #[test]
    fn whatever_the_file_is_the_excerpt_is_short_and_plain() {
        let long = format!("FROM a\nRUN <<E\n{}E\n", "x\n".repeat(100_000));
        let shown = excerpt("d", &long, &(2..=100_003));
        assert!(shown.lines().count() < 40 && shown.contains("     | ...\n"));
        let wide = format!("RUN \x1b[31m{}", "y".repeat(100_000));
        let shown = excerpt("d", &wide, &(1..=1));
        assert!(shown.len() < 2_000 && !shown.contains('\x1b'));
        assert!(
            excerpt("d", "", &(1..=1)).contains("   1 | >>>")
                || excerpt("d", "", &(1..=1)).starts_with("d:1")
        );
        assert!(excerpt("d", "a\n", &(7..=9)).starts_with("d:7\n"));
    }

    #[test]
    fn the_message_is_last_and_its_hint_below() {
        let failure = Failure::new("no").hint("try");
        assert_eq!(message(&failure), "ERROR: no\nhint: try\n");
        let none = written("[1/2] RUN x", None);
        assert_eq!(none, b"------\n > [1/2] RUN x:\n------\n");
    }
}
