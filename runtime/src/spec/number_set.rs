//! Lists of processors and memory nodes: `0-3,7`.

use thiserror::Error;

/// How many numbers there are, from 0 on; as many as a kernel can have nodes,
/// and as glibc's `cpu_set_t` has processors.
const LIMIT: u16 = 1024;
const WORDS: usize = LIMIT as usize / 64;

/// A set of numbers below 1024.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberSet([u64; WORDS]);

/// Why a text is no such list.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum NumberSetError {
    #[error("{0:?} is no list of numbers and ranges such as 0-3,7")]
    Syntax(String),
    #[error("{0} is above 1023")]
    TooLarge(String),
    #[error("{0:?} is a range that ends before it starts")]
    Backwards(String),
}

impl NumberSet {
    /// Reads a list; blanks around its parts are allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, NumberSetError> {
        let mut set = Self([0; WORDS]);
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first, text)?, number(last, text)?);
            if first > last {
                return Err(NumberSetError::Backwards(part.to_owned()));
            }
            for number in first..=last {
                set.0[usize::from(number / 64)] |= 1 << (number % 64);
            }
        }
        Ok(set)
    }

    /// Its numbers, ascending.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..usize::from(LIMIT)).filter(|number| self.0[number / 64] & 1 << (number % 64) != 0)
    }

    /// One bit a number, the lowest first.
    pub(crate) fn words(&self) -> &[u64; WORDS] {
        &self.0
    }
}

fn number(text: &str, whole: &str) -> Result<u16, NumberSetError> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberSetError::Syntax(whole.to_owned()));
    }
    text.parse()
        .ok()
        .filter(|number| *number < LIMIT)
        .ok_or_else(|| NumberSetError::TooLarge(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_read() {
        let numbers = |text: &str| {
            NumberSet::parse(text)
                .unwrap()
                .numbers()
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers("0-3,7"), [0, 1, 2, 3, 7]);
        assert_eq!(numbers("7, 0 - 1"), [0, 1, 7]);
        assert_eq!(numbers("1023"), [1023]);
        assert_eq!(
            NumberSet::parse("63-64").unwrap().words()[..2],
            [1 << 63, 1]
        );
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_text() {
        let refused = |text: &str| NumberSet::parse(text).unwrap_err().to_string();
        let syntax =
            |text: &str| format!("{text:?} is no list of numbers and ranges such as 0-3,7");
        for text in ["", "a", "1,,2", "-1", "1-", "0x1", "1-2-3", "+1"] {
            assert_eq!(refused(text), syntax(text));
        }
        assert_eq!(refused("1024"), "1024 is above 1023");
        assert_eq!(refused("0,99999999"), "99999999 is above 1023");
        assert_eq!(
            refused("3-1"),
            "\"3-1\" is a range that ends before it starts"
        );
    }
}
