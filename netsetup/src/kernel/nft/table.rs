//! The table `inet rbox`: its chains and rules are constant, what changes are elements.
//!
//! ```text
//! raw         ─ to loopback, not from there ─▶ drop               (a spoofed destination)
//!             ─ from a bridge ─▶ as it is                         (perhaps an answer)
//!             ─ to a closed subnet ─▶ addressed                   (before DNAT: straight to it)
//! addressed   ─ from a trusted interface ─▶ as it is
//!             ─ fib daddr type local ─▶ as it is, else drop       (a gateway's address is ours)
//! prerouting  ─ from a bridge without icc ─▶ as it is  (the relay answers: DNAT between
//!               isolated ports is lost when the bridge itself does it)
//!             ─ fib daddr type local ─▶ published      (clients outside, other containers)
//! output      ─ not loopback, type local ─▶ published  (this host)
//! published   ─ address . protocol . port, then protocol . port ─▶ dnat
//! forward     ─ established ─▶ accept;  same bridge with icc ─▶ accept
//!             ─ from or to an internal bridge ─▶ drop
//!             ─ to a bridge: dnatted ─▶ accept
//!             ─ reachable at its own address (gateway modes, trusted interfaces) ─▶ accept
//!             ─ to a bridge ─▶ drop                    (unpublished ports, other bridges)
//! admit       ─ what is left of ours is marked for other firewalls, see `ways_in`
//! postrouting ─ own subnet . own bridge, dnatted ─▶ masquerade     (hairpin: the reply must
//!               come back through us)
//!             ─ shortcut: the server is on the client's network, too, dnatted ─▶ masquerade
//!             ─ into a bridge ─▶ as it is                          (the client's address stays)
//!             ─ from a subnet with an address of its own ─▶ snat
//!             ─ from a masqueraded subnet ─▶ masquerade
//! ```
//!
//! With `bridge-nf-call-iptables` on, frames within a bridge pass here too, with the bridge as
//! both interfaces: `icc` and the postrouting order let them through untouched.
//!
//! A layout's number is in the table's comment. An older table is replaced in one transaction
//! with its elements, those of published ports among them, so connections go on.

use super::chain::{create_table, delete_table};
use super::element::Element;
use super::expr::Family;
use super::network::everything;
use super::rules;
use super::set::{self, SETS, Set};
use super::transaction::Transaction;
use super::wire::{
    NFPROTO_INET, NFT_MSG_GETRULE, NFT_MSG_GETTABLE, NFT_MSG_NEWRULE, NFTA_RULE_TABLE,
    NFTA_TABLE_NAME, NFTA_TABLE_USERDATA, message_type, nfgenmsg, read_comment,
};
use super::{Nft, NftError};
use crate::kernel::netlink::{ACK, Attributes, Batch, Encoder, NetlinkError};

/// Name of the table on the host.
pub(super) const TABLE: &str = "rbox";
/// Grows with every change of chains, rules or sets.
const LAYOUT: u32 = 4;
const LAYOUT_TEXT: &str = "rbox layout ";

/// What the present table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Present {
    Missing,
    Layout(u32),
}

impl Nft {
    /// Makes the table `inet rbox` when it is missing, and replaces it, elements kept, when an
    /// older program made it. When it is there this is one round trip. True when it was missing.
    ///
    /// # Errors
    /// A newer program made the table; the kernel lacks a feature of nf_tables (named).
    pub fn ensure_table(&mut self) -> Result<bool, NftError> {
        loop {
            match self.present()? {
                Present::Layout(LAYOUT) => return Ok(false),
                Present::Layout(found) if found > LAYOUT => {
                    return Err(NftError::Newer {
                        found,
                        known: LAYOUT,
                    });
                }
                Present::Layout(found) => return self.replace_table(found).map(|()| false),
                Present::Missing => {
                    let mut transaction =
                        Transaction::new("create table inet rbox", NFPROTO_INET, None);
                    write_table(&mut transaction);
                    match self.commit(transaction) {
                        // Somebody else made it at this moment: look again.
                        Err(error) if error.is_exists() => {}
                        other => return Ok(other.map(|()| true)?),
                    }
                }
            }
        }
    }

    /// Writes the chains anew, elements kept, when somebody took rules out of them; true when
    /// that was so. Nothing is done when there is no table.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn repair_table(&mut self) -> Result<bool, NftError> {
        if self.present()? != Present::Layout(LAYOUT) {
            return Ok(false);
        }
        let mut whole = Transaction::new("count rules", NFPROTO_INET, None);
        write_table(&mut whole);
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(NFPROTO_INET, 0));
        header.text(NFTA_RULE_TABLE, TABLE);
        let kind = message_type(NFT_MSG_GETRULE);
        let rule = |kind, _: &[u8]| (kind == message_type(NFT_MSG_NEWRULE)).then_some(());
        let rules = self
            .socket
            .dump("list table inet rbox", kind, header.as_slice(), rule)?;
        if rules.len() == whole.rules() {
            return Ok(false);
        }
        self.replace_table(LAYOUT)?;
        Ok(true)
    }

    /// Removes the table `inet rbox` with everything in it. Harmless when there is none.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete_table(&mut self) -> Result<(), NftError> {
        let mut transaction = Transaction::new("delete table inet rbox", NFPROTO_INET, None);
        delete_table(&mut transaction, TABLE);
        match self.commit(transaction) {
            Err(error) if !error.is_missing() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn present(&mut self) -> Result<Present, NetlinkError> {
        let mut batch = Batch::default();
        batch.request(
            "find table inet rbox",
            message_type(NFT_MSG_GETTABLE),
            ACK,
            |e| {
                e.raw(&nfgenmsg(NFPROTO_INET, 0));
                e.text(NFTA_TABLE_NAME, TABLE);
            },
        );
        let replies = match self.socket.execute(batch) {
            Ok(replies) => replies,
            Err(error) if error.is_missing() => return Ok(Present::Missing),
            Err(error) => return Err(error),
        };
        let layout = replies
            .first()
            .and_then(|reply| Attributes::after(&reply.body, 4).get(NFTA_TABLE_USERDATA))
            .and_then(read_comment)
            .and_then(|text| text.strip_prefix(LAYOUT_TEXT)?.parse().ok());
        // One that we cannot recognise is from before layouts had numbers.
        Ok(Present::Layout(layout.unwrap_or(0)))
    }

    fn replace_table(&mut self, found: u32) -> Result<(), NftError> {
        self.change("replace table inet rbox", |nft, generation| {
            let label = "replace table inet rbox";
            let mut transaction = Transaction::new(label, NFPROTO_INET, Some(generation));
            let mut kept = Vec::new();
            for set in SETS {
                let mut elements: Vec<Element> = nft.elements(set)?;
                elements.retain(|element| element.fits(set));
                kept.push((set, elements));
            }
            if found < 2 {
                for family in [Family::V4, Family::V6] {
                    let elements = closed(&kept, family);
                    kept.push((Set::Closed(family), elements));
                }
            }
            delete_table(&mut transaction, TABLE);
            write_table(&mut transaction);
            for (set, elements) in &kept {
                transaction.add(*set, elements, 0);
            }
            Ok(transaction)
        })
    }
}

fn write_table(t: &mut Transaction) {
    create_table(t, TABLE, Some(&format!("{LAYOUT_TEXT}{LAYOUT}")));
    for (id, set) in (1..).zip(SETS) {
        set.create(t, TABLE, id);
    }
    rules::write(t);
}

/// What layout 1 had no sets for: its networks are closed to packets from outside if they are
/// internal or leave by masquerading, as those of today.
fn closed(kept: &[(Set, Vec<Element>)], family: Family) -> Vec<Element> {
    let of = |wanted: Set| {
        kept.iter()
            .filter(move |(set, _)| *set == wanted)
            .flat_map(|(_, elements)| elements)
    };
    let everywhere = everything(family).map(set::address);
    of(Set::Own(family))
        .filter(|own| {
            let same = |other: &&Element| other.owner == own.owner;
            of(Set::Internal)
                .chain(of(Set::Masquerade(family)))
                .any(|other| same(&other))
        })
        .filter_map(|own| {
            let address = |key: &[u8]| Some(key.get(..everywhere[0].len())?.to_vec());
            let end = address(own.key_end.as_ref()?)?;
            Some(Element {
                key: [everywhere[0].clone(), address(&own.key)?].concat(),
                key_end: Some([everywhere[1].clone(), end].concat()),
                data: None,
                owner: own.owner.clone(),
            })
        })
        .collect()
}
