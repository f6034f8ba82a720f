//! Elements of sets and maps: added, deleted, looked up, listed.

use rustix::io::Errno;

use super::Nft;
use super::set::Set;
use super::table::TABLE;
use super::transaction::Transaction;
use super::wire::{
    NFPROTO_INET, NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, NFTA_DATA_VALUE,
    NFTA_LIST_ELEM, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END,
    NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_TABLE,
    NFTA_SET_ELEM_USERDATA, comment, message_type, nfgenmsg, read_comment,
};
use crate::kernel::netlink::{ACK, Attributes, Batch, CREATE, Encoder, NetlinkError};

/// So many elements go into one message: lists have 16-bit lengths, and an element with IPv6
/// addresses and its owner takes up to 260 bytes.
const CHUNK: usize = 240;
/// So many look-ups go into one batch: each answer takes a page of the receive buffer.
const LOOKUPS: usize = 16;

/// One element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Element {
    /// The key, or an interval's lower end.
    pub key: Vec<u8>,
    /// An interval's upper end.
    pub key_end: Option<Vec<u8>>,
    /// A map's value.
    pub data: Option<Vec<u8>>,
    /// Whose it is.
    pub owner: String,
}

impl Element {
    fn write_key(&self, e: &mut Encoder) {
        value(e, NFTA_SET_ELEM_KEY, &self.key);
        if let Some(end) = &self.key_end {
            value(e, NFTA_SET_ELEM_KEY_END, end);
        }
    }

    fn write(&self, e: &mut Encoder) {
        self.write_key(e);
        if let Some(data) = &self.data {
            value(e, NFTA_SET_ELEM_DATA, data);
        }
        comment(e, NFTA_SET_ELEM_USERDATA, &self.owner);
    }

    fn parse(attributes: Attributes<'_>) -> Option<Element> {
        let read = |kind| {
            attributes
                .nested(kind)
                .get(NFTA_DATA_VALUE)
                .map(<[u8]>::to_vec)
        };
        Some(Element {
            key: read(NFTA_SET_ELEM_KEY)?,
            key_end: read(NFTA_SET_ELEM_KEY_END),
            data: read(NFTA_SET_ELEM_DATA),
            owner: attributes
                .get(NFTA_SET_ELEM_USERDATA)
                .and_then(read_comment)
                .unwrap_or_default(),
        })
    }

    /// It has the sizes of the set's elements.
    pub fn fits(&self, set: Set) -> bool {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        length(&self.key) == set.key_length()
            && self
                .key_end
                .as_deref()
                .is_none_or(|end| length(end) == set.key_length())
            && self.data.as_deref().map_or(0, length) == set.data_length()
    }
}

fn value(e: &mut Encoder, kind: u16, bytes: &[u8]) {
    e.nest(kind, |e| e.bytes(NFTA_DATA_VALUE, bytes));
}

fn place(e: &mut Encoder, set: Set) {
    e.text(NFTA_SET_ELEM_LIST_TABLE, TABLE);
    e.text(NFTA_SET_ELEM_LIST_SET, set.name());
}

impl Transaction {
    /// Appends the addition of elements; `exclusive` (EXCL or 0) decides whether one that is
    /// there already is an error.
    pub fn add(&mut self, set: Set, elements: &[Element], exclusive: u16) {
        for chunk in elements.chunks(CHUNK) {
            let label = format!("add to {} for {}", set.name(), owners(chunk));
            self.push(label, NFT_MSG_NEWSETELEM, CREATE | exclusive, |e| {
                place(e, set);
                e.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |e| {
                    for element in chunk {
                        e.nest(NFTA_LIST_ELEM, |e| element.write(e));
                    }
                });
            });
        }
    }

    /// Appends the deletion of elements; one that is not there is an error.
    pub fn delete(&mut self, set: Set, elements: &[Element]) {
        for chunk in elements.chunks(CHUNK) {
            let label = format!("remove from {} for {}", set.name(), owners(chunk));
            self.push(label, NFT_MSG_DELSETELEM, 0, |e| {
                place(e, set);
                e.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |e| {
                    for element in chunk {
                        e.nest(NFTA_LIST_ELEM, |e| element.write_key(e));
                    }
                });
            });
        }
    }
}

/// Whose elements these are, for error texts: one name says enough.
fn owners(elements: &[Element]) -> &str {
    elements.first().map_or("nobody", |element| &element.owner)
}

fn parse_all(kind: u16, body: &[u8]) -> Option<Vec<Element>> {
    if kind != message_type(NFT_MSG_NEWSETELEM) {
        return None;
    }
    let list = Attributes::after(body, 4).nested(NFTA_SET_ELEM_LIST_ELEMENTS);
    Some(
        list.filter_map(|(_, element)| Element::parse(Attributes::new(element)))
            .collect(),
    )
}

impl Nft {
    /// The elements that have these keys; missing ones are left out.
    pub(super) fn find(
        &mut self,
        set: Set,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Element>, NetlinkError> {
        let mut found = Vec::new();
        for chunk in keys.chunks(LOOKUPS) {
            let mut batch = Batch::default();
            for key in chunk {
                let label = format!("look up in {}", set.name());
                let kind = message_type(NFT_MSG_GETSETELEM);
                batch.tolerant(label, kind, ACK, &[Errno::NOENT], |e| {
                    e.raw(&nfgenmsg(NFPROTO_INET, 0));
                    place(e, set);
                    e.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |e| {
                        e.nest(NFTA_LIST_ELEM, |e| value(e, NFTA_SET_ELEM_KEY, key));
                    });
                });
            }
            let replies = self.socket.execute(batch)?;
            found.extend(
                replies
                    .iter()
                    .filter_map(|r| parse_all(r.kind, &r.body))
                    .flatten(),
            );
        }
        Ok(found)
    }

    /// All elements of a set; none when there is no such set or table.
    pub(super) fn elements(&mut self, set: Set) -> Result<Vec<Element>, NetlinkError> {
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(NFPROTO_INET, 0));
        place(&mut header, set);
        let label = format!("list {}", set.name());
        let kind = message_type(NFT_MSG_GETSETELEM);
        match self.socket.dump(&label, kind, header.as_slice(), parse_all) {
            Ok(lists) => Ok(lists.into_iter().flatten().collect()),
            Err(error) if error.is_missing() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::nft::expr::Family;

    #[test]
    fn the_largest_elements_fit_a_message() {
        let set = Set::Published(Family::V6);
        let element = Element {
            key: vec![1; 24],
            key_end: None,
            data: Some(vec![2; 20]),
            owner: "f".repeat(200),
        };
        let mut transaction = Transaction::new("t", NFPROTO_INET, None);
        transaction.add(set, &vec![element; 1000], 0);
        assert!(!transaction.overflowed());
    }

    #[test]
    fn answers_of_other_kinds_or_without_keys_are_no_elements() {
        assert_eq!(parse_all(message_type(NFT_MSG_GETSETELEM), &[0; 64]), None);
        assert_eq!(
            parse_all(message_type(NFT_MSG_NEWSETELEM), &[]),
            Some(vec![])
        );
        let mut e = Encoder::default();
        e.raw(&nfgenmsg(1, 0));
        e.nest(NFTA_SET_ELEM_LIST_ELEMENTS, |e| {
            e.nest(NFTA_LIST_ELEM, |e| e.u8(3, 1))
        });
        assert_eq!(
            parse_all(message_type(NFT_MSG_NEWSETELEM), e.as_slice()),
            Some(vec![])
        );
    }
}
