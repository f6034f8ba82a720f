//! The cache key of a step: a digest of everything that its result depends on.
//!
//! ```text
//!  what is below: the diff-ids of the layers ┐
//!  the instruction in its effective form     ├─▶ sha256 ─▶ cache/<hex>.json ─▶ a layer
//!  digests of what is copied or bound        ┘
//! ```
//!
//! What is below counts by content, not by how it came about: a base that was pulled again with
//! the same layers, or a comment changed in a step before, changes no key.

use rbox_images::Digest;

/// Part of every key, so that a change of what steps do can leave old records behind.
const VERSION: &str = "rbox build 1";

/// A key in the making. Every part has a name and a length: no two different lists of parts are
/// the same bytes.
#[derive(Debug, Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// Of a step of this kind on top of these layers.
    pub fn new<'a>(kind: &str, below: impl IntoIterator<Item = &'a String>) -> Key {
        let mut key = Key(Vec::with_capacity(512));
        key.part("version", VERSION);
        key.part("kind", kind);
        key.list("below", below);
        key
    }

    /// One more thing that the result depends on.
    pub fn part(&mut self, name: &str, value: impl AsRef<[u8]>) {
        for text in [name.as_bytes(), value.as_ref()] {
            self.0.extend((text.len() as u64).to_le_bytes());
            self.0.extend(text);
        }
    }

    /// Several, in their order.
    pub fn list<T: AsRef<[u8]>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<T> = values.into_iter().collect();
        self.part(name, (values.len() as u64).to_le_bytes());
        for value in values {
            self.part("", value);
        }
    }

    /// The key.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    fn key(below: &[&str], parts: &[(&str, &str)]) -> String {
        let below: Vec<String> = below.iter().map(|text| (*text).to_owned()).collect();
        let mut key = Key::new("run", &below);
        for (name, value) in parts {
            key.part(name, value);
        }
        key.digest().to_string()
    }

    #[test]
    fn equal_steps_have_equal_keys() {
        let one = key(&["a"], &[("command", "x"), ("user", "")]);
        assert_eq!(one, key(&["a"], &[("command", "x"), ("user", "")]));
    }

    #[test]
    fn whatever_differs_makes_another_key() {
        let all = [
            key(&[], &[]),
            key(&["a"], &[]),
            key(&["a", "b"], &[]),
            key(&["ab"], &[]),
            key(&["b", "a"], &[]),
            key(&["a"], &[("command", "x")]),
            key(&["a"], &[("command", "xy")]),
            key(&["a"], &[("commandx", "y")]),
            key(&["a"], &[("command", "x"), ("", "y")]),
            key(&["a"], &[("command", ""), ("x", "")]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other != one), "{index}");
        }
    }
}
