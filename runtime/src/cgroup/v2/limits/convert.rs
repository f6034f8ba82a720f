//! Weights of v1 as weights of v2.

/// CPU shares 2..262144 to weights 1..10000, such that the default of 1024
/// shares is the default weight of 100: a parabola through the three points in
/// logarithms, as runc (since 1.4) and crun (since 1.23) have it.
pub(in super::super::super) fn weight_of_shares(shares: u64) -> u64 {
    match shares {
        ..=2 => 1,
        262_144.. => 10_000,
        _ => {
            // Below 2^18 every number is exact.
            let log = (shares as f64).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            // What is a whole number up to rounding is that number.
            (10_f64.powf(exponent) - 1e-6).ceil() as u64
        }
    }
}

/// Weights 10..1000 of v1 to 1..10000 of `io.weight`, linearly.
pub(super) fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights() {
        for (shares, weight) in [
            (0, 1),
            (2, 1),
            (3, 2),
            (512, 59),
            (1024, 100),
            (2048, 174),
            (262_143, 10_000),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
    }

    #[test]
    fn more_shares_are_never_less_weight() {
        let mut last = 0;
        for shares in (0..=262_144).step_by(37) {
            let weight = weight_of_shares(shares);
            assert!(weight >= last, "{shares}");
            last = weight;
        }
    }

    #[test]
    fn io_weights_are_stretched() {
        for (v1, v2) in [(1, 1), (10, 1), (500, 4950), (1000, 10_000), (2000, 10_000)] {
            assert_eq!(io_weight(v1), v2, "{v1}");
        }
    }
}
