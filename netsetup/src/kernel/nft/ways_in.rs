//! Ways in: one rule in a chain that another firewall keeps for others, so that its policy does
//! not drop what our table accepted.
//!
//! ```text
//!  forward   (filter - 2)  our policy: drops what must not pass
//!  admit     (filter - 1)  marks what is left of our traffic, unless a foreign bridge is at its
//!                          other end: who is on a bridge of Docker's is Docker's to decide
//!  FORWARD   (filter)      of iptables: … -j DOCKER-USER ─▶ marked ─▶ accept
//! ```
//!
//! The rule is the same for all networks. It is appended behind the user's own rules of that
//! chain (but before a closing `RETURN`), so that these come first, and it is written with native
//! expressions that iptables-nft reads: `-m mark --mark 0x20000000/0x20000000 -j ACCEPT`.
//!
//! A bridge may also be the host's own way out (a virtual machine's host, a router's LAN): such
//! ones are elements of the set `uplinks`.

use rustix::io::Errno;

use super::element::Element;
use super::expr::Rule;
use super::rules::rule;
use super::set::{self, Set};
use super::transaction::Transaction;
use super::wire::{
    NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFT_MSG_DELRULE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE,
    NFT_MSG_GETTABLE, NFT_MSG_NEWRULE, NFT_RETURN, NFTA_CHAIN_NAME, NFTA_CHAIN_TABLE,
    NFTA_DATA_VERDICT, NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_IMMEDIATE_DATA, NFTA_RULE_CHAIN,
    NFTA_RULE_EXPRESSIONS, NFTA_RULE_HANDLE, NFTA_RULE_POSITION, NFTA_RULE_TABLE,
    NFTA_RULE_USERDATA, NFTA_TABLE_NAME, NFTA_VERDICT_CODE, comment, message_type, nfgenmsg,
    read_comment,
};
use super::{Nft, NftError};
use crate::kernel::netlink::{ACK, Attributes, Batch, CREATE, Encoder, NetlinkError};

/// The bit of a packet's mark that says: ours, and accepted.
pub const ADMITTED: u32 = 0x2000_0000;
/// By this comment a rule is ours.
const COMMENT: &str = "rbox: accepted by table inet rbox";
/// The table where iptables-nft keeps what we look for.
const TABLE: &str = "filter";

/// A chain that another program keeps for the rules of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WayIn {
    family: u8,
    chain: &'static str,
}

impl WayIn {
    /// Docker's, for IPv4.
    pub const DOCKER: WayIn = WayIn {
        family: NFPROTO_IPV4,
        chain: "DOCKER-USER",
    };

    /// `DOCKER-USER`.
    pub fn chain(self) -> &'static str {
        self.chain
    }

    /// `ip` or `ip6`.
    pub fn family(self) -> &'static str {
        match self.family {
            NFPROTO_IPV4 => "ip",
            _ => "ip6",
        }
    }
}

/// Those that are known.
const WAYS_IN: [WayIn; 4] = [
    WayIn::DOCKER,
    WayIn {
        family: NFPROTO_IPV6,
        chain: "DOCKER-USER",
    },
    WayIn {
        family: NFPROTO_IPV4,
        chain: "ufw-user-forward",
    },
    WayIn {
        family: NFPROTO_IPV6,
        chain: "ufw6-user-forward",
    },
];

/// Which other firewalls are here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Others {
    /// Chains that are there.
    pub ways_in: Vec<WayIn>,
    /// The table `inet firewalld` is there.
    pub firewalld: bool,
}

/// What is of interest about one rule of a way in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Known {
    handle: [u8; 8],
    ours: bool,
    returns: bool,
}

impl Nft {
    /// Looks which of the known other firewalls are here. One round trip.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn others(&mut self) -> Result<Others, NftError> {
        let mut batch = Batch::default();
        for way in WAYS_IN {
            let label = format!("find chain {}", way.chain);
            let kind = message_type(NFT_MSG_GETCHAIN);
            batch.tolerant(label, kind, ACK, &[Errno::NOENT], |e| {
                e.raw(&nfgenmsg(way.family, 0));
                e.text(NFTA_CHAIN_TABLE, TABLE);
                e.text(NFTA_CHAIN_NAME, way.chain);
            });
        }
        let kind = message_type(NFT_MSG_GETTABLE);
        batch.tolerant("find table firewalld", kind, ACK, &[Errno::NOENT], |e| {
            e.raw(&nfgenmsg(NFPROTO_INET, 0));
            e.text(NFTA_TABLE_NAME, "firewalld");
        });
        let replies = self.socket.execute(batch)?;
        let answered = |number: usize| replies.iter().any(|reply| reply.request == number);
        Ok(Others {
            ways_in: (0..)
                .zip(WAYS_IN)
                .filter(|(n, _)| answered(*n))
                .map(|(_, way)| way)
                .collect(),
            firewalld: answered(WAYS_IN.len()),
        })
    }

    /// Makes the rule be there; true when it was not. One round trip when it was.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn way_in_add(&mut self, way: WayIn) -> Result<bool, NftError> {
        if self.rules_of(way)?.iter().any(|rule| rule.ours) {
            return Ok(false);
        }
        let label = format!("let marked packets pass in chain {}", way.chain);
        let mut added = false;
        self.change(&label, |nft, generation| {
            let mut transaction = Transaction::new(&label, way.family, Some(generation));
            let rules = nft.rules_of(way)?;
            added = !rules.iter().any(|rule| rule.ours);
            if added {
                let before = rules.last().filter(|rule| rule.returns);
                insert(&mut transaction, way, before.map(|rule| rule.handle));
            }
            Ok(transaction)
        })
        .or_else(unless_missing)?;
        Ok(added)
    }

    /// Takes the rules away again, unless the table knows a network that may need them: any
    /// but that of the bridge `idle`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn ways_in_remove_unused(&mut self, others: &Others, idle: &str) -> Result<(), NftError> {
        let idle = set::interface(idle);
        for way in others.ways_in.iter().copied() {
            let label = format!("take our rule out of chain {}", way.chain);
            self.change(&label, |nft, generation| {
                let mut transaction = Transaction::new(&label, way.family, Some(generation));
                let bridges = nft.elements(Set::Bridges)?;
                if bridges.iter().any(|bridge| bridge.key != idle) {
                    return Ok(transaction);
                }
                for rule in nft.rules_of(way)?.iter().filter(|rule| rule.ours) {
                    transaction.push("remove our rule", NFT_MSG_DELRULE, 0, |e| {
                        place(e, way);
                        e.bytes(NFTA_RULE_HANDLE, &rule.handle);
                    });
                }
                Ok(transaction)
            })
            .or_else(unless_missing)?;
        }
        Ok(())
    }

    /// Makes the table know which foreign bridges lead out of the host; true when that was news.
    ///
    /// # Errors
    /// The table is missing, the kernel refuses.
    pub fn uplinks_set(&mut self, bridges: &[String]) -> Result<bool, NftError> {
        let label = "say which bridges lead out";
        let mut wanted: Vec<Element> = bridges
            .iter()
            .map(|bridge| Element {
                key: set::interface(bridge).to_vec(),
                key_end: None,
                data: None,
                owner: "leads out".to_owned(),
            })
            .collect();
        wanted.sort_by(|a, b| a.key.cmp(&b.key));
        let mut changed = false;
        self.change(label, |nft, generation| {
            let mut transaction = Transaction::new(label, NFPROTO_INET, Some(generation));
            let mut present = nft.elements(Set::Uplinks)?;
            present.sort_by(|a, b| a.key.cmp(&b.key));
            changed = present != wanted;
            if changed {
                transaction.delete(Set::Uplinks, &present);
                transaction.add(Set::Uplinks, &wanted, 0);
            }
            Ok(transaction)
        })?;
        Ok(changed)
    }

    /// The rules of a way in; none when the chain is gone.
    fn rules_of(&mut self, way: WayIn) -> Result<Vec<Known>, NetlinkError> {
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(way.family, 0));
        place(&mut header, way);
        let label = format!("list chain {}", way.chain);
        let kind = message_type(NFT_MSG_GETRULE);
        match self.socket.dump(&label, kind, header.as_slice(), parse) {
            Err(error) if error.is_missing() => Ok(Vec::new()),
            other => other,
        }
    }
}

/// The rules of the chain that marks, behind our policy and before other firewalls.
pub(super) fn admit(t: &mut Transaction) {
    let bridges = Set::Bridges.name();
    let mut mark = |text: &str, fill: &dyn Fn(&mut Rule<'_>)| {
        rule(t, "admit", text, |r| {
            fill(r);
            r.mark(ADMITTED);
            // One mark is enough; later chains see the packet all the same.
            r.accept();
        });
    };
    mark("within and between ours", &|r| {
        r.in_interface(bridges);
        r.out_interface(bridges);
    });
    mark("out, but not to foreign bridges", &|r| {
        r.in_interface(bridges);
        r.not_to_a_bridge();
    });
    mark("", &|r| {
        r.in_interface(bridges);
        r.out_interface(Set::Uplinks.name());
    });
    mark("in, but not from foreign bridges", &|r| {
        r.out_interface(bridges);
        r.not_from_a_bridge();
    });
    mark("", &|r| {
        r.out_interface(bridges);
        r.in_interface(Set::Uplinks.name());
    });
}

/// The other firewall is just being stopped, or never was there.
fn unless_missing(error: NftError) -> Result<(), NftError> {
    if error.is_missing() {
        return Ok(());
    }
    Err(error)
}

fn place(e: &mut Encoder, way: WayIn) {
    e.text(NFTA_RULE_TABLE, TABLE);
    e.text(NFTA_RULE_CHAIN, way.chain);
}

fn insert(transaction: &mut Transaction, way: WayIn, before: Option<[u8; 8]>) {
    const APPEND: u16 = 0x800;
    // With a position and without APPEND it goes before that rule.
    let append = if before.is_none() { APPEND } else { 0 };
    let label = format!("add rule to {}", way.chain);
    transaction.push(label, NFT_MSG_NEWRULE, CREATE | append, |e| {
        place(e, way);
        if let Some(handle) = before {
            e.bytes(NFTA_RULE_POSITION, &handle);
        }
        e.nest(NFTA_RULE_EXPRESSIONS, |e| {
            let mut rule = Rule(e);
            rule.marked(ADMITTED);
            rule.counter();
            rule.accept();
        });
        comment(e, NFTA_RULE_USERDATA, COMMENT);
    });
}

fn parse(kind: u16, body: &[u8]) -> Option<Known> {
    if kind != message_type(NFT_MSG_NEWRULE) {
        return None;
    }
    let attributes = Attributes::after(body, 4);
    let mut returns = true;
    for (_, expression) in attributes.nested(NFTA_RULE_EXPRESSIONS) {
        let expression = Attributes::new(expression);
        let verdict = || {
            expression
                .nested(NFTA_EXPR_DATA)
                .nested(NFTA_IMMEDIATE_DATA)
                .nested(NFTA_DATA_VERDICT)
                .get_be32(NFTA_VERDICT_CODE)
        };
        returns &= match expression.get_text(NFTA_EXPR_NAME)?.as_str() {
            "counter" => true,
            "immediate" => verdict() == Some(NFT_RETURN.cast_unsigned()),
            _ => false,
        };
    }
    let text = attributes.get(NFTA_RULE_USERDATA).and_then(read_comment);
    Some(Known {
        handle: attributes.get(NFTA_RULE_HANDLE)?.try_into().ok()?,
        ours: text.as_deref() == Some(COMMENT),
        returns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fill: impl FnOnce(&mut Rule<'_>), text: Option<&str>) -> Option<Known> {
        let mut e = Encoder::default();
        e.raw(&nfgenmsg(NFPROTO_IPV4, 0));
        e.bytes(NFTA_RULE_HANDLE, &[0, 0, 0, 0, 0, 0, 0, 7]);
        e.nest(NFTA_RULE_EXPRESSIONS, |e| fill(&mut Rule(e)));
        if let Some(text) = text {
            comment(&mut e, NFTA_RULE_USERDATA, text);
        }
        parse(message_type(NFT_MSG_NEWRULE), e.as_slice())
    }

    #[test]
    fn a_closing_return_is_told_from_other_rules() {
        let closing = rule(
            |r| {
                r.counter();
                r.done();
            },
            None,
        );
        assert!(closing.is_some_and(|rule| rule.returns && !rule.ours));
        let conditional = rule(
            |r| {
                r.marked(1);
                r.done();
            },
            None,
        );
        assert!(conditional.is_some_and(|rule| !rule.returns));
        assert!(rule(|r| r.accept(), None).is_some_and(|rule| !rule.returns));
    }

    #[test]
    fn our_rule_is_known_by_its_comment() {
        assert!(rule(|r| r.accept(), Some(COMMENT)).is_some_and(|rule| rule.ours));
        assert!(rule(|r| r.accept(), Some("rbox")).is_some_and(|rule| !rule.ours));
    }

    #[test]
    fn senseless_answers_are_no_rules() {
        assert_eq!(parse(message_type(NFT_MSG_NEWRULE), &[1, 2]), None);
        assert_eq!(parse(0, &[0; 64]), None);
    }
}
