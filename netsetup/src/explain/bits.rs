//! Bytes of which some bits may not be known, and what can be said about them all the same.
//!
//! A packet that was never sent has no source port and no time to live. A rule that looks at
//! them is answered [`Answer::Unknown`], never by a guess.

/// A byte; bits outside `known` are not known and are zero in `value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Byte {
    value: u8,
    known: u8,
}

/// Yes, no, or it depends on what is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It depends.
    Unknown,
}

impl Answer {
    /// The answer to the opposite question.
    pub fn opposite(self) -> Answer {
        match self {
            Answer::Yes => Answer::No,
            Answer::No => Answer::Yes,
            Answer::Unknown => Answer::Unknown,
        }
    }

    /// Whether both hold.
    pub fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Yes, Answer::Yes) => Answer::Yes,
            _ => Answer::Unknown,
        }
    }

    /// Whether one of them holds.
    pub fn or(self, other: Answer) -> Answer {
        self.opposite().and(other.opposite()).opposite()
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Answer {
        if holds { Answer::Yes } else { Answer::No }
    }
}

/// Several bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bytes(Vec<Byte>);

impl Bytes {
    /// Known ones.
    pub fn known(values: &[u8]) -> Bytes {
        let byte = |value: &u8| Byte {
            value: *value,
            known: 0xff,
        };
        Bytes(values.iter().map(byte).collect())
    }

    /// So many of which nothing is known.
    pub fn unknown(length: usize) -> Bytes {
        Bytes(vec![Byte::default(); length])
    }

    /// A known value, or as many unknown bytes.
    pub fn maybe<const N: usize>(value: Option<[u8; N]>) -> Bytes {
        value.map_or_else(|| Bytes::unknown(N), |value| Bytes::known(&value))
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends others.
    pub fn extend(&mut self, other: &Bytes) {
        self.0.extend_from_slice(&other.0);
    }

    /// The part that begins at `start`; `None` when it reaches beyond the end.
    pub fn part(&self, start: usize, length: usize) -> Option<Bytes> {
        let end = start.checked_add(length)?;
        Some(Bytes(self.0.get(start..end)?.to_vec()))
    }

    /// Overwrites the bytes from `start` on; what does not fit is left out.
    pub fn put(&mut self, start: usize, other: &Bytes) {
        for (place, byte) in self.0.iter_mut().skip(start).zip(&other.0) {
            *place = *byte;
        }
    }

    /// The values, when every bit is known.
    pub fn values(&self) -> Option<Vec<u8>> {
        let value = |byte: &Byte| (byte.known == 0xff).then_some(byte.value);
        self.0.iter().map(value).collect()
    }

    /// `(self & mask) ^ flip`; shorter masks end the result.
    pub fn masked(&self, mask: &[u8], flip: &[u8]) -> Bytes {
        let bytes = self.0.iter().zip(mask.iter().zip(flip));
        Bytes(
            bytes
                .map(|(byte, (mask, flip))| Byte {
                    value: ((byte.value & mask) ^ flip) & (byte.known | !mask),
                    known: byte.known | !mask,
                })
                .collect(),
        )
    }

    /// In reverse order within groups of `size` bytes: from one byte order to the other.
    pub fn swapped(&self, size: usize) -> Bytes {
        let mut bytes = self.0.clone();
        for group in bytes.chunks_mut(size.max(1)) {
            group.reverse();
        }
        Bytes(bytes)
    }

    /// Whether they are these.
    pub fn equal(&self, other: &[u8]) -> Answer {
        if self.len() != other.len() {
            return Answer::Unknown;
        }
        let pairs = || self.0.iter().zip(other);
        if pairs().any(|(byte, other)| (byte.value ^ other) & byte.known != 0) {
            Answer::No
        } else {
            Answer::from(self.0.iter().all(|byte| byte.known == 0xff)).or(Answer::Unknown)
        }
    }

    /// Whether they are in an interval, ends included, as a number in network order.
    pub fn within(&self, from: &[u8], to: &[u8]) -> Answer {
        if self.len() != from.len() || self.len() != to.len() {
            return Answer::Unknown;
        }
        let (least, most) = (self.extreme(0), self.extreme(0xff));
        if least.as_slice() >= from && most.as_slice() <= to {
            Answer::Yes
        } else if most.as_slice() < from || least.as_slice() > to {
            Answer::No
        } else {
            Answer::Unknown
        }
    }

    fn extreme(&self, unknown: u8) -> Vec<u8> {
        let fill = |byte: &Byte| byte.value | (unknown & !byte.known);
        self.0.iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_decides_and_what_is_not_does_not() {
        let known = Bytes::known(&[10, 0, 0, 1]);
        assert_eq!(known.equal(&[10, 0, 0, 1]), Answer::Yes);
        assert_eq!(known.equal(&[10, 0, 0, 2]), Answer::No);
        let unknown = Bytes::unknown(2);
        assert_eq!(unknown.equal(&[0, 53]), Answer::Unknown);
        assert_eq!(unknown.within(&[0, 0], &[255, 255]), Answer::Yes);
        assert_eq!(unknown.within(&[4, 0], &[255, 255]), Answer::Unknown);
    }

    #[test]
    fn masks_make_bits_known() {
        let low = Bytes::unknown(1).masked(&[0x00], &[0x02]);
        assert_eq!(low.equal(&[2]), Answer::Yes);
        let half = Bytes::unknown(1).masked(&[0xf0], &[0x0f]);
        assert_eq!(half.equal(&[0x0e]), Answer::No);
        assert_eq!(half.equal(&[0x1f]), Answer::Unknown);
        let flags = Bytes::known(&[0x02]).masked(&[0x12], &[0]);
        assert_eq!(flags.equal(&[0x02]), Answer::Yes);
    }

    #[test]
    fn intervals_include_their_ends() {
        let port = Bytes::known(&443u16.to_be_bytes());
        let within = |from: u16, to: u16| port.within(&from.to_be_bytes(), &to.to_be_bytes());
        assert_eq!(within(443, 443), Answer::Yes);
        assert_eq!(within(1, 442), Answer::No);
        assert_eq!(within(444, 500), Answer::No);
    }

    #[test]
    fn answers_combine() {
        assert_eq!(Answer::Yes.and(Answer::Unknown), Answer::Unknown);
        assert_eq!(Answer::No.and(Answer::Unknown), Answer::No);
        assert_eq!(Answer::Yes.or(Answer::Unknown), Answer::Yes);
        assert_eq!(Answer::No.or(Answer::Unknown), Answer::Unknown);
    }

    #[test]
    fn another_byte_order_is_the_reverse() {
        let word = Bytes::known(&[1, 2, 3, 4]);
        assert_eq!(word.swapped(4).values(), Some(vec![4, 3, 2, 1]));
        assert_eq!(word.swapped(2).values(), Some(vec![2, 1, 4, 3]));
        assert_eq!(word.swapped(0), word);
    }
}
