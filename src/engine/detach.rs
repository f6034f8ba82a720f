//! Detach keys: a short sequence that leaves a terminal without ending what
//! runs in it.

use super::failure::Failure;

/// Docker's default.
const DEFAULT: &[u8] = &[16, 17];

/// Recognises the sequence in what the user types.
#[derive(Debug, Clone)]
pub struct DetachKeys {
    sequence: Vec<u8>,
    matched: usize,
}

/// What to do with typed bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// For the container.
    pub pass: Vec<u8>,
    /// The sequence is complete.
    pub detach: bool,
}

impl DetachKeys {
    /// `ctrl-p,ctrl-q`, `ctrl-@`, single characters; empty is the default.
    pub fn parse(text: &str) -> Result<DetachKeys, Failure> {
        if text.is_empty() {
            return Ok(DetachKeys {
                sequence: DEFAULT.to_vec(),
                matched: 0,
            });
        }
        let mut sequence = Vec::new();
        for key in text.split(',') {
            sequence.push(parse_key(key).ok_or_else(|| {
                Failure::new(format!(
                    "invalid detach keys ({text}): Unknown character: '{key}'"
                ))
            })?);
        }
        Ok(DetachKeys {
            sequence,
            matched: 0,
        })
    }

    /// Holds back what may be the beginning of the sequence.
    pub fn typed(&mut self, bytes: &[u8]) -> Typed {
        let mut pass = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte == self.sequence[self.matched] {
                self.matched += 1;
                if self.matched == self.sequence.len() {
                    self.matched = 0;
                    return Typed { pass, detach: true };
                }
                continue;
            }
            pass.extend_from_slice(&self.sequence[..self.matched]);
            self.matched = 0;
            if *byte == self.sequence[0] {
                self.matched = 1;
            } else {
                pass.push(*byte);
            }
        }
        Typed {
            pass,
            detach: false,
        }
    }
}

fn parse_key(key: &str) -> Option<u8> {
    if let [single] = key.as_bytes() {
        return Some(*single);
    }
    match key.strip_prefix("ctrl-")?.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        [b'@'] => Some(0),
        [symbol @ b'['..=b'_'] => Some(symbol - b'[' + 27),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_sequence_detaches_also_when_typed_slowly() {
        let mut keys = DetachKeys::parse("").unwrap();
        assert_eq!(
            keys.typed(b"ls\x10"),
            Typed {
                pass: b"ls".to_vec(),
                detach: false
            }
        );
        assert_eq!(
            keys.typed(b"\x11rest"),
            Typed {
                pass: Vec::new(),
                detach: true
            }
        );
    }

    #[test]
    fn a_sequence_that_breaks_off_reaches_the_container() {
        let mut keys = DetachKeys::parse("").unwrap();
        assert_eq!(keys.typed(b"\x10").pass, b"");
        assert_eq!(keys.typed(b"x").pass, b"\x10x");
        assert_eq!(
            keys.typed(b"\x10\x10\x11"),
            Typed {
                pass: b"\x10".to_vec(),
                detach: true
            }
        );
    }

    #[test]
    fn other_keys_can_be_chosen() {
        let mut keys = DetachKeys::parse("ctrl-a,d").unwrap();
        assert!(keys.typed(b"\x01d").detach);
        assert!(DetachKeys::parse("ctrl-[").is_ok());
        assert!(DetachKeys::parse("bogus").is_err());
    }
}
