//! `benchmarks.md`: the template with everything that was found.

use std::fmt::Write as _;

use super::figure::{count, plain, with_unit};
use super::{Group, Results};
use crate::finding::{Better, Curve, Finding, Table};

/// What does not depend on figures.
const TEMPLATE: &str = include_str!("template.md");

/// The whole document.
pub fn document(results: &Results) -> String {
    TEMPLATE
        .replace("{{machine}}\n", &machine(results))
        .replace("{{budgets}}\n", &budgets(results))
        .replace("{{findings}}\n", &findings(results))
        .replace("{{skips}}\n", &skips(results))
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = String::from("| | |\n|---|---|\n");
    for (what, value) in [
        ("kernel", &machine.kernel),
        ("processors", &machine.processors),
        ("memory", &machine.memory),
        ("cgroups", &machine.cgroups),
        ("programs", &results.versions.join("; ")),
    ] {
        let _ = writeln!(text, "| {what} | {} |", cell(value));
    }
    text
}

fn budgets(results: &Results) -> String {
    let mut text = String::from("| what | budget | measured | |\n|---|---|---|---|\n");
    for (table, budget) in results.budgets() {
        let (measured, verdict) = match budget.verdict(table) {
            Some((value, holds)) => {
                let measured = if budget.is_ratio() {
                    format!("{} ×", plain(value))
                } else {
                    with_unit(value, table.unit)
                };
                (measured, if holds { "holds" } else { "**missed**" })
            }
            None => ("—".to_owned(), "not measured"),
        };
        let _ = writeln!(
            text,
            "| [{}](#{}) | {} | {measured} | {verdict} |",
            cell(&table.title),
            table.id,
            cell(&budget.says)
        );
    }
    text
}

fn findings(results: &Results) -> String {
    let groups: Vec<String> = results.groups.iter().map(group).collect();
    groups.join("\n")
}

fn group(group: &Group) -> String {
    let mut text = format!("## {}\n\n", capitalised(&group.about));
    let _ = writeln!(
        text,
        "`cargo xtask bench {}`, {}; load average before it: {}.",
        group.name, group.date, group.load
    );
    for finding in &group.findings {
        match finding {
            Finding::Table(found) => text.push_str(&table(found)),
            Finding::Curve(found) => text.push_str(&curve(found)),
            Finding::Trace(found) => {
                let _ = writeln!(text, "\n{}: [performance.md](performance.md).", found.title);
            }
            Finding::Skip(_) => {}
        }
    }
    text
}

fn table(table: &Table) -> String {
    let mut text = heading(&table.id, &table.title);
    let first = table.contenders.first();
    let ours = first.map_or("", |first| first.name.as_str());
    let rounds = first.map_or(0, |first| first.samples.len());
    let better = match table.better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
    };
    let _ = writeln!(
        text,
        "| {better} | median | middle half | least … most | {ours} ÷ it |\n|---|---|---|---|---|"
    );
    for contender in &table.contenders {
        let Some(spread) = contender.spread() else {
            continue;
        };
        let ratio = first
            .filter(|first| first.name != contender.name)
            .and_then(|first| first.ratio_to(contender))
            .map(|ratio| plain(ratio.median));
        let between = |low, high| match rounds {
            1 => String::new(),
            _ => format!("{} … {}", plain(low), plain(high)),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(&contender.name),
            with_unit(spread.median, table.unit),
            between(spread.lower, spread.upper),
            between(spread.least, spread.most),
            ratio.unwrap_or_default()
        );
    }
    let mut notes = Vec::new();
    if rounds > 1 {
        notes.push(format!("{rounds} rounds."));
    }
    notes.extend(table.notes.iter().cloned());
    if !notes.is_empty() {
        let _ = write!(text, "\n{}\n", notes.join(" "));
    }
    text.push_str(&picture(&table.id, &table.title));
    text
}

fn curve(curve: &Curve) -> String {
    let mut text = heading(&curve.id, &curve.title);
    text.push_str("| | first | last |\n|---|---|---|\n");
    for line in &curve.lines {
        let end = |point: Option<&(f64, f64)>| {
            point.map_or(String::new(), |(place, value)| {
                let value = with_unit(*value, curve.unit);
                format!("{value} ({} {})", count(*place), curve.against)
            })
        };
        let (first, last) = (end(line.points.first()), end(line.points.last()));
        let _ = writeln!(text, "| {} | {first} | {last} |", cell(&line.name));
    }
    text.push_str(&picture(&curve.id, &curve.title));
    text
}

fn heading(id: &str, title: &str) -> String {
    format!("\n<a id=\"{id}\"></a>\n\n### {}\n\n", capitalised(title))
}

fn picture(id: &str, title: &str) -> String {
    let title = title.replace('`', "");
    format!("\n![{title}](benchmarks/{id}.svg)\n")
}

fn skips(results: &Results) -> String {
    let mut text = String::new();
    for (case, skip) in results.all_skips() {
        let what = match case {
            Some(case) if case != skip.what => format!("{case}: {}", skip.what),
            _ => skip.what.clone(),
        };
        let _ = writeln!(text, "- **{what}**: {}", one_line(&skip.reason));
    }
    if text.is_empty() {
        text.push_str("Nothing.\n");
    }
    text
}

/// As headings begin.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// Nothing in it ends the cell.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Budget, Contender, Limit, Unit};

    fn sample() -> Table {
        let contender = |name: &str, samples: &[f64]| Contender {
            name: name.to_owned(),
            samples: samples.to_vec(),
        };
        Table {
            id: "start-none".to_owned(),
            title: "`run`".to_owned(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: vec![
                contender("rbox", &[10.0, 12.0, 11.0]),
                contender("docker", &[400.0, 440.0, 480.0]),
            ],
            budgets: vec![Budget {
                says: "at most 1/15 of docker".to_owned(),
                limit: Limit::RatioAtMost {
                    of: "rbox".to_owned(),
                    to: "docker".to_owned(),
                    limit: 1.0 / 15.0,
                },
            }],
            notes: vec!["Warm.".to_owned()],
        }
    }

    #[test]
    fn a_table_has_medians_spreads_and_pairwise_ratios() {
        let text = table(&sample());
        assert!(text.contains("| rbox | 11.0 ms | 10.5 … 11.5 | 10.0 … 12.0 |  |"));
        assert!(text.contains("| docker | 440 ms | 420 … 460 | 400 … 480 | 0.025 |"));
        assert!(text.contains("3 rounds. Warm."));
        assert!(text.contains("(benchmarks/start-none.svg)"));
    }

    #[test]
    fn a_budget_has_its_verdict_and_leads_to_its_table() {
        let results = Results {
            machine: super::super::Machine::this(),
            versions: Vec::new(),
            skips: Vec::new(),
            groups: vec![Group {
                name: "start".to_owned(),
                about: "Starts".to_owned(),
                date: "2026-01-01".to_owned(),
                load: "0.10".to_owned(),
                findings: vec![Finding::Table(sample())],
                skips: Vec::new(),
            }],
        };
        let row = "| [`run`](#start-none) | at most 1/15 of docker | 0.025 × | holds |";
        let document = document(&results);
        assert!(document.contains(row), "{document}");
        assert!(!document.contains("{{"));
    }
}
