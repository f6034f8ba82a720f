//! Where values lie on an axis.

/// A range of more than this is shown by its magnitudes.
const WIDE: f64 = 25.0;

/// From values to a part of the axis, 0 to 1.
#[derive(Debug, PartialEq)]
pub enum Scale {
    /// From zero.
    Linear { most: f64 },
    /// Between powers of ten.
    Logarithmic { least: f64, most: f64 },
}

impl Scale {
    /// From zero, with room for all.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max);
        let step = step(most);
        Scale::Linear {
            most: (most / step).ceil() * step,
        }
    }

    /// Linear, unless the small ones could not be told apart.
    pub fn fitting(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.clone().fold(0.0, f64::max);
        if least > 0.0 && most / least > WIDE {
            return Scale::Logarithmic {
                least: 10f64.powf(least.log10().floor()),
                most: 10f64.powf(most.log10().ceil()),
            };
        }
        Self::linear(values)
    }

    /// The place of a value.
    pub fn part(&self, value: f64) -> f64 {
        match self {
            Scale::Linear { most } => value / most,
            Scale::Logarithmic { least, most } => (value / least).ln() / (most / least).ln(),
        }
    }

    /// Round values along the axis.
    pub fn ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear { most } => {
                let step = step(most);
                let number = (most / step).round() as usize;
                (0..=number).map(|tick| tick as f64 * step).collect()
            }
            Scale::Logarithmic { least, most } => {
                let number = (most / least).log10().round() as i32;
                (0..=number).map(|tick| least * 10f64.powi(tick)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, four to ten times in the range.
fn step(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let rough = most / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let fitting = steps.into_iter().find(|step| *step >= rough * 0.999);
    fitting.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all() {
        let scale = Scale::linear([3.0, 47.0].into_iter());
        assert_eq!(scale.ticks(), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(scale.part(25.0), 0.5);
        assert_eq!(Scale::linear([0.0].into_iter()).ticks(), [0.0]);
    }

    #[test]
    fn what_differs_by_magnitudes_is_shown_by_them() {
        let scale = Scale::fitting([12.0, 450.0].into_iter());
        assert_eq!(scale.ticks(), [10.0, 100.0, 1000.0]);
        assert!((scale.part(100.0) - 0.5).abs() < 1e-9);
        let near = Scale::fitting([12.0, 45.0].into_iter());
        assert_eq!(near, Scale::Linear { most: 50.0 });
    }
}
