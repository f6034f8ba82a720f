//! The tables of `performance.md`, whose prose is written by hand around them.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::Results;
use crate::finding::{Finding, Mark, Trace};
use crate::statistics::Spread;

/// The document with its tables made anew of those traces that there are.
pub fn renewed(document: &str, results: &Results) -> Result<String> {
    let mut text = document.to_owned();
    for group in &results.groups {
        for finding in &group.findings {
            if let Finding::Trace(trace) = finding {
                let measured = format!(
                    "`cargo xtask bench {}`, {}; load average before it: {}.",
                    group.name, group.date, group.load
                );
                text = replaced(&text, &trace.id, &block(trace, &measured))?;
            }
        }
    }
    Ok(text)
}

/// What stands between the two comments of this name, replaced.
fn replaced(document: &str, id: &str, block: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {id} -->\n"), format!("<!-- /{id} -->\n"));
    let missing = || format!("docs/performance.md has no place for {id}");
    let (before, rest) = document.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    Ok(format!("{before}{begin}{block}{end}{after}"))
}

const PARTS: [&str; 3] = ["client", "monitor", "process"];

fn block(trace: &Trace, measured: &str) -> String {
    let rounds = trace.marks.first().map_or(0, |mark| mark.at.len());
    let mut text = format!(
        "{}, medians of {rounds} rounds in milliseconds.\n{measured}\n\n\
         | at | took | {} |\n|---:|---:|---|---|---|\n",
        trace.title,
        PARTS.join(" | ")
    );
    for mark in &trace.marks {
        let _ = writeln!(text, "{}", row(mark));
        if mark.who == PARTS[0] && mark.what == "done" {
            text.push_str("| | | *nobody waits for what follows* | | |\n");
        }
    }
    text
}

fn row(mark: &Mark) -> String {
    let median = |samples: &[f64]| {
        Spread::of(samples).map_or_else(String::new, |spread| format!("{:.2}", spread.median))
    };
    let columns = PARTS.map(|part| match mark.who.starts_with(part) {
        true => mark.what.as_str(),
        false => "",
    });
    let (at, took) = (median(&mark.at), median(&mark.took));
    format!("| {at} | {took} | {} |", columns.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(who: &str, what: &str, at: f64, took: &[f64]) -> Mark {
        Mark {
            who: who.to_owned(),
            what: what.to_owned(),
            at: vec![at],
            took: took.to_vec(),
        }
    }

    #[test]
    fn each_process_has_its_column() {
        let trace = Trace {
            id: "trace-start".to_owned(),
            title: "`run`".to_owned(),
            marks: vec![
                mark("client", "main", 0.0, &[]),
                mark("monitor", "record read", 2.5, &[0.125]),
                mark("client", "done", 3.0, &[3.0]),
                mark("monitor", "cgroups removed", 4.0, &[1.5]),
            ],
        };
        let text = block(&trace, "Today.");
        let rows: Vec<&str> = text.lines().skip(5).collect();
        assert_eq!(
            rows,
            [
                "| 0.00 |  | main |  |  |",
                "| 2.50 | 0.12 |  | record read |  |",
                "| 3.00 | 3.00 | done |  |  |",
                "| | | *nobody waits for what follows* | | |",
                "| 4.00 | 1.50 |  | cgroups removed |  |",
            ]
        );
    }

    #[test]
    fn the_prose_around_a_table_stays() {
        let document = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        let expected = "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n";
        assert_eq!(replaced(document, "x", "new\n").unwrap(), expected);
        assert!(replaced(document, "y", "new\n").is_err());
    }
}
