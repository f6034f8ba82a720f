//! Tables while the bench runs.

use super::Results;
use super::figure::{count, plain, with_unit};
use crate::finding::{Budget, Curve, Finding, Table, Trace};
use crate::statistics::Spread;

/// Prints one.
pub fn print(finding: &Finding) {
    match finding {
        Finding::Table(table) => print_table(table),
        Finding::Curve(curve) => print_curve(curve),
        Finding::Trace(trace) => print_trace(trace),
        Finding::Skip(skip) => println!("SKIPPED {}: {}", skip.what, skip.reason),
    }
}

/// The ratios and budgets of everything, in one place.
pub fn summarise(results: &Results, quick: bool) {
    println!("\n== ratios");
    if quick {
        println!("  --quick: few rounds and a small layer; docs/benchmarks.md has other figures");
    }
    for table in results.tables() {
        let ratios: Vec<String> = table
            .contenders
            .iter()
            .filter_map(|one| Some(format!("{} {}", ratio(table, &one.name)?, one.name)))
            .collect();
        if ratios.is_empty() {
            continue;
        }
        let name = table.contenders.first().map_or("", |first| &first.name);
        println!("  {:<24} {name}: {}", table.id, ratios.join(", "));
    }
    println!("\n== budgets");
    for (table, budget) in results.budgets() {
        println!("  {:<24} {}", table.id, verdict(table, budget));
    }
    let mut skips = results.all_skips().peekable();
    if skips.peek().is_some() {
        println!("\n== not measured");
    }
    for (_, skip) in skips {
        println!("  SKIPPED {}: {}", skip.what, skip.reason);
    }
}

fn verdict(table: &Table, budget: &Budget) -> String {
    let Some((value, holds)) = budget.verdict(table) else {
        return format!("{}: not measured", budget.says);
    };
    let value = if budget.is_ratio() {
        format!("{} x", plain(value))
    } else {
        with_unit(value, table.unit)
    };
    let verdict = if holds { "holds" } else { "MISSED" };
    format!("{}: {verdict} ({value})", budget.says)
}

fn print_table(table: &Table) {
    println!("\n{} ({})", table.title, table.id);
    let ours = table.contenders.first().map_or("", |first| &first.name);
    println!(
        "  {:<24} {:>13} {:>25} {:>16}",
        "",
        "median",
        "middle half",
        format!("{ours} is")
    );
    for contender in &table.contenders {
        let Some(spread) = contender.spread() else {
            continue;
        };
        let half = format!("{} … {}", plain(spread.lower), plain(spread.upper));
        println!(
            "  {:<24} {:>13} {:>25} {:>16}",
            contender.name,
            with_unit(spread.median, table.unit),
            half,
            ratio(table, &contender.name).unwrap_or_default()
        );
    }
    for budget in &table.budgets {
        println!("  budget: {}", verdict(table, budget));
    }
    for note in &table.notes {
        println!("  note: {note}");
    }
}

/// The first contender's samples over another's, of the same rounds.
fn ratio(table: &Table, name: &str) -> Option<String> {
    let first = table.contenders.first()?;
    if first.name == name {
        return None;
    }
    let spread = first.ratio_to(table.contender(name)?)?;
    Some(format!("{} x", plain(spread.median)))
}

fn print_curve(curve: &Curve) {
    println!("\n{} ({})", curve.title, curve.id);
    for line in &curve.lines {
        print!("  {:<24}", line.name);
        for (place, value) in &line.points {
            print!(" {}: {},", count(*place), with_unit(*value, curve.unit));
        }
        println!(" by {}", curve.against);
    }
}

fn print_trace(trace: &Trace) {
    println!("\n{} ({})", trace.title, trace.id);
    let median = |samples: &[f64]| {
        Spread::of(samples).map_or_else(String::new, |spread| format!("{:.3}", spread.median))
    };
    for mark in &trace.marks {
        let (at, took) = (median(&mark.at), median(&mark.took));
        println!("  {at:>8} {took:>8}  {:<8} {}", mark.who, mark.what);
    }
}
