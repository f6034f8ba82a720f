//! Tables, chains and rules as parts of a transaction.

use super::expr::Rule;
use super::transaction::Transaction;
use super::wire::{
    NF_ACCEPT, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE, NFT_MSG_NEWTABLE,
    NFTA_CHAIN_HOOK, NFTA_CHAIN_NAME, NFTA_CHAIN_POLICY, NFTA_CHAIN_TABLE, NFTA_CHAIN_TYPE,
    NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_TABLE,
    NFTA_RULE_USERDATA, NFTA_TABLE_NAME, NFTA_TABLE_USERDATA, comment,
};
use crate::kernel::netlink::{CREATE, EXCL};

/// Before connections are tracked.
pub(super) const PRIORITY_RAW: i32 = -300;
/// Destination NAT comes before routing.
pub(super) const PRIORITY_DSTNAT: i32 = -100;
/// Filters see packets after destination NAT.
pub(super) const PRIORITY_FILTER: i32 = 0;
/// Source NAT comes last.
pub(super) const PRIORITY_SRCNAT: i32 = 100;

/// Where a base chain sits.
pub(super) struct Hook {
    pub kind: &'static str,
    pub hook: u32,
    pub priority: i32,
}

/// Appends a table's creation, an error when there is one.
pub(super) fn create_table(t: &mut Transaction, name: &str, text: Option<&str>) {
    t.push(
        format!("create table {name}"),
        NFT_MSG_NEWTABLE,
        CREATE | EXCL,
        |e| {
            e.text(NFTA_TABLE_NAME, name);
            if let Some(text) = text {
                comment(e, NFTA_TABLE_USERDATA, text);
            }
        },
    );
}

/// Appends a table's deletion, an error when there is none.
pub(super) fn delete_table(t: &mut Transaction, name: &str) {
    t.push(format!("delete table {name}"), NFT_MSG_DELTABLE, 0, |e| {
        e.text(NFTA_TABLE_NAME, name);
    });
}

/// Appends a chain's creation: a base chain when it has a hook, with policy accept.
pub(super) fn create_chain(t: &mut Transaction, table: &str, name: &str, hook: Option<Hook>) {
    t.push(
        format!("create chain {name} in {table}"),
        NFT_MSG_NEWCHAIN,
        CREATE,
        |e| {
            e.text(NFTA_CHAIN_TABLE, table);
            e.text(NFTA_CHAIN_NAME, name);
            if let Some(hook) = hook {
                e.nest(NFTA_CHAIN_HOOK, |e| {
                    e.be32(NFTA_HOOK_HOOKNUM, hook.hook);
                    e.bytes(NFTA_HOOK_PRIORITY, &hook.priority.to_be_bytes());
                });
                e.text(NFTA_CHAIN_TYPE, hook.kind);
                e.bytes(NFTA_CHAIN_POLICY, &NF_ACCEPT.to_be_bytes());
            }
        },
    );
}

/// Appends a rule at the end of a chain.
pub(super) fn add_rule(
    t: &mut Transaction,
    table: &str,
    chain: &str,
    text: Option<&str>,
    fill: impl FnOnce(&mut Rule<'_>),
) {
    const APPEND: u16 = 0x800;
    let label = format!("add rule to {chain} in {table}");
    t.push(label, NFT_MSG_NEWRULE, CREATE | APPEND, |e| {
        e.text(NFTA_RULE_TABLE, table);
        e.text(NFTA_RULE_CHAIN, chain);
        e.nest(NFTA_RULE_EXPRESSIONS, |e| fill(&mut Rule(e)));
        if let Some(text) = text {
            comment(e, NFTA_RULE_USERDATA, text);
        }
    });
}
