//! Where each millisecond of a start goes: the marks of `--trace-timing`. Nobody competes.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::field::{Case, Field};
use crate::finding::{Finding, Mark, Trace};
use crate::statistics::Spread;

/// For docs/performance.md.
pub const CASE: Case = Case {
    name: "trace",
    about: "Where each millisecond of a start goes",
    quick: false,
    needs: &[],
    run,
};

const NETWORK: &str = "bridge-test";

const ROUNDS: usize = 30;

/// The table that rbox prints begins so.
const HEADER: &str = "      at    took  milliseconds";

fn run(field: &Field) -> Result<Vec<Finding>> {
    field.rbox.quiet(&["network", "create", NETWORK])?;
    let words = ["run", "--rm", "--net", NETWORK, "alpine", "true"];
    // The bridge is made by the first of its containers.
    field.rbox.quiet(&words)?;
    let command = field
        .rbox
        .command(&[&["--trace-timing"], &words[..]].concat());
    let mut rounds = Vec::new();
    for _ in 0..field.rounds(ROUNDS) {
        let output = command
            .command()
            .output()
            .with_context(|| command.describe())?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", command.describe());
        rounds.push(parse(&said)?);
    }
    Ok(vec![Finding::Trace(Trace {
        id: "trace-start".to_owned(),
        title: format!("`rbox {}`", words.join(" ")),
        marks: gather(&rounds),
    })])
}

/// One line: who, what, when, and since the same process's line before.
type Line = (String, String, f64, Option<f64>);

fn parse(said: &str) -> Result<Vec<Line>> {
    let (_, table) = said
        .split_once(HEADER)
        .context("there is no table of times")?;
    let line = |line: &str| -> Option<Line> {
        let at = line.get(..8)?.trim().parse().ok()?;
        let took = line.get(8..16)?.trim().parse().ok();
        let who = line.get(16..32)?.trim().to_owned();
        Some((who, line.get(32..)?.trim().to_owned(), at, took))
    };
    Ok(table.lines().filter_map(line).collect())
}

/// Lines of the same process with the same words, the first with the first, put together if most
/// rounds have them; in the order of their medians.
fn gather(rounds: &[Vec<Line>]) -> Vec<Mark> {
    let mut marks: BTreeMap<(String, String, usize), Mark> = BTreeMap::new();
    for round in rounds {
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (who, what, at, took) in round {
            let count = seen.entry((who, what)).or_default();
            let mark = marks
                .entry((who.clone(), what.clone(), *count))
                .or_insert_with(|| Mark {
                    who: who.clone(),
                    what: what.clone(),
                    at: Vec::new(),
                    took: Vec::new(),
                });
            *count += 1;
            mark.at.push(*at);
            mark.took.extend(took);
        }
    }
    let median = |mark: &Mark| Spread::of(&mark.at).map_or(0.0, |spread| spread.median);
    let mut marks: Vec<Mark> = marks
        .into_values()
        .filter(|mark| mark.at.len() * 2 > rounds.len())
        .collect();
    marks.sort_by(|one, other| median(one).total_cmp(&median(other)));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "WARNING: something\n      at    took  milliseconds\n\
        \x20  0.000          client         main\n\
        \x20  1.630            monitor      main\n\
        \x20  2.055   0.425    monitor      root filesystem mounted\n\
        \x20 nobody waits for what follows\n\
        \x20  2.900   2.900  client         nobody else is at it\n";

    #[test]
    fn the_table_is_found_behind_whatever_else_is_said() {
        let lines = parse(SAID).unwrap();
        assert_eq!(lines.len(), 4);
        let mounted = "root filesystem mounted".to_owned();
        assert_eq!(
            lines[2],
            ("monitor".to_owned(), mounted, 2.055, Some(0.425))
        );
        assert_eq!(lines[0].3, None);
        assert!(parse("nothing").is_err());
    }

    #[test]
    fn marks_of_all_rounds_come_together_in_the_order_of_time() {
        let line = |what: &str, at: f64| ("monitor".to_owned(), what.to_owned(), at, Some(1.0));
        let rounds = [
            vec![line("b", 1.0), line("a", 2.0), line("a", 5.0)],
            vec![line("b", 3.0), line("a", 4.0), line("a", 5.0)],
            vec![line("b", 3.0), line("a", 4.0), line("once", 9.0)],
        ];
        let marks = gather(&rounds);
        let found: Vec<_> = marks
            .iter()
            .map(|mark| (mark.what.as_str(), mark.at.len()))
            .collect();
        assert_eq!(found, [("b", 3), ("a", 3), ("a", 2)]);
        assert_eq!(marks[1].at, [2.0, 4.0, 4.0]);
    }
}
