//! What was meant by a word that there is not: the nearest of those that there are.

/// Letters of the longest word that is looked at.
const LONGEST: usize = 64;

/// The candidate with the fewest letters wrong, left out, too many or changed with their
/// neighbour: one of them, in words from six letters on two. The first of several; none for a
/// word of a single letter.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    if !(2..=LONGEST).contains(&typed.len()) {
        return None;
    }
    let allowed = if typed.len() < 6 { 1 } else { 2 };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.to_lowercase().chars().collect();
        if letters.len().abs_diff(typed.len()) > allowed || letters.len() > LONGEST {
            continue;
        }
        let wrong = distance(&typed, &letters);
        if wrong <= allowed && wrong < letters.len() && best.is_none_or(|(least, _)| wrong < least)
        {
            best = Some((wrong, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Damerau's and Levenshtein's distance, in its restricted form: no pair is changed twice.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for i in 0..left.len() {
        let mut row = vec![i + 1];
        for j in 0..right.len() {
            let changed = last[j] + usize::from(left[i] != right[j]);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i] == right[j - 1] && left[i - 1] == right[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn letters_wrong_missing_too_many_and_changed_count_one() {
        for (left, right, expected) in [
            ("", "abc", 3),
            ("restart", "restart", 0),
            ("restrat", "restart", 1),
            ("restat", "restart", 1),
            ("sttop", "stop", 1),
            ("network", "volume", 7),
        ] {
            let letters = |text: &str| text.chars().collect::<Vec<char>>();
            assert_eq!(
                distance(&letters(left), &letters(right)),
                expected,
                "{left}"
            );
        }
    }

    #[test]
    fn the_nearest_is_found_and_the_far_is_not() {
        let commands = ["run", "rm", "rmi", "restart", "network", "images"];
        for (typed, expected) in [
            ("rnu", Some("run")),
            ("imagse", Some("images")),
            ("Network", Some("network")),
            ("netwrok", Some("network")),
            ("rstrat", Some("restart")),
            ("frobnicate", None),
            ("x", None),
            ("", None),
            ("db", None),
        ] {
            assert_eq!(nearest(typed, commands), expected, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), commands), None);
    }
}
