//! The known word that an unknown one was probably meant to be.

/// More edits than this are another word.
const FURTHEST: usize = 2;

/// Longer ones are not compared.
const LONGEST: usize = 64;

/// The nearest of the known words, compared without regard to case.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let allowed = FURTHEST.min(lower.len().saturating_sub(1));
    known
        .iter()
        .map(|known| (distance(&lower, &known.to_ascii_lowercase()), *known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Levenshtein's: insertions, deletions and replacements of one character.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_understood() {
        let known = ["ADD", "COPY", "RUN", "WORKDIR"];
        assert_eq!(nearest("RNU", &known), Some("RUN"));
        assert_eq!(nearest("copi", &known), Some("COPY"));
        assert_eq!(nearest("WORKDIRS", &known), Some("WORKDIR"));
        assert_eq!(nearest("BOGUS", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest("X", &known), None);
        assert_eq!(nearest(&"R".repeat(100_000), &known), None);
    }

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, expected) in [("", "", 0), ("kitten", "sitting", 3), ("a", "", 1)] {
            assert_eq!(distance(a, b), expected);
        }
    }
}
