//! Elements that belong to a container: put all or none of them, taken back by their owner.

use rustix::io::Errno;

use super::element::Element;
use super::set::{CONTAINER_SETS, SETS, Set};
use super::transaction::Transaction;
use super::wire::{NFPROTO_INET, comment_text};
use super::{Nft, NftError};
use crate::kernel::netlink::EXCL;

impl Nft {
    /// Puts elements in their places. What is there already is replaced: it is what a dead
    /// owner left. One round trip when nothing is.
    pub(super) fn put(&mut self, label: &str, wanted: &[(Set, Element)]) -> Result<(), NftError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::new(label, NFPROTO_INET, None);
        for (set, elements) in by_set(wanted) {
            transaction.add(set, &elements, EXCL);
        }
        match self.commit(transaction) {
            Err(error) if matches!(error.errno(), Some(Errno::EXIST | Errno::BUSY)) => {}
            other => return Ok(other?),
        }
        self.change(label, |nft, generation| {
            let mut transaction = Transaction::new(label, NFPROTO_INET, Some(generation));
            for (set, elements) in by_set(wanted) {
                let old = nft.find(set, &keys(&elements))?;
                transaction.delete(set, &old);
                transaction.add(set, &elements, EXCL);
            }
            Ok(transaction)
        })
    }

    /// Whether all of them are in their places.
    pub(super) fn holds(&mut self, wanted: &[(Set, Element)]) -> Result<bool, NftError> {
        for (set, elements) in by_set(wanted) {
            let found = match self.find(set, &keys(&elements)) {
                Err(error) if error.is_missing() => return Ok(false),
                other => other?,
            };
            let known = |wanted: &Element| {
                let same = |e: &Element| e.key == wanted.key && e.data == wanted.data;
                found.iter().any(same)
            };
            if !elements.iter().all(known) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes an owner's elements back. Those that are gone, or have another owner by now, are
    /// left alone.
    pub(super) fn take_back(
        &mut self,
        label: &str,
        ours: &[(Set, Element)],
        owner: &str,
    ) -> Result<(), NftError> {
        if ours.is_empty() {
            return Ok(());
        }
        self.change(label, |nft, generation| {
            let mut transaction = Transaction::new(label, NFPROTO_INET, Some(generation));
            for (set, elements) in by_set(ours) {
                let mut old = nft.find(set, &keys(&elements))?;
                old.retain(|element| element.owner == comment_text(owner));
                transaction.delete(set, &old);
            }
            Ok(transaction)
        })
    }

    /// Takes back all that a container has, found by its id. Harmless when there is nothing.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_owned(&mut self, owner: &str) -> Result<(), NftError> {
        let label = format!("withdraw all of {owner}");
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, NFPROTO_INET, Some(generation));
            for set in CONTAINER_SETS {
                let mut old = nft.elements(set)?;
                old.retain(|element| element.owner == comment_text(owner));
                transaction.delete(set, &old);
            }
            Ok(transaction)
        })
    }
}

fn keys(elements: &[Element]) -> Vec<Vec<u8>> {
    elements.iter().map(|element| element.key.clone()).collect()
}

/// Groups by set; a key that was given twice counts once.
fn by_set(all: &[(Set, Element)]) -> impl Iterator<Item = (Set, Vec<Element>)> + '_ {
    SETS.into_iter().filter_map(|set| {
        let mut elements: Vec<Element> = all
            .iter()
            .filter(|(of, _)| *of == set)
            .map(|(_, e)| e.clone())
            .collect();
        elements.sort_by(|a, b| a.key.cmp(&b.key));
        elements.dedup_by(|a, b| a.key == b.key);
        (!elements.is_empty()).then_some((set, elements))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::nft::expr::Family;

    #[test]
    fn a_key_given_twice_is_one_element() {
        let one = Element {
            key: vec![6, 0, 0, 0, 0, 80, 0, 0],
            key_end: None,
            data: Some(vec![0; 8]),
            owner: "me".to_owned(),
        };
        let map = Set::PublishedAny(Family::V4);
        let all = [(map, one.clone()), (map, one.clone())];
        assert_eq!(by_set(&all).collect::<Vec<_>>(), [(map, vec![one])]);
    }
}
