//! The order of lists: as texts, but runs of digits compare as numbers (`net9` before `net10`).

use std::cmp::Ordering;

/// Compares two names in natural order.
pub fn natural(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    loop {
        let (Some(&x), Some(&y)) = (a.first(), b.first()) else {
            // Equal but for leading zeros, or one is the other's beginning.
            return a.len().cmp(&b.len()).then_with(|| left.cmp(right));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number, rest_a) = split_number(a);
            let (other, rest_b) = split_number(b);
            match number
                .len()
                .cmp(&other.len())
                .then_with(|| number.cmp(other))
            {
                Ordering::Equal => (a, b) = (rest_a, rest_b),
                unequal => return unequal,
            }
        } else if x == y {
            (a, b) = (&a[1..], &b[1..]);
        } else {
            return x.cmp(&y);
        }
    }
}

/// The leading digits without leading zeros, and what follows them.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_with_numbers_in_numerical_order_and_capitals_first() {
        let mut names = [
            "none", "h4n10", "bridge", "h4n9", "H4n1", "h4n", "h4n09", "a1b2", "a1b10", "",
        ];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            [
                "", "H4n1", "a1b2", "a1b10", "bridge", "h4n", "h4n09", "h4n9", "h4n10", "none"
            ]
        );
        assert_eq!(natural("net1", "net1"), Ordering::Equal);
    }
}
