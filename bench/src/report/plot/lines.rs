//! A curve: a line for each, over a linear horizontal axis.

use super::scale::Scale;
use super::svg::{Anchor, Svg, WIDTH};
use crate::finding::Curve;
use crate::report::figure::{count, round_with_unit};

const HEIGHT: f64 = 340.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 48.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;

/// Told apart on light and dark, and by most who see few colours.
const COLOURS: [&str; 6] = [
    "#2f81f7", "#e3702d", "#2da44e", "#a371f7", "#d4498f", "#8c959f",
];

/// The picture of a curve.
pub fn curve(curve: &Curve) -> String {
    let mut svg = Svg::new(&curve.title, HEIGHT);
    let points = || curve.lines.iter().flat_map(|line| line.points.iter());
    let across = Scale::linear(points().map(|point| point.0));
    let up = Scale::fitting(
        points()
            .map(|point| point.1)
            .collect::<Vec<_>>()
            .into_iter(),
    );
    let x = |value: f64| LEFT + across.part(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - up.part(value) * (HEIGHT - TOP - BOTTOM);
    for tick in up.ticks() {
        svg.line((LEFT, y(tick)), (WIDTH - RIGHT, y(tick)), "grid");
        let figure = round_with_unit(tick, curve.unit);
        svg.text(LEFT - 8.0, y(tick) + 4.0, Anchor::End, "faint", &figure);
    }
    for tick in across.ticks() {
        let below = HEIGHT - BOTTOM + 18.0;
        svg.text(x(tick), below, Anchor::Middle, "faint", &count(tick));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    svg.text(
        middle,
        HEIGHT - 10.0,
        Anchor::Middle,
        "faint",
        &curve.against,
    );
    let mut legend = LEFT;
    for (line, colour) in curve.lines.iter().zip(COLOURS.iter().cycle()) {
        let places: Vec<_> = line.points.iter().map(|&(a, b)| (x(a), y(b))).collect();
        svg.path(&places, colour);
        svg.path(&[(legend, 42.0), (legend + 18.0, 42.0)], colour);
        svg.text(legend + 24.0, 46.0, Anchor::Start, "", &line.name);
        legend += 24.0 + 24.0 + 7.5 * line.name.chars().count() as f64;
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Line, Unit};

    #[test]
    fn a_flat_cost_is_a_flat_line() {
        let picture = curve(&Curve {
            id: "c".to_owned(),
            title: "c".to_owned(),
            against: "containers running".to_owned(),
            unit: Unit::Milliseconds,
            lines: vec![Line {
                name: "rbox".to_owned(),
                points: vec![(0.0, 10.0), (500.0, 10.0)],
            }],
        });
        let (left, right) = (LEFT, WIDTH - RIGHT);
        let flat = format!("points=\"{left:.1},{TOP:.1} {right:.1},{TOP:.1}\"");
        assert!(picture.contains(&flat), "{picture}");
    }
}
