//! Medians and spreads.

use crate::finding::Contender;

/// How samples lie.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The smallest.
    pub least: f64,
    /// A quarter lies below.
    pub lower: f64,
    /// Half lies below.
    pub median: f64,
    /// Three quarters lie below.
    pub upper: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// `None` of no samples.
    pub fn of(samples: &[f64]) -> Option<Spread> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Spread {
            least: *sorted.first()?,
            lower: at(&sorted, 0.25)?,
            median: at(&sorted, 0.5)?,
            upper: at(&sorted, 0.75)?,
            most: *sorted.last()?,
        })
    }
}

/// The value of sorted samples below which this part of them lies, between two neighbours where it
/// falls between them.
pub fn at(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor(), place.ceil());
    let low = sorted.get(below as usize)?;
    let high = sorted.get(above as usize)?;
    Some(low + (high - low) * (place - below))
}

impl Contender {
    /// How its samples lie.
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(&self.samples)
    }

    /// How the ratios of its samples to another's lie, round by round: what slows the machine for a
    /// while slows both.
    pub fn ratio_to(&self, other: &Contender) -> Option<Spread> {
        let pairs = self.samples.iter().zip(&other.samples);
        let ratios: Vec<f64> = pairs.map(|(of, to)| of / to).collect();
        Spread::of(&ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(samples: &[f64]) -> Contender {
        Contender {
            name: String::new(),
            samples: samples.to_vec(),
        }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.5, 4.0));
        assert_eq!((spread.lower, spread.upper), (1.75, 3.25));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was slow in the second round for both.
        let (ours, theirs) = (contender(&[1.0, 10.0, 1.0]), contender(&[2.0, 20.0, 2.0]));
        assert_eq!(ours.ratio_to(&theirs).unwrap().most, 0.5);
    }
}
