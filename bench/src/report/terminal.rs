//! Tables while the bench runs.

use super::figure::{plain, with_unit};
use crate::finding::{Curve, Finding, Table};

/// Prints one.
pub fn print(finding: &Finding) {
    match finding {
        Finding::Table(table) => print_table(table),
        Finding::Curve(curve) => print_curve(curve),
        Finding::Skip(skip) => println!("SKIPPED {}: {}", skip.what, skip.reason),
    }
}

fn print_table(table: &Table) {
    println!("\n{} ({})", table.title, table.id);
    println!(
        "  {:<24} {:>13} {:>25} {:>16}",
        "", "median", "middle half", "rbox is"
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
        let verdict = match budget.verdict(table) {
            Some((value, true)) => format!("holds ({})", plain(value)),
            Some((value, false)) => format!("DOES NOT HOLD ({})", plain(value)),
            None => "not measured".to_owned(),
        };
        println!("  budget: {}: {verdict}", budget.says);
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
            print!(" {}: {},", plain(*place), with_unit(*value, curve.unit));
        }
        println!(" by {}", curve.against);
    }
}
