//! Values in registers: kept, compared, looked up.

use super::super::bits::{Answer, Bytes};
use super::super::ruleset::{Element, Register, Set};

/// Bytes of the sixteen registers.
pub(super) const REGISTERS: usize = 64;

/// Registers are words: what is behind a shorter value is zero.
pub(super) fn store(registers: &mut Bytes, at: Register, bytes: &Bytes) {
    registers.put(at, bytes);
    let padding = bytes.len().next_multiple_of(4) - bytes.len();
    registers.put(at + bytes.len(), &Bytes::known(&[0; 4][..padding]));
}

/// Whether a comparison holds.
pub(super) fn compare(bytes: &Bytes, operator: u32, value: &[u8]) -> Answer {
    let (least, most) = (vec![0; value.len()], vec![0xff; value.len()]);
    let equal = bytes.equal(value);
    match operator {
        0 => equal,
        1 => equal.opposite(),
        2 => bytes.within(value, &most).opposite(),
        3 => bytes.within(&least, value),
        4 => bytes.within(&least, value).opposite(),
        5 => bytes.within(value, &most),
        _ => Answer::Unknown,
    }
}

/// The element that a key is in.
pub(super) fn find<'s>(
    set: &'s Set,
    from: Register,
    registers: &Bytes,
) -> (Answer, Option<&'s Element>) {
    let mut doubtful = false;
    for element in &set.elements {
        let Some(key) = &element.key else { continue };
        let answer = match registers.part(from, key.from.len()) {
            None => Answer::Unknown,
            Some(bytes) if key.from == key.to => bytes.equal(&key.from),
            Some(bytes) if set.parts.is_empty() => bytes.within(&key.from, &key.to),
            Some(bytes) => by_parts(set, &bytes, &key.from, &key.to),
        };
        match answer {
            Answer::Yes => return (Answer::Yes, Some(element)),
            Answer::Unknown => doubtful = true,
            Answer::No => {}
        }
    }
    if doubtful {
        return (Answer::Unknown, None);
    }
    match set.elements.iter().find(|element| element.key.is_none()) {
        Some(rest) => (Answer::Yes, Some(rest)),
        None => (Answer::No, None),
    }
}

fn by_parts(set: &Set, bytes: &Bytes, from: &[u8], to: &[u8]) -> Answer {
    let mut at = 0;
    let mut answer = Answer::Yes;
    for length in &set.parts {
        let part = bytes.part(at, *length);
        let ends = (from.get(at..at + length), to.get(at..at + length));
        answer = answer.and(match (part, ends) {
            (Some(part), (Some(from), Some(to))) => part.within(from, to),
            _ => Answer::Unknown,
        });
        at += length.next_multiple_of(4);
    }
    answer
}
