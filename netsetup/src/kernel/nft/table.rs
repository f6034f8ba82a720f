//! The table `inet rbox`: its chains and rules are constant, what changes are elements.
//!
//! ```text
//! prerouting  ─ from a bridge without icc ─▶ as it is  (the relay answers: DNAT between
//!               isolated ports is lost when the bridge itself does it)
//!             ─ fib daddr type local ─▶ published      (clients outside, other containers)
//! output      ─ not loopback, type local ─▶ published  (this host)
//! published   ─ address . protocol . port, then protocol . port ─▶ dnat
//! postrouting ─ own subnet . own bridge, dnatted ─▶ masquerade     (hairpin: the reply must
//!               come back through us)
//!             ─ into a bridge ─▶ as it is                          (the client's address stays)
//!             ─ from a masqueraded subnet ─▶ masquerade
//! forward     ─ established ─▶ accept;  same bridge with icc ─▶ accept
//!             ─ from or to an internal bridge ─▶ drop
//!             ─ to a bridge: dnatted ─▶ accept, else drop   (unpublished ports, other bridges)
//! ```
//!
//! With `bridge-nf-call-iptables` on, frames within a bridge pass here too, with the bridge as
//! both interfaces: `icc` and the postrouting order let them through untouched.

use super::chain::{
    Hook, PRIORITY_DSTNAT, PRIORITY_FILTER, PRIORITY_SRCNAT, add_rule, create_chain, create_table,
    delete_table,
};
use super::element::Element;
use super::expr::Family;
use super::set::{SETS, Set};
use super::transaction::Transaction;
use super::wire::{
    NF_INET_FORWARD, NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING, NF_INET_PRE_ROUTING, NFPROTO_INET,
    NFT_MSG_GETTABLE, NFTA_TABLE_NAME, NFTA_TABLE_USERDATA, message_type, nfgenmsg, read_comment,
};
use super::{Nft, NftError};
use crate::kernel::netlink::{ACK, Attributes, Batch, NetlinkError};

/// Name of the table on the host.
pub(super) const TABLE: &str = "rbox";
/// Grows with every change of chains, rules or sets.
const LAYOUT: u32 = 1;
const LAYOUT_TEXT: &str = "rbox layout ";

/// What the present table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Present {
    Missing,
    Layout(u32),
}

impl Nft {
    /// Makes the table `inet rbox` when it is missing, and replaces it, elements kept, when an
    /// older program made it. When it is there this is one round trip.
    ///
    /// # Errors
    /// A newer program made the table; the kernel lacks a feature of nf_tables (named).
    pub fn ensure_table(&mut self) -> Result<(), NftError> {
        loop {
            match self.present()? {
                Present::Layout(LAYOUT) => return Ok(()),
                Present::Layout(found) if found > LAYOUT => {
                    return Err(NftError::Newer {
                        found,
                        known: LAYOUT,
                    });
                }
                Present::Layout(_) => return self.replace_table(),
                Present::Missing => {
                    let mut transaction =
                        Transaction::new("create table inet rbox", NFPROTO_INET, None);
                    write_table(&mut transaction);
                    match self.commit(transaction) {
                        // Somebody else made it at this moment: look again.
                        Err(error) if error.is_exists() => {}
                        other => return Ok(other?),
                    }
                }
            }
        }
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

    fn replace_table(&mut self) -> Result<(), NftError> {
        self.change("replace table inet rbox", |nft, generation| {
            let label = "replace table inet rbox";
            let mut transaction = Transaction::new(label, NFPROTO_INET, Some(generation));
            let mut kept = Vec::new();
            for set in SETS {
                let mut elements: Vec<Element> = nft.elements(set)?;
                elements.retain(|element| element.fits(set));
                kept.push((set, elements));
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
    let hook = |kind, hook, priority| {
        Some(Hook {
            kind,
            hook,
            priority,
        })
    };
    create_chain(t, TABLE, "published", None);
    create_chain(
        t,
        TABLE,
        "prerouting",
        hook("nat", NF_INET_PRE_ROUTING, PRIORITY_DSTNAT),
    );
    create_chain(
        t,
        TABLE,
        "output",
        hook("nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT),
    );
    create_chain(
        t,
        TABLE,
        "postrouting",
        hook("nat", NF_INET_POST_ROUTING, PRIORITY_SRCNAT),
    );
    create_chain(
        t,
        TABLE,
        "forward",
        hook("filter", NF_INET_FORWARD, PRIORITY_FILTER),
    );

    for family in [Family::V4, Family::V6] {
        add_rule(t, TABLE, "published", None, |r| {
            r.family(family);
            r.load_destination(family, 0);
            r.load_protocol(family.registers());
            r.load_destination_port(family.registers() + 1);
            r.map(Set::Published(family).name());
            r.dnat(family);
        });
        add_rule(t, TABLE, "published", None, |r| {
            r.family(family);
            r.load_protocol(0);
            r.load_destination_port(1);
            r.map(Set::PublishedAny(family).name());
            r.dnat(family);
        });
    }

    add_rule(t, TABLE, "prerouting", Some("served by the relay"), |r| {
        r.in_interface(Set::Relayed.name());
        r.done();
    });
    add_rule(t, TABLE, "prerouting", None, |r| {
        r.destined_here();
        r.jump("published");
    });

    add_rule(
        t,
        TABLE,
        "output",
        Some("loopback is served by the relay"),
        |r| {
            r.destined_to_loopback_v4();
            r.done();
        },
    );
    add_rule(
        t,
        TABLE,
        "output",
        Some("loopback is served by the relay"),
        |r| {
            r.destined_to_loopback_v6();
            r.done();
        },
    );
    add_rule(t, TABLE, "output", None, |r| {
        r.destined_here();
        r.jump("published");
    });

    for family in [Family::V4, Family::V6] {
        add_rule(t, TABLE, "postrouting", Some("hairpin"), |r| {
            r.family(family);
            r.load_source(family, 0);
            r.load_out_interface(family.registers());
            r.lookup(Set::Own(family).name());
            r.was_dnatted();
            r.masquerade();
        });
    }
    add_rule(
        t,
        TABLE,
        "postrouting",
        Some("containers see the client"),
        |r| {
            r.out_interface(Set::Bridges.name());
            r.done();
        },
    );
    for family in [Family::V4, Family::V6] {
        add_rule(t, TABLE, "postrouting", None, |r| {
            r.family(family);
            r.load_source(family, 0);
            r.load_destination(family, family.registers());
            r.lookup(Set::Masquerade(family).name());
            r.masquerade();
        });
    }

    add_rule(t, TABLE, "forward", None, |r| {
        r.established();
        r.accept();
    });
    add_rule(t, TABLE, "forward", Some("within a network"), |r| {
        r.load_in_interface(0);
        r.load_out_interface(4);
        r.lookup(Set::Icc.name());
        r.accept();
    });
    add_rule(t, TABLE, "forward", None, |r| {
        r.in_interface(Set::Internal.name());
        r.drop();
    });
    add_rule(t, TABLE, "forward", None, |r| {
        r.out_interface(Set::Internal.name());
        r.drop();
    });
    add_rule(t, TABLE, "forward", Some("published ports"), |r| {
        r.out_interface(Set::Bridges.name());
        r.was_dnatted();
        r.accept();
    });
    add_rule(
        t,
        TABLE,
        "forward",
        Some("unpublished ports, other networks"),
        |r| {
            r.out_interface(Set::Bridges.name());
            r.drop();
        },
    );
}
