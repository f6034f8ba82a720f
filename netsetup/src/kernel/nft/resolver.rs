//! The table `ip rbox-resolver` of a sandbox: port 53 of 127.0.0.11 leads to the resolver's
//! random ports, so that the container can run a server of its own on port 53.
//!
//! Port numbers are rewritten packet by packet, there and back, where NAT would need one rule: NAT
//! makes the kernel track every connection of the container, which adds a tenth to each packet's
//! way from one container to another. Where the container tracks connections for rules of its own,
//! these see the resolver's ports in both directions: queries are rewritten before, answers after.

use std::net::Ipv4Addr;

use super::chain::{
    Hook, PRIORITY_RAW, PRIORITY_SRCNAT, add_rule, create_chain, create_table, delete_table,
};
use super::expr::Rule;
use super::expr::port::Port;
use super::transaction::Transaction;
use super::wire::{
    NF_INET_LOCAL_OUT, NFPROTO_IPV4, NFT_MSG_GETRULE, NFT_MSG_NEWRULE, NFTA_RULE_TABLE,
    message_type, nfgenmsg,
};
use super::{Nft, NftError};
use crate::kernel::netlink::Encoder;
use crate::model::port::Protocol;

const TABLE: &str = "rbox-resolver";
const QUERIES: &str = "queries";
const ANSWERS: &str = "answers";
const DNS: u16 = 53;
/// Where containers find the resolver.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

impl Nft {
    /// Leads 127.0.0.11 port 53 to these ports of 127.0.0.11, in the socket's namespace, which
    /// must be the sandbox's ([`Nft::open_in`]). An older redirection is replaced.
    ///
    /// # Errors
    /// The kernel refuses (no nf_tables).
    pub fn resolver_redirect(&mut self, udp: u16, tcp: u16) -> Result<(), NftError> {
        match self.commit(redirect(udp, tcp, false)) {
            Err(error) if error.is_exists() => Ok(self.commit(redirect(udp, tcp, true))?),
            other => Ok(other?),
        }
    }

    /// Whether the redirection is there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn resolver_redirected(&mut self) -> Result<bool, NftError> {
        let mut header = Encoder::default();
        header.raw(&nfgenmsg(NFPROTO_IPV4, 0));
        header.text(NFTA_RULE_TABLE, TABLE);
        let kind = message_type(NFT_MSG_GETRULE);
        let rule = |kind, _: &[u8]| (kind == message_type(NFT_MSG_NEWRULE)).then_some(());
        let rules = self
            .socket
            .dump("list table rbox-resolver", kind, header.as_slice(), rule);
        match rules {
            Ok(rules) => Ok(!rules.is_empty()),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn redirect(udp: u16, tcp: u16, replace: bool) -> Transaction {
    let mut t = Transaction::new("redirect 127.0.0.11 port 53", NFPROTO_IPV4, None);
    if replace {
        delete_table(&mut t, TABLE);
    }
    create_table(&mut t, TABLE, None);
    let hook = |priority| Hook {
        kind: "filter",
        hook: NF_INET_LOCAL_OUT,
        priority,
    };
    create_chain(&mut t, TABLE, QUERIES, Some(hook(PRIORITY_RAW)));
    create_chain(&mut t, TABLE, ANSWERS, Some(hook(PRIORITY_SRCNAT)));
    for (protocol, port) in [(Protocol::Udp, udp), (Protocol::Tcp, tcp)] {
        add_rule(&mut t, TABLE, QUERIES, None, |r: &mut Rule<'_>| {
            r.destined_to(ADDRESS);
            r.has_port(protocol, Port::Destination, DNS);
            r.set_port(protocol, Port::Destination, port);
        });
        add_rule(&mut t, TABLE, ANSWERS, None, |r: &mut Rule<'_>| {
            r.sent_from(ADDRESS);
            r.has_port(protocol, Port::Source, port);
            r.set_port(protocol, Port::Source, DNS);
        });
    }
    t
}
