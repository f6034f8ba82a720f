//! Elements of sets as intervals.
//!
//! In a set of intervals the kernel keeps where each begins and, as elements of their own, where
//! each ends; in a concatenation an element has both ends.

use super::dump_expr::{data, verdict};
use super::wire::{
    NFTA_DATA_VALUE, NFTA_DATA_VERDICT, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_KEY,
    NFTA_SET_ELEM_KEY_END,
};
use crate::explain::ruleset::{Data, Element, Interval};
use crate::kernel::netlink::Attributes;

const NFTA_SET_ELEM_FLAGS: u16 = 3;
const INTERVAL_END: u32 = 1;
const CATCHALL: u32 = 2;

struct Raw {
    key: Vec<u8>,
    key_end: Option<Vec<u8>>,
    data: Option<Data>,
    ends: bool,
}

/// The elements; with `ends` they are beginnings and ends.
pub(super) fn elements(raw: &[Vec<u8>], ends: bool, key_length: usize) -> Vec<Element> {
    let mut found = Vec::new();
    let mut keys = Vec::new();
    for body in raw {
        let attributes = Attributes::new(body);
        let flags = attributes.get_be32(NFTA_SET_ELEM_FLAGS).unwrap_or(0);
        let value = element_data(attributes.nested(NFTA_SET_ELEM_DATA));
        if flags & CATCHALL != 0 {
            found.push(Element {
                key: None,
                data: value,
            });
            continue;
        }
        let Some(key) = data(attributes, NFTA_SET_ELEM_KEY) else {
            continue;
        };
        keys.push(Raw {
            key,
            key_end: data(attributes, NFTA_SET_ELEM_KEY_END),
            data: value,
            ends: flags & INTERVAL_END != 0,
        });
    }
    if ends {
        found.splice(0..0, between(keys, key_length));
    } else {
        let single = keys.into_iter().map(|raw| Element {
            key: Some(Interval {
                to: raw.key_end.unwrap_or_else(|| raw.key.clone()),
                from: raw.key,
            }),
            data: raw.data,
        });
        found.splice(0..0, single);
    }
    found
}

fn between(mut keys: Vec<Raw>, key_length: usize) -> Vec<Element> {
    // Where one ends and the next begins at once, the end comes first.
    keys.sort_by(|a, b| (&a.key, !a.ends).cmp(&(&b.key, !b.ends)));
    let mut elements = Vec::new();
    let mut keys = keys.into_iter().peekable();
    while let Some(raw) = keys.next() {
        if raw.ends {
            continue;
        }
        let to = match keys.peek() {
            Some(next) => before(&next.key),
            None => vec![0xff; key_length],
        };
        elements.push(Element {
            key: Some(Interval { from: raw.key, to }),
            data: raw.data,
        });
    }
    elements
}

/// The number before this one.
fn before(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    for byte in key.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            break;
        }
    }
    key
}

fn element_data(attributes: Attributes<'_>) -> Option<Data> {
    if attributes.get(NFTA_DATA_VERDICT).is_some() {
        return verdict(attributes).map(Data::Verdict);
    }
    attributes
        .get(NFTA_DATA_VALUE)
        .map(|value| Data::Value(value.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(key: u8, ends: bool) -> Raw {
        Raw {
            key: vec![0, key],
            key_end: None,
            data: None,
            ends,
        }
    }

    #[test]
    fn beginnings_and_ends_become_intervals() {
        let keys = vec![
            raw(91, true),
            raw(80, false),
            raw(23, true),
            raw(22, false),
            raw(0, true),
            raw(200, false),
        ];
        let found: Vec<_> = between(keys, 2)
            .into_iter()
            .filter_map(|element| element.key)
            .map(|key| (key.from, key.to))
            .collect();
        assert_eq!(
            found,
            [
                (vec![0, 22], vec![0, 22]),
                (vec![0, 80], vec![0, 90]),
                (vec![0, 200], vec![0xff, 0xff]),
            ]
        );
    }

    #[test]
    fn the_number_before_borrows() {
        assert_eq!(before(&[1, 0]), [0, 0xff]);
        assert_eq!(before(&[1, 5]), [1, 4]);
    }
}
