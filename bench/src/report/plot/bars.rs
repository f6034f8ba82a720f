//! A table: a bar a contender from zero to its median, with a whisker over its middle half.

use super::scale::Scale;
use super::svg::{Anchor, Svg, WIDTH};
use crate::finding::{Better, Table};
use crate::report::figure::with_unit;

const ROW: f64 = 28.0;
const TOP: f64 = 34.0;
const LEFT: f64 = 190.0;
/// For the figures beside the longest bar.
const RIGHT: f64 = 110.0;

/// The picture of a table.
pub fn table(table: &Table) -> String {
    let rows = table.contenders.len() as f64;
    let mut svg = Svg::new(&table.title, TOP + rows * ROW + 8.0);
    let better = match table.better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
    };
    svg.text(WIDTH - 8.0, 20.0, Anchor::End, "faint", better);
    let spreads: Vec<_> = table
        .contenders
        .iter()
        .map(|contender| contender.spread())
        .collect();
    let scale = Scale::linear(spreads.iter().flatten().map(|spread| spread.upper));
    let place = |value: f64| LEFT + scale.part(value) * (WIDTH - LEFT - RIGHT);
    for (row, (contender, spread)) in table.contenders.iter().zip(&spreads).enumerate() {
        let Some(spread) = spread else { continue };
        let top = TOP + row as f64 * ROW;
        let middle = top + ROW / 2.0;
        let class = if row == 0 { "bar ours" } else { "bar" };
        svg.text(LEFT - 10.0, middle + 4.0, Anchor::End, "", &contender.name);
        let width = place(spread.median) - LEFT;
        svg.bar(LEFT, top + 5.0, width, ROW - 10.0, class);
        if spread.least < spread.most {
            let (from, to) = (place(spread.lower), place(spread.upper));
            svg.line((from, middle), (to, middle), "whisker");
            for end in [from, to] {
                svg.line((end, middle - 4.0), (end, middle + 4.0), "whisker");
            }
        }
        let figure = with_unit(spread.median, table.unit);
        let after = place(spread.upper.max(spread.median)) + 8.0;
        svg.text(after, middle + 4.0, Anchor::Start, "faint", &figure);
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Contender, Unit};

    #[test]
    fn bars_are_as_long_as_their_medians() {
        let contender = |name: &str, sample| Contender {
            name: name.to_owned(),
            samples: vec![sample],
        };
        let picture = table(&Table {
            id: "t".to_owned(),
            title: "t".to_owned(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: vec![contender("rbox", 25.0), contender("docker", 100.0)],
            budgets: Vec::new(),
            notes: Vec::new(),
        });
        let whole = WIDTH - LEFT - RIGHT;
        assert!(picture.contains(&format!("width=\"{:.1}\"", whole / 4.0)));
        assert!(picture.contains(&format!("width=\"{whole:.1}\"")));
        assert!(picture.contains(">25.0 ms</text>"));
        // One sample has no spread.
        assert!(!picture.contains("class=\"whisker\""));
    }
}
