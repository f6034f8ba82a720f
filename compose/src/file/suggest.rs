//! The key that an unknown one was probably meant to be.

/// Longer words are not compared.
const LONGEST: usize = 40;

/// The known word that needs the fewest edits, if those are few.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let most = 2.min(word.len() / 2);
    known
        .into_iter()
        .map(|known| (edits(&word, known), known))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// Insertions, deletions and replacements that make one of the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood() {
        let known = ["image", "init", "ports", "depends_on"];
        for (word, expected) in [
            ("imag", Some("image")),
            ("Images", Some("image")),
            ("port", Some("ports")),
            ("dependson", Some("depends_on")),
            ("dpeends_on", Some("depends_on")),
            ("gpus", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
