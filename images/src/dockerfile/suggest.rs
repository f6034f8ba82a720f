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
    let allowed = FURTHEST.min(lower.len() / 2);
    known
        .iter()
        .map(|known| (distance(&lower, &known.to_ascii_lowercase()), *known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Insertions, deletions, replacements and swaps of neighbours ("optimal string alignment").
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let above = &rows[i - 1];
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(row[j - 1] + 1).min(above[j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
    fn distances_count_edits() {
        for (a, b, expected) in [
            ("", "", 0),
            ("kitten", "sitting", 3),
            ("a", "", 1),
            ("rnu", "run", 1),
        ] {
            assert_eq!(distance(a, b), expected);
        }
    }
}
